// Which Pods leave a Node now, and how much of what they are owed they get.
#include <fmt/format.h>

#include <algorithm>

#include "removal/planner.h"

namespace minato::removal {
namespace {

// 0 would take the Pod out of the API without waiting for its kubelet.
std::int64_t seconds_until(WallTime end, WallTime now) {
  const auto left = std::chrono::floor<std::chrono::seconds>(end - now).count();
  return std::max<std::int64_t>(left, 1);
}

}  // namespace

// The latest moment at which the Pod still gets its grace period before the end.
WallTime Planner::last_call(Removal removal, const PodView& pod) const {
  const WallTime end = *end_of(removal);
  return end - std::min(pod.grace, (end - removal.record.begun) / 2);
}

bool Planner::pods_must_hurry(Removal removal) const {
  if (!end_of(removal)) return false;
  return std::ranges::any_of(removal.pods, [&](const PodView& pod) {
    return state_.now >= last_call(removal, pod) - state_.options.hurry_lead;
  });
}

std::vector<const PodView*> Planner::waited_for(Removal removal) const {
  std::vector<const PodView*> out;
  for (const PodView& pod : removal.pods) {
    const bool is_overdue =
        pod.is_leaving && state_.now >= pod.leaves_by + state_.options.overdue;
    if (!is_overdue) out.push_back(&pod);
  }
  return out;
}

void Planner::evict(Removal removal, Decision& out) {
  const Record& record = removal.record;
  out.drained = is_drained(removal);
  if (is_over(removal)) return finish(removal, out);
  const auto pods = waited_for(removal);
  if (pods.empty()) {
    if (out.drained) return finish(removal, out);
    out.detail = "waits for the load balancer to let go";
    return;
  }
  const bool is_stuck = std::ranges::none_of(pods, &PodView::is_leaving) &&
                        state_.now - std::max(record.since, removal.last_eviction) >=
                            state_.options.scale_down_patience;
  if (is_stuck && record.request.cause == Cause::kScaleDown) {
    out.phase = Phase::kCancelled;
    out.detail = fmt::format("pod {} could not be evicted within {}", pods.front()->key.to_string(),
                             in_short(state_.options.scale_down_patience));
    return;
  }
  out.detail = fmt::format("{} pods are leaving", pods.size());
  for (const PodView* pod : pods) {
    if (pod->is_leaving) shorten(removal, *pod, out);
  }
  for (const PodView* pod : pods) {
    if (!pod->is_leaving) evict_pod(removal, *pod, out);
  }
}

void Planner::evict_pod(Removal removal, const PodView& pod, Decision& out) {
  if (!may_leave_now(removal, pod, out)) return;
  Eviction eviction{pod.key, pod.uid, {}, false, {}};
  if (const auto end = end_of(removal)) {
    eviction.overrides_budget = state_.now >= last_call(removal, pod);
    // Compared in the API's whole seconds, so that a Pod in time is not cut by a fraction.
    if (pod.grace > *end - state_.now) {
      eviction.grace_seconds = seconds_until(*end, state_.now);
      eviction.cut = fmt::format("pod {}: grace period cut from {} to {}s", pod.key.to_string(),
                                 in_short(pod.grace), *eviction.grace_seconds);
    }
  }
  if (pod.is_backing_off && !eviction.overrides_budget) {
    out.detail = fmt::format("pod {}: its eviction is refused", pod.key.to_string());
    return;
  }
  if (pod.controller.empty()) {
    eviction.cut = fmt::format("pod {} has no controller: nothing makes it anew",
                               pod.key.to_string());
  } else {
    disturbed_.insert(pod.controller);
  }
  out.evictions.push_back(std::move(eviction));
}

bool Planner::may_leave_now(Removal removal, const PodView& pod, Decision& out) {
  const bool hurries =
      end_of(removal) && state_.now >= last_call(removal, pod) - state_.options.hurry_lead;
  if (hurries) return true;
  const bool are_others_there = std::ranges::any_of(
      removal.pods, [](const PodView& each) { return !each.is_system; });
  if (pod.is_system && are_others_there) return false;
  if (disturbed_.contains(pod.controller)) return false;
  const bool is_patient =
      state_.now - std::max(removal.record.since, removal.last_eviction) <
      state_.options.sibling_patience;
  if (!pod.siblings_complete && is_patient) {
    out.detail = fmt::format("pod {}: waits until its siblings run elsewhere", pod.key.to_string());
    return false;
  }
  return true;
}

// One that was told to go before the deadline was known, or before it came nearer.
void Planner::shorten(Removal removal, const PodView& pod, Decision& out) const {
  const auto end = end_of(removal);
  if (!end || pod.leaves_by <= *end + 1s || pod.is_backing_off) return;
  const std::int64_t left = seconds_until(*end, state_.now);
  out.evictions.push_back(
      {pod.key, pod.uid, left, true,
       fmt::format("pod {}: grace period cut to {}s", pod.key.to_string(), left)});
}

// At the end: what is still there goes down with the instance.
void Planner::cut_short(Removal removal, Decision& out) const {
  for (const PodView* pod : waited_for(removal)) {
    out.cuts.push_back(fmt::format("pod {} was still there", pod->key.to_string()));
  }
  const cloud::TargetHealth* target = target_of(removal);
  if (is_drained(removal) || target == nullptr) return;
  out.cuts.push_back(
      target->in_flight
          ? fmt::format("{} requests were in flight", *target->in_flight)
          : "the load balancer had not let go: requests may have been in flight");
}

}  // namespace minato::removal
