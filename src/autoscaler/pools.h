// Pools of capacity in the cloud (type, zone, market), what failed launches say about them, and how
// a group divides its instances over zones and markets.
//
// Pure functions and values. Rules: Amazon EC2 Auto Scaling User Guide (zone rebalancing,
// InstancesDistribution: fractions in favour of on-demand); cluster-autoscaler
// cloudprovider/aws/auto_scaling_groups.go (placeholders that cannot be fulfilled) for a whole
// group; pools are minato's own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autoscaler/groups.h"

namespace minato::autoscaler {

std::string pool_name(const std::string& type, const std::string& zone, cloud::Market market);

// On-demand instances of a group of this capacity.
std::int32_t on_demand_share(const cloud::InstancesDistribution& distribution,
                             std::int32_t capacity);
// What the next instances of the group would be.
struct Markets {
  std::int32_t on_demand = 0;
  std::int32_t spot = 0;
};
Markets next_markets(const NodeGroup& group, std::int32_t capacity);
std::int32_t live_on_demand(const NodeGroup& group);

// Every pool of that market that the group may use is in back-off.
bool exhausted(const cloud::AutoScalingGroup& group, cloud::Market market, const Memory& memory,
               MonoTime now);
// The group's pools in back-off, by name.
std::vector<std::string> pools_in_backoff(const cloud::AutoScalingGroup& group,
                                          const Memory& memory, MonoTime now);

// Zones as a group fills them: always the one with the fewest. Ties: by name.
class ZoneBalance {
 public:
  explicit ZoneBalance(std::map<std::string, std::int32_t> counts) : counts_(std::move(counts)) {}
  // The zone of the next instance, which counts from now on. Requires: there is a zone.
  std::string take();
  void give_back(const std::string& zone) { --counts_.at(zone); }
  bool empty() const { return counts_.empty(); }
  std::size_t size() const { return counts_.size(); }

 private:
  std::map<std::string, std::int32_t> counts_;
};
// Instances by zone, of those zones of the group in which a pool for what it would launch next is
// not in back-off.
std::map<std::string, std::int32_t> open_zones(const NodeGroup& group, const Memory& memory,
                                               MonoTime now);
// Zones in which the group would launch what comes next. `trusted`: a pool there has not failed, or
// has delivered since; `possible`: one is not in back-off; all of them when none is. In the place of
// a zone that fails again others are filled.
struct LaunchZones {
  ZoneBalance trusted;
  ZoneBalance possible;
};
LaunchZones launch_zones(const NodeGroup& group, const Memory& memory, MonoTime now);

// Puts pools and groups into back-off for what failed since the last time.
void learn_activities(const Observation& seen, Memory& memory);

}  // namespace minato::autoscaler
