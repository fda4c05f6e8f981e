// The taints that a Node's conditions ask for. Pure.
//
// Rules: k8s.io/kubernetes pkg/controller/nodelifecycle (nodeConditionToTaintKeyStatusMap,
// doNoScheduleTaintingPass). NoSchedule follows the conditions at once; NoExecute, which evicts, is
// put on by the zones' rate limit (zone_eviction.h).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "kube/types/node.h"

namespace minato::controllers {

enum class Readiness { kReady, kNotReady, kUnknown };
// A Node without a Ready condition is kUnknown.
Readiness readiness(const kube::Node& node);

// `node`'s taints with the NoSchedule ones of conditions and spec.unschedulable put right; others
// stay, in their order. Nothing: they are right already.
std::optional<std::vector<kube::Taint>> corrected_no_schedule(const kube::Node& node,
                                                              kube::Time now);
// With exactly the NoExecute taint that fits: not-ready, unreachable, or none for kReady.
std::optional<std::vector<kube::Taint>> corrected_no_execute(const kube::Node& node,
                                                             Readiness state, kube::Time now);
bool has_lifecycle_no_execute(const kube::Node& node);

}  // namespace minato::controllers
