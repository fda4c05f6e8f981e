// Machines that die and targets that fail, and how a group learns of it.
#include <fmt/format.h>

#include <algorithm>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::Instance;
using cloud::LifecycleState;

// The group does not know at once: it learns of a dead instance at its next status check.
void Cloud::machine_gone(const std::string& id) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr || !(*kept)->alive || destroying_.contains(id)) return;
  Record& record = kept->edit();
  record.alive = false;
  close_bill(record);
  for (const Due due : {Due::kSpotNotice, Due::kInterruption, Due::kProceed}) {
    agenda_.cancel(due, id);
  }
  changed();
  if (listener_.lost) listener_.lost(record.instance);
  if (is_terminating(record.instance.state)) return step_termination(id);
  agenda_.set(Due::kInstanceCheck, id, options_.instance_check_interval);
}

// What the group does once a health check has told it.
void Cloud::replace_unhealthy(const std::string& id, const std::string& cause) {
  Kept<Record>* kept = find(id);
  Group& group = groups_.at((*kept)->instance.group);
  if (suspended(group, "HealthCheck")) {
    agenda_.set((*kept)->alive ? Due::kElbCheck : Due::kInstanceCheck, id,
                options_.instance_check_interval);
    return;
  }
  kept->edit().instance.healthy = false;
  changed();
  if (suspended(group, "ReplaceUnhealthy") || suspended(group, "Terminate")) return;
  terminate(id, cause);
  hold(group.spec.name);
}

void Cloud::check_elb_health(const std::string& id) {
  const auto target = targets_.find(id);
  const Record& record = **find(id);
  if (target == targets_.end() || target->second.health.state != cloud::TargetState::kUnhealthy ||
      record.instance.state != LifecycleState::kInService) {
    return;
  }
  replace_unhealthy(id,
                    "an instance was taken out of service in response to an ELB system health "
                    "check failure");
}

// Those that were spared while the process was suspended.
void Cloud::replace_all_unhealthy(Group& group) {
  if (suspended(group, "ReplaceUnhealthy") || suspended(group, "Terminate")) return;
  const std::set<std::string> members = group.members;
  for (const std::string& id : members) {
    if ((*find(id))->instance.healthy) continue;
    terminate(id, "an instance was taken out of service in response to a failed health check");
  }
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

void Cloud::fail_zone(const std::string& zone) {
  pools_.set_zone(zone, Capacity::kExhausted);
  changed();
  std::vector<Instance> there;
  for (const auto& [id, kept] : instances_) {
    if (kept->instance.zone == zone && kept->alive) there.push_back(kept->instance);
  }
  for (const Instance& instance : there) {
    if (instance.state != LifecycleState::kPending || !instance.private_ip.empty()) {
      warn(kill_instance(instance.id));
      continue;
    }
    finish_activity(find(instance.id)->edit(), "Failed",
                    "InsufficientInstanceCapacity: the Availability Zone " + zone + " has failed");
    terminate(instance.id, "the launch failed with its Availability Zone");
    hold(instance.group);
  }
}

void Cloud::restore_zone(const std::string& zone) {
  pools_.set_zone(zone, Capacity::kAvailable);
  changed();
  for (const auto& [name, group] : groups_) hold(name);
}

}  // namespace minato::cloudmodel
