// The life of an instance: lifecycle hooks, service, and from the decision to terminate to the end.
#include <fmt/format.h>

#include <algorithm>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::Instance;
using cloud::LifecycleHook;
using cloud::LifecycleResult;
using cloud::LifecycleState;
using cloud::LifecycleTransition;

namespace {

// The wait ends for good after 48 hours or 100 heartbeat timeouts, whichever is less.
Duration longest_wait(Duration heartbeat_timeout) {
  return std::min<Duration>(48h, heartbeat_timeout * 100);
}

std::string wait_subject(const std::string& id, const std::string& hook) { return id + "/" + hook; }

// EC2's own rule for Spot Instances that it interrupts.
constexpr Duration kFreeWhenInterruptedWithin = 1h;

}  // namespace

// False: no hook of that transition, nothing to wait for.
bool Cloud::begin_hooks(Record& record, LifecycleTransition transition) {
  record.waits.clear();
  const WallTime now = env_.clock.wall();
  for (const LifecycleHook& hook : groups_.at(record.instance.group).spec.lifecycle_hooks) {
    if (hook.transition != transition) continue;
    record.waits.push_back({hook.name, hook.heartbeat_timeout, hook.default_result,
                            now + longest_wait(hook.heartbeat_timeout)});
    agenda_.set(Due::kHookTimeout, wait_subject(record.instance.id, hook.name),
                hook.heartbeat_timeout);
  }
  if (record.waits.empty()) return false;
  record.instance.state = transition == LifecycleTransition::kLaunching
                              ? LifecycleState::kPendingWait
                              : LifecycleState::kTerminatingWait;
  changed();
  return true;
}

Status Cloud::check_waits(const std::string& group, const std::string& hook,
                          const std::string& id) const {
  const Kept<Record>* kept = find(id);
  if (kept == nullptr || (*kept)->instance.group != group) {
    return fail(Reason::kNotFound, fmt::format("no instance {} in group {}", id, group));
  }
  if (std::ranges::find((*kept)->waits, hook, &HookWait::hook) == (*kept)->waits.end()) {
    return fail(Reason::kInvalid,
                fmt::format("No active Lifecycle Action found with instance ID {} and hook {}; the "
                            "instance is {}",
                            id, hook, to_string((*kept)->instance.state)));
  }
  return {};
}

Status Cloud::complete_lifecycle_action(const std::string& group, const std::string& hook,
                                        const std::string& id, LifecycleResult result) {
  RETURN_IF_ERROR(check_waits(group, hook, id));
  end_wait(id, hook, result);
  return {};
}

Status Cloud::record_lifecycle_action_heartbeat(const std::string& group, const std::string& hook,
                                                const std::string& id) {
  RETURN_IF_ERROR(check_waits(group, hook, id));
  const Record& record = **find(id);
  const HookWait& wait = *std::ranges::find(record.waits, hook, &HookWait::hook);
  const Duration left = wait.limit - env_.clock.wall();
  agenda_.set(Due::kHookTimeout, wait_subject(id, hook), std::min(wait.heartbeat_timeout, left));
  changed();
  return {};
}

// ABANDON ends the other waits as well: a launch is given up, a termination goes on.
void Cloud::end_wait(const std::string& id, const std::string& hook, LifecycleResult result) {
  Record& record = find(id)->edit();
  if (result == LifecycleResult::kAbandon) {
    clear_waits(record);
  } else {
    agenda_.cancel(Due::kHookTimeout, wait_subject(id, hook));
    std::erase_if(record.waits, [&](const HookWait& wait) { return wait.hook == hook; });
  }
  changed();
  if (!record.waits.empty()) return;
  if (record.instance.state == LifecycleState::kTerminatingWait) return step_termination(id);
  if (result == LifecycleResult::kAbandon) {
    const std::string cause = fmt::format("lifecycle hook {} abandoned the launch", hook);
    finish_activity(record, "Cancelled", cause);
    terminate(id, cause);
    return hold(record.instance.group);
  }
  record.instance.state = LifecycleState::kPendingProceed;
  agenda_.set(Due::kProceed, id, Duration{0});
}

