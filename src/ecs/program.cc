// What containers have in common: image, command, size, variables, user, mounts.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

// What a container of Amazon ECS has unless its definition says otherwise.
// Rule: Amazon ECS API Reference, KernelCapabilities; moby/moby daemon/pkg/oci/caps/defaults.go.
constexpr auto kDockerCapabilities = std::to_array<std::string_view>(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
     "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"});

void read_size(Fields& in, Program& out) {
  if (const std::int64_t cpu = in.number("cpu").value_or(0); cpu > 0) {
    out.cpu_milli = std::max<std::int64_t>(1, cpu * 1000 / 1024);
    in.kept("cpu",
            fmt::format("cpu: {}m, as a request: free CPU may be used beyond it", out.cpu_milli));
  }
  const std::int64_t hard = in.number("memory").value_or(0),
                     soft = in.number("memoryReservation").value_or(0);
  if (hard > 0 || soft > 0) out.memory_mib = hard > 0 ? hard : soft;
  if (hard > 0) in.kept("memory", fmt::format("memory: {}Mi", hard));
  if (soft > 0 && hard > 0)
    in.changed("memoryReservation",
               fmt::format("memory: {}Mi is both asked for and the bound", hard));
  if (soft > 0 && hard == 0)
    in.changed("memoryReservation", fmt::format("memory: {}Mi, which is now also the bound", soft));
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

void read_secret(const json::value& value, Fields& in, Draft& draft, Program& out) {
  const std::string name = text_of(value, "name"), from = text_of(value, "valueFrom");
  const std::string field = fmt::format("secrets[{}]", name);
  std::string lost;
  const std::string source = secret_source(from, lost);
  if (source.empty()) {
    in.lost(field, fmt::format("'{}' is in neither SSM nor Secrets Manager", from));
    return;
  }
  const auto known =
      std::ranges::find(draft.secrets, name, &std::pair<std::string, std::string>::first);
  if (known != draft.secrets.end() && known->second != source) {
    in.lost(field, fmt::format("another container's secret of that name is {}; rename one of them",
                               known->second));
    return;
  }
  if (known == draft.secrets.end()) draft.secrets.emplace_back(name, source);
  out.secrets.push_back(name);
  if (draft.region.empty()) draft.region = region_of(from);
  if (lost.empty())
    in.kept(field, "secrets: " + source);
  else
    in.changed(field, fmt::format("secrets: {}; {} is not pinned, the current one is taken", source,
                                  lost));
}

void read_environment(Fields& in, Draft& draft, Program& out) {
  for (const json::value& value : in.list("environment")) {
    if (std::string name = text_of(value, "name"); !name.empty())
      out.env.emplace_back(std::move(name), text_of(value, "value"));
  }
  if (!out.env.empty()) in.kept("environment", fmt::format("env: {} variables", out.env.size()));
  for (const json::value& value : in.list("secrets")) read_secret(value, in, draft, out);
  in.lose("environmentFiles", "files on S3 are not read; put their variables into env");
}

void read_user(Fields& in, Program& out) {
  const std::string user = in.text("user");
  if (user.empty()) return;
  const std::string number = user == "root" ? "0" : user;
  if (number.find_first_not_of("0123456789:") != std::string::npos) {
    in.lost("user",
            fmt::format("'{}' is a name, which a cluster does not know; say its number in 'user'",
                        user));
    return;
  }
  out.user = number;
  in.kept("user", "user: " + number);
}

void read_capabilities(const json::value& value, Fields& in, Program& out) {
  if (says_nothing(value)) return;
  std::vector<Entry> unused;
  Fields capabilities(value, "", unused);
  const std::vector<std::string> drop = texts_of(capabilities.list("drop")),
                                 add = texts_of(capabilities.list("add"));
  const auto has = [](const std::vector<std::string>& list, std::string_view name) {
    return std::ranges::find(list, name) != list.end();
  };
  std::vector<std::string> left;
  for (const std::string_view name : kDockerCapabilities) {
    if (!has(drop, "ALL") && !has(drop, name)) left.emplace_back(name);
  }
  for (const std::string& name : add) {
    if (name != "ALL" && !has(left, name)) left.push_back(name);
  }
  if (has(add, "ALL"))
    in.lost("linuxParameters.capabilities.add",
            "all of them is privileged, which is not supported");
  in.kept("linuxParameters.capabilities",
          left.empty() ? "capabilities: []" : fmt::format("capabilities: {}", join(left, ", ")));
  out.capabilities = std::move(left);
}

// A volume that no other container has, and its name.
std::string add_memory_volume(const std::string& wanted, std::int64_t mib, const std::string& path,
                              Draft& draft, Program& out) {
  std::string name = wanted;
  for (int i = 2; draft.volumes.contains(name); ++i) name = fmt::format("{}-{}", wanted, i);
  draft.volumes[name] = {std::max<std::int64_t>(1, mib), true};
  out.mounts.emplace_back(path, name);
  return name;
}

void read_linux_parameters(Fields& in, Draft& draft, Program& out) {
  const json::value& value = in.object("linuxParameters");
  if (says_nothing(value)) return;
  std::vector<Entry> unused;
  Fields linux_part(value, "", unused);
  read_capabilities(linux_part.object("capabilities"), in, out);
  for (const json::value& each : linux_part.list("tmpfs")) {
    const std::string path = text_of(each, "containerPath");
    Fields tmpfs(each, "", unused);
    const std::string name = add_memory_volume(service_name("memory" + path),
                                               tmpfs.number("size").value_or(0), path, draft, out);
    in.kept(fmt::format("linuxParameters.tmpfs[{}]", path),
            fmt::format("volumes.{}, in memory", name));
  }
  if (const std::int64_t mib = linux_part.number("sharedMemorySize").value_or(0); mib > 0) {
    const std::string name = add_memory_volume("shared-memory", mib, "/dev/shm", draft, out);
    in.kept("linuxParameters.sharedMemorySize",
            fmt::format("volumes.{}, in memory, at /dev/shm", name));
  }
  if (linux_part.flag("initProcessEnabled"))
    in.lost("linuxParameters.initProcessEnabled",
            "the process is number 1 of its container: it, or an init of its image, reaps its "
            "children");
  for (const char* name : {"devices", "maxSwap", "swappiness"}) {
    if (const json::value* said = linux_part.take(name); said != nullptr && !says_nothing(*said))
      in.lost(fmt::format("linuxParameters.{}", name), "no devices and no swap");
  }
}

void read_mounts(Fields& in, Draft& draft, Program& out) {
  for (const json::value& each : in.list("mountPoints")) {
    const std::string volume = service_name(text_of(each, "sourceVolume")),
                      path = text_of(each, "containerPath");
    const std::string field = fmt::format("mountPoints[{}]", path);
    if (!draft.volumes.contains(volume)) {
      in.lost(field, fmt::format("the volume {} is lost", text_of(each, "sourceVolume")));
      continue;
    }
    out.mounts.emplace_back(path, volume);
    std::vector<Entry> unused;
    if (Fields(each, "", unused).flag("readOnly"))
      in.changed(field, fmt::format("mounts: {} at {}, writable", volume, path));
    else
      in.kept(field, fmt::format("mounts: {} at {}", volume, path));
  }
}

void read_log(Fields& in) {
  const json::value& value = in.object("logConfiguration");
  if (value.is_null()) return;
  const std::string driver = text_of(value, "logDriver");
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

void lose_the_rest(Fields& in) {
  in.lose("ulimits",
          "limits are those of the node; raise them for all Pods in "
          "terraform/templates/user-data.tftpl (containerd.baseRuntimeSpec)");
  in.lose("volumesFrom", "containers share 'volumes' by mounting them");
  in.lose("links", "containers of one Pod reach each other on localhost; Pods do through Services");
  in.lose("privileged", "privileged containers are not supported");
  in.lose("dockerLabels", "the Pod has minato's labels");
  in.lose("dockerSecurityOptions", "Pods have the runtime's own profile");
  in.lose("repositoryCredentials", "nodes pull with their own role; mirror the image into ECR");
  in.lose("resourceRequirements", "no GPUs");
  in.lose("firelensConfiguration", "logs go to CloudWatch by the cluster's agent");
  in.lose("systemControls", "kernel settings are those of the node");
  in.lose("extraHosts", "names come from DNS");
  in.lose("dnsServers", "names come from the cluster's DNS");
  in.lose("dnsSearchDomains", "names come from the cluster's DNS");
  in.lose("disableNetworking", "each Pod has an address");
  in.lose("hostname", "the Pod's name is its host name");
  in.lose("startTimeout", "startup bounds how long a start may take");
  in.lose("workingDirectory", "the image's own; set WORKDIR in its Dockerfile");
  in.ignore({"name", "interactive", "pseudoTerminal", "versionConsistency"});
}

}  // namespace

std::string text_of(const json::value& object, std::string_view member) {
  const json::object* members = object.if_object();
  const json::value* value = members == nullptr ? nullptr : members->if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::vector<std::string> texts_of(const json::array& list) {
  std::vector<std::string> out;
  for (const json::value& item : list) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

void read_program(Fields& in, Draft& draft, Program& out) {
  out.image = in.text("image");
  in.kept("image", "image: " + out.image);
  read_size(in, out);
  out.command = texts_of(in.list("entryPoint"));
  if (!out.command.empty()) in.kept("entryPoint", "command");
  out.args = texts_of(in.list("command"));
  if (!out.args.empty()) in.kept("command", "args");
  read_environment(in, draft, out);
  read_user(in, out);
  out.read_only_root = in.flag("readonlyRootFilesystem");
  if (out.read_only_root) in.kept("readonlyRootFilesystem", "read_only_root: true");
  read_linux_parameters(in, draft, out);
  read_mounts(in, draft, out);
  read_log(in);
  lose_the_rest(in);
}

}  // namespace minato::ecs
