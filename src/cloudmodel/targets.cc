// The target group: what its targets' states are, and when a draining one may be forgotten.
#include <fmt/format.h>

#include <algorithm>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::Instance;
using cloud::LifecycleState;
using cloud::TargetHealth;
using cloud::TargetState;

// What a group promises of its instances: those in service are targets.
void Cloud::attach_target(const Instance& instance) {
  const Group& group = groups_.at(instance.group);
  if (!group.spec.attached_to_target_group || suspended(group, "AddToLoadBalancer")) return;
  warn(register_target(instance.id));
}

// AttachLoadBalancerTargetGroups and DetachLoadBalancerTargetGroups, for all that is in service.
void Cloud::attach_or_detach(const Group& group) {
  for (const std::string& id : group.members) {
    const Instance& instance = (*find(id))->instance;
    if (instance.state != LifecycleState::kInService) continue;
    if (group.spec.attached_to_target_group) {
      attach_target(instance);
    } else {
      warn(ignore_not_found(deregister_target(id)));
    }
  }
}

Status Cloud::register_target(const std::string& instance_id) {
  const Kept<Record>* kept = find(instance_id);
  if (kept == nullptr || (*kept)->instance.private_ip.empty() || !(*kept)->alive ||
      is_terminating((*kept)->instance.state)) {
    return fail(Reason::kNotFound, fmt::format("instance {} is not running", instance_id));
  }
  const auto existing = targets_.find(instance_id);
  const bool known = existing != targets_.end();
  if (known && existing->second.health.state != TargetState::kDraining) return {};
  const Instance& instance = (*kept)->instance;
  // Registered again while it drains: what is in flight goes on, and it is checked as a new one.
  agenda_.cancel(Due::kDrained, instance_id);
  Target target;
  target.health = {.instance_id = instance.id,
                   .ip = instance.private_ip,
                   .port = options_.node_port,
                   .zone = instance.zone,
                   .reason = "Elb.RegistrationInProgress",
                   .description = "Target registration is in progress",
                   .since = env_.clock.wall()};
  targets_.insert_or_assign(instance_id, std::move(target));
  changed();
  return balancer_.add_target(
      {instance.id, instance.private_ip, options_.node_port, instance.zone});
}

Status Cloud::deregister_target(const std::string& instance_id) {
  const auto found = targets_.find(instance_id);
  if (found == targets_.end()) {
    return fail(Reason::kNotFound, fmt::format("target {} is not registered", instance_id));
  }
  Target& target = found->second;
  if (target.health.state == TargetState::kDraining) return {};
  const bool unused = target.health.state == TargetState::kUnused;
  set_target_state(target, TargetState::kDraining, "Target.DeregistrationInProgress",
                   "Target deregistration is in progress");
  target.idle = unused;
  agenda_.cancel(Due::kElbCheck, instance_id);
  agenda_.set(Due::kDrained, instance_id, options_.deregistration_delay);
  changed();
  return balancer_.drain_target(instance_id);
}

// A stopped or terminated instance gets no requests, and nothing that was in flight can end well.
void Cloud::retire_target(const std::string& id) {
  const auto found = targets_.find(id);
  if (found == targets_.end()) return;
  found->second.idle = true;
  if (found->second.health.state != TargetState::kDraining) {
    set_target_state(found->second, TargetState::kUnused, "Target.InvalidState",
                     "Target is in the terminated state");
  }
  warn(ignore_not_found(balancer_.drain_target(id)));
}

bool Cloud::drained(const std::string& id) const {
  const auto found = targets_.find(id);
  return found == targets_.end() || found->second.idle;
}

void Cloud::remove_target(const std::string& id) {
  targets_.erase(id);
  agenda_.cancel(Due::kDrained, id);
  warn(balancer_.remove_target(id));
  changed();
  if (instances_.contains(id)) relief_ready(id);
}

// After a restart, when the instances are known: the balancer went on meanwhile.
void Cloud::adopt_targets() {
  for (const balancer::Observation& known : balancer_.observe()) {
    if (!targets_.contains(known.target_id)) {
      // Its instance went, or its delay ended, while nobody looked.
      warn(balancer_.remove_target(known.target_id));
    } else if (targets_.at(known.target_id).health.state != TargetState::kDraining) {
      observe(known);
    }
  }
  for (auto& [id, target] : targets_) {
    const Kept<Record>* kept = find(id);
    if (kept != nullptr && (*kept)->reclaim != Reclaim::kNone) {
      retire_target(id);
    } else if (target.health.state == TargetState::kDraining) {
      warn(ignore_not_found(balancer_.drain_target(id)));
    } else {
      // Known to it, most likely; it may have been started anew itself.
      const TargetHealth& health = target.health;
      warn(balancer_.add_target({id, health.ip, health.port, health.zone}));
    }
  }
}

