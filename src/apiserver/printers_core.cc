#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apiserver/table.h"
#include "base/strings.h"
#include "kube/display.h"
#include "kube/names.h"
#include "kube/types/config.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "kube/types/service.h"

namespace minato::apiserver {

using kube::Object;

namespace {

// "2", or "2 (5m ago)" when it is known when the last one was.
std::string restarts_text(const kube::Pod& pod, std::int32_t restarts, WallTime now) {
  WallTime last{};
  for (const auto* statuses :
       {&pod.status.container_statuses, &pod.status.init_container_statuses}) {
    for (const kube::ContainerStatus& status : *statuses) {
      const auto& terminated = status.last_state.terminated;
      if (terminated) last = std::max<WallTime>(last, terminated->finished_at);
    }
  }
  if (restarts == 0 || !is_set(last)) return std::to_string(restarts);
  return fmt::format("{} ({} ago)", restarts, format_age(now - last));
}

std::string readiness_gates(const kube::Pod& pod) {
  if (pod.spec.readiness_gates.empty()) return "<none>";
  std::size_t met = 0;
  for (const kube::PodReadinessGate& gate : pod.spec.readiness_gates) {
    met += kube::is_condition_true(pod, gate.condition_type);
  }
  return fmt::format("{}/{}", met, pod.spec.readiness_gates.size());
}

constexpr Column kPodColumns[] = {{"Name"},
                                  {"Ready"},
                                  {"Status"},
                                  {"Restarts"},
                                  {"Age"},
                                  {"IP", "string", 1},
                                  {"Node", "string", 1},
                                  {"Nominated Node", "string", 1},
                                  {"Readiness Gates", "string", 1}};

void print_pod(const Object& object, WallTime now, Cells& cells) {
  const auto& pod = kube::as<kube::Pod>(object);
  const kube::PodDisplay shown = kube::display(pod);
  cells.text(pod.metadata.name);
  cells.text(shown.ready);
  cells.text(shown.status);
  cells.text(restarts_text(pod, shown.restarts, now));
  cells.text(age_of(pod.metadata.creation_timestamp, now));
  cells.text(or_none(pod.status.pod_ip));
  cells.text(or_none(pod.spec.node_name));
  cells.text(or_none(pod.status.nominated_node_name));
  cells.text(readiness_gates(pod));
}

std::string roles_of(const kube::Node& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  for (const auto& [key, value] : node.metadata.labels) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size())
      roles.insert(key.substr(kPrefix.size()));
    if (key == "kubernetes.io/role" && !value.empty()) roles.insert(value);
  }
  return roles.empty() ? "<none>" : join({roles.begin(), roles.end()}, ",");
}

std::string address_of(const kube::Node& node, std::string_view type) {
  const auto found = std::ranges::find(node.status.addresses, type, &kube::NodeAddress::type);
  return found == node.status.addresses.end() ? "<none>" : found->address;
}

std::string or_unknown(const std::string& text) { return text.empty() ? "<unknown>" : text; }

constexpr Column kNodeColumns[] = {{"Name"},
                                   {"Status"},
                                   {"Roles"},
                                   {"Age"},
                                   {"Version"},
                                   {"Internal-IP", "string", 1},
                                   {"External-IP", "string", 1},
                                   {"OS-Image", "string", 1},
                                   {"Kernel-Version", "string", 1},
                                   {"Container-Runtime", "string", 1}};

void print_node(const Object& object, WallTime now, Cells& cells) {
  const auto& node = kube::as<kube::Node>(object);
  cells.text(node.metadata.name);
  cells.text(kube::display_status(node));
  cells.text(roles_of(node));
  cells.text(age_of(node.metadata.creation_timestamp, now));
  cells.text(node.status.node_info.kubelet_version);
  cells.text(address_of(node, "InternalIP"));
  cells.text(address_of(node, "ExternalIP"));
  cells.text(or_unknown(node.status.node_info.os_image));
  cells.text(or_unknown(node.status.node_info.kernel_version));
  cells.text(or_unknown(node.status.node_info.container_runtime_version));
}

constexpr Column kServiceColumns[] = {
    {"Name"},    {"Type"}, {"Cluster-IP"},           {"External-IP"},
    {"Port(s)"}, {"Age"},  {"Selector", "string", 1}};

std::string external_ip(const kube::Service& service) {
  if (service.spec.type == "ExternalName") return service.spec.external_name;
  std::vector<std::string> out;
  for (const kube::LoadBalancerIngress& ingress : service.status.load_balancer.ingress) {
    out.push_back(ingress.ip.empty() ? ingress.hostname : ingress.ip);
  }
  out.insert(out.end(), service.spec.external_ips.begin(), service.spec.external_ips.end());
  if (!out.empty()) return join(out, ",");
  return service.spec.type == "LoadBalancer" ? "<pending>" : "<none>";
}

