#include <fmt/format.h>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

std::string_view to_string(TargetState state) {
  switch (state) {
    case TargetState::kInitial: return "initial";
    case TargetState::kHealthy: return "healthy";
    case TargetState::kUnhealthy: return "unhealthy";
    case TargetState::kDraining: return "draining";
  }
  return "";
}

Status Cloud::register_target(const std::string& instance_id) {
  const auto found = instances_.find(instance_id);
  if (found == instances_.end() || found->second.private_ip.empty()) {
    return fail(Reason::kNotFound, fmt::format("instance {} is not running", instance_id));
  }
  const auto existing = targets_.find(instance_id);
  if (existing != targets_.end()) {
    if (existing->second.health.state != TargetState::kDraining) return {};
    // Registered again while it drained: it starts over, as a new target does.
    RETURN_IF_ERROR(balancer_.remove_target(instance_id));
    targets_.erase(existing);
  }
  const Instance& instance = found->second;
  Target target;
  target.health.target = {instance.id, instance.private_ip, options_.node_port, instance.zone};
  target.health.reason = "Elb.RegistrationInProgress";
  target.health.description = "Target registration is in progress";
  target.health.since = env_.clock.wall();
  const balancer::Target wire = target.health.target;
  targets_.emplace(instance_id, std::move(target));
  save();
  return balancer_.add_target(wire);
}

Status Cloud::deregister_target(const std::string& instance_id) {
  const auto found = targets_.find(instance_id);
  if (found == targets_.end()) {
    return fail(Reason::kNotFound, fmt::format("target {} is not registered", instance_id));
  }
  Target& target = found->second;
  if (target.health.state == TargetState::kDraining) return {};
  set_target_state(target, TargetState::kDraining, "Target.DeregistrationInProgress",
                   "Target deregistration is in progress");
  target.drain_timer = env_.executor.after(options_.deregistration_delay,
                                           [this, instance_id] { finish_drain(instance_id); });
  return balancer_.drain_target(instance_id);
}

void Cloud::finish_drain(const std::string& id) {
  targets_.erase(id);
  if (const Status status = balancer_.remove_target(id); !status) {
    env_.log.write(env::Level::kWarning, "cloud", status.error().message);
  }
  save();
  const auto owner = instances_.find(id);
  if (owner != instances_.end() && owner->second.state == LifecycleState::kTerminating &&
      owner->second.healthy) {
    destroy_machine(id);
  }
}

void Cloud::observe(const balancer::Observation& observation) {
  const auto found = targets_.find(observation.target_id);
  if (found == targets_.end()) return;
  Target& target = found->second;
  if (target.health.state == TargetState::kDraining) {
    // AWS waits the whole delay only while requests are in flight.
    if (observation.in_flight == 0) finish_drain(observation.target_id);
    return;
  }
  switch (observation.health) {
    case balancer::Health::kHealthy:
      target.passed_once = true;
      set_target_state(target, TargetState::kHealthy, "", "");
      return;
    case balancer::Health::kUnhealthy:
      set_target_state(target, TargetState::kUnhealthy, observation.reason, observation.description);
      return;
    case balancer::Health::kChecking:
      if (!target.passed_once) {
        set_target_state(target, TargetState::kInitial, observation.reason, observation.description);
      }
      return;
  }
}

void Cloud::set_target_state(Target& target, TargetState state, std::string reason,
                             std::string description) {
  if (target.health.state != state) {
    target.health.since = env_.clock.wall();
    env_.log.write(env::Level::kInfo, "cloud",
                   fmt::format("target {} ({}): {} -> {}{}", target.health.target.id,
                               target.health.target.ip, to_string(target.health.state),
                               to_string(state), reason.empty() ? "" : " (" + reason + ")"));
  }
  target.health.state = state;
  target.health.reason = std::move(reason);
  target.health.description = std::move(description);
}

std::vector<TargetHealth> Cloud::describe_target_health() const {
  std::vector<TargetHealth> out;
  for (const auto& [id, target] : targets_) out.push_back(target.health);
  return out;
}

}  // namespace minato::cloudmodel