void Cloud::clear_waits(Record& record) {
  for (const HookWait& wait : record.waits) {
    agenda_.cancel(Due::kHookTimeout, wait_subject(record.instance.id, wait.hook));
  }
  record.waits.clear();
}

void Cloud::enter_service(const std::string& id) {
  Kept<Record>* kept = find(id);
  if (is_terminating((*kept)->instance.state) || !(*kept)->alive) return;
  Record& record = kept->edit();
  record.instance.state = LifecycleState::kInService;
  record.in_service_since = env_.clock.wall();
  finish_activity(record, "Successful");
  changed();
  attach_target(record.instance);
  relief_ready(id);
}

void Cloud::terminate(const std::string& id, const std::string& cause) {
  Record& record = find(id)->edit();
  if (is_terminating(record.instance.state)) return;
  record.instance.state = LifecycleState::kTerminating;
  finish_activity(record, "Cancelled", "the instance was terminated before it was in service");
  record.activity =
      begin_activity(record.instance.group, "Terminating EC2 instance: " + id, cause);
  groups_.at(record.instance.group).members.erase(id);
  dissolve_relief(record);
  clear_waits(record);
  for (const Due due : {Due::kInstanceCheck, Due::kElbCheck, Due::kProceed}) {
    agenda_.cancel(due, id);
  }
  changed();
  if (targets_.contains(id)) warn(deregister_target(id));
  step_termination(id);
}

// As EC2 Auto Scaling does: drained first, then the hooks, then the end. Does what can be done now.
void Cloud::step_termination(const std::string& id) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return;
  LifecycleState state = (*kept)->instance.state;
  const bool runs = (*kept)->alive && !(*kept)->instance.private_ip.empty();
  if (state == LifecycleState::kTerminating) {
    if (runs && !drained(id)) return;
    if (runs && begin_hooks(kept->edit(), LifecycleTransition::kTerminating)) return;
    state = kept->edit().instance.state = LifecycleState::kTerminatingProceed;
  }
  if (state == LifecycleState::kTerminatingWait) {
    if (runs && !(*kept)->waits.empty()) return;
    clear_waits(kept->edit());
    state = kept->edit().instance.state = LifecycleState::kTerminatingProceed;
  }
  if (state == LifecycleState::kTerminatingProceed) destroy(id);
}

void Cloud::destroy(const std::string& id) {
  if (!destroying_.insert(id).second) return;
  close_bill(find(id)->edit());
  changed();
  enqueue([this, id] {
    driver_.terminate(id, instance::Loss::kTerminate,
                      [this, id, alive = std::weak_ptr(alive_)](const Status& status) {
                        if (!alive.lock()) return;
                        destroying_.erase(id);
                        if (status) return finish_termination(id);
                        warn(status);
                        agenda_.set(Due::kDestroyRetry, id, options_.launch_retry);
                        changed();
                      });
  });
}

void Cloud::finish_termination(const std::string& id) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return;
  if (targets_.contains(id)) remove_target(id);
  Record record = **kept;
  instances_.erase(id);
  agenda_.cancel_subject(id);
  finish_activity(record, "Successful");
  record.instance.state = LifecycleState::kTerminated;
  ended_bills_.add(std::move(record.bill));
  changed();
  if (listener_.gone) listener_.gone(record.instance);
  hold(record.instance.group);
}

void Cloud::close_bill(Record& record) {
  Bill& bill = record.bill;
  if (!is_set(bill.from) || is_set(bill.until)) return;
  bill.until = env_.clock.wall();
  bill.waived = record.reclaim == Reclaim::kInterruption &&
                bill.until - bill.from < kFreeWhenInterruptedWithin;
}

}  // namespace minato::cloudmodel