std::string ports_text(const kube::Service& service) {
  std::vector<std::string> out;
  for (const kube::ServicePort& port : service.spec.ports) {
    out.push_back(port.node_port > 0
                      ? fmt::format("{}:{}/{}", port.port, port.node_port, port.protocol)
                      : fmt::format("{}/{}", port.port, port.protocol));
  }
  return out.empty() ? "<none>" : join(out, ",");
}

void print_service(const Object& object, WallTime now, Cells& cells) {
  const auto& service = kube::as<kube::Service>(object);
  cells.text(service.metadata.name);
  cells.text(service.spec.type);
  cells.text(or_none(service.spec.cluster_ip));
  cells.text(external_ip(service));
  cells.text(ports_text(service));
  cells.text(age_of(service.metadata.creation_timestamp, now));
  cells.text(labels_text(service.spec.selector));
}

constexpr Column kConfigMapColumns[] = {{"Name"}, {"Data", "integer"}, {"Age"}};

void print_config_map(const Object& object, WallTime now, Cells& cells) {
  const auto& map = kube::as<kube::ConfigMap>(object);
  cells.text(map.metadata.name);
  cells.number(static_cast<std::int64_t>(map.data.size() + map.binary_data.size()));
  cells.text(age_of(map.metadata.creation_timestamp, now));
}

constexpr Column kSecretColumns[] = {{"Name"}, {"Type"}, {"Data", "integer"}, {"Age"}};

void print_secret(const Object& object, WallTime now, Cells& cells) {
  const auto& secret = kube::as<kube::Secret>(object);
  cells.text(secret.metadata.name);
  cells.text(secret.type);
  cells.number(static_cast<std::int64_t>(secret.data.size()));
  cells.text(age_of(secret.metadata.creation_timestamp, now));
}

constexpr Column kNamespaceColumns[] = {{"Name"}, {"Status"}, {"Age"}};

void print_namespace(const Object& object, WallTime now, Cells& cells) {
  const auto& space = kube::as<kube::Namespace>(object);
  cells.text(space.metadata.name);
  cells.text(space.status.phase);
  cells.text(age_of(space.metadata.creation_timestamp, now));
}

constexpr Column kServiceAccountColumns[] = {{"Name"}, {"Secrets", "integer"}, {"Age"}};

void print_service_account(const Object& object, WallTime now, Cells& cells) {
  const auto& account = kube::as<kube::ServiceAccount>(object);
  cells.text(account.metadata.name);
  cells.number(static_cast<std::int64_t>(account.secrets.size()));
  cells.text(age_of(account.metadata.creation_timestamp, now));
}

constexpr Column kEventColumns[] = {{"Last Seen"},
                                    {"Type"},
                                    {"Reason"},
                                    {"Object"},
                                    {"Subobject", "string", 1},
                                    {"Source", "string", 1},
                                    {"Message"},
                                    {"First Seen", "string", 1},
                                    {"Count", "integer", 1},
                                    {"Name", "string", 1}};

void print_event(const Object& object, WallTime now, Cells& cells) {
  const auto& event = kube::as<kube::Event>(object);
  const WallTime first =
      is_set(event.first_timestamp) ? WallTime(event.first_timestamp) : WallTime(event.event_time);
  WallTime last = is_set(event.last_timestamp) ? WallTime(event.last_timestamp) : first;
  std::int64_t count = event.count;
  if (event.series) {
    last = event.series->last_observed_time;
    count = event.series->count;
  }
  const kube::ObjectReference& about = event.involved_object;
  cells.text(age_of(last, now));
  cells.text(event.type);
  cells.text(event.reason);
  cells.text(about.name.empty() ? to_lower(about.kind) : to_lower(about.kind) + "/" + about.name);
  cells.text(about.field_path);
  const std::string& component =
      event.source.component.empty() ? event.reporting_component : event.source.component;
  cells.text(event.source.host.empty() ? component : component + ", " + event.source.host);
  cells.text(trim(event.message));
  cells.text(age_of(first, now));
  cells.number(std::max<std::int64_t>(count, 1));
  cells.text(event.metadata.name);
}

}  // namespace

Printer core_printer(const kube::Kind& kind) {
  if (kind == kube::Pod::static_kind()) return {kPodColumns, &print_pod};
  if (kind == kube::Node::static_kind()) return {kNodeColumns, &print_node};
  if (kind == kube::Service::static_kind()) return {kServiceColumns, &print_service};
  if (kind == kube::ConfigMap::static_kind()) return {kConfigMapColumns, &print_config_map};
  if (kind == kube::Secret::static_kind()) return {kSecretColumns, &print_secret};
  if (kind == kube::Namespace::static_kind()) return {kNamespaceColumns, &print_namespace};
  if (kind == kube::ServiceAccount::static_kind()) {
    return {kServiceAccountColumns, &print_service_account};
  }
  if (kind == kube::Event::static_kind()) return {kEventColumns, &print_event};
  return {};
}

}  // namespace minato::apiserver
