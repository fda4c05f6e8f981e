// Auto Scaling Groups and instances; targets.cc has the target group.
#include <fmt/format.h>

#include <algorithm>

#include "cloud/catalogue.h"
#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

std::string_view to_string(LifecycleState state) {
  switch (state) {
    case LifecycleState::kPending: return "Pending";
    case LifecycleState::kInService: return "InService";
    case LifecycleState::kTerminating: return "Terminating";
  }
  return "";
}

Cloud::Cloud(env::Env env, instance::Driver& instances, balancer::Driver& balancer, Options options)
    : env_(std::move(env)),
      driver_(instances),
      balancer_(balancer),
      options_(std::move(options)),
      alive_(std::make_shared<bool>(true)) {
  driver_.set_sink([this](const std::string& id) { machine_gone(id); });
  balancer_.set_sink([this](const balancer::Observation& o) { observe(o); });
}

void Cloud::start() {
  started_ = true;
  std::map<std::string, instance::Machine> present;
  for (const instance::Machine& machine : driver_.list()) present.emplace(machine.id, machine);
  std::vector<std::string> lost;
  for (auto& [id, instance] : instances_) {
    const auto found = present.find(id);
    if (found == present.end()) {
      lost.push_back(id);
    } else if (instance.state == LifecycleState::kPending) {
      launched(id, found->second);
    } else if (instance.state == LifecycleState::kInService) {
      if (listener_.running) listener_.running(instance);
      adopt_target(instance);
    } else {
      destroy_machine(id);
    }
  }
  for (const balancer::Observation& known : balancer_.observe()) {
    if (targets_.contains(known.target_id)) {
      observe(known);
    } else {
      finish_drain(known.target_id);  // It was draining, or its instance went while nobody looked.
    }
  }
  for (const std::string& id : lost) machine_gone(id);
  for (const auto& [id, machine] : present) {
    // Booted, but the record of it was not kept: nobody may be left running unseen.
    if (!instances_.contains(id)) driver_.terminate(id, instance::Loss::kTerminate, [](Status) {});
  }
  for (const auto& [name, group] : groups_) hold(name);
}

void Cloud::put_auto_scaling_group(const GroupSpec& spec) {
  groups_[spec.name].spec = spec;
  save();
  if (started_) hold(spec.name);
}

Status Cloud::set_desired_capacity(const std::string& name, std::int32_t desired) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) {
    return fail(Reason::kNotFound, fmt::format("AutoScalingGroup name not found: {}", name));
  }
  GroupSpec& spec = found->second.spec;
  if (desired < spec.min_size || desired > spec.max_size) {
    return fail(Reason::kInvalid,
                fmt::format("desired capacity {} of group {} is outside its limits {} to {}", desired,
                            name, spec.min_size, spec.max_size));
  }
  spec.desired_capacity = desired;
  save();
  hold(name);
  return {};
}

std::vector<const Instance*> Cloud::members(const std::string& group) const {
  std::vector<const Instance*> out;
  for (const auto& [id, instance] : instances_) {
    if (instance.group == group && instance.state != LifecycleState::kTerminating) {
      out.push_back(&instance);
    }
  }
  return out;
}

// Launches go to the emptiest zone, terminations to the fullest: the group's zones stay balanced.
std::string Cloud::choose_zone(const GroupSpec& spec) const {
  std::map<std::string, int> count;
  for (const Instance* member : members(spec.name)) ++count[member->zone];
  return *std::ranges::min_element(
      spec.zones, {}, [&](const std::string& zone) { return count[zone]; });
}

std::string Cloud::choose_victim(const GroupSpec& spec) const {
  std::map<std::string, int> count;
  const auto current = members(spec.name);
  for (const Instance* member : current) ++count[member->zone];
  const Instance* victim = *std::ranges::min_element(current, {}, [&](const Instance* member) {
    return std::tuple(-count[member->zone], member->launch_time, member->id);
  });
  return victim->id;
}

