#include "removal/testing/fake_cloud.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::removal {

using cloud::LifecycleState;
using cloud::TargetState;

void FakeCloud::later(Duration delay_, env::Task task) {
  timers_.push_back(time_.after(delay_, std::move(task)));
}

void FakeCloud::answer(cloud::Done done, Status status) {
  time_.post([done = std::move(done), status]() mutable { done(status); });
}

Status FakeCloud::accept(const std::string& call) {
  const bool fails = is_down || (fail_one_in > 0 && rng_.chance(1, fail_one_in));
  if (fails) return fail(Reason::kUnavailable, "the cloud API is down");
  calls.push_back(call);
  return {};
}

bool FakeCloud::called(const std::string& call) const {
  return std::ranges::find(calls, call) != calls.end();
}

cloud::Instance& FakeCloud::launch(LifecycleState state) {
  const int number = next_++;
  cloud::Instance instance;
  instance.id = fmt::format("i-{:02}", number);
  instance.group = group.name;
  instance.zone = "a";
  instance.hostname = fmt::format("node-{:02}", number);
  instance.market = cloud::Market::kSpot;
  instance.state = state;
  instance.launch_time =
      WallTime(std::chrono::floor<std::chrono::seconds>(time_.wall().time_since_epoch()));
  return instances[instance.id] = instance;
}

void FakeCloud::fill(std::int32_t desired) {
  group.desired_capacity = highest_desired = desired;
  while (live() < desired) {
    const cloud::Instance instance = launch(LifecycleState::kInService);
    if (came) came(instance);
    add_target(instance, TargetState::kHealthy);
  }
}

std::int32_t FakeCloud::live() const {
  return static_cast<std::int32_t>(std::ranges::count_if(
      instances, [](const auto& each) { return !cloud::is_terminating(each.second.state); }));
}

void FakeCloud::hold() {
  while (live() < group.desired_capacity) {
    const std::string id = launch(LifecycleState::kPending).id;
    later(rng_.between(boot_min, boot_max), [this, id] { run(id); });
  }
  while (live() > group.desired_capacity) {
    // A victim of the group's choice, without care: the newest.
    const auto victim = std::ranges::find_if(
        instances.rbegin(), instances.rend(),
        [](const auto& each) { return !cloud::is_terminating(each.second.state); });
    end(victim->first);
  }
}

void FakeCloud::run(const std::string& id) {
  const auto found = instances.find(id);
  if (found == instances.end() || cloud::is_terminating(found->second.state)) return;
  found->second.state = LifecycleState::kInService;
  if (came) came(found->second);
  add_target(found->second, TargetState::kInitial);
}

void FakeCloud::add_target(const cloud::Instance& instance, TargetState state) {
  cloud::TargetHealth& target = targets[instance.id];
  target.instance_id = instance.id;
  target.zone = instance.zone;
  target.state = state;
  target.since = time_.wall();
  if (state == TargetState::kHealthy) return;
  later(health_time, [this, id = instance.id] {
    const auto found = targets.find(id);
    if (found == targets.end() || found->second.state != TargetState::kInitial) return;
    if (!dead.contains(id)) found->second.state = TargetState::kHealthy;
  });
}

void FakeCloud::drain(const std::string& id) {
  const auto found = targets.find(id);
  if (found == targets.end() || found->second.state == TargetState::kDraining) return;
  found->second.state = TargetState::kDraining;
  found->second.since = time_.wall();
  later(delay, [this, id, since = found->second.since] {
    const auto target = targets.find(id);
    if (target == targets.end() || target->second.since != since) return;
    targets.erase(target);
  });
}

void FakeCloud::end(const std::string& id) {
  instances[id].state = group.lifecycle_hooks.empty() ? LifecycleState::kTerminating
                                                      : LifecycleState::kTerminatingWait;
  drain(id);
  if (group.lifecycle_hooks.empty()) later(terminate_after, [this, id] { kill(id); });
}

void FakeCloud::kill_at(const std::string& id, WallTime at) {
  later(at - time_.wall(), [this, id] { kill(id); });
}

