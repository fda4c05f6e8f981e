// The calls of the Remover and their answers.
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "removal/remover.h"

namespace minato::removal {
namespace {

constexpr Duration kFirstRetry = 200ms;
constexpr Duration kLastRetry = 5s;
constexpr int kMaxDoublings = 8;
// A description of what a call changed may come this much later.
constexpr Duration kDescribed = 30s;
constexpr Duration kTargetDescribed = 5s;
constexpr std::size_t kMaxNamed = 8;  // Pods in one Event.

}  // namespace

bool Remover::may_try(const Attempt& attempt) const {
  return !attempt.pending && env_.clock.monotonic() >= attempt.not_before;
}

void Remover::note(Attempt& attempt, const Status& status, std::string_view what) {
  attempt.pending = false;
  if (status) {
    attempt = {};
    return;
  }
  const Duration wait = kFirstRetry * (1 << std::min(attempt.failures, kMaxDoublings));
  attempt.not_before = env_.clock.monotonic() + std::min(wait, kLastRetry);
  ++attempt.failures;
  const bool is_normal = is(status.error(), Reason::kTooManyRequests);  // A budget at work.
  env_.log.write(is_normal ? env::Level::kDebug : env::Level::kWarning, "removal",
                 fmt::format("{}: {}", what, status.error().message));
}

// Finds the removal again when the answer comes, if it is still the same.
cloud::Done Remover::answer(const Entry& entry, std::function<void(Entry&, const Status&)> then) {
  return [this, alive = std::weak_ptr(alive_), node = entry.record.request.node, id = entry.id,
          then = std::move(then)](Status status) {
    if (!alive.lock()) return;
    const auto found = entries_.find(node);
    if (found == entries_.end() || found->second.id != id) return;
    then(found->second, status);
    wake();
  };
}

// ---- Replacements.

void Remover::place_orders(const Plan& plan, const State& state) {
  std::map<std::string, std::vector<std::string>> orders;
  std::map<std::string, std::string> lowered;
  for (const Decision& decision : plan.removals) {
    const Entry& entry = entries_.at(decision.node);
    if (decision.capacity == Capacity::kLower) {
      lowered.try_emplace(entry.record.replacement->group, decision.node);
    } else if (decision.capacity == Capacity::kOrder) {
      const auto instance =
          std::ranges::find(state.instances, entry.instance, &cloud::Instance::id);
      if (instance != state.instances.end()) orders[instance->group].push_back(decision.node);
    }
  }
  for (const cloud::AutoScalingGroup& group : state.groups) {
    if (!may_try(groups_[group.name].attempt)) continue;
    if (const auto found = orders.find(group.name); found != orders.end()) {
      order(group, found->second);
    } else if (const auto one = lowered.find(group.name); one != lowered.end()) {
      lower(group, one->second);
    }
  }
}

void Remover::order(const cloud::AutoScalingGroup& group, const std::vector<std::string>& nodes) {
  std::map<std::string, std::uint64_t> ordered;
  for (const std::string& node : nodes) {
    Entry& entry = entries_.at(node);
    entry.record.replacement =
        Replacement{group.name, group.desired_capacity, now(), false, {}};
    entry.order_pending = true;
    write_marks(entry);
    ordered[node] = entry.id;
  }
  const auto count = static_cast<std::int32_t>(nodes.size());
  set_desired(group.name, group.desired_capacity + count,
              [this, ordered, name = group.name](const Status& status) {
                for (const auto& [node, id] : ordered) {
                  const auto found = entries_.find(node);
                  if (found == entries_.end() || found->second.id != id) continue;
                  Entry& entry = found->second;
                  entry.order_pending = false;
                  if (!status) {
                    entry.record.replacement.reset();
                    continue;
                  }
                  if (entry.record.replacement) entry.record.replacement->confirmed = true;
                  events_.normal(*entry.node, "ReplacementOrdered",
                                 fmt::format("group {} launches another instance", name));
                }
              });
}

void Remover::lower(const cloud::AutoScalingGroup& group, const std::string& node) {
  Entry& entry = entries_.at(node);
  entry.order_pending = true;
  set_desired(group.name, group.desired_capacity - 1,
              [this, node, id = entry.id](const Status& status) {
                const auto found = entries_.find(node);
                if (found == entries_.end() || found->second.id != id) return;
                found->second.order_pending = false;
                if (status) found->second.record.replacement.reset();
              });
}

void Remover::set_desired(const std::string& group, std::int32_t desired,
                          std::function<void(const Status&)> then) {
  groups_[group].attempt.pending = true;
  auto done = [this, alive = std::weak_ptr(alive_), group, desired,
               then = std::move(then)](Status status) {
    if (!alive.lock()) return;
    Group& state = groups_[group];
    note(state.attempt, status, "setting the desired capacity of group " + group);
    if (status) {
      state.expected = desired;
      state.expected_until = env_.clock.monotonic() + kDescribed;
    }
    then(status);
    wake();
  };
  auto_scaling_.set_desired_capacity(group, desired, std::move(done));
}

// ---- The target.

void Remover::hold_target(Entry& entry, const State& state) {
  if (!is_set(entry.record.detached) || !may_try(entry.targeting)) return;
  const bool is_there = std::ranges::any_of(state.targets, [&](const cloud::TargetHealth& each) {
    return each.instance_id == entry.instance && is_registered(each);
  });
  if (!is_there) return;
  entry.targeting.pending = true;
  load_balancing_.deregister_target(
      entry.instance, answer(entry, [this](Entry& found, const Status& status) {
        note(found.targeting, status, "deregistering " + found.instance);
        if (!status) return;
        found.targeting.not_before = env_.clock.monotonic() + kTargetDescribed;
        if (!std::exchange(found.was_deregistered, true)) {
          events_.normal(*found.node, "TargetDeregistered",
                         fmt::format("{} gets no new requests", found.instance));
        }
      }));
}

void Remover::rejoin_target(Entry& entry) {
  if (!may_try(entry.targeting)) return;
  entry.targeting.pending = true;
  load_balancing_.register_target(
      entry.instance, answer(entry, [this](Entry& found, const Status& status) {
        note(found.targeting, status, "registering " + found.instance);
        const bool is_gone = !status && is(status.error(), Reason::kNotFound);
        if (found.record.phase == Phase::kCancelled && (status || is_gone)) {
          found.record.was_target = false;
        }
      }));
}

// ---- Pods.

void Remover::evict(Entry& entry, const std::vector<Eviction>& evictions) {
  std::vector<std::string> gone;
  for (const Eviction& eviction : evictions) {
    Attempt& attempt = entry.pods[eviction.uid];
    if (!may_try(attempt) && !eviction.overrides_budget) continue;
    std::vector<std::string> cuts;
    const Status status = evict_one(eviction, cuts);
    note(attempt, status, "evicting pod " + eviction.pod.to_string());
    if (!status) {
      entry.detail = fmt::format("pod {}: {}", eviction.pod.to_string(), status.error().message);
      continue;
    }
    entry.last_eviction = now();
    gone.push_back(eviction.pod.to_string());
    cut(entry, cuts);
  }
  if (gone.empty()) return;
  const std::size_t more = gone.size() > kMaxNamed ? gone.size() - kMaxNamed : 0;
  gone.resize(gone.size() - more);
  const std::string rest = more > 0 ? fmt::format(" and {} more", more) : std::string();
  events_.normal(*entry.node, "PodEvicted", minato::join(gone, ", ") + rest);
}

Status Remover::evict_one(const Eviction& eviction, std::vector<std::string>& cuts) {
  kube::RemoveOptions options;
  options.grace_period_seconds = eviction.grace_seconds;
  options.precondition_uid = eviction.uid;
  Status status = client_.evict(eviction.pod, options);
  if (!status && is(status.error(), Reason::kTooManyRequests) && eviction.overrides_budget) {
    status = client_.remove(kube::Pod::static_kind(), eviction.pod, options);
    cuts.push_back(fmt::format("pod {}: its disruption budget allows none, the deadline leaves no "
                               "choice",
                               eviction.pod.to_string()));
  }
  if (!eviction.cut.empty()) cuts.push_back(eviction.cut);
  // Another Pod has its name by now.
  if (failed_with(status, Reason::kConflict)) return {};
  return ignore_not_found(status);
}

// ---- The instance.

void Remover::end_instance(Entry& entry, const Decision& decision, const State& state) {
  if (decision.ending == Ending::kNone || !may_try(entry.ending)) return;
  const auto instance = std::ranges::find(state.instances, entry.instance, &cloud::Instance::id);
  const std::string group = instance == state.instances.end() ? std::string() : instance->group;
  if (decision.ending == Ending::kTerminate) return terminate(entry, decision.decrement, group);
  const auto found = std::ranges::find(state.groups, group, &cloud::AutoScalingGroup::name);
  complete_lifecycle_action(entry, found == state.groups.end() ? nullptr : &*found);
}

void Remover::terminate(Entry& entry, cloud::Decrement decrement, const std::string& group) {
  entry.ending.pending = true;
  auto_scaling_.terminate_instance_in_auto_scaling_group(
      entry.instance, decrement,
      answer(entry, [this, decrement, group](Entry& found, const Status& status) {
        terminated(found, decrement, group, status);
      }));
}

void Remover::terminated(Entry& entry, cloud::Decrement decrement, const std::string& group,
                         const Status& status) {
  note(entry.ending, status, "terminating " + entry.instance);
  Record& record = entry.record;
  if (status) {
    if (decrement == cloud::Decrement::kYes) {
      record.replacement.reset();
      if (auto& expected = groups_[group].expected) --*expected;
    }
    enter(entry, Phase::kDone, {});
    return;
  }
  if (is(status.error(), Reason::kNotFound)) entry.instance_was_seen = true;
  if (!is(status.error(), Reason::kInvalid) || decrement == cloud::Decrement::kNo) return;
  // The group would go below its minimum: somebody has made it smaller meanwhile.
  if (record.request.after == After::kTerminateAndShrink && !record.request.deadline) {
    enter(entry, Phase::kCancelled, status.error().message);
    return;
  }
  record.replacement.reset();
  record.request.after = After::kTerminateAndReplace;
  entry.ending = {};
}

void Remover::complete_lifecycle_action(Entry& entry, const cloud::AutoScalingGroup* group) {
  if (group == nullptr) return;
  for (const cloud::LifecycleHook& hook : group->lifecycle_hooks) {
    if (hook.transition != cloud::LifecycleTransition::kTerminating) continue;
    entry.ending.pending = true;
    auto_scaling_.complete_lifecycle_action(
        group->name, hook.name, entry.instance, cloud::LifecycleResult::kContinue,
        answer(entry, [this](Entry& found, const Status& status) {
          // Invalid: it waits no more.
          const bool is_past = !status && is(status.error(), Reason::kInvalid);
          note(found.ending, is_past ? Status() : status, "completing the lifecycle action of " +
                                                              found.instance);
        }));
  }
}

}  // namespace minato::removal
