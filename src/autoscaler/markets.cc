#include "autoscaler/markets.h"

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/discovery.h"
#include "autoscaler/pools.h"
#include "autoscaler/scale_down.h"

namespace minato::autoscaler {
namespace {

using cloud::Market;

// Nothing that is missing can be launched from any pool.
bool is_out_of_resources(const NodeGroup& group, const Options& options, const Memory& memory,
                         MonoTime now) {
  const Markets next = next_markets(group, group.desired());
  const bool no_spot = next.spot == 0 || (exhausted(*group.config, Market::kSpot, memory, now) &&
                                          !can_fall_back(*group.config, options, memory, now));
  const bool no_on_demand =
      next.on_demand == 0 || exhausted(*group.config, Market::kOnDemand, memory, now);
  return no_spot && no_on_demand;
}

// A failure of the group itself, which did not say the pool, since it was last asked.
bool has_failed(const NodeGroup& group, const Memory& memory) {
  const auto request = memory.scale_ups.find(group.name());
  const Backoff::Entry* failure = memory.groups.find(group.name());
  return failure && request != memory.scale_ups.end() &&
         failure->last_failure >= request->second.since;
}

std::int32_t planned_size(const NodeGroup& group, const Plan& plan) {
  const auto found = std::ranges::find(plan.resize, group.name(), &Resize::group);
  return found == plan.resize.end() ? group.desired() : found->to;
}

void lower(const NodeGroup& group, std::string why, const Observation& seen, Memory& memory,
           Plan& plan) {
  const std::int32_t to = std::max(group.config->min_size, group.live);
  if (to >= group.desired()) return;
  plan.announcements.push_back(
      {.warning = true,
       .reason = "FailedToScaleUpGroup",
       .message = fmt::format("group {}: {}; size set to {} instead of {}", group.name(), why, to,
                              group.desired())});
  if (!memory.groups.active(group.name(), seen.now)) {
    memory.groups.failed(group.name(), seen.now, "OutOfResources", why);
  }
  memory.scale_ups.erase(group.name());
  plan.resize.push_back({group.name(), group.desired(), to, group.config->max_size,
                         std::move(why)});
}

void end_unregistered(const NodeGroup& group, const Observation& seen, Memory& memory,
                      Plan& plan) {
  bool any = false;
  for (const Member& member : group.members) {
    if (member.state != MemberState::kLongUnregistered) continue;
    const std::string why =
        fmt::format("no Node within {}", format_duration(group.provision_time));
    plan.terminate.push_back({member.instance->id, group.name(), why});
    plan.announcements.push_back(
        {.warning = true,
         .reason = "DeleteUnregistered",
         .message = fmt::format("Removing unregistered instance {} of group {}: {}",
                                member.instance->id, group.name(), why)});
    any = true;
  }
  if (any && !memory.groups.active(group.name(), seen.now)) {
    memory.groups.failed(group.name(), seen.now, "timeout", "instances did not become Nodes");
  }
}

class MarketPlan {
 public:
  MarketPlan(const Observation& seen, const Groups& groups, const Pending& pending,
             const Options& options, const Memory& memory, Plan& plan)
      : seen_(seen), groups_(groups), pending_(pending), options_(options), memory_(memory),
        plan_(plan) {}

  void run() {
    for (const NodeGroup& group : groups_.all) {
      const auto base = configured_on_demand_base(*group.config, options_.spot);
      if (!base || !group.templates.usable()) continue;
      if (exhausted(*group.config, Market::kSpot, memory_, seen_.now)) {
        fall_back(group, call_off_replacements(group));
      } else if (group.config->distribution.on_demand_base_capacity > *base) {
        restore(group, *base);
      } else {
        replace_one(group);
      }
    }
  }

 private:
  void redistribute(const NodeGroup& group, std::int32_t base, bool warning,
                    std::string_view reason, std::string why) {
    cloud::InstancesDistribution distribution = group.config->distribution;
    distribution.on_demand_base_capacity = base;
    plan_.announcements.push_back({.warning = warning,
                                   .reason = std::string(reason),
                                   .message = fmt::format("group {}: {}; on-demand base {} instead "
                                                          "of {}", group.name(), why, base,
                                                          group.config->distribution
                                                              .on_demand_base_capacity)});
    plan_.redistribute.push_back({group.name(), distribution, std::move(why)});
  }

  // Everything that is missing becomes on-demand, but for `unwanted` that nobody waits for any more:
  // the base is what a group fills first.
  void fall_back(const NodeGroup& group, std::int32_t unwanted) {
    const std::int32_t size = planned_size(group, plan_) - std::min(unwanted, group.missing);
    const Markets next = next_markets(group, size);
    if (next.spot == 0 || !can_fall_back(*group.config, options_, memory_, seen_.now)) return;
    const std::int32_t base =
        std::min(group.config->max_size, live_on_demand(group) + next.on_demand + next.spot);
    if (base <= group.config->distribution.on_demand_base_capacity) return;
    redistribute(group, base, true, "SpotCapacityExhausted",
                 "no spot capacity in any of its pools");
  }