void FakeCloud::kill(const std::string& id) {
  const auto found = instances.find(id);
  if (found == instances.end() || !dead.insert(id).second) return;
  if (died) died(found->second);
  if (const auto target = targets.find(id); target != targets.end()) {
    target->second.state = target->second.state == TargetState::kDraining
                               ? TargetState::kDraining
                               : TargetState::kUnhealthy;
  }
  const bool was_asked = cloud::is_terminating(found->second.state);
  later(was_asked ? Duration{0} : notice_after, [this, id] {
    instances.erase(id);
    targets.erase(id);
    hold();
  });
}

std::vector<cloud::Instance> FakeCloud::describe_auto_scaling_instances() const {
  std::vector<cloud::Instance> out;
  for (const auto& [id, instance] : instances) out.push_back(instance);
  return out;
}

void FakeCloud::set_desired_capacity(const std::string&, std::int32_t desired, cloud::Done done) {
  Status status = accept(fmt::format("desired {}", desired));
  if (status && (desired < group.min_size || desired > group.max_size)) {
    status = fail(Reason::kInvalid, "outside of the group's limits");
  }
  if (status) {
    group.desired_capacity = desired;
    highest_desired = std::max(highest_desired, desired);
    hold();
  }
  answer(std::move(done), status);
}

void FakeCloud::terminate_instance_in_auto_scaling_group(const std::string& id,
                                                         cloud::Decrement decrement,
                                                         cloud::Done done) {
  const bool shrinks = decrement == cloud::Decrement::kYes;
  Status status = accept(fmt::format("terminate {}{}", id, shrinks ? " and shrink" : ""));
  if (status && !instances.contains(id)) status = fail(Reason::kNotFound, "no instance " + id);
  if (status && shrinks && group.desired_capacity <= group.min_size) {
    status = fail(Reason::kInvalid, "the group is at its minimum");
  }
  if (status && !cloud::is_terminating(instances[id].state)) {
    if (shrinks) --group.desired_capacity;
    end(id);
    hold();
  }
  answer(std::move(done), status);
}

void FakeCloud::update_instances_distribution(const std::string&,
                                              const cloud::InstancesDistribution& distribution,
                                              cloud::Done done) {
  group.distribution = distribution;
  answer(std::move(done), {});
}

void FakeCloud::complete_lifecycle_action(const std::string&, const std::string&,
                                          const std::string& id, cloud::LifecycleResult,
                                          cloud::Done done) {
  Status status = accept("complete " + id);
  if (status && instances[id].state != LifecycleState::kTerminatingWait) {
    status = fail(Reason::kInvalid, "it does not wait");
  }
  if (status) {
    instances[id].state = LifecycleState::kTerminatingProceed;
    later(terminate_after, [this, id] { kill(id); });
  }
  answer(std::move(done), status);
}

void FakeCloud::record_lifecycle_action_heartbeat(const std::string&, const std::string&,
                                                  const std::string&, cloud::Done done) {
  answer(std::move(done), {});
}

std::vector<cloud::TargetHealth> FakeCloud::describe_target_health() const {
  std::vector<cloud::TargetHealth> out;
  for (const auto& [id, target] : targets) {
    out.push_back(target);
    const auto found = in_flight.find(id);
    if (!tells_in_flight) continue;
    out.back().in_flight =
        found == in_flight.end() ? 0u : static_cast<std::uint64_t>(found->second);
  }
  return out;
}

void FakeCloud::register_target(const std::string& id, cloud::Done done) {
  Status status = accept("register " + id);
  if (status && !instances.contains(id)) status = fail(Reason::kNotFound, "no instance " + id);
  if (status) {
    const auto found = targets.find(id);
    // A draining target serves again.
    add_target(instances[id], found != targets.end() ? TargetState::kHealthy
                                                     : TargetState::kInitial);
  }
  answer(std::move(done), status);
}

void FakeCloud::deregister_target(const std::string& id, cloud::Done done) {
  const Status status = accept("deregister " + id);
  if (status) drain(id);
  answer(std::move(done), status);
}

}  // namespace minato::removal
