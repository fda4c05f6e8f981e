#include "scheduling/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace minato::scheduling {
namespace {

std::int64_t free_share(std::int64_t requested, std::int64_t allocatable) {
  if (requested > allocatable) return 0;
  return (allocatable - requested) * kMaxScore / allocatable;
}

double used_share(std::int64_t requested, std::int64_t allocatable) {
  return std::min(1.0, static_cast<double>(requested) / static_cast<double>(allocatable));
}

}  // namespace

std::int64_t score_least_allocated(const PodTemplate& pod, const NodeInfo& info) {
  std::int64_t sum = 0;
  std::int64_t resources = 0;
  if (info.allocatable.milli_cpu > 0) {
    sum += free_share(info.scoring_milli_cpu + pod.scoring_milli_cpu, info.allocatable.milli_cpu);
    ++resources;
  }
  if (info.allocatable.memory_bytes > 0) {
    sum += free_share(info.scoring_memory_bytes + pod.scoring_memory_bytes,
                      info.allocatable.memory_bytes);
    ++resources;
  }
  return resources == 0 ? 0 : sum / resources;
}

std::int64_t score_balanced_allocation(const PodTemplate& pod, const NodeInfo& info) {
  const Resources& wanted = pod.requests;
  if (wanted.milli_cpu == 0 && wanted.memory_bytes == 0) return 0;
  double deviation = 0;
  // With one resource or none there is nothing to be out of balance with.
  if (info.allocatable.milli_cpu > 0 && info.allocatable.memory_bytes > 0) {
    const double cpu =
        used_share(info.requested.milli_cpu + wanted.milli_cpu, info.allocatable.milli_cpu);
    const double memory = used_share(info.requested.memory_bytes + wanted.memory_bytes,
                                     info.allocatable.memory_bytes);
    deviation = std::abs((cpu - memory) / 2);
  }
  return static_cast<std::int64_t>((1 - deviation) * static_cast<double>(kMaxScore));
}

std::int64_t sum_node_preferences(const PodTemplate& pod, const kube::Node& node) {
  std::int64_t sum = 0;
  for (const PreferredNodes& preferred : pod.preferred_nodes) {
    if (preferred.term.matches(node)) sum += preferred.weight;
  }
  return sum;
}

void normalize(std::vector<std::int64_t>& raw, Better better) {
  const std::int64_t highest = raw.empty() ? 0 : *std::ranges::max_element(raw);
  for (std::int64_t& score : raw) {
    if (highest > 0) score = kMaxScore * score / highest;
    if (better == Better::kLower) score = kMaxScore - score;
  }
}

std::int64_t SpreadScorer::count_domains(const TopologyCounters& counters, CounterId id,
                                         const std::vector<NodeSlot>& slots) {
  ++call_;
  if (seen_.size() < counters.domain_limit(id)) seen_.resize(counters.domain_limit(id));
  std::int64_t domains = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::int32_t domain = counters.domain(id, slots[i]);
    if (ignored_[i] || domain == kNoDomain) continue;
    std::uint64_t& seen = seen_[static_cast<std::size_t>(domain)];
    domains += seen != call_;
    seen = call_;
  }
  return domains;
}

void SpreadScorer::add(const TopologyPlan& plan, const TopologyCounters& counters, bool defaulted,
                       const std::vector<NodeSlot>& slots, std::vector<std::int64_t>& totals) {
  if (plan.preferred_spread.empty()) return;
  ignored_.assign(slots.size(), 0);
  sums_.assign(slots.size(), 0);
  raw_.assign(slots.size(), 0);
  // A Node without one of the Pod's own keys is no place to count with; defaults do without.
  for (std::size_t i = 0; i < slots.size() && !defaulted; ++i) {
    ignored_[i] = std::ranges::any_of(plan.preferred_spread, [&](const TopologyPlan::Spread& s) {
      return counters.domain(s.counter, slots[i]) == kNoDomain;
    });
  }
  for (const auto& [constraint, counter] : plan.preferred_spread) {
    // More domains, more weight for each Pod: a Pod in one of three zones says less than a Pod on
    // one of a hundred hosts.
    const double weight =
        std::log(static_cast<double>(count_domains(counters, counter, slots) + 2));
    const auto allowance = static_cast<double>(constraint->max_skew - 1);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (ignored_[i] || counters.domain(counter, slots[i]) == kNoDomain) continue;
      sums_[i] += static_cast<double>(counters.pods_near(counter, slots[i])) * weight + allowance;
    }
  }
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
  std::int64_t highest = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    raw_[i] = std::llround(sums_[i]);
    if (ignored_[i]) continue;
    lowest = std::min(lowest, raw_[i]);
    highest = std::max(highest, raw_[i]);
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (ignored_[i]) continue;
    const std::int64_t score =
        highest == 0 ? kMaxScore : kMaxScore * (highest + lowest - raw_[i]) / highest;
    totals[i] += kPodTopologySpreadWeight * score;
  }
}

void add_inter_pod_scores(const TopologyPlan& plan, const TopologyCounters& counters,
                          const std::vector<NodeSlot>& slots, std::vector<std::int64_t>& raw,
                          std::vector<std::int64_t>& totals) {
  if (plan.preferences.empty() || slots.empty()) return;
  raw.assign(slots.size(), 0);
  for (const auto& [counter, weight] : plan.preferences) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      raw[i] += weight * counters.pods_near(counter, slots[i]);
    }
  }
  const auto [lowest, highest] = std::ranges::minmax(raw);
  if (highest == lowest) return;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto score = static_cast<std::int64_t>(
        static_cast<double>(kMaxScore) *
        (static_cast<double>(raw[i] - lowest) / static_cast<double>(highest - lowest)));
    totals[i] += kInterPodAffinityWeight * score;
  }
}

}  // namespace minato::scheduling
