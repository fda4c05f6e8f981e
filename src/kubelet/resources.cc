#include "kubelet/resources.h"

#include <algorithm>
#include <map>

#include "kube/names.h"

namespace minato::kubelet {
namespace {

using Quantities = std::map<std::string, kube::Quantity>;

std::int64_t milli_of(const Quantities& amounts, std::string_view name) {
  const auto found = amounts.find(std::string(name));
  return found == amounts.end() ? 0 : found->second.milli_value();
}
std::int64_t value_of(const Quantities& amounts, std::string_view name) {
  const auto found = amounts.find(std::string(name));
  return found == amounts.end() ? 0 : found->second.value();
}

Amounts amounts_of(const Quantities& amounts) {
  return {milli_of(amounts, kube::kCpu), value_of(amounts, kube::kMemory)};
}
Amounts plus(const Amounts& a, const Amounts& b) {
  return {a.cpu_milli + b.cpu_milli, a.memory_bytes + b.memory_bytes};
}
Amounts larger(const Amounts& a, const Amounts& b) {
  return {std::max(a.cpu_milli, b.cpu_milli), std::max(a.memory_bytes, b.memory_bytes)};
}

// Visits every container of the Pod that may run at the same time as the mains.
template <class Visit>
void for_each_lasting(const kube::Pod& pod, Visit visit) {
  for (const kube::Container& container : pod.spec.containers) visit(container);
  for (const kube::Container& container : pod.spec.init_containers) {
    if (is_sidecar(container)) visit(container);
  }
}

}  // namespace

bool is_sidecar(const kube::Container& init_container) {
  return init_container.restart_policy == "Always";
}

Amounts pod_requests(const kube::Pod& pod) {
  Amounts lasting;
  for (const kube::Container& container : pod.spec.containers) {
    lasting = plus(lasting, amounts_of(container.resources.requests));
  }
  Amounts sidecars;
  Amounts peak;
  for (const kube::Container& container : pod.spec.init_containers) {
    const Amounts own = amounts_of(container.resources.requests);
    if (is_sidecar(container)) {
      sidecars = plus(sidecars, own);
      peak = larger(peak, sidecars);
    } else {
      peak = larger(peak, plus(sidecars, own));
    }
  }
  return plus(larger(plus(lasting, sidecars), peak), amounts_of(pod.spec.overhead));
}

std::string qos_class(const kube::Pod& pod) {
  bool any = false;
  bool guaranteed = true;
  const auto look = [&](const kube::Container& container) {
    for (const std::string_view name : {kube::kCpu, kube::kMemory}) {
      const std::int64_t request = milli_of(container.resources.requests, name);
      const std::int64_t limit = milli_of(container.resources.limits, name);
      any = any || request > 0 || limit > 0;
      // A limit without a request stands for both (API defaulting).
      guaranteed = guaranteed && limit > 0 && (request == 0 || request == limit);
    }
  };
  for (const kube::Container& container : pod.spec.containers) look(container);
  for (const kube::Container& container : pod.spec.init_containers) look(container);
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

container::Resources container_resources(const kube::Container& container) {
  return {.cpu_request_milli = milli_of(container.resources.requests, kube::kCpu),
          .cpu_limit_milli = milli_of(container.resources.limits, kube::kCpu),
          .memory_limit_bytes = value_of(container.resources.limits, kube::kMemory)};
}

container::Resources sandbox_resources(const kube::Pod& pod) {
  container::Resources out;
  bool cpu_bounded = true;
  bool memory_bounded = true;
  for_each_lasting(pod, [&](const kube::Container& container) {
    const container::Resources own = container_resources(container);
    cpu_bounded = cpu_bounded && own.cpu_limit_milli > 0;
    memory_bounded = memory_bounded && own.memory_limit_bytes > 0;
    out.cpu_limit_milli += own.cpu_limit_milli;
    out.memory_limit_bytes += own.memory_limit_bytes;
  });
  out.cpu_request_milli = pod_requests(pod).cpu_milli;
  if (!cpu_bounded) out.cpu_limit_milli = 0;
  if (!memory_bounded) out.memory_limit_bytes = 0;
  return out;
}

}  // namespace minato::kubelet
