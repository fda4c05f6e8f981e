#include "scheduling/preemption.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "kube/selector.h"

namespace minato::scheduling {
namespace {

// DefaultPreemptionArgs: how many Nodes are tried on a large cluster.
constexpr std::size_t kMinCandidatesPercentage = 10;
constexpr std::size_t kMinCandidates = 100;

WallTime started(const PodInfo& pod) { return pod.pod->status.start_time; }

// Higher priority first, then the one that has run longer; a total order.
bool more_important(const PodInfoPtr& a, const PodInfoPtr& b) {
  if (a->priority() != b->priority()) return a->priority() > b->priority();
  if (started(*a) != started(*b)) return started(*a) < started(*b);
  return a->uid() < b->uid();
}

// Splits off the Pods whose removal would break a budget, in order, each removal counting.
class BudgetCheck {
 public:
  explicit BudgetCheck(const Budgets& budgets) {
    for (const auto& budget : budgets) {
      auto selector = kube::Selector::from(budget->spec.selector);
      // An empty selector chooses nothing here, as upstream.
      if (!selector || selector->matches_everything()) continue;
      budgets_.push_back({budget.get(), std::move(*selector)});
    }
  }

  std::vector<bool> violations(const std::vector<PodInfoPtr>& pods) const {
    std::vector<std::int64_t> left;
    for (const Entry& entry : budgets_) left.push_back(entry.budget->status.disruptions_allowed);
    std::vector<bool> out;
    for (const PodInfoPtr& pod : pods) {
      bool violates = false;
      for (std::size_t i = 0; i < budgets_.size(); ++i) {
        if (!concerns(budgets_[i], *pod)) continue;
        violates |= --left[i] < 0;
      }
      out.push_back(violates);
    }
    return out;
  }

 private:
  struct Entry {
    const kube::PodDisruptionBudget* budget;
    kube::Selector selector;
  };
  static bool concerns(const Entry& entry, const PodInfo& pod) {
    return entry.budget->metadata.namespace_ == pod.pod->metadata.namespace_ &&
           !pod.pod->metadata.labels.empty() &&
           entry.selector.matches(pod.pod->metadata.labels) &&
           // Already counted by the disruption controller.
           !entry.budget->status.disrupted_pods.contains(pod.pod->metadata.name);
  }
  std::vector<Entry> budgets_;
};

class Trial {
 public:
  Trial(Placer& placer, const PodInfo& pod, const BudgetCheck& budgets)
      : placer_(placer), pod_(pod), budgets_(budgets) {}

  // The Pods on `slot` that must go; or why that Node does not work.
  std::expected<Preemption, Refusal> on(NodeSlot slot) {
    Snapshot& snapshot = placer_.snapshot();
    std::vector<PodInfoPtr> lower;
    for (const PodInfoPtr& other : snapshot.node(slot).pods) {
      if (other->priority() < pod_.priority()) lower.push_back(other);
    }
    if (lower.empty()) {
      return std::unexpected(Refusal{Filter::kPreemption, true, kNoVictims, nullptr});
    }
    std::ranges::sort(lower, more_important);
    snapshot.fork();
    for (const PodInfoPtr& other : lower) snapshot.remove_pod(other->uid());
    const Refusal refusal = placer_.check(pod_, slot);
    Preemption out;
    if (!refusal) out = fewest_victims(slot, lower);
    snapshot.revert();
    if (refusal) return std::unexpected(refusal);
    return out;
  }

 private:
  // Puts back whom it can, those protected by budgets first, the more important first.
  Preemption fewest_victims(NodeSlot slot, const std::vector<PodInfoPtr>& lower) {
    Snapshot& snapshot = placer_.snapshot();
    Preemption out{slot, snapshot.node(slot).name, {}, 0};
    const std::vector<bool> violating = budgets_.violations(lower);
    const auto reprieve = [&](std::size_t i) {
      snapshot.add_pod(lower[i], slot);
      if (!placer_.check(pod_, slot)) return true;
      snapshot.remove_pod(lower[i]->uid());
      out.victims.push_back(lower[i]);
      return false;
    };
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if (violating[i] && !reprieve(i)) ++out.budget_violations;
    }
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if (!violating[i]) reprieve(i);
    }
    std::ranges::sort(out.victims, more_important);
    return out;
  }

