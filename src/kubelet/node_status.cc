#include "kubelet/node_status.h"

#include <algorithm>

#include "kube/names.h"

namespace minato::kubelet {
namespace {

void put(kube::NodeStatus& status, std::string_view type, bool holds, std::string_view reason,
         std::string_view message, WallTime now) {
  auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                            [&](const auto& condition) { return condition.type == type; });
  if (found == status.conditions.end()) {
    found = status.conditions.emplace(status.conditions.end());
    found->type = type;
  }
  const std::string_view value = holds ? kube::kTrue : kube::kFalse;
  if (found->status != value) found->last_transition_time = now;
  found->status = value;
  found->reason = reason;
  found->message = message;
  found->last_heartbeat_time = now;
}

void put_conditions(kube::NodeStatus& status, const NodeHealth& health, WallTime now) {
  if (health.memory_pressure) {
    put(status, "MemoryPressure", true, "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available", now);
  } else {
    put(status, "MemoryPressure", false, "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available", now);
  }
  put(status, "DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure",
      now);
  put(status, "PIDPressure", false, "KubeletHasSufficientPID",
      "kubelet has sufficient PID available", now);
  if (health.ready) {
    put(status, kube::kReady, true, "KubeletReady", "kubelet is posting ready status", now);
  } else {
    put(status, kube::kReady, false, "KubeletNotReady",
        "container runtime network not ready: NetworkReady=false "
        "reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not "
        "initialized",
        now);
  }
}

std::map<std::string, kube::Quantity> quantities(const Capacity& capacity) {
  return {{std::string(kube::kCpu), kube::Quantity::milli(capacity.cpu_milli)},
          {std::string(kube::kMemory), kube::Quantity::bytes(capacity.memory_bytes)},
          {std::string(kube::kPods), kube::Quantity::of(capacity.pods)}};
}

std::string hostname_of(const Options& options) {
  return options.hostname.empty() ? options.node_name : options.hostname;
}

}  // namespace

void fill_node_status(kube::NodeStatus& status, const Options& options, const NodeHealth& health,
                      WallTime now) {
  status.capacity = quantities(options.capacity);
  status.allocatable = quantities(allocatable(options));
  status.addresses.clear();
  if (!options.private_ip.empty()) {
    status.addresses.push_back({.type = "InternalIP", .address = options.private_ip});
  }
  status.addresses.push_back({.type = "InternalDNS", .address = hostname_of(options)});
  status.addresses.push_back({.type = "Hostname", .address = hostname_of(options)});
  kube::NodeSystemInfo& info = status.node_info;
  info.kubelet_version = options.kubelet_version;
  info.kube_proxy_version = options.kubelet_version;
  info.operating_system = "linux";
  info.architecture = options.architecture;
  info.os_image = "minato";
  info.container_runtime_version = "minato://0.1.0";
  const std::size_t slash = options.provider_id.rfind('/');
  if (slash != std::string::npos) {
    info.machine_id = info.system_uuid = info.boot_id = options.provider_id.substr(slash + 1);
  }
  put_conditions(status, health, now);
}

bool merge_node(kube::Node& node, const Options& options) {
  const kube::Node before = node;
  for (const auto& [key, value] : options.labels) node.metadata.labels[key] = value;
  node.metadata.labels[std::string(kube::kLabelHostname)] = hostname_of(options);
  node.metadata.labels[std::string(kube::kLabelOs)] = "linux";
  node.metadata.labels[std::string(kube::kLabelArch)] = options.architecture;
  if (node.spec.provider_id.empty()) node.spec.provider_id = options.provider_id;
  return !kube::equal(before, node);
}

kube::Node build_node(const Options& options, const NodeHealth& health, WallTime now) {
  kube::Node node;
  node.metadata.name = options.node_name;
  merge_node(node, options);
  node.spec.taints = options.taints;
  fill_node_status(node.status, options, health, now);
  return node;
}

}  // namespace minato::kubelet
