// PodTopologySpread and InterPodAffinity: what Pods in the same topology domain decide.
#include <algorithm>

#include "scheduling/filters.h"

namespace minato::scheduling {
namespace {

void plan_spread(Snapshot& snapshot, const PodTemplatePtr& pod, TopologyPlan& plan) {
  const auto add = [&](const std::vector<SpreadConstraint>& constraints, auto& out) {
    for (const SpreadConstraint& constraint : constraints) {
      out.push_back({&constraint, snapshot.counters().spread_counter(pod, constraint, constraints,
                                                                     snapshot.nodes())});
    }
  };
  add(pod->spread.required, plan.required_spread);
  add(pod->spread.preferred, plan.preferred_spread);
}

// Affinity wants Pods that match all terms together; anti-affinity takes each term by itself.
void plan_terms(Snapshot& snapshot, const PodTemplate& pod, TopologyPlan& plan) {
  TopologyCounters& counters = snapshot.counters();
  const auto& nodes = snapshot.nodes();
  const auto& wanted = pod.terms.required_affinity;
  for (const AffinityTerm& term : wanted) {
    plan.affinity.push_back(counters.matching_counter(wanted, term.topology_key, nodes));
  }
  plan.affinity_matches_itself = counters.matches_all(wanted, pod);
  for (const AffinityTerm& term : pod.terms.required_anti_affinity) {
    plan.anti_affinity.push_back(counters.matching_counter({term}, term.topology_key, nodes));
  }
  for (const WeightedTerm& weighted : pod.terms.preferred) {
    plan.preferences.push_back(
        {counters.matching_counter({weighted.term}, weighted.term.topology_key, nodes),
         weighted.weight});
  }
}

}  // namespace

TopologyPlan make_plan(Snapshot& snapshot, const PodTemplatePtr& pod) {
  TopologyPlan plan;
  snapshot.counters().make_room(snapshot.nodes());
  plan_spread(snapshot, pod, plan);
  plan_terms(snapshot, *pod, plan);
  plan.existing_anti_affinity = snapshot.counters().anti_affinity_against(*pod);
  for (const CounterId id : snapshot.counters().preferences_about(*pod)) {
    plan.preferences.push_back({id, 1});  // The counter sums weights already.
  }
  return plan;
}

Refusal filter_spread(const TopologyPlan& plan, TopologyCounters& counters, NodeSlot slot) {
  for (const auto& [constraint, counter] : plan.required_spread) {
    if (counters.domain(counter, slot) == kNoDomain) {
      return {Filter::kPodTopologySpread, true, kMissingTopologyKey, nullptr};
    }
    const std::int64_t lowest = counters.global_minimum(counter, constraint->min_domains);
    const std::int64_t itself = constraint->matches_itself ? 1 : 0;
    const std::int64_t here = counters.pods_near(counter, slot) + itself;
    if (here - lowest > constraint->max_skew) {
      return {Filter::kPodTopologySpread, false, 0, nullptr};
    }
  }
  return {};
}

Refusal filter_inter_pod(const TopologyPlan& plan, const TopologyCounters& counters,
                         NodeSlot slot) {
  bool near_all = true;
  bool none_anywhere = true;
  for (const CounterId id : plan.affinity) {
    if (counters.domain(id, slot) == kNoDomain) {
      return {Filter::kInterPodAffinity, true, kAffinityRules, nullptr};
    }
    near_all &= counters.pods_near(id, slot) > 0;
    none_anywhere &= counters.total(id) == 0;
  }
  if (!near_all && !(none_anywhere && plan.affinity_matches_itself)) {
    return {Filter::kInterPodAffinity, true, kAffinityRules, nullptr};
  }
  const auto near = [&](CounterId id) { return counters.pods_near(id, slot) > 0; };
  if (std::ranges::any_of(plan.anti_affinity, near)) {
    return {Filter::kInterPodAffinity, false, kAntiAffinityRules, nullptr};
  }
  if (std::ranges::any_of(plan.existing_anti_affinity, near)) {
    return {Filter::kInterPodAffinity, false, kExistingAntiAffinity, nullptr};
  }
  return {};
}

}  // namespace minato::scheduling
