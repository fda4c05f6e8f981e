#include "kubelet/admission.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "kubelet/resources.h"

namespace minato::kubelet {
namespace {

Rejection out_of(std::string_view resource, std::int64_t requested, std::int64_t used,
                 std::int64_t capacity) {
  return {fmt::format("OutOf{}", resource),
          fmt::format("Pod was rejected: Node didn't have enough resource: {}, requested: {}, "
                      "used: {}, capacity: {}",
                      resource, requested, used, capacity)};
}

using HostPort = std::tuple<std::string, std::int32_t>;

std::set<HostPort> host_ports(const kube::Pod& pod) {
  std::set<HostPort> out;
  for (const kube::Container& container : pod.spec.containers) {
    for (const kube::ContainerPort& port : container.ports) {
      const std::int32_t number = pod.spec.host_network ? port.container_port : port.host_port;
      if (number != 0) out.emplace(port.protocol.empty() ? "TCP" : port.protocol, number);
    }
  }
  return out;
}

bool selected(const kube::Pod& pod, const Options& options) {
  for (const auto& [key, value] : pod.spec.node_selector) {
    const auto found = options.labels.find(key);
    if (found != options.labels.end() && found->second != value) return false;
  }
  return true;
}

}  // namespace

std::optional<Rejection> admit(const kube::Pod& pod, const std::vector<const kube::Pod*>& running,
                               const Options& options) {
  // A label that the kubelet does not own may have been put on the Node by others, so only
  // contradictions are refused.
  if (!selected(pod, options)) {
    return Rejection{"NodeAffinity",
                     "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's "
                     "node affinity/selector"};
  }
  const Capacity capacity = allocatable(options);
  Amounts used;
  std::set<HostPort> taken;
  for (const kube::Pod* other : running) {
    const Amounts own = pod_requests(*other);
    used.cpu_milli += own.cpu_milli;
    used.memory_bytes += own.memory_bytes;
    taken.merge(host_ports(*other));
  }
  const Amounts wanted = pod_requests(pod);
  const auto pods = static_cast<std::int64_t>(running.size());
  if (pods + 1 > capacity.pods) return out_of("pods", 1, pods, capacity.pods);
  if (wanted.cpu_milli > 0 && used.cpu_milli + wanted.cpu_milli > capacity.cpu_milli) {
    return out_of("cpu", wanted.cpu_milli, used.cpu_milli, capacity.cpu_milli);
  }
  if (wanted.memory_bytes > 0 && used.memory_bytes + wanted.memory_bytes > capacity.memory_bytes) {
    return out_of("memory", wanted.memory_bytes, used.memory_bytes, capacity.memory_bytes);
  }
  for (const HostPort& port : host_ports(pod)) {
    if (!taken.contains(port)) continue;
    return Rejection{"NodePorts",
                     fmt::format("Pod was rejected: Predicate NodePorts failed: host port {} ({}) "
                                 "is taken by another Pod",
                                 std::get<1>(port), std::get<0>(port))};
  }
  return std::nullopt;
}

}  // namespace minato::kubelet
