// The scores, 0 to 100 each, and their weights. Raw values first (per Node), then made comparable
// over the Nodes that passed the filters.
//
// Pure; loop thread only. Integer arithmetic wherever upstream has it; where upstream computes in
// float64, the same expressions in the same order.
// Rules: pkg/scheduler/framework/plugins/{noderesources,nodeaffinity,tainttoleration,
// podtopologyspread,interpodaffinity}; weights: apis/config/v1/default_plugins.go.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduling/filters.h"

namespace minato::scheduling {

inline constexpr std::int64_t kMaxScore = 100;
inline constexpr std::int64_t kLeastAllocatedWeight = 1;
inline constexpr std::int64_t kBalancedAllocationWeight = 1;
inline constexpr std::int64_t kNodeAffinityWeight = 2;
inline constexpr std::int64_t kTaintTolerationWeight = 3;
inline constexpr std::int64_t kPodTopologySpreadWeight = 2;
inline constexpr std::int64_t kInterPodAffinityWeight = 2;

// NodeResourcesFit with LeastAllocated: the more room left, the better.
std::int64_t score_least_allocated(const PodTemplate& pod, const NodeInfo& info);
// The nearer CPU and memory use are to each other, the better; zero everywhere for best effort.
std::int64_t score_balanced_allocation(const PodTemplate& pod, const NodeInfo& info);
// Raw: the weights of the preferred terms that match.
std::int64_t sum_node_preferences(const PodTemplate& pod, const kube::Node& node);

enum class Better { kHigher, kLower };
// `raw` scaled so that its maximum becomes 100 (or, for kLower, zero).
void normalize(std::vector<std::int64_t>& raw, Better better);

// Adds weight * score of every Node in `slots` to `totals` (same order).
class SpreadScorer {
 public:
  void add(const TopologyPlan& plan, const TopologyCounters& counters, bool defaulted,
           const std::vector<NodeSlot>& slots, std::vector<std::int64_t>& totals);

 private:
  std::int64_t count_domains(const TopologyCounters& counters, CounterId id,
                             const std::vector<NodeSlot>& slots);
  // Buffers kept between calls.
  std::vector<std::uint64_t> seen_;  // By domain: the call that saw it last.
  std::uint64_t call_ = 0;
  std::vector<std::uint8_t> ignored_;
  std::vector<double> sums_;
  std::vector<std::int64_t> raw_;
};

void add_inter_pod_scores(const TopologyPlan& plan, const TopologyCounters& counters,
                          const std::vector<NodeSlot>& slots, std::vector<std::int64_t>& raw,
                          std::vector<std::int64_t>& totals);

}  // namespace minato::scheduling
