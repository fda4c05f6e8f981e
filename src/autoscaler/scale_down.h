// Which Nodes are not needed, since when, and which of them go now.
//
// Part of a decision: works on the Snapshot within the decision's fork, keeps its timers in Memory
// and writes into the Plan, for every Node with the reasons why it stays. Nodes leave through
// removal; nothing is drained here. Beyond upstream: a Node never goes when the group would then
// move another one to even out its zones.
// Rules: cluster-autoscaler core/scaledown/{eligibility,planner,unneeded,unremovable,budgets},
// simulator/cluster.go (simulated removal), core/scaledown/actuation/softtaint.go.
#pragma once

#include "autoscaler/drainability.h"
#include "autoscaler/groups.h"
#include "autoscaler/scale_up.h"

namespace minato::autoscaler {

inline constexpr std::string_view kAnnotationScaleDownDisabled =
    "cluster-autoscaler.kubernetes.io/scale-down-disabled";

// At most so many unneeded Nodes are looked for, given how many there were: enough for all
// removals that the next rounds can begin.
std::int32_t unneeded_limit(std::int32_t parallelism, Duration unneeded_time,
                            Duration scan_interval, std::int32_t before);

// How many removals may begin now, of Nodes without and with Pods to move.
struct RemovalBudget {
  std::int32_t empty = 0;
  std::int32_t drain = 0;
  bool operator==(const RemovalBudget&) const = default;
};
RemovalBudget removal_budget(const ScaleDownOptions& options, RemovalBudget under_way,
                             RemovalBudget wanted);

// Whether the group stays in balance without one instance of `zone`; otherwise Auto Scaling would
// launch one there and end one elsewhere (AZRebalance).
bool keeps_zone_balance(const std::map<std::string, std::int32_t>& by_zone,
                        const std::string& zone);

void plan_scale_down(const Observation& seen, const Groups& groups, const Pending& pending,
                     const Options& options, Memory& memory, Plan& plan);

}  // namespace minato::autoscaler
