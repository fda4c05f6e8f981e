#include "removal/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "removal/planner.h"

namespace minato::removal {

using cloud::LifecycleState;
using cloud::TargetState;

bool has_ended(Phase phase) { return phase == Phase::kDone || phase == Phase::kCancelled; }

bool is_urgent(const Record& record, WallTime now, const Options& options) {
  return record.request.deadline && *record.request.deadline - now <= options.urgent_horizon;
}

bool is_registered(const cloud::TargetHealth& target) {
  return target.state != TargetState::kDraining && target.state != TargetState::kUnused;
}

std::string in_short(Duration duration) {
  return format_duration(std::chrono::floor<std::chrono::seconds>(std::max(duration, Duration{0})));
}

Plan decide(const State& state) { return Planner(state).run(); }

Planner::Planner(const State& state) : state_(state), leaving_(state.leaving) {
  for (const auto& target : state.targets) targets_[target.instance_id] = &target;
  for (const auto& instance : state.instances) instances_[instance.id] = &instance;
  for (const auto& group : state.groups) {
    groups_[group.name] = &group;
    room_[group.name] = group.max_size - group.desired_capacity;
  }
}

Plan Planner::run() {
  count_stock();
  match_replacements();
  Plan out;
  for (const RemovalView* removal : by_urgency()) out.removals.push_back(decide(*removal));
  return out;
}

std::vector<const RemovalView*> Planner::by_urgency() const {
  std::vector<const RemovalView*> out;
  for (const RemovalView& removal : state_.removals) out.push_back(&removal);
  std::ranges::stable_sort(out, {}, [&](const RemovalView* each) {
    const Request& request = each->record.request;
    return std::tuple(!is_urgent(each->record, state_.now, state_.options),
                      request.deadline.value_or(WallTime::max()), -static_cast<int>(request.cause),
                      each->record.begun, request.node);
  });
  return out;
}

void Planner::count_stock() {
  for (const RemovalView& removal : state_.removals) {
    const Record& record = removal.record;
    if (has_ended(record.phase)) {
      if (record.phase == Phase::kDone) leaving_.insert(removal.instance);
      continue;
    }
    const bool urgent = is_urgent(record, state_.now, state_.options);
    is_any_urgent_ |= urgent;
    if (urgent || record.admitted) leaving_.insert(removal.instance);
    if (urgent || !record.admitted) continue;
    ++voluntary_;
    if (!removal.pods.empty()) ++draining_;
  }
  for (const auto& [id, target] : targets_) {
    const auto instance = instances_.find(id);
    const bool ending =
        instance != instances_.end() && cloud::is_terminating(instance->second->state);
    if (ending || leaving_.contains(id)) continue;
    if (target->state == TargetState::kHealthy) ++staying_healthy_;
    if (is_registered(*target)) ++staying_registered_;
  }
}

// New instances go to the orders of their group in turn, each to one.
void Planner::match_replacements() {
  std::set<std::string> taken = state_.claimed;
  std::vector<const RemovalView*> orders;
  for (const RemovalView& removal : state_.removals) {
    const auto& replacement = removal.record.replacement;
    if (!replacement) continue;
    if (instances_.contains(replacement->instance)) {
      matched_[removal.record.request.node] = replacement->instance;
      taken.insert(replacement->instance);
    } else {
      orders.push_back(&removal);
    }
  }
  std::ranges::stable_sort(
      orders, {}, [](const RemovalView* each) { return each->record.replacement->ordered; });
  std::vector<const cloud::Instance*> arrivals;
  for (const auto& instance : state_.instances) arrivals.push_back(&instance);
  std::ranges::stable_sort(arrivals, {}, &cloud::Instance::launch_time);
  for (const RemovalView* order : orders) {
    const Replacement& replacement = *order->record.replacement;
    // Launch times have whole seconds.
    const WallTime since{
        std::chrono::floor<std::chrono::seconds>(replacement.ordered.time_since_epoch())};
    const auto found = std::ranges::find_if(arrivals, [&](const cloud::Instance* each) {
      return each->group == replacement.group && each->launch_time >= since &&
             each->id != order->instance && !cloud::is_terminating(each->state) &&
             !leaving_.contains(each->id) && !taken.contains(each->id);
    });
    if (found == arrivals.end()) continue;
    matched_[order->record.request.node] = (*found)->id;
    taken.insert((*found)->id);
  }
}

Decision Planner::decide(Removal removal) {
  const Record& record = removal.record;
  Decision out;
  out.node = record.request.node;
  out.phase = record.phase;
  if (const auto match = matched_.find(out.node);
      match != matched_.end() && match->second != record.replacement->instance) {
    out.replacement = match->second;
  }
  const bool is_lost = !removal.node_exists ||
                       (removal.instance_was_seen && instance_of(removal) == nullptr);
  if (record.phase == Phase::kCancelled) {
    undo(removal, out);
  } else if (record.phase == Phase::kDone) {
    out.is_complete = record.request.after != After::kKeep || !removal.node_exists;
  } else if (is_lost) {
    lose(removal, out);
  } else {
    const bool is_out = record.phase == Phase::kDraining || record.phase == Phase::kEvicting;
    if (is_out) order_replacement(removal, out);
    if (record.phase == Phase::kWaiting) wait(removal, out);
    if (record.phase == Phase::kDraining) drain(removal, out);
    if (record.phase == Phase::kEvicting) evict(removal, out);
    if (record.phase == Phase::kTerminating) end_instance(removal, out);
  }
  return out;
}

// ---- Waiting: a turn, a replacement, the target group.

void Planner::wait(Removal removal, Decision& out) {
  const Record& record = removal.record;
  const auto bare = std::ranges::find(removal.pods, "", &PodView::controller);
  if (record.request.cause == Cause::kScaleDown && bare != removal.pods.end()) {
    out.phase = Phase::kCancelled;
    out.detail = fmt::format("pod {} has no controller that would make it anew",
                             bare->key.to_string());
    return;
  }
  const cloud::AutoScalingGroup* group = group_of(removal);
  if (record.request.cause == Cause::kScaleDown && group != nullptr &&
      group->desired_capacity <= group->min_size && !is_urgent(record, state_.now, state_.options)) {
    // It was larger when this was asked for; the Node is wanted after all.
    out.phase = Phase::kCancelled;
    out.detail = fmt::format("group {} is at its minimum of {}", group->name, group->min_size);
    return;
  }
  if (!admit(removal, out)) return;
  order_replacement(removal, out);
  if (!may_detach(removal, out)) return;
  out.detach = true;
  out.phase = Phase::kDraining;
}

bool Planner::admit(Removal removal, Decision& out) {
  const Options& options = state_.options;
  if (!is_urgent(removal.record, state_.now, options)) {
    if (is_any_urgent_) {
      out.detail = "waits while instances with a deadline are taken out";
      return false;
    }
    if (removal.record.admitted) return true;
    const bool has_pods = !removal.pods.empty();
    if (voluntary_ >= options.parallel_voluntary ||
        (has_pods && draining_ >= options.parallel_draining)) {
      out.detail = "waits for another removal to end";
      return false;
    }
    ++voluntary_;
    if (has_pods) ++draining_;
    const cloud::TargetHealth* target = target_of(removal);
    if (target != nullptr && leaving_.insert(removal.instance).second) {
      if (target->state == TargetState::kHealthy) --staying_healthy_;
      if (is_registered(*target)) --staying_registered_;
    }
  }
  out.admit = true;
  return true;
}

bool Planner::may_detach(Removal removal, Decision& out) {
  const cloud::Instance* instance = instance_of(removal);
  if (instance != nullptr && cloud::is_terminating(instance->state)) return true;
  const cloud::TargetHealth* target = target_of(removal);
  const bool serves = target != nullptr && is_registered(*target);
  const std::int32_t minimum = state_.options.minimum_healthy_targets;
  // A target that is not healthy takes nothing away, unless the group fails open and it is the
  // last.
  const bool is_healthy = serves && target->state == TargetState::kHealthy;
  const std::int32_t staying = is_healthy ? staying_healthy_ : staying_registered_;
  if (!serves || staying >= minimum) return may_go_without_replacement(removal, out);
  out.detail = fmt::format("the target group would keep {} healthy targets of at least {}",
                           staying_healthy_, minimum);
  const auto end = end_of(removal);
  if (!end) return false;
  const Duration longest = staying_healthy_ == 0 ? state_.options.last_target_drain
                                                 : (*end - removal.record.begun) / 4;
  if (state_.now < *end - std::min(state_.deregistration_delay, longest)) return false;
  out.cuts.push_back(fmt::format("the target group is left with {} healthy targets of at least {}",
                                 staying_healthy_, minimum));
  out.detail.clear();
  return true;
}

// The target group can do without the Node; is its replacement to be awaited all the same?
bool Planner::may_go_without_replacement(Removal removal, Decision& out) const {
  const Record& record = removal.record;
  const cloud::AutoScalingGroup* group = group_of(removal);
  if (is_urgent(record, state_.now, state_.options) || group == nullptr) return true;
  if (record.request.after == After::kTerminateAndShrink) {
    if (group->desired_capacity > group->min_size) return true;
    out.detail = fmt::format("group {} is at its minimum of {}", group->name, group->min_size);
    return false;
  }
  if (record.request.after == After::kKeep || rebalances_by_itself(removal, *group)) return true;
  if (!record.replacement) {
    // At its maximum the group launches the replacement when the instance is gone.
    if (out.capacity != Capacity::kOrder && group->desired_capacity >= group->max_size) return true;
    out.detail = fmt::format("orders a replacement in group {}", group->name);
    return false;
  }
  if (replacement_serves(removal)) return true;
  if (state_.now - record.replacement->ordered >= state_.options.replacement_patience) {
    out.cuts.push_back(fmt::format("group {} gave no replacement within {}", group->name,
                                   in_short(state_.options.replacement_patience)));
    return true;
  }
  out.detail = fmt::format("waits for the replacement in group {}", group->name);
  return false;
}

// ---- The replacement.

void Planner::order_replacement(Removal removal, Decision& out) {
  const Record& record = removal.record;
  if (record.replacement) {
    if (record.replacement->confirmed || removal.order_pending) return;
    // Nobody knows whether the order was heard. Too small by one is put right by the autoscaler
    // within seconds; too large would stay until a Node is unneeded.
    const auto group = groups_.find(record.replacement->group);
    if (group == groups_.end()) return;
    const bool heard = group->second->desired_capacity > record.replacement->desired_before;
    out.capacity = heard ? Capacity::kConfirm : Capacity::kOrder;
    return;
  }
  const cloud::AutoScalingGroup* group = group_of(removal);
  const cloud::Instance* instance = instance_of(removal);
  if (group == nullptr || record.request.after == After::kTerminateAndShrink) return;
  // Its own group already counts it as leaving and replaces it, or shrank on purpose.
  if (cloud::is_terminating(instance->state) || rebalances_by_itself(removal, *group)) return;
  const cloud::TargetHealth* target = target_of(removal);
  const bool is_last = target != nullptr && target->state == TargetState::kHealthy &&
                       staying_healthy_ < state_.options.minimum_healthy_targets;
  if (record.request.after == After::kKeep && !is_last) return;
  std::int32_t& room = room_[group->name];
  if (room <= 0) return;
  --room;
  out.capacity = Capacity::kOrder;
}

// With Capacity Rebalancing the group heeds the signals of EC2 itself: it launches the replacement
// without anybody's order.
bool Planner::rebalances_by_itself(Removal removal, const cloud::AutoScalingGroup& group) {
  return group.capacity_rebalance &&
         removal.record.request.cause >= Cause::kRebalanceRecommendation;
}

// The order outlives the Node or the wish to remove it. Lowering the desired capacity ends an
// instance of the group's choice, without any care, when all of them live: so only an order that
// has brought nothing yet is taken back.
Capacity Planner::settle_replacement(Removal removal) const {
  const auto& replacement = removal.record.replacement;
  if (!replacement || removal.order_pending) return Capacity::kNone;
  const auto group = groups_.find(replacement->group);
  if (group == groups_.end()) return Capacity::kForget;
  const std::int32_t desired = group->second->desired_capacity;
  const bool heard = replacement->confirmed || desired > replacement->desired_before;
  const bool is_open = live_in(replacement->group) < desired && desired > group->second->min_size;
  return heard && is_open ? Capacity::kLower : Capacity::kForget;
}

bool Planner::replacement_serves(Removal removal) const {
  const auto match = matched_.find(removal.record.request.node);
  if (match == matched_.end()) return false;
  const auto instance = instances_.find(match->second);
  if (instance == instances_.end() || instance->second->state != LifecycleState::kInService) {
    return false;
  }
  const auto group = groups_.find(instance->second->group);
  if (group == groups_.end() || !group->second->attached_to_target_group) return true;
  const auto target = targets_.find(match->second);
  return target != targets_.end() && target->second->state == TargetState::kHealthy;
}

// ---- Draining: requests in flight end.

void Planner::drain(Removal removal, Decision& out) {
  if (is_drained(removal)) {
    out.drained = true;
    out.phase = Phase::kEvicting;
  } else if (is_over(removal) || pods_must_hurry(removal)) {
    out.phase = Phase::kEvicting;
  } else {
    const cloud::TargetHealth* target = target_of(removal);
    out.detail = target != nullptr && target->in_flight && *target->in_flight > 0
                     ? fmt::format("{} requests in flight", *target->in_flight)
                     : "waits for the load balancer to let go";
  }
}

bool Planner::is_drained(Removal removal) const {
  const Record& record = removal.record;
  if (record.drained) return true;
  const cloud::TargetHealth* target = target_of(removal);
  if (target == nullptr || target->state == TargetState::kUnused) return true;
  if (is_registered(*target)) return false;  // Still to be heard.
  if (state_.now - std::max(record.detached, target->since) >= state_.deregistration_delay) {
    return true;
  }
  return removal.idle_since && state_.now - *removal.idle_since >= state_.options.settle;
}

// ---- Terminating: the instance ends, or is kept.

void Planner::finish(Removal removal, Decision& out) {
  if (is_over(removal)) cut_short(removal, out);
  out.phase = Phase::kTerminating;
}

void Planner::end_instance(Removal removal, Decision& out) {
  const Record& record = removal.record;
  const cloud::Instance* instance = instance_of(removal);
  if (record.request.after == After::kKeep || removal.instance.empty()) {
    if (record.replacement) out.capacity = Capacity::kForget;
    out.phase = Phase::kDone;
    return;
  }
  if (instance != nullptr && instance->state == LifecycleState::kTerminatingWait) {
    out.ending = Ending::kCompleteLifecycleAction;
    out.detail = "completes the lifecycle action";
    return;
  }
  if (instance != nullptr && cloud::is_terminating(instance->state)) {
    out.capacity = settle_replacement(removal);
    if (!record.replacement) out.phase = Phase::kDone;
    return;
  }
  out.ending = Ending::kTerminate;
  const bool has_order = record.replacement && record.replacement->confirmed;
  const bool shrinks = record.request.after == After::kTerminateAndShrink;
  out.decrement = has_order || shrinks ? cloud::Decrement::kYes : cloud::Decrement::kNo;
  out.detail = "terminates the instance";
}

// The Node or its instance is gone before its removal ended.
void Planner::lose(Removal removal, Decision& out) {
  const Record& record = removal.record;
  out.detach = !is_set(record.detached);
  if (record.phase != Phase::kTerminating) {
    const auto left = waited_for(removal);
    out.cuts.push_back(fmt::format("{} vanished while {}, with {} pods on it",
                                   removal.node_exists ? "the instance" : "the Node",
                                   to_string(record.phase), left.size()));
  }
  const cloud::Instance* instance = instance_of(removal);
  const bool is_alive = instance != nullptr && !cloud::is_terminating(instance->state);
  if (is_alive && record.request.after != After::kKeep) {
    // Only the Node was deleted; nothing would ever end the instance.
    out.phase = Phase::kTerminating;
    end_instance(removal, out);
    return;
  }
  out.capacity = settle_replacement(removal);
  out.phase = record.replacement ? Phase::kTerminating : Phase::kDone;
}

// ---- Cancelled: every step is taken back.

void Planner::undo(Removal removal, Decision& out) {
  const Record& record = removal.record;
  out.is_rejoining = record.was_target && instance_of(removal) != nullptr;
  out.forget_target = record.was_target && !out.is_rejoining;
  out.capacity = settle_replacement(removal);
  out.is_complete = !record.was_target && !record.replacement;
}

// ---- Look-ups.

std::optional<WallTime> Planner::end_of(Removal removal) const {
  if (!removal.record.request.deadline) return std::nullopt;
  return *removal.record.request.deadline - state_.options.finish_before;
}

bool Planner::is_over(Removal removal) const {
  const auto end = end_of(removal);
  return end && state_.now >= *end;
}

const cloud::TargetHealth* Planner::target_of(Removal removal) const {
  const auto found = targets_.find(removal.instance);
  return found == targets_.end() ? nullptr : found->second;
}

const cloud::Instance* Planner::instance_of(Removal removal) const {
  const auto found = instances_.find(removal.instance);
  return found == instances_.end() ? nullptr : found->second;
}

const cloud::AutoScalingGroup* Planner::group_of(Removal removal) const {
  const cloud::Instance* instance = instance_of(removal);
  if (instance == nullptr) return nullptr;
  const auto found = groups_.find(instance->group);
  return found == groups_.end() ? nullptr : found->second;
}

std::int32_t Planner::live_in(const std::string& group) const {
  return static_cast<std::int32_t>(std::ranges::count_if(state_.instances, [&](const auto& each) {
    return each.group == group && !cloud::is_terminating(each.state);
  }));
}

}  // namespace minato::removal