  Placer& placer_;
  const PodInfo& pod_;
  const BudgetCheck& budgets_;
};

// Upstream's rules, in order; the smaller the better. Ties: the candidate found first.
auto cost(const Preemption& candidate) {
  // Makes every victim cost something, however low its priority.
  constexpr std::int64_t kOffset = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;
  const std::int32_t highest = candidate.victims.empty()
                                   ? std::numeric_limits<std::int32_t>::min()
                                   : candidate.victims.front()->priority();
  std::int64_t sum = 0;
  WallTime earliest = WallTime::max();
  for (const PodInfoPtr& victim : candidate.victims) {
    sum += victim->priority() + kOffset;
    if (victim->priority() == highest) earliest = std::min(earliest, started(*victim));
  }
  return std::tuple(candidate.budget_violations, highest, sum, candidate.victims.size(),
                    -earliest.time_since_epoch().count());
}

// Nodes where removing Pods could help, and the rest of them as upstream reports it.
struct Prospects {
  std::vector<NodeSlot> slots;
  std::vector<NodeRefusal> refusals;
};

Prospects prospects(const FitError& error) {
  Prospects out;
  for (const auto& [slot, refusal] : error.refusals) {
    if (refusal.unresolvable) {
      out.refusals.push_back({slot, {Filter::kPreemption, true, kNotHelpful, nullptr}});
    } else {
      out.slots.push_back(slot);
    }
  }
  return out;
}

std::string not_eligible(const Snapshot& snapshot, const PodInfo& pod, const FitError& error) {
  if (!pod.pod_template->preempts) return "not eligible due to preemptionPolicy=Never.";
  const std::string* nominated = snapshot.nominated_node(pod.uid());
  if (!nominated || !snapshot.knows(*nominated)) return "";
  const NodeSlot slot = snapshot.slot_of(*nominated);
  const bool hopeless = std::ranges::any_of(error.refusals, [&](const NodeRefusal& at) {
    return at.slot == slot && at.refusal.unresolvable;
  });
  if (hopeless) return "";
  // Victims of the first attempt are still on their way out: wait for them.
  for (const PodInfoPtr& other : snapshot.node(slot).pods) {
    if (other->terminating && other->priority() < pod.priority()) {
      return "not eligible due to terminating pod on the nominated node.";
    }
  }
  return "";
}

std::size_t wanted_candidates(std::size_t nodes) {
  return std::min(nodes, std::max(kMinCandidates, nodes * kMinCandidatesPercentage / 100));
}

}  // namespace

std::expected<Preemption, NoPreemption> preempt(Placer& placer, const PodInfo& pod,
                                                const FitError& error, const Budgets& budgets) {
  if (const std::string why = not_eligible(placer.snapshot(), pod, error); !why.empty()) {
    return std::unexpected(NoPreemption{"preemption: " + why, true});
  }
  Prospects found = prospects(error);
  std::vector<Preemption> candidates;
  bool unharmed = false;  // A candidate that breaks no budget was found.
  if (!found.slots.empty()) {
    const BudgetCheck check(budgets);
    Trial trial(placer, pod, check);
    const std::size_t wanted = wanted_candidates(found.slots.size());
    const bool possible = placer.snapshot().has_pods_below(pod.priority());
    const std::size_t offset = possible ? placer.rng().below(found.slots.size()) : 0;
    for (std::size_t i = 0; i < found.slots.size(); ++i) {
      if (unharmed && candidates.size() >= wanted) break;
      const NodeSlot slot = found.slots[(offset + i) % found.slots.size()];
      auto tried = possible ? trial.on(slot)
                            : std::unexpected(
                                  Refusal{Filter::kPreemption, true, kNoVictims, nullptr});
      if (!tried) {
        found.refusals.push_back({slot, tried.error()});
      } else {
        unharmed |= tried->budget_violations == 0;
        candidates.push_back(std::move(*tried));
      }
    }
  }
  if (candidates.empty()) {
    FitError out;
    out.nodes = error.nodes;
    out.summary = summarize(found.refusals, *pod.pod_template);
    return std::unexpected(NoPreemption{"preemption: " + out.message(), false});
  }
  return std::move(*std::ranges::min_element(candidates, {}, cost));
}

}  // namespace minato::scheduling