void Cloud::observe(const balancer::Observation& observation) {
  const auto found = targets_.find(observation.target_id);
  if (found == targets_.end()) return;
  Target& target = found->second;
  if (target.health.state == TargetState::kDraining) {
    // Idle, it may go; until the delay is over it shows as draining, as on AWS.
    if (observation.in_flight != 0 || std::exchange(target.idle, true)) return;
    return step_termination(observation.target_id);
  }
  if (target.health.state == TargetState::kUnused) return;
  switch (observation.health) {
    case balancer::Health::kHealthy:
      target.passed_once = true;
      return set_target_state(target, TargetState::kHealthy, "", "");
    case balancer::Health::kUnhealthy:
      return set_target_state(target, TargetState::kUnhealthy, observation.reason,
                              observation.description);
    case balancer::Health::kChecking:
      if (!target.passed_once) {
        set_target_state(target, TargetState::kInitial, observation.reason,
                         observation.description);
      }
      return;
  }
}

void Cloud::set_target_state(Target& target, TargetState state, std::string reason,
                             std::string description) {
  const bool entered = target.health.state != state;
  const std::string id = target.health.instance_id;
  if (entered) {
    target.health.since = env_.clock.wall();
    env_.log.write(env::Level::kInfo, "cloud",
                   fmt::format("target {} ({}): {} -> {}{}", id, target.health.ip,
                               to_string(target.health.state), to_string(state),
                               reason.empty() ? "" : " (" + reason + ")"));
  }
  target.health.state = state;
  target.health.reason = std::move(reason);
  target.health.description = std::move(description);
  const Kept<Record>* kept = find(id);
  if (!entered || kept == nullptr) return;
  const Instance& instance = (*kept)->instance;
  if (state == TargetState::kHealthy) {
    if (agenda_.cancel(Due::kElbCheck, id)) changed();
    relief_ready(id);
  }
  const Group& group = groups_.at(instance.group);
  if (state == TargetState::kUnhealthy && group.spec.elb_health_check &&
      instance.state == LifecycleState::kInService) {
    const Duration grace = (*kept)->in_service_since + group.spec.health_check_grace_period -
                           env_.clock.wall();
    agenda_.set(Due::kElbCheck, id, std::max(grace, options_.instance_check_interval));
    changed();
  }
}

std::vector<TargetHealth> Cloud::describe_target_health() const {
  std::map<std::string, std::uint64_t> in_flight;
  for (const balancer::Observation& seen : balancer_.observe()) {
    in_flight[seen.target_id] = seen.in_flight;
  }
  std::vector<TargetHealth> out;
  for (const auto& [id, target] : targets_) {
    out.push_back(target.health);
    const auto seen = in_flight.find(id);
    if (target.idle) {
      out.back().in_flight = 0;
    } else if (seen != in_flight.end()) {
      // A zero counts for a draining target only once the balancer has said so itself.
      const bool draining = target.health.state == TargetState::kDraining;
      if (seen->second != 0 || !draining) out.back().in_flight = seen->second;
    }
  }
  return out;
}

TargetHealth Cloud::target_health(const std::string& instance_id) const {
  for (TargetHealth& health : describe_target_health()) {
    if (health.instance_id == instance_id) return std::move(health);
  }
  TargetHealth out{.instance_id = instance_id, .port = options_.node_port,
                   .state = TargetState::kUnused};
  if (const Instance* instance = find_instance(instance_id)) {
    out.ip = instance->private_ip;
    out.zone = instance->zone;
  }
  out.reason = "Target.NotRegistered";
  out.description = "Target is not registered to the target group";
  return out;
}

bool Cloud::fail_open() const {
  const auto any = [&](TargetState state) {
    return std::ranges::any_of(
        targets_, [&](const auto& entry) { return entry.second.health.state == state; });
  };
  return any(TargetState::kUnhealthy) && !any(TargetState::kHealthy);
}

}  // namespace minato::cloudmodel
