// Which instance a group launches and which it gives up: pure decisions over counts.
//
// Rules: Amazon EC2 Auto Scaling User Guide, "Allocation strategies for multiple instance types",
// "Auto Scaling groups with multiple instance types and purchase options" (fractions round up in
// favour of On-Demand), "Configure termination policies" (default policy; balance between zones
// comes first), "Benefits of Auto Scaling" (best-effort balance between zones).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloudmodel/pools.h"

namespace minato::cloudmodel {

// What a group has now: instances that are not terminating.
struct Census {
  std::int32_t members = 0;
  // Of those, launched ahead of the end of another, which is still a member.
  std::int32_t relief = 0;
  // The rest is without those about to be relieved: their reliefs stand for them.
  std::int32_t on_demand = 0;
  std::map<std::string, std::int32_t> zones;
  std::map<std::pair<std::string, std::string>, std::int32_t> spot_pools;  // By type and zone.
  // Type and zone of Spot Instances at elevated risk of interruption.
  std::set<std::pair<std::string, std::string>> at_risk;

  std::int32_t effective() const { return members - relief; }
};

// How many of `total` instances must be On-Demand.
std::int32_t on_demand_share(const cloud::InstancesDistribution& distribution, std::int32_t total);

// How many members a group may have for a while during rebalancing: 10 %, at least one, more.
std::int32_t rebalancing_limit(std::int32_t max_size);

// Zones of the group, fewest instances first, equal ones in the group's order.
std::vector<std::string> zones_by_need(const std::vector<std::string>& zones,
                                       const Census& census);

// Depth as the strategies see it: a pool whose instances are at risk is worse than an empty one.
std::int32_t depth_of(const Pools& pools, const Census& census, const std::string& type,
                      const std::string& zone);

// The types of one zone in the order in which the strategy tries them. `types`: those that have
// capacity, in the group's order of preference.
std::vector<std::string> types_by_strategy(const cloud::InstancesDistribution& distribution,
                                           std::vector<std::string> types, const std::string& zone,
                                           cloud::Market market, const Pools& pools,
                                           const Census& census);

// Whom to give up next. Null when all candidates are protected. `candidates`: members that may go,
// `share`: On-Demand Instances that should remain.
const cloud::Instance* choose_victim(const std::vector<const cloud::Instance*>& candidates,
                                     const Census& census, std::int32_t share);

// Zones whose difference calls for AZRebalance: take one from the first, give one to the second.
struct Imbalance {
  std::string fullest;
  std::string emptiest;
};
// `usable`: zones of the group that can take an instance. Zones that are no longer the group's
// count as overfull whatever they have.
std::optional<Imbalance> find_imbalance(const Census& census,
                                        const std::vector<std::string>& group_zones,
                                        const std::vector<std::string>& usable);

}  // namespace minato::cloudmodel
