// How many new Nodes of a group its Pods need: first-fit decreasing on the real Snapshot.
//
// New Nodes are the least that any type of the group offers, in the zones that the group would
// choose, so that the answer holds whichever type comes. A zone in which no Pod can use a Node may
// still have to get one, because the group fills zones in balance. Pure: the Snapshot is as before
// afterwards. Limits make it stop early, never fail.
// Rules: cluster-autoscaler estimator/binpacking_estimator.go, decreasing_pod_orderer.go,
// threshold_based_limiter.go, sng_capacity_threshold.go, cluster_capacity_threshold.go.
#pragma once

#include <string>
#include <vector>

#include "autoscaler/pending.h"
#include "autoscaler/pools.h"

namespace minato::autoscaler {

// The most restrictive of several limits. Zero: no limit. Negative: nothing at all.
class NodeLimiter {
 public:
  explicit NodeLimiter(const std::vector<std::int32_t>& limits);
  // Each yes is one Node.
  bool permit();
  void give_back() { --used_; }
  std::int32_t limit() const { return limit_; }

 private:
  std::int32_t limit_ = 0;
  std::int32_t used_ = 0;
};
// Nodes until the cluster is full. Zero: no limit; -1: it is.
std::int32_t cluster_headroom(std::int32_t max_nodes_total, std::int32_t nodes);
// Of similar groups that grow together, (size, maximum) each. -1: none has room.
std::int32_t similar_groups_headroom(const std::vector<std::pair<std::int32_t, std::int32_t>>& of);

struct Estimate {
  std::int32_t nodes = 0;
  std::vector<scheduling::PodInfoPtr> pods;
  scheduling::Resources requested;  // Of those Pods.
  bool limited = false;             // Would be more without the limits.
};

// `pods` fit on any Node of the group by themselves. `least` has a template for each zone that
// `zones` may give.
Estimate estimate(scheduling::Placer& placer, const GroupTemplates& least, ZoneBalance zones,
                  const std::vector<const PodGroup*>& pods, NodeLimiter limiter);

}  // namespace minato::autoscaler
