#include "sim/invariants.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/names.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::sim {
namespace {

bool holds_resources(const kube::Pod& pod) {
  return pod.status.phase != kube::kPodSucceeded && pod.status.phase != kube::kPodFailed;
}

std::int64_t request_of(const kube::Pod& pod, std::string_view resource) {
  std::int64_t total = 0;
  for (const kube::Container& container : pod.spec.containers) {
    const auto found = container.resources.requests.find(std::string(resource));
    if (found != container.resources.requests.end()) total += found->second.milli_value();
  }
  return total;
}

std::int64_t allocatable(const kube::Node& node, std::string_view resource) {
  const auto found = node.status.allocatable.find(std::string(resource));
  return found == node.status.allocatable.end() ? 0 : found->second.milli_value();
}

}  // namespace

std::string Invariants::check_binding() {
  for (const auto& [key, object] : store_.all(kube::Pod::static_kind())) {
    const auto& pod = kube::as<kube::Pod>(*object);
    if (pod.spec.node_name.empty()) continue;
    const auto [found, is_new] = bound_.try_emplace(pod.metadata.uid, pod.spec.node_name);
    if (!is_new && found->second != pod.spec.node_name) {
      return fmt::format("I1: pod {} moved from {} to {}", key.to_string(), found->second, pod.spec.node_name);
    }
  }
  return {};
}

std::string Invariants::check_machines() const {
  for (const auto& [id, machine] : datacenter_.machines()) {
    for (const auto& [uid, pod] : machine.pods) {
      const auto found = bound_.find(uid);
      if (found != bound_.end() && found->second != machine.node) {
        return fmt::format("I1: pod {} runs on {}, but is bound to {}", uid, machine.node, found->second);
      }
    }
  }
  return {};
}

std::string Invariants::check_capacity() const {
  struct Sum {
    std::int64_t cpu = 0, memory = 0, pods = 0;
  };
  std::map<std::string, Sum> sums;
  for (const auto& [key, object] : store_.all(kube::Pod::static_kind())) {
    const auto& pod = kube::as<kube::Pod>(*object);
    if (pod.spec.node_name.empty() || !holds_resources(pod)) continue;
    Sum& sum = sums[pod.spec.node_name];
    sum.cpu += request_of(pod, kube::kCpu);
    sum.memory += request_of(pod, kube::kMemory);
    ++sum.pods;
  }
  for (const auto& [key, object] : store_.all(kube::Node::static_kind())) {
    const auto& node = kube::as<kube::Node>(*object);
    const Sum& sum = sums[key.name];
    if (sum.cpu > allocatable(node, kube::kCpu) || sum.memory > allocatable(node, kube::kMemory) ||
        sum.pods * 1000 > allocatable(node, kube::kPods)) {
      return fmt::format("I2: node {} holds {}m of CPU and {} pods, more than it has", key.name, sum.cpu, sum.pods);
    }
  }
  return {};
}

std::string Invariants::check_reasons() const {
  for (const auto& [key, object] : store_.all(kube::Pod::static_kind())) {
    const auto& pod = kube::as<kube::Pod>(*object);
    if (!pod.spec.node_name.empty() || is_set(pod.metadata.deletion_timestamp)) continue;
    if (clock_.wall() - pod.metadata.creation_timestamp < kReasonWithin) continue;
    const bool explained = std::ranges::any_of(pod.status.conditions, [](const kube::PodCondition& condition) {
      return condition.type == kube::kPodScheduled && condition.status == kube::kFalse && !condition.message.empty();
    });
    if (!explained) return fmt::format("I12: pod {} waits and does not say why", key.to_string());
  }
  return {};
}

std::string Invariants::check(const RequestCounts& requests, bool control_is_up) {
  if (requests.ok + requests.failed() > requests.sent) return "I4: more requests ended than were sent";
  // The rest can only change with a write.
  if (store_.resource_version() == seen_version_) return {};
  seen_version_ = store_.resource_version();
  std::string broken = check_binding();
  if (broken.empty()) broken = check_machines();
  if (broken.empty()) broken = check_capacity();
  if (broken.empty() && control_is_up) broken = check_reasons();
  return broken;
}

}  // namespace minato::sim
