// Brings Nodes back to a zone that has few of its group, one at a time.
//
// A group fills the emptiest zone when it launches, but with AZRebalance suspended (it ends instances
// without care) nothing moves what runs already: after a zone was lost and has come back, the next
// loss may take every Node. Here one Node of the fullest zone gives way through removal, which awaits
// its replacement, when the group is at rest, zones have differed by two or more for a while, the
// emptiest has not just failed to launch, and the Node's Pods have a place with one there instead.
// A replacement that came up elsewhere, or not at all, calls the removal off; then, and when no Node
// can go, the next try waits twice as long. A group at its maximum is left as it is: it would have a
// Node less meanwhile. A Node that is unneeded is waited for: its going may even the zones out.
//
// Part of a decision; works in a fork of the Snapshot, and writes into Plan and Memory.
// Rules: minato's own; Amazon EC2 Auto Scaling User Guide on AZRebalance (launch before terminate,
// and launches that keep zones even while it is suspended).
#pragma once

#include "autoscaler/groups.h"
#include "autoscaler/pending.h"

namespace minato::autoscaler {

// Requires: what grows and what is replaced for its market is in the plan already.
void plan_zones(const Observation& seen, const Groups& groups, const Pending& pending,
                const Options& options, Memory& memory, Plan& plan);

}  // namespace minato::autoscaler
