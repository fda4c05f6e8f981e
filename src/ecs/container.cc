#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

std::vector<std::string> texts(const json::array& list) {
  std::vector<std::string> out;
  for (const json::value& item : list) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

void read_ports(Fields& in, Draft& draft) {
  const json::array& ports = in.list("portMappings");
  if (ports.empty()) return;
  std::vector<std::string> others;
  for (const json::value& value : ports) {
    std::vector<Entry> unused;
    Fields mapping(value, "", unused);
    const std::int64_t port = mapping.number("containerPort").value_or(0);
    const bool wanted = draft.main_port == 0 || port == draft.main_port;
    if (draft.port == 0 && wanted && port != 0 && mapping.text("protocol") != "udp")
      draft.port = port;
    else
      others.push_back(port != 0 ? std::to_string(port) : mapping.text("containerPortRange"));
  }
  in.changed("portMappings",
             fmt::format("port: {}; on the nodes it is NodePort 30080 instead of a host port",
                         draft.port));
  if (!others.empty())
    in.lost("portMappings", "one port only is served; not: " + join(others, ", "));
}

// Rule: Amazon ECS Developer Guide, "Pass secrets through environment variables".
std::string secret_source(std::string_view from, std::string& lost) {
  constexpr std::string_view kParameter = ":parameter/";
  if (!from.starts_with("arn:")) return "ssm:" + std::string(from);
  if (const std::size_t at = from.find(kParameter); at != std::string_view::npos) {
    return "ssm:" + std::string(from.substr(at + kParameter.size() - 1));
  }
  const std::vector<std::string> parts = split(from, ':');
  if (parts.size() < 7 || parts[2] != "secretsmanager") return "";
  std::string out = "secretsmanager:" + join({parts.begin(), parts.begin() + 7}, ":");
  if (parts.size() > 7 && !parts[7].empty()) out += "#" + parts[7];
  if (parts.size() > 8 && !parts[8].empty() && parts[8] != "AWSCURRENT")
    lost = "the version stage " + parts[8];
  if (parts.size() > 9 && !parts[9].empty()) lost = "the version " + parts[9];
  return out;
}

void read_environment(Fields& in, Draft& draft) {
  for (const json::value& value : in.list("environment")) {
    std::vector<Entry> unused;
    Fields pair(value, "", unused);
    if (std::string name = pair.text("name"); !name.empty())
      draft.env.emplace_back(std::move(name), pair.text("value"));
  }
  if (!draft.env.empty())
    in.kept("environment", fmt::format("env: {} variables", draft.env.size()));
  for (const json::value& value : in.list("secrets")) {
    std::vector<Entry> unused;
    Fields pair(value, "", unused);
    const std::string name = pair.text("name"), from = pair.text("valueFrom");
    std::string lost;
    const std::string source = secret_source(from, lost);
    const std::string field = fmt::format("secrets[{}]", name);
    if (source.empty()) {
      in.lost(field, fmt::format("'{}' is in neither SSM nor Secrets Manager", from));
      continue;
    }
    draft.secrets.emplace_back(name, source);
    if (draft.region.empty()) draft.region = region_of(from);
    if (lost.empty())
      in.kept(field, "secrets: " + source);
    else
      in.changed(field, fmt::format("secrets: {}; {} is not pinned, the current one is taken",
                                    source, lost));
  }
  in.lose("environmentFiles", "files on S3 are not read; put their variables into env");
}

// "/health" of "curl -f http://localhost:8080/health || exit 1"; "" where it asks for no page here.
std::string local_path(std::string_view command) {
  for (const std::string_view host : {"://localhost", "://127.0.0.1", "://0.0.0.0"}) {
    const std::size_t at = command.find(host);
    if (at == std::string_view::npos) continue;
    std::string_view rest = command.substr(at + host.size());
    rest = rest.substr(0, rest.find_first_of(" \t\"'|;"));
    const std::size_t slash = rest.find('/');
    return slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  }
  return "";
}

void read_health_check(Fields& in, Draft& draft) {
  const json::value& value = in.object("healthCheck");
  if (value.is_null()) return;
  std::vector<Entry> unused;
  Fields check(value, "", unused);
  const std::string command = join(texts(check.list("command")), " ");
  const std::string path = local_path(command);
  if (path.empty()) {
    in.lost("healthCheck",
            fmt::format("'{}' asks for no page of the service; minato checks 'health' over HTTP",
                        command));
  } else {
    if (draft.health.empty()) draft.health = path;
    in.changed(
        "healthCheck",
        fmt::format("health: {}, asked for by the node; its interval and retries are minato's",
                    path));
  }
  const std::int64_t start = check.number("startPeriod").value_or(0);
  if (start > 0) draft.startup_seconds = std::max(draft.startup_seconds, start);
}

void read_log(Fields& in) {
  const json::value& value = in.object("logConfiguration");
  if (value.is_null()) return;
  std::vector<Entry> unused;
  Fields log(value, "", unused);
  const std::string driver = log.text("logDriver");
  if (driver == "awslogs") {
    in.changed(
        "logConfiguration",
        "standard output goes to CloudWatch, to the log group of the cluster's application logs");
  } else {
    in.lost(
        "logConfiguration",
        fmt::format(
            "the log driver {} does not exist on Kubernetes; standard output goes to CloudWatch",
            driver));
  }
}

void read_resources(Fields& in, Draft& draft) {
  if (const std::int64_t cpu = in.number("cpu").value_or(0); cpu > 0) {
    draft.cpu_milli = std::max<std::int64_t>(1, cpu * 1000 / 1024);
    in.kept("cpu",
            fmt::format("cpu: {}m, as a request: free CPU may be used beyond it", draft.cpu_milli));
  }
  const std::int64_t hard = in.number("memory").value_or(0),
                     soft = in.number("memoryReservation").value_or(0);
  if (hard > 0 || soft > 0) draft.memory_mib = hard > 0 ? hard : soft;
  if (hard > 0) in.kept("memory", fmt::format("memory: {}Mi", hard));
  if (soft > 0 && hard > 0)
    in.changed("memoryReservation",
               fmt::format("memory: {}Mi is both asked for and the bound", hard));
  if (soft > 0 && hard == 0)
    in.changed("memoryReservation", fmt::format("memory: {}Mi, which is now also the bound", soft));
}

void lose_the_rest(Fields& in) {
  in.lose("ulimits",
          "limits are those of the node; raise them for all Pods in "
          "terraform/templates/user-data.tftpl (containerd.baseRuntimeSpec)");
  in.lose("mountPoints",
          "no volumes; use a bucket or a database, or mount EFS in a Pod of your own");
  in.lose("volumesFrom", "no volumes");
  in.lose("dependsOn",
          "one container per Pod; wait in the service itself until what it needs answers");
  in.lose("links", "containers of one Pod reach each other on localhost; Pods do through Services");
  in.lose("linuxParameters",
          "no capabilities, devices or swap; an init process is not needed where the service reaps "
          "its children");
  in.lose("user", "the image's own user; set USER in its Dockerfile");
  in.lose("privileged", "privileged containers are not supported");
  in.lose("dockerLabels", "the Pod has minato's labels");
  in.lose("repositoryCredentials", "nodes pull with their own role; mirror the image into ECR");
  in.lose("resourceRequirements", "no GPUs");
  in.lose("firelensConfiguration", "logs go to CloudWatch by the cluster's agent");
  in.lose("systemControls", "kernel settings are those of the node");
  in.lose("extraHosts", "names come from DNS");
  in.lose("hostname", "the Pod's name is its host name");
  in.lose("startTimeout", "startup bounds how long a start may take");
  in.lose("workingDirectory", "the image's own; set WORKDIR in its Dockerfile");
  in.lose("restartPolicy", "containers that end are always started again");
  in.ignore({"name", "essential", "interactive", "pseudoTerminal", "versionConsistency"});
}

}  // namespace

void read_container(Fields& in, Draft& draft) {
  draft.image = in.text("image");
  in.kept("image", "image: " + draft.image);
  read_ports(in, draft);
  read_resources(in, draft);
  draft.command = texts(in.list("entryPoint"));
  if (!draft.command.empty()) in.kept("entryPoint", "command");
  draft.args = texts(in.list("command"));
  if (!draft.args.empty()) in.kept("command", "args");
  read_environment(in, draft);
  read_health_check(in, draft);
  if (const std::int64_t stop = in.number("stopTimeout").value_or(0); stop > 0) {
    draft.stop_seconds = stop;
    in.kept("stopTimeout", fmt::format("stop.timeout: {}s, after a drain of 10s", stop));
  }
  draft.read_only_root = in.flag("readonlyRootFilesystem");
  if (draft.read_only_root) in.kept("readonlyRootFilesystem", "read_only_root: true");
  read_log(in);
  lose_the_rest(in);
  in.finish();
}

}  // namespace minato::ecs
