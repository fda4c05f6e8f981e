// On-demand instead of spot when no pool has spot capacity, and back again; and giving up what the
// cloud does not deliver.
//
// What is done for lack of spot is written nowhere but in the group itself: its on-demand base is
// above the configured one. Part of a decision; writes into Plan and Memory.
// Rules: minato's own; cluster-autoscaler core/static_autoscaler.go (removeOldUnregisteredNodes,
// fixNodeGroupSize, deleteCreatedNodesWithErrors) for giving up.
#pragma once

#include "autoscaler/groups.h"
#include "autoscaler/pending.h"

namespace minato::autoscaler {

// Nothing of the group is on its way, missing, unready or going, and no Pod waits for anything.
bool is_at_rest(const NodeGroup& group, const Pending& pending, const Plan& plan);

// Whether on-demand may stand in for spot in this group now.
bool can_fall_back(const cloud::AutoScalingGroup& group, const Options& options,
                   const Memory& memory, MonoTime now);

// Why what the group is missing will not come: no pool has capacity, a launch failed, or it has
// been missing for longer than a Node may take. "": it may come.
std::string why_unlaunchable(const NodeGroup& group, const Options& options, const Memory& memory,
                             MonoTime now);

// Instances that never became Nodes are ended; sizes that cannot be reached are lowered.
void plan_corrections(const Observation& seen, const Groups& groups, Memory& memory, Plan& plan);
// Requires: what grows is in the plan already.
void plan_markets(const Observation& seen, const Groups& groups, const Pending& pending,
                  const Options& options, const Memory& memory, Plan& plan);

}  // namespace minato::autoscaler
