// Auto Scaling Groups: their sizes, and what is launched or given up to hold them.
#include <fmt/format.h>

#include <algorithm>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::AutoScalingGroup;
using cloud::Instance;
using cloud::Market;

namespace {

Status validate(const cloud::InstancesDistribution& in) {
  if (in.on_demand_base_capacity < 0) {
    return fail(Reason::kInvalid, fmt::format("OnDemandBaseCapacity is {}; at least 0",
                                              in.on_demand_base_capacity));
  }
  const std::int32_t percent = in.on_demand_percentage_above_base_capacity;
  if (percent < 0 || percent > 100) {
    return fail(Reason::kInvalid,
                fmt::format("OnDemandPercentageAboveBaseCapacity is {}; 0 to 100", percent));
  }
  return {};
}

Status validate(const AutoScalingGroup& spec) {
  if (spec.types.empty() || spec.zones.empty()) {
    return fail(Reason::kInvalid,
                fmt::format("group {} needs at least one instance type and one zone", spec.name));
  }
  if (spec.min_size < 0 || spec.min_size > spec.desired_capacity ||
      spec.desired_capacity > spec.max_size) {
    return fail(Reason::kInvalid,
                fmt::format("group {}: minimum {}, desired capacity {} and maximum {} must be in "
                            "this order",
                            spec.name, spec.min_size, spec.desired_capacity, spec.max_size));
  }
  for (const cloud::LifecycleHook& hook : spec.lifecycle_hooks) {
    if (hook.name.empty() || hook.name.find('/') != std::string::npos) {
      return fail(Reason::kInvalid,
                  fmt::format("group {}: a lifecycle hook cannot be called \"{}\"", spec.name,
                              hook.name));
    }
    if (hook.heartbeat_timeout < 30s || hook.heartbeat_timeout > 2h) {
      return fail(Reason::kInvalid,
                  fmt::format("lifecycle hook {}: the heartbeat timeout is {}; 30s to 2h",
                              hook.name, format_duration(hook.heartbeat_timeout)));
    }
  }
  return validate(spec.distribution);
}

}  // namespace

Result<Group*> Cloud::find_group(const std::string& name) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) {
    return fail(Reason::kNotFound, fmt::format("AutoScalingGroup name not found: {}", name));
  }
  return &found->second;
}

bool Cloud::suspended(const Group& group, std::string_view process) {
  return std::ranges::find(group.spec.suspended_processes, process) !=
         group.spec.suspended_processes.end();
}

Status Cloud::put_auto_scaling_group(const AutoScalingGroup& spec) {
  RETURN_IF_ERROR(validate(spec));
  Group& group = groups_[spec.name];
  if (group.spec == spec) return {};
  const bool was_attached = group.spec.attached_to_target_group;
  group.spec = spec;
  forget_back_off(group, Market::kOnDemand);
  forget_back_off(group, Market::kSpot);
  changed();
  if (started_) {
    if (was_attached != spec.attached_to_target_group) attach_or_detach(group);
    replace_all_unhealthy(group);
  }
  hold(spec.name);
  return {};
}

Status Cloud::set_desired_capacity(const std::string& name, std::int32_t desired) {
  ASSIGN_OR_RETURN(Group* group, find_group(name));
  AutoScalingGroup& spec = group->spec;
  if (desired < spec.min_size || desired > spec.max_size) {
    return fail(Reason::kInvalid,
                fmt::format("desired capacity {} of group {} is outside its limits {} to {}",
                            desired, name, spec.min_size, spec.max_size));
  }
  if (std::exchange(spec.desired_capacity, desired) == desired) return {};
  // Asked anew: it is tried at once, whatever failed before.
  forget_back_off(*group, Market::kOnDemand);
  forget_back_off(*group, Market::kSpot);
  changed();
  hold(name);
  return {};
}

Status Cloud::update_instances_distribution(const std::string& name,
                                            const cloud::InstancesDistribution& distribution) {
  RETURN_IF_ERROR(validate(distribution));
  ASSIGN_OR_RETURN(Group* group, find_group(name));
  if (group->spec.distribution == distribution) return {};
  group->spec.distribution = distribution;
  forget_back_off(*group, Market::kOnDemand);
  forget_back_off(*group, Market::kSpot);
  changed();
  hold(name);
  return {};
}

Status Cloud::set_instance_protection(const std::string& id, Protection protection) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return fail(Reason::kNotFound, fmt::format("instance {} not found", id));
  kept->edit().instance.protected_from_scale_in = protection == Protection::kOn;
  changed();
  hold((*kept)->instance.group);
  return {};
}

