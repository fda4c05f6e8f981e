// NodePorts and NodeResourcesFit: what the Pods on the Node leave free.
#include <algorithm>

#include "scheduling/filters.h"

namespace minato::scheduling {
namespace {

constexpr std::uint32_t kDetailBits = 32;

class Shortage {
 public:
  void check(std::int64_t wanted, std::int64_t allocatable, std::int64_t requested,
             std::uint32_t bit) {
    if (wanted <= 0 || wanted <= allocatable - requested) return;
    detail_ |= bit;
    // Not even an empty Node would do.
    unresolvable_ |= wanted > allocatable;
  }
  void too_many_pods() { detail_ |= kTooManyPods; }
  Refusal refusal() const {
    if (detail_ == 0) return {};
    return {Filter::kNodeResourcesFit, unresolvable_, detail_, nullptr};
  }

 private:
  std::uint32_t detail_ = 0;
  bool unresolvable_ = false;
};

}  // namespace

Refusal filter_ports(const PodTemplate& pod, const NodeInfo& info) {
  for (const HostPort& wanted : pod.host_ports) {
    if (std::ranges::any_of(info.used_ports,
                            [&](const HostPort& used) { return wanted.conflicts_with(used); })) {
      return {Filter::kNodePorts, false, 0, nullptr};
    }
  }
  return {};
}

Refusal filter_resources(const PodTemplate& pod, const NodeInfo& info) {
  Shortage shortage;
  const Resources& wanted = pod.requests;
  if (static_cast<std::int64_t>(info.pods.size()) + 1 > info.allowed_pods) shortage.too_many_pods();
  shortage.check(wanted.milli_cpu, info.allocatable.milli_cpu, info.requested.milli_cpu,
                 kInsufficientCpu);
  shortage.check(wanted.memory_bytes, info.allocatable.memory_bytes, info.requested.memory_bytes,
                 kInsufficientMemory);
  shortage.check(wanted.ephemeral_storage_bytes, info.allocatable.ephemeral_storage_bytes,
                 info.requested.ephemeral_storage_bytes, kInsufficientEphemeralStorage);
  std::uint32_t bit = kInsufficientExtended;
  for (const auto& [name, amount] : wanted.extended) {
    shortage.check(amount, info.allocatable.extended_amount(name),
                   info.requested.extended_amount(name), bit);
    // Beyond the bits there are, the last one stands for the rest: still a refusal.
    if (bit != 1U << (kDetailBits - 1)) bit <<= 1;
  }
  return shortage.refusal();
}

}  // namespace minato::scheduling
