#include "autoscaler/pools.h"

#include <algorithm>

namespace minato::autoscaler {
namespace {

// EC2 Auto Scaling's word for a group none of whose pools of that market has capacity.
constexpr std::string_view kNoPoolAtAll = "UnfulfillableCapacity";

// "InsufficientInstanceCapacity: no capacity in …"
std::string code_of(const std::string& message) {
  const std::size_t colon = message.find(':');
  return colon == std::string::npos ? "LaunchFailed" : message.substr(0, colon);
}

bool zone_has_pool(const cloud::AutoScalingGroup& group, const std::string& zone,
                   cloud::Market market, const Memory& memory, MonoTime now) {
  return std::ranges::any_of(group.types, [&](const std::string& type) {
    return !memory.pools.active(pool_name(type, zone, market), now);
  });
}

cloud::Market next_market(const NodeGroup& group) {
  return next_markets(group, group.desired() + 1).spot > 0 ? cloud::Market::kSpot
                                                           : cloud::Market::kOnDemand;
}

// Instances may still be in a zone that the group has left.
std::map<std::string, std::int32_t> own_zones(const NodeGroup& group) {
  std::map<std::string, std::int32_t> out = group.by_zone;
  std::erase_if(out, [&](const auto& entry) {
    return std::ranges::find(group.config->zones, entry.first) == group.config->zones.end();
  });
  return out;
}

void learn_of_pool(const cloud::Activity& activity, MonoTime when, Memory& memory) {
  const std::string pool = pool_name(activity.type, activity.zone, activity.market);
  if (activity.status == "Successful") memory.pools.succeeded(pool, when);
  if (activity.status != "Failed") return;
  memory.pools.failed(pool, when, code_of(activity.status_message), activity.status_message);
  if (activity.market == cloud::Market::kSpot) memory.last_spot_failure[activity.group] = when;
}

// All that the group could have launched from was tried.
void learn_of_all_pools(const Observation& seen, const cloud::Activity& activity, MonoTime when,
                        Memory& memory) {
  const auto group = std::ranges::find(seen.groups, activity.group, &cloud::AutoScalingGroup::name);
  if (group == seen.groups.end()) return;
  for (const std::string& type : group->types) {
    for (const std::string& zone : group->zones) {
      cloud::Activity of_pool = activity;
      of_pool.type = type;
      of_pool.zone = zone;
      learn_of_pool(of_pool, when, memory);
    }
  }
}

// Nobody says of which pool: as upstream, the group, if it failed what was last asked for.
void learn_of_group(const cloud::Activity& activity, MonoTime when, Memory& memory) {
  const auto request = memory.scale_ups.find(activity.group);
  if (activity.status != "Failed" || request == memory.scale_ups.end() ||
      activity.start < request->second.wall) {
    return;
  }
  memory.groups.failed(activity.group, when, code_of(activity.status_message),
                       activity.status_message);
}

}  // namespace

std::string pool_name(const std::string& type, const std::string& zone, cloud::Market market) {
  return type + "/" + zone + "/" + std::string(to_string(market));
}

std::int32_t on_demand_share(const cloud::InstancesDistribution& distribution,
                             std::int32_t capacity) {
  const std::int32_t base = std::min(capacity, distribution.on_demand_base_capacity);
  const std::int64_t above = static_cast<std::int64_t>(capacity - base) *
                             distribution.on_demand_percentage_above_base_capacity;
  return base + static_cast<std::int32_t>((above + 99) / 100);
}

std::int32_t live_on_demand(const NodeGroup& group) {
  return static_cast<std::int32_t>(std::ranges::count_if(group.members, [](const Member& member) {
    return member.instance->market == cloud::Market::kOnDemand && !member.shrinking();
  }));
}

Markets next_markets(const NodeGroup& group, std::int32_t capacity) {
  const std::int32_t wanted = std::max(0, capacity - group.live);
  const std::int32_t on_demand =
      std::clamp(on_demand_share(group.config->distribution, capacity) - live_on_demand(group), 0,
                 wanted);
  return {on_demand, wanted - on_demand};
}

bool exhausted(const cloud::AutoScalingGroup& group, cloud::Market market, const Memory& memory,
               MonoTime now) {
  return std::ranges::none_of(group.zones, [&](const std::string& zone) {
    return zone_has_pool(group, zone, market, memory, now);
  });
}

std::vector<std::string> pools_in_backoff(const cloud::AutoScalingGroup& group,
                                          const Memory& memory, MonoTime now) {
  std::vector<std::string> out;
  for (const std::string& type : group.types) {
    for (const std::string& zone : group.zones) {
      for (const cloud::Market market : {cloud::Market::kOnDemand, cloud::Market::kSpot}) {
        std::string pool = pool_name(type, zone, market);
        if (memory.pools.active(pool, now)) out.push_back(std::move(pool));
      }
    }
  }
  std::ranges::sort(out);
  return out;
}

std::string ZoneBalance::take() {
  const auto fewest = std::ranges::min_element(
      counts_, {}, [](const auto& entry) { return entry.second; });
  ++fewest->second;
  return fewest->first;
}

std::map<std::string, std::int32_t> open_zones(const NodeGroup& group, const Memory& memory,
                                               MonoTime now) {
  std::map<std::string, std::int32_t> out = own_zones(group);
  const cloud::Market market = next_market(group);
  std::erase_if(out, [&](const auto& entry) {
    return !zone_has_pool(*group.config, entry.first, market, memory, now);
  });
  return out;
}

LaunchZones launch_zones(const NodeGroup& group, const Memory& memory, MonoTime now) {
  std::map<std::string, std::int32_t> possible = open_zones(group, memory, now);
  if (possible.empty()) possible = own_zones(group);
  const cloud::Market market = next_market(group);
  std::map<std::string, std::int32_t> trusted = possible;
  std::erase_if(trusted, [&](const auto& entry) {
    return std::ranges::all_of(group.config->types, [&](const std::string& type) {
      return memory.pools.find(pool_name(type, entry.first, market)) != nullptr;
    });
  });
  return {ZoneBalance(trusted), ZoneBalance(possible)};
}

void learn_activities(const Observation& seen, Memory& memory) {
  const std::uint64_t oldest = seen.activities.empty() ? 0 : seen.activities.front().id;
  std::erase_if(memory.learned_activities, [&](std::uint64_t id) { return id < oldest; });
  for (const cloud::Activity& activity : seen.activities) {
    if (activity.status == "InProgress") continue;
    if (!memory.learned_activities.insert(activity.id).second) continue;
    // When it was, not when it was heard of: after a restart old failures are old.
    const WallTime ended = is_set(activity.end) ? activity.end : activity.start;
    const MonoTime when = seen.now - std::max(Duration::zero(), seen.wall - ended);
    if (activity.status == "Failed" && code_of(activity.status_message) == kNoPoolAtAll) {
      learn_of_all_pools(seen, activity, when, memory);
    } else if (activity.type.empty()) {
      learn_of_group(activity, when, memory);
    } else {
      learn_of_pool(activity, when, memory);
    }
  }
}

}  // namespace minato::autoscaler
