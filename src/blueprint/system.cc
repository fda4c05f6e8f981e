#include "blueprint/system.h"

#include "blueprint/objects.h"
#include "blueprint/roles.h"
#include "kube/types/service.h"

namespace minato::blueprint {
namespace {

constexpr std::string_view kHostsPath = "/run/minato/hosts";
constexpr std::string_view kAgentPath = "/run/minato/agent";

constexpr Role kDns{kRoleDns, 100, 70};
constexpr Role kMetrics{kRoleMetrics, 100, 200};

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
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

// A role whose work is done by the control process while its Pod is Ready.
kube::Deployment make_gate(const Role& role, const SystemOptions& options) {
  kube::Container container = make_container(role, options.image, {});
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
  kube::Container container = make_container(kDns, options.image, {"--hosts", std::string(kHostsPath)});
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
  auto out = named<kube::Service>(kDns);
  out.metadata.name = kDnsService;
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
  kube::DaemonSet out = make_node_agent(
      kAgentPod, make_container(kAgentPod, options.image,
                             {"--directory", std::string(kAgentPath), "--poll-ms",
                              std::to_string(milliseconds(options.agent_poll))}));
  mount_host_path(out.spec.template_.spec, "agent", options.agent_directory, kAgentPath);
  return out;
}

}  // namespace

std::vector<kube::ObjectPtr> system_objects(const SystemOptions& options) {
  return {shared(make_dns_service()),
          shared(make_budget(kDns)),
          shared(make_dns(options)),
          shared(make_budget(kMetrics)),
          shared(make_gate(kMetrics, options)),
          shared(make_budget(kControllerPod)),
          shared(make_gate(kControllerPod, options)),
          shared(make_agent(options))};
}

}  // namespace minato::blueprint