  // While it is still growing the base must stay, or what is missing would be asked of spot again.
  void restore(const NodeGroup& group, std::int32_t base) {
    if (group.missing > 0 || planned_size(group, plan_) > group.desired()) return;
    redistribute(group, base, false, "SpotCapacityMayBeBack", "spot may be tried again");
  }

  // An instance in the place of which spot was wanted stays when there is no spot after all.
  // Returns how many.
  std::int32_t call_off_replacements(const NodeGroup& group) {
    std::int32_t out = 0;
    for (const Member& member : group.members) {
      if (member.going() && member.removal->request.cause == removal::Cause::kReplacement &&
          member.removal->phase == removal::Phase::kWaiting &&
          member.instance->market == Market::kOnDemand) {
        plan_.cancel.push_back(member.node->metadata.name);
        ++out;
      }
    }
    return out;
  }

  bool is_settled(const NodeGroup& group) const {
    const auto failure = memory_.last_spot_failure.find(group.name());
    MonoTime quiet_since = memory_.active_since.value_or(seen_.now);
    if (failure != memory_.last_spot_failure.end()) {
      quiet_since = std::max(quiet_since, failure->second);
    }
    return seen_.now - quiet_since >= options_.spot.back_to_spot_after &&
           is_at_rest(group, pending_, plan_);
  }

  // One surplus on-demand instance gives way to what the group would launch now.
  void replace_one(const NodeGroup& group) {
    const std::int32_t surplus =
        live_on_demand(group) - on_demand_share(group.config->distribution, group.settled());
    if (surplus <= 0 || !options_.spot.fall_back_to_on_demand || !is_settled(group)) return;
    const Member* chosen = nullptr;
    for (const Member& member : group.members) {
      if (member.instance->market != Market::kOnDemand || member.state != MemberState::kReady ||
          member.node->metadata.annotations.contains(std::string(kAnnotationScaleDownDisabled))) {
        continue;
      }
      if (!chosen || group.by_zone.at(member.instance->zone) >
                         group.by_zone.at(chosen->instance->zone)) {
        chosen = &member;
      }
    }
    if (!chosen) return;
    plan_.remove.push_back({.node = chosen->node->metadata.name,
                            .cause = removal::Cause::kReplacement,
                            .after = removal::After::kTerminateAndReplace,
                            .message = "spot capacity is back"});
    plan_.announcements.push_back(
        {.node = chosen->node,
         .reason = "BackToSpot",
         .message = fmt::format("group {} has {} on-demand instances more than configured",
                                group.name(), surplus)});
  }

  const Observation& seen_;
  const Groups& groups_;
  const Pending& pending_;
  const Options& options_;
  const Memory& memory_;
  Plan& plan_;
};

}  // namespace

bool is_at_rest(const NodeGroup& group, const Pending& pending, const Plan& plan) {
  return group.upcoming.empty() && group.missing == 0 && pending.groups.empty() &&
         planned_size(group, plan) == group.desired() && group.readiness.unready == 0 &&
         std::ranges::none_of(group.members, &Member::going);
}

bool can_fall_back(const cloud::AutoScalingGroup& group, const Options& options,
                   const Memory& memory, MonoTime now) {
  return options.spot.fall_back_to_on_demand &&
         configured_on_demand_base(group, options.spot).has_value() &&
         !exhausted(group, Market::kOnDemand, memory, now);
}

std::string why_unlaunchable(const NodeGroup& group, const Options& options, const Memory& memory,
                             MonoTime now) {
  if (is_out_of_resources(group, options, memory, now) || has_failed(group, memory)) {
    return "the cloud cannot launch what is missing";
  }
  MonoTime since = memory.short_since.at(group.name());
  const auto request = memory.scale_ups.find(group.name());
  if (request != memory.scale_ups.end()) since = std::max(since, request->second.since);
  if (since + group.provision_time >= now) return "";
  return fmt::format("instances are missing for {}", format_duration(now - since));
}

void plan_corrections(const Observation& seen, const Groups& groups, Memory& memory, Plan& plan) {
  for (const NodeGroup& group : groups.all) {
    end_unregistered(group, seen, memory, plan);
    if (!group.unlaunchable.empty()) lower(group, group.unlaunchable, seen, memory, plan);
  }
}

void plan_markets(const Observation& seen, const Groups& groups, const Pending& pending,
                  const Options& options, const Memory& memory, Plan& plan) {
  MarketPlan(seen, groups, pending, options, memory, plan).run();
}

}  // namespace minato::autoscaler
