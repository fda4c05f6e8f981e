// Which Pods must go so that a more important one fits: the fewest and least important, on the Node
// where they hurt least, PodDisruptionBudgets respected wherever possible.
//
// Only chooses; the scheduler removes the victims and nominates the Node. The Snapshot is changed
// while candidates are tried and is as before afterwards. Loop thread only.
// Rules: pkg/scheduler/framework/preemption/preemption.go,
// plugins/defaultpreemption/default_preemption.go.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "kube/types/policy.h"
#include "scheduling/placer.h"

namespace minato::scheduling {

struct Preemption {
  NodeSlot slot = 0;
  std::string node;
  std::vector<PodInfoPtr> victims;  // Most important first.
  std::int64_t budget_violations = 0;
};

using Budgets = std::vector<std::shared_ptr<const kube::PodDisruptionBudget>>;

struct NoPreemption {
  std::string message;  // Upstream's, starting "preemption: ".
  // Nothing was tried, so an earlier nomination stands; otherwise it has become pointless.
  bool nomination_stands = false;
};

// `error` is what schedule() said of `pod`.
std::expected<Preemption, NoPreemption> preempt(Placer& placer, const PodInfo& pod,
                                                const FitError& error, const Budgets& budgets);

}  // namespace minato::scheduling
