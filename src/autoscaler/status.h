// The text of ConfigMap kube-system/cluster-autoscaler-status, and the verdict on each group.
//
// Pure but for Memory's record of since when a condition is as it is.
// Rules: cluster-autoscaler clusterstate/api/types.go (YAML since 1.30).
#pragma once

#include "autoscaler/groups.h"

namespace minato::autoscaler {

std::vector<GroupVerdict> group_verdicts(const Observation& seen, const Groups& groups,
                                         const Options& options, const Memory& memory,
                                         const Plan& plan);
// Requires: plan.groups.
std::string status_text(const Observation& seen, const Groups& groups, Memory& memory,
                        const Plan& plan);

}  // namespace minato::autoscaler
