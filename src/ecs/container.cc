// The service's own container: what of it is the service's, beyond what all containers have.
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

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
  const std::string command = join(texts_of(check.list("command")), " ");
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

void read_order(Fields& in) {
  if (!in.list("dependsOn").empty())
    in.kept("dependsOn", "sidecars that run first or around it, in their order");
}

}  // namespace

void read_container(Fields& in, Draft& draft) {
  read_ports(in, draft);
  read_program(in, draft, draft.program);
  read_health_check(in, draft);
  read_order(in);
  if (const std::int64_t stop = in.number("stopTimeout").value_or(0); stop > 0) {
    draft.stop_seconds = stop;
    in.kept("stopTimeout", fmt::format("stop.timeout: {}s, after a drain of 10s", stop));
  }
  in.lose("restartPolicy", "containers that end are always started again");
  in.ignore({"essential"});
  in.finish();
}

}  // namespace minato::ecs
