#include "controllers/deployment/rollout_plan.h"

#include <algorithm>

#include "base/check.h"
#include "controllers/deployment/revisions.h"

namespace minato::controllers {
namespace {

// The Pods that certainly stay available whatever the ReplicaSet still has to remove.
std::int32_t available_of(const kube::ReplicaSet& replica_set) {
  return std::min(replica_set.status.available_replicas, replicas_of(replica_set));
}

// The Pods that may exist: those wanted, or those not removed yet.
std::int32_t occupied_by(const kube::ReplicaSet& replica_set) {
  return std::max(replica_set.status.replicas, replicas_of(replica_set));
}

std::int32_t rounded_quotient(std::int64_t dividend, std::int64_t divisor) {
  return static_cast<std::int32_t>((2 * dividend + divisor) / (2 * divisor));
}

// What of `to_add` (may be negative) falls to this ReplicaSet by its share of the whole.
std::int32_t proportion(const kube::Deployment& deployment, const kube::ReplicaSet& replica_set,
                        std::int32_t to_add, std::int32_t added) {
  const std::int32_t size = replicas_of(replica_set);
  if (size == 0 || to_add == added) return 0;
  std::int32_t share = 0;
  if (replicas_of(deployment) == 0) {
    share = -size;
  } else {
    std::int32_t before = max_replicas_annotation(replica_set);
    // An adopted ReplicaSet has no annotation: assume the size before this change.
    if (before <= 0) before = deployment.status.replicas;
    if (before <= 0) return 0;
    const std::int32_t after = replicas_of(deployment) + fenceposts(deployment).surge;
    share = rounded_quotient(std::int64_t{size} * after, before) - size;
  }
  // Annotations may be stale or edited: a share never goes against the direction of the change.
  const std::int32_t allowed = to_add - added;
  return to_add > 0 ? std::clamp(share, 0, allowed) : std::clamp(share, allowed, 0);
}

enum class Equals { kNewestFirst, kOldestFirst };

// Largest first; among equals the newest when growing and the oldest when shrinking, so that the
// rounding remainder goes where the roll-out is heading.
void sort_by_size(ReplicaSetList& replica_sets, Equals equals) {
  std::ranges::sort(replica_sets, [&](const ReplicaSetPtr& a, const ReplicaSetPtr& b) {
    if (replicas_of(*a) != replicas_of(*b)) return replicas_of(*a) > replicas_of(*b);
    return equals == Equals::kNewestFirst ? is_older(b, a) : is_older(a, b);
  });
}

ReplicaSetList active_of(ReplicaSetList replica_sets) {
  std::erase_if(replica_sets, [](const auto& each) { return replicas_of(*each) == 0; });
  return replica_sets;
}

// The one ReplicaSet whose size follows spec.replicas, or null when several have Pods.
ReplicaSetPtr active_or_latest(const ReplicaSets& sets) {
  const ReplicaSetList active = active_of(sets.all());
  if (active.size() == 1) return active.front();
  if (!active.empty()) return nullptr;
  if (sets.current) return sets.current;
  return sets.old.empty() ? nullptr : sets.old.back();
}

bool is_saturated(const kube::Deployment& deployment, const ReplicaSetPtr& current) {
  const std::int32_t desired = replicas_of(deployment);
  return current && replicas_of(*current) == desired &&
         current->status.available_replicas == desired &&
         desired_replicas_annotation(*current) == desired;
}

std::vector<Resize> plan_proportional(const kube::Deployment& deployment, const ReplicaSets& sets) {
  ReplicaSetList active = active_of(sets.all());
  const std::int32_t desired = replicas_of(deployment);
  const std::int32_t allowed = desired > 0 ? desired + fenceposts(deployment).surge : 0;
  const std::int32_t to_add = allowed - total_replicas(active);
  sort_by_size(active, to_add > 0 ? Equals::kNewestFirst : Equals::kOldestFirst);
  std::vector<Resize> plan;
  std::int32_t added = 0;
  for (const ReplicaSetPtr& each : active) {
    const std::int32_t part = to_add == 0 ? 0 : proportion(deployment, *each, to_add, added);
    added += part;
    plan.push_back({each, replicas_of(*each) + part});
  }
  if (!plan.empty() && to_add != 0) {
    plan.front().replicas = std::max(0, plan.front().replicas + to_add - added);
  }
  return plan;
}

// Every old ReplicaSet without up to `budget` of its Pods that are not available: they give room
// and cost no availability.
std::vector<Resize> without_unhealthy(const ReplicaSetList& old, std::int32_t budget) {
  std::vector<Resize> plan;
  for (const ReplicaSetPtr& each : old) {
    const std::int32_t size = replicas_of(*each);
    const std::int32_t part = std::min(budget, size - available_of(*each));
    budget -= part;
    plan.push_back({each, size - part});
  }
  return plan;
}

std::vector<Resize> plan_old(const kube::Deployment& deployment, const ReplicaSets& sets) {
  if (total_replicas(sets.old) == 0) return {};
  const std::int32_t min_available = replicas_of(deployment) - fenceposts(deployment).unavailable;
  const std::int32_t current_unavailable = replicas_of(*sets.current) - available_of(*sets.current);
  const std::int32_t budget = total_replicas(sets.all()) - min_available - current_unavailable;
  if (budget <= 0) return {};
  std::vector<Resize> plan = without_unhealthy(sets.old, budget);
  std::int32_t available = 0;
  for (const ReplicaSetPtr& each : sets.all()) available += available_of(*each);
  std::int32_t removable = available - min_available;
  for (Resize& resize : plan) {
    if (removable <= 0) break;
    // What was just cleaned up was not available, so it does not use up `removable`.
    const std::int32_t part = std::min(resize.replicas, removable);
    resize.replicas -= part;
    removable -= part;
  }
  std::erase_if(plan, [](const Resize& resize) {
    return resize.replicas == replicas_of(*resize.replica_set);
  });
  return plan;
}

}  // namespace

ReplicaSetList ReplicaSets::all() const {
  ReplicaSetList out = old;
  if (current) out.push_back(current);
  return out;
}

std::int32_t replicas_of(const kube::ReplicaSet& replica_set) {
  return replica_set.spec.replicas.value_or(1);
}
std::int32_t replicas_of(const kube::Deployment& deployment) {
  return deployment.spec.replicas.value_or(1);
}

std::int32_t total_replicas(const ReplicaSetList& replica_sets) {
  std::int32_t total = 0;
  for (const ReplicaSetPtr& each : replica_sets) total += replicas_of(*each);
  return total;
}

bool is_rolling_update(const kube::Deployment& deployment) {
  return deployment.spec.strategy.type != "Recreate";
}

Fenceposts fenceposts(const kube::Deployment& deployment) {
  const std::int32_t desired = replicas_of(deployment);
  if (!is_rolling_update(deployment) || desired == 0) return {};
  kube::IntOrString surge("25%");
  kube::IntOrString unavailable("25%");
  if (const auto& rolling = deployment.spec.strategy.rolling_update) {
    surge = rolling->max_surge.value_or(surge);
    unavailable = rolling->max_unavailable.value_or(unavailable);
  }
  Fenceposts out;
  out.surge = kube::scaled_value(surge, desired, kube::Rounding::kUp).value_or(0);
  out.unavailable = kube::scaled_value(unavailable, desired, kube::Rounding::kDown).value_or(0);
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  out.unavailable = std::min(out.unavailable, desired);
  return out;
}

std::int32_t next_current_size(const kube::Deployment& deployment, const ReplicaSets& sets) {
  const std::int32_t desired = replicas_of(deployment);
  if (!is_rolling_update(deployment)) return desired;
  const std::int32_t current = sets.current ? replicas_of(*sets.current) : 0;
  if (current > desired) return desired;
  std::int32_t room = desired + fenceposts(deployment).surge;
  for (const ReplicaSetPtr& each : sets.all()) room -= occupied_by(*each);
  return room <= 0 ? current : current + std::min(room, desired - current);
}

std::vector<Resize> plan_scaling(const kube::Deployment& deployment, const ReplicaSets& sets) {
  if (const ReplicaSetPtr only = active_or_latest(sets)) {
    return {{only, replicas_of(deployment)}};
  }
  if (is_saturated(deployment, sets.current)) return plan_removal_of_old(sets);
  return is_rolling_update(deployment) ? plan_proportional(deployment, sets)
                                       : std::vector<Resize>{};
}

std::vector<Resize> plan_rolling_step(const kube::Deployment& deployment, const ReplicaSets& sets) {
  CHECK(sets.current, "a rolling update needs its new ReplicaSet");
  const std::int32_t next = next_current_size(deployment, sets);
  if (next != replicas_of(*sets.current)) return {{sets.current, next}};
  return plan_old(deployment, sets);
}

std::vector<Resize> plan_removal_of_old(const ReplicaSets& sets) {
  std::vector<Resize> plan;
  for (const ReplicaSetPtr& each : active_of(sets.old)) plan.push_back({each, 0});
  return plan;
}

}  // namespace minato::controllers
