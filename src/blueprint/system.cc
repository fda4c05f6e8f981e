#include "blueprint/system.h"

#include <map>

#include "blueprint/objects.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/policy.h"
#include "kube/types/service.h"

namespace minato::blueprint {
namespace {

constexpr std::int32_t kReplicas = 2;
constexpr std::string_view kHostsPath = "/run/minato/hosts";
constexpr std::string_view kAgentPath = "/run/minato/agent";

struct Role {
  std::string_view name;
  std::int64_t cpu_milli;
  std::int64_t memory_mib;
};
constexpr Role kDns{kRoleDns, 100, 70};
constexpr Role kMetrics{kRoleMetrics, 100, 200};
constexpr Role kController{kRoleController, 100, 128};
constexpr Role kAgent{kRoleAgent, 10, 32};

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::map<std::string, std::string> labels_of(const Role& role) {
  return {{std::string(kLabelRole), std::string(role.name)},
          {"app.kubernetes.io/managed-by", "minato"}};
}

template <class T>
T named(const Role& role, std::string name) {
  T out;
  out.metadata.name = std::move(name);
  out.metadata.namespace_ = kube::kNamespaceSystem;
  out.metadata.labels = labels_of(role);
  return out;
}

std::string object_name(const Role& role) { return "minato-" + std::string(role.name); }

kube::Container make_container(const Role& role, const SystemOptions& options,
                               std::vector<std::string> arguments) {
  kube::Container out;
  out.name = role.name;
  out.image = options.image;
  out.image_pull_policy = "IfNotPresent";
  out.args = std::move(arguments);
  out.args.insert(out.args.begin(), std::string(role.name));
  out.resources.requests = {
      {std::string(kube::kCpu), kube::Quantity::milli(role.cpu_milli)},
      {std::string(kube::kMemory), kube::Quantity::bytes(role.memory_mib << 20)}};
  auto& security = out.security_context.emplace();
  security.allow_privilege_escalation = false;
  security.read_only_root_filesystem = true;
  return out;
}

void mount_host_path(kube::PodSpec& pod, std::string_view name, const std::string& from,
                     std::string_view to) {
  kube::Volume volume;
  volume.name = name;
  volume.volume_source.host_path.emplace().path = from;
  pod.volumes.push_back(std::move(volume));
  kube::VolumeMount mount;
  mount.name = name;
  mount.mount_path = to;
  pod.containers.at(0).volume_mounts.push_back(std::move(mount));
}

kube::Toleration tolerate(std::string_view key, std::string_view effect) {
  kube::Toleration out;
  out.key = key;
  out.operator_ = "Exists";
  out.effect = effect;
  return out;
}

kube::PodTemplateSpec master_pod(const Role& role, kube::Container container) {
  kube::PodTemplateSpec out;
  out.metadata.labels = labels_of(role);
  out.spec.containers.push_back(std::move(container));
  out.spec.node_selector = {{std::string(kube::kLabelNodeGroup), std::string(kMasterGroup)}};
  out.spec.tolerations = {tolerate(kube::kLabelNodeGroup, kube::kNoSchedule),
                          tolerate_briefly(kube::kTaintNotReady),
                          tolerate_briefly(kube::kTaintUnreachable)};
  out.spec.priority_class_name = "system-cluster-critical";
  kube::TopologySpreadConstraint spread;
  spread.max_skew = 1;
  spread.topology_key = kube::kLabelZone;
  // One zone left must still be able to run both.
  spread.when_unsatisfiable = "ScheduleAnyway";
  spread.label_selector.emplace().match_labels = {
      {std::string(kLabelRole), std::string(role.name)}};
  out.spec.topology_spread_constraints = {std::move(spread)};
  out.spec.termination_grace_period_seconds = 5;
  out.spec.automount_service_account_token = false;
  out.spec.enable_service_links = false;
  return out;
}

kube::Deployment make_deployment(const Role& role, kube::PodTemplateSpec pod) {
  auto out = named<kube::Deployment>(role, object_name(role));
  out.spec.replicas = kReplicas;
  out.spec.selector.emplace().match_labels = {{std::string(kLabelRole), std::string(role.name)}};
  auto& rolling = out.spec.strategy.rolling_update.emplace();
  out.spec.strategy.type = "RollingUpdate";
  rolling.max_unavailable = kube::IntOrString(1);
  rolling.max_surge = kube::IntOrString(1);
  out.spec.template_ = std::move(pod);
  return out;
}

kube::PodDisruptionBudget make_budget(const Role& role) {
  auto out = named<kube::PodDisruptionBudget>(role, object_name(role));
  out.spec.max_unavailable = kube::IntOrString(1);
  out.spec.selector.emplace().match_labels = {{std::string(kLabelRole), std::string(role.name)}};
  out.spec.unhealthy_pod_eviction_policy = "AlwaysAllow";
  return out;
}

// A role whose work is done by the control process while its Pod is Ready.
kube::Deployment make_gate(const Role& role, const SystemOptions& options) {
  kube::Container container = make_container(role, options, {});
  container.ports.push_back({.name = "health", .container_port = kHealthPort, .protocol = "TCP"});
  kube::Probe& probe = container.readiness_probe.emplace();
  auto& get = probe.probe_handler.http_get.emplace();
  get.path = "/healthz";
  get.port = std::string("health");
  probe.period_seconds = 2;
  probe.timeout_seconds = 1;
  probe.success_threshold = 1;
  probe.failure_threshold = 2;
  return make_deployment(role, master_pod(role, std::move(container)));
}

kube::Deployment make_dns(const SystemOptions& options) {
  kube::Container container = make_container(kDns, options, {"--hosts", std::string(kHostsPath)});
  container.ports = {{.name = "dns", .container_port = kDnsPort, .protocol = "UDP"},
                     {.name = "dns-tcp", .container_port = kDnsPort, .protocol = "TCP"}};
  kube::Probe& probe = container.readiness_probe.emplace();
  probe.probe_handler.tcp_socket.emplace().port = std::string("dns-tcp");
  probe.period_seconds = 2;
  probe.timeout_seconds = 1;
  probe.success_threshold = 1;
  probe.failure_threshold = 2;
  container.liveness_probe = probe;
  container.liveness_probe->failure_threshold = 3;
  kube::PodTemplateSpec pod = master_pod(kDns, std::move(container));
  pod.spec.dns_policy = "Default";
  mount_host_path(pod.spec, "hosts", options.hosts_directory, kHostsPath);
  pod.spec.containers[0].volume_mounts[0].read_only = true;
  return make_deployment(kDns, std::move(pod));
}

kube::Service make_dns_service() {
  auto out = named<kube::Service>(kDns, std::string(kDnsService));
  out.spec.cluster_ip = kDnsClusterIp;
  out.spec.selector = {{std::string(kLabelRole), std::string(kRoleDns)}};
  for (const auto& [name, protocol] : {std::pair{"dns", "UDP"}, std::pair{"dns-tcp", "TCP"}}) {
    kube::ServicePort port;
    port.name = name;
    port.protocol = protocol;
    port.port = kDnsPort;
    port.target_port = std::string(name);
    out.spec.ports.push_back(std::move(port));
  }
  return out;
}

kube::DaemonSet make_agent(const SystemOptions& options) {
  auto out = named<kube::DaemonSet>(kAgent, object_name(kAgent));
  out.spec.selector.emplace().match_labels = {{std::string(kLabelRole), std::string(kRoleAgent)}};
  kube::PodTemplateSpec& pod = out.spec.template_;
  pod.metadata.labels = labels_of(kAgent);
  pod.spec.containers.push_back(make_container(kAgent, options,
                                               {"--directory", std::string(kAgentPath), "--poll-ms",
                                                std::to_string(milliseconds(options.agent_poll))}));
  mount_host_path(pod.spec, "agent", options.agent_directory, kAgentPath);
  // The metadata service answers an instance's own network; Pods are one hop too far.
  pod.spec.host_network = true;
  pod.spec.dns_policy = "Default";
  kube::Toleration everything;
  everything.operator_ = "Exists";
  pod.spec.tolerations = {everything};
  pod.spec.priority_class_name = "system-node-critical";
  pod.spec.termination_grace_period_seconds = 5;
  pod.spec.automount_service_account_token = false;
  pod.spec.enable_service_links = false;
  return out;
}

}  // namespace

std::vector<kube::ObjectPtr> system_objects(const SystemOptions& options) {
  return {shared(make_dns_service()),
          shared(make_budget(kDns)),
          shared(make_dns(options)),
          shared(make_budget(kMetrics)),
          shared(make_gate(kMetrics, options)),
          shared(make_budget(kController)),
          shared(make_gate(kController, options)),
          shared(make_agent(options))};
}

}  // namespace minato::blueprint
