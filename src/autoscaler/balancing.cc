#include "autoscaler/balancing.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kube/names.h"

namespace minato::autoscaler {
namespace {

using scheduling::Resources;

constexpr double kMemoryDifference = 0.015;
constexpr double kAllocatableDifference = 0.05;
constexpr double kFreeDifference = 0.05;

constexpr auto kIgnoredLabels = std::to_array<std::string_view>(
    {kube::kLabelHostname, kube::kLabelZone, kube::kLabelRegion,
     "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
     "beta.kubernetes.io/fluentd-ds-ready", "alpha.eksctl.io/instance-id",
     "alpha.eksctl.io/nodegroup-name", "eks.amazonaws.com/nodegroup", "k8s.amazonaws.com/eniConfig",
     "lifecycle", "topology.ebs.csi.aws.com/zone", "topology.k8s.aws/zone-id",
     kube::kLabelNodeGroup});

bool near(std::int64_t a, std::int64_t b, double ratio) {
  const auto larger = static_cast<double>(std::max(a, b));
  return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= larger * ratio;
}

bool near(const Resources& a, const Resources& b, double ratio) {
  if (!near(a.milli_cpu, b.milli_cpu, ratio) || !near(a.memory_bytes, b.memory_bytes, ratio) ||
      !near(a.ephemeral_storage_bytes, b.ephemeral_storage_bytes, ratio) ||
      a.extended.size() != b.extended.size()) {
    return false;
  }
  return std::ranges::all_of(a.extended, [&](const auto& entry) {
    return near(entry.second, b.extended_amount(entry.first), ratio);
  });
}

bool same_capacity(const Resources& a, const Resources& b) {
  return a.milli_cpu == b.milli_cpu && near(a.memory_bytes, b.memory_bytes, kMemoryDifference) &&
         a.ephemeral_storage_bytes == b.ephemeral_storage_bytes && a.extended == b.extended;
}

kube::Labels compared_labels(const kube::Node& node, const std::vector<std::string>& ignored) {
  kube::Labels out = node.metadata.labels;
  for (const std::string_view key : kIgnoredLabels) out.erase(std::string(key));
  for (const std::string& key : ignored) out.erase(key);
  return out;
}

Resources free_of(const NodeTemplate& node) {
  Resources out = node.info.allocatable;
  out -= node.info.requested;
  return out;
}

}  // namespace

bool similar(const NodeTemplate& a, const NodeTemplate& b,
             const std::vector<std::string>& ignored_labels) {
  return same_capacity(a.capacity, b.capacity) &&
         near(a.info.allocatable, b.info.allocatable, kAllocatableDifference) &&
         near(free_of(a), free_of(b), kFreeDifference) &&
         compared_labels(*a.node, ignored_labels) == compared_labels(*b.node, ignored_labels);
}

std::vector<Share> balance(std::vector<Share> groups, std::int32_t nodes) {
  std::erase_if(groups, [](const Share& group) { return group.size >= group.max; });
  for (Share& group : groups) group.new_size = group.size;
  for (; nodes > 0; --nodes) {
    Share* smallest = nullptr;
    for (Share& group : groups) {
      if (group.new_size >= group.max) continue;
      if (!smallest || group.new_size < smallest->new_size) smallest = &group;
    }
    if (!smallest) break;
    ++smallest->new_size;
  }
  std::erase_if(groups, [](const Share& group) { return group.new_size == group.size; });
  return groups;
}

}  // namespace minato::autoscaler