Status Cloud::terminate_instance(const std::string& id, cloud::Decrement decrement) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return fail(Reason::kNotFound, fmt::format("instance {} not found", id));
  const std::string name = (*kept)->instance.group;
  if (is_terminating((*kept)->instance.state)) return {};
  AutoScalingGroup& spec = groups_.at(name).spec;
  if (decrement == cloud::Decrement::kYes) {
    if (spec.desired_capacity <= spec.min_size) {
      return fail(Reason::kInvalid,
                  fmt::format("group {} is at its minimum of {}; terminate without decrement", name,
                              spec.min_size));
    }
    --spec.desired_capacity;
  }
  terminate(id, "an instance was taken out of service in response to a user request");
  hold(name);
  return {};
}

Census Cloud::census(const Group& group) const {
  Census out;
  for (const std::string& id : group.members) {
    const Record& record = *instances_.at(id);
    const Instance& instance = record.instance;
    ++out.members;
    if (!record.relieves.empty()) ++out.relief;
    const std::pair pool(instance.type, instance.zone);
    if (record.rebalance || record.notice) out.at_risk.insert(pool);
    if (relief_of_.contains(id)) continue;
    ++out.zones[instance.zone];
    if (instance.market == Market::kOnDemand) {
      ++out.on_demand;
    } else {
      ++out.spot_pools[pool];
    }
  }
  return out;
}

void Cloud::hold(const std::string& name) {
  const auto found = groups_.find(name);
  if (!started_ || found == groups_.end()) return;
  Group& group = found->second;
  Census now = census(group);
  const std::int32_t missing = group.spec.desired_capacity - now.effective();
  if (missing > 0 && !suspended(group, "Launch")) launch_missing(group, now, missing);
  if (missing < 0 && !suspended(group, "Terminate")) scale_in(group, now);
  if (group.spec.capacity_rebalance && !suspended(group, "Launch")) relieve(group, now);
  if (!zones_differ(group, now)) {
    agenda_.cancel(Due::kZoneCheck, name);
  } else if (!agenda_.contains(Due::kZoneCheck, name)) {
    agenda_.set(Due::kZoneCheck, name, options_.zone_check_interval);
    changed();
  }
}

// On-Demand first, as the base capacity is; a market with nothing to give does not stop the other.
void Cloud::launch_missing(Group& group, Census& now, std::int32_t missing) {
  const std::int32_t share = on_demand_share(group.spec.distribution, group.spec.desired_capacity);
  const std::int32_t on_demand = std::clamp(share - now.on_demand, 0, missing);
  const auto launch_some = [&](Market market, std::int32_t count) {
    for (; count > 0 && !backing_off(group, market); --count) {
      // While many are being relieved; each that ends makes room.
      if (now.members >= rebalancing_limit(group.spec.max_size)) return;
      LaunchRequest request{
          .market = market,
          .cause = fmt::format("an instance was started in response to a difference between "
                               "desired and actual capacity, increasing the capacity from {} to {}",
                               now.effective(), now.effective() + 1),
          .zones = zones_by_need(group.spec.zones, now)};
      if (!launch(group, now, std::move(request))) return;
    }
  };
  launch_some(Market::kOnDemand, on_demand);
  launch_some(Market::kSpot, missing - on_demand);
}

// `relieved`: those that a relief stands for, which otherwise wait for it.
std::vector<const Instance*> Cloud::may_go(const Group& group, bool relieved) const {
  std::vector<const Instance*> out;
  for (const std::string& id : group.members) {
    const Record& record = *instances_.at(id);
    if (relieved == relief_of_.contains(id) && record.relieves.empty()) {
      out.push_back(&record.instance);
    }
  }
  return out;
}

void Cloud::scale_in(Group& group, Census& now) {
  const std::int32_t desired = group.spec.desired_capacity;
  const std::int32_t share = on_demand_share(group.spec.distribution, desired);
  std::vector<const Instance*> plain = may_go(group, false);
  while (now.effective() > desired) {
    const Instance* victim = choose_victim(plain, now, share);
    const bool pair = victim == nullptr;
    if (pair) victim = choose_victim(may_go(group, true), now, share);
    if (victim == nullptr) return;  // All that is left is protected from scale-in.
    std::erase(plain, victim);
    if (!pair) {
      --now.members;
      --now.zones[victim->zone];
      if (victim->market == Market::kOnDemand) --now.on_demand;
    }
    terminate(victim->id,
              fmt::format("an instance was taken out of service in response to a difference "
                          "between desired and actual capacity, shrinking the capacity to {}",
                          desired));
    if (!pair) continue;
    // Its relief is an ordinary member from now on, and may be the next to go.
    now = census(group);
    plain = may_go(group, false);
  }
}

}  // namespace minato::cloudmodel
