// Reliefs: instances launched ahead of the end of another. Capacity Rebalancing relieves Spot
// Instances at risk, AZRebalance instances of overfull zones.
//
// Rules: Amazon EC2 Auto Scaling User Guide, "Use Capacity Rebalancing to handle Amazon EC2 Spot
// interruptions" (launch before terminate, wait for health, only where availability is the same or
// better), "Rebalancing activities" (launch before terminate, beyond the maximum by 10 % or one).
#include <fmt/format.h>

#include <algorithm>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::Instance;
using cloud::LifecycleState;
using cloud::Market;

void Cloud::relieve(Group& group, Census& now) {
  const std::set<std::string> members = group.members;
  for (const std::string& id : members) {
    const Record& record = **find(id);
    if ((!record.rebalance && !record.notice) || !record.alive || relief_of_.contains(id) ||
        !record.relieves.empty() || record.instance.state != LifecycleState::kInService) {
      continue;
    }
    if (now.members >= rebalancing_limit(group.spec.max_size)) return;
    if (backing_off(group, Market::kSpot)) return;
    Census without = now;
    --without.zones[record.instance.zone];
    LaunchRequest request{
        .market = Market::kSpot,
        .cause = fmt::format("an instance was launched to replace {} in response to an EC2 "
                             "instance rebalance recommendation",
                             id),
        .relieves = id,
        .zones = zones_by_need(group.spec.zones, without),
        .least_depth = depth_of(pools_, now, record.instance.type, record.instance.zone)};
    if (!launch(group, now, std::move(request))) return;
    --now.zones[record.instance.zone];
    --now.spot_pools[{record.instance.type, record.instance.zone}];
  }
}

// Either side of a pair that ends for reasons of its own leaves the other an ordinary member.
void Cloud::dissolve_relief(Record& record) {
  if (!record.relieves.empty()) relief_of_.erase(std::exchange(record.relieves, ""));
  const auto relief = relief_of_.find(record.instance.id);
  if (relief == relief_of_.end()) return;
  find(relief->second)->edit().relieves.clear();
  relief_of_.erase(relief);
}

// It is in service, and healthy if a load balancer looks at it: whom it relieves may go.
void Cloud::relief_ready(const std::string& id) {
  const Record& record = **find(id);
  if (record.relieves.empty() || record.instance.state != LifecycleState::kInService) return;
  const Group& group = groups_.at(record.instance.group);
  if (suspended(group, "Terminate")) return;
  const auto target = targets_.find(id);
  const bool watched = target != targets_.end();
  if (watched && target->second.health.state != cloud::TargetState::kHealthy) return;
  const std::string relieved = record.relieves;
  const Record& old = **find(relieved);
  terminate(relieved, old.rebalance || old.notice
                          ? "an instance was taken out of service in response to an EC2 instance "
                            "rebalance recommendation"
                          : "an instance was taken out of service because the Availability Zones "
                            "were not balanced");
  hold(group.spec.name);
}

std::vector<std::string> Cloud::usable_zones(const Group& group, Market market) const {
  std::vector<std::string> out;
  for (const std::string& zone : group.spec.zones) {
    const bool any = std::ranges::any_of(group.spec.types, [&](const std::string& type) {
      return usable({type, zone, market}, false);
    });
    if (any) out.push_back(zone);
  }
  return out;
}

bool Cloud::zones_differ(const Group& group, const Census& now) const {
  return options_.az_rebalance && !suspended(group, "AZRebalance") &&
         find_imbalance(now, group.spec.zones, group.spec.zones).has_value();
}

void Cloud::rebalance_zones(Group& group, Census& now) {
  if (suspended(group, "Launch") || suspended(group, "Terminate")) return;
  while (zones_differ(group, now) && now.members < rebalancing_limit(group.spec.max_size)) {
    // Which market can be moved decides which zones can take it.
    bool moved = false;
    for (const Market market : {Market::kOnDemand, Market::kSpot}) {
      if (backing_off(group, market)) continue;
      const auto imbalance =
          find_imbalance(now, group.spec.zones, usable_zones(group, market));
      if (!imbalance) continue;
      std::vector<const Instance*> candidates = may_go(group, false);
      std::erase_if(candidates, [&](const Instance* instance) {
        return instance->zone != imbalance->fullest || instance->market != market ||
               instance->state != LifecycleState::kInService || !(*find(instance->id))->alive;
      });
      const Instance* victim = choose_victim(candidates, now, now.on_demand);
      if (victim == nullptr) continue;
      const Instance old = *victim;
      LaunchRequest request{
          .market = market,
          .cause = fmt::format("an instance was launched to balance Availability Zones, {} having "
                               "fewer than {}",
                               imbalance->emptiest, imbalance->fullest),
          .relieves = old.id,
          .zones = {imbalance->emptiest}};
      if (!launch(group, now, std::move(request))) continue;
      --now.zones[old.zone];
      if (market == Market::kOnDemand) --now.on_demand;
      if (market == Market::kSpot) --now.spot_pools[{old.type, old.zone}];
      moved = true;
      break;
    }
    if (!moved) return;
  }
}

}  // namespace minato::cloudmodel