void Cloud::hold(const std::string& name) {
  if (!started_) return;
  Group& group = groups_.at(name);
  if (group.timer_pending) return;
  auto current = static_cast<std::int32_t>(members(name).size());
  for (; current < group.spec.desired_capacity; ++current) launch(group);
  for (; current > group.spec.desired_capacity; --current) {
    Instance& victim = instances_.at(choose_victim(group.spec));
    terminate(victim,
              fmt::format("an instance was taken out of service in response to a difference "
                          "between desired and actual capacity, shrinking the capacity to {}",
                          group.spec.desired_capacity));
  }
}

void Cloud::launch(Group& group) {
  Instance instance;
  instance.id = fmt::format("i-0{:016x}", env_.rng.next());
  instance.type = group.spec.types.front();
  instance.zone = choose_zone(group.spec);
  instance.group = group.spec.name;
  instance.launch_time = env_.clock.wall();
  instance::Spec spec{.id = instance.id, .type = instance.type, .zone = instance.zone,
                      .group = instance.group};
  if (const cloud::InstanceType* type = cloud::find_instance_type(instance.type)) {
    spec.vcpus = type->vcpus;
    spec.memory_bytes = static_cast<std::int64_t>(type->memory_mib) << 20;
  }
  add_activity(instance.group, "Launching a new EC2 instance: " + instance.id,
               fmt::format("an instance was started in response to a difference between desired "
                           "and actual capacity, increasing the capacity to {}",
                           group.spec.desired_capacity),
               "InProgress");
  instances_.emplace(instance.id, instance);
  // Recorded before the machine exists: a crash in between must not leave one that nobody knows.
  save();
  driver_.boot(spec, [this, id = instance.id, alive = std::weak_ptr(alive_)](
                         Result<instance::Machine> machine) {
    if (alive.lock()) launched(id, std::move(machine));
  });
}

void Cloud::launched(const std::string& id, Result<instance::Machine> machine) {
  const auto found = instances_.find(id);
  if (found == instances_.end() || found->second.state == LifecycleState::kTerminating) return;
  Instance& instance = found->second;
  Group& group = groups_[instance.group];
  if (!machine) {
    const std::string name = instance.group;
    add_activity(name, "Launching a new EC2 instance: " + id, "", "Failed", machine.error().message);
    env_.log.write(env::Level::kWarning, "cloud",
                   fmt::format("launch in group {} failed: {}", name, machine.error().message));
    instances_.erase(found);
    group.retry = group.retry == Duration{0} ? options_.launch_retry
                                             : std::min(group.retry * 2, options_.launch_retry_max);
    group.timer_pending = true;
    group.timer = env_.executor.after(group.retry, [this, name] {
      groups_.at(name).timer_pending = false;
      hold(name);
    });
    save();
    return;
  }
  group.retry = Duration{0};
  instance.state = LifecycleState::kInService;
  instance.private_ip = machine->private_ip;
  instance.hostname = machine->hostname;
  add_activity(instance.group, "Launching a new EC2 instance: " + id, "", "Successful");
  save();
  if (listener_.running) listener_.running(instance);
  adopt_target(instance);
}

// What a group promises of its instances: those in service are targets.
void Cloud::adopt_target(const Instance& instance) {
  Status status;
  if (const auto known = targets_.find(instance.id); known != targets_.end()) {
    status = balancer_.add_target(known->second.health.target);
  } else if (groups_[instance.group].spec.attached_to_target_group) {
    status = register_target(instance.id);
  }
  if (!status) env_.log.write(env::Level::kWarning, "cloud", status.error().message);
}

Status Cloud::terminate_instance(const std::string& id, Decrement decrement) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) {
    return fail(Reason::kNotFound, fmt::format("instance {} not found", id));
  }
  Group& group = groups_[found->second.group];
  if (decrement == Decrement::kYes) {
    if (group.spec.desired_capacity <= group.spec.min_size) {
      return fail(Reason::kInvalid,
                  fmt::format("group {} is at its minimum of {}; terminate without decrement",
                              group.spec.name, group.spec.min_size));
    }
    --group.spec.desired_capacity;
  }
  terminate(found->second, "instance was taken out of service in response to a user request");
  hold(group.spec.name);
  return {};
}

Status Cloud::kill_instance(const std::string& id) {
  if (!instances_.contains(id)) {
    return fail(Reason::kNotFound, fmt::format("instance {} not found", id));
  }
  driver_.terminate(id, instance::Loss::kKill, [this, id, alive = std::weak_ptr(alive_)](Status) {
    if (alive.lock()) machine_gone(id);
  });
  return {};
}

void Cloud::terminate(Instance& instance, const std::string& cause) {
  const std::string id = instance.id;
  instance.state = LifecycleState::kTerminating;
  add_activity(instance.group, "Terminating EC2 instance: " + id, cause, "InProgress");
  save();
  const bool serving = instance.healthy && targets_.contains(id);
  if (targets_.contains(id)) {
    if (const Status status = deregister_target(id); !status) {
      env_.log.write(env::Level::kWarning, "cloud", status.error().message);
    }
  }
  // As EC2 Auto Scaling does: a living target is drained first; finish_drain() goes on from there.
  if (!serving) destroy_machine(id);
}

void Cloud::destroy_machine(const std::string& id) {
  driver_.terminate(id, instance::Loss::kTerminate,
                    [this, id, alive = std::weak_ptr(alive_)](Status status) {
                      if (!alive.lock()) return;
                      if (!status) {
                        env_.log.write(env::Level::kWarning, "cloud", status.error().message);
                      }
                      finish_termination(id);
                    });
}

void Cloud::finish_termination(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return;
  const Instance gone = std::move(found->second);
  instances_.erase(found);
  replacement_timers_.erase(id);
  if (targets_.contains(id)) finish_drain(id);
  add_activity(gone.group, "Terminating EC2 instance: " + id, "", "Successful");
  save();
  if (listener_.gone) listener_.gone(gone);
  if (groups_.contains(gone.group)) hold(gone.group);
}

// The group does not know at once: it learns of a dead instance at its next status check.
void Cloud::machine_gone(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end() || found->second.state == LifecycleState::kTerminating) return;
  if (replacement_timers_.contains(id)) return;
  if (found->second.healthy) {
    found->second.healthy = false;
    save();
    if (listener_.lost) listener_.lost(found->second);
  }
  replacement_timers_[id] =
      env_.executor.after(options_.instance_check_interval, [this, id] { replace_lost(id); });
}

void Cloud::replace_lost(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return;
  const std::string group = found->second.group;
  terminate(found->second,
            "an instance was taken out of service in response to an EC2 health check indicating "
            "it has been terminated or stopped");
  if (groups_.contains(group)) hold(group);
}

std::vector<GroupSpec> Cloud::groups() const {
  std::vector<GroupSpec> out;
  for (const auto& [name, group] : groups_) out.push_back(group.spec);
  return out;
}

std::vector<Instance> Cloud::instances() const {
  std::vector<Instance> out;
  for (const auto& [id, instance] : instances_) out.push_back(instance);
  return out;
}

const Instance* Cloud::find_instance(const std::string& id) const {
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : &found->second;
}

bool Cloud::exists(const std::string& provider_id) const {
  const auto found = std::ranges::find_if(instances_, [&](const auto& entry) {
    return entry.second.provider_id() == provider_id;
  });
  return found != instances_.end() && found->second.healthy;
}

void Cloud::add_activity(const std::string& group, std::string description, std::string cause,
                         std::string status, std::string message) {
  if (activities_.size() >= options_.activity_history) activities_.erase(activities_.begin());
  activities_.push_back({env_.clock.wall(), group, std::move(description), std::move(cause),
                         std::move(status), std::move(message)});
}

}  // namespace minato::cloudmodel
