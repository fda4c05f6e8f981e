#include "cloudmodel/allocation.h"

#include <algorithm>
#include <limits>

namespace minato::cloudmodel {

using cloud::Instance;
using cloud::Market;
using cloud::OnDemandAllocationStrategy;
using cloud::SpotAllocationStrategy;

namespace {

// Spot pools whose depth differs by no more than this are equally good to those strategies that
// look at something else as well.
constexpr std::int32_t kAlike = 2;
// SpotInstancePools of lowest-price: over how many of the cheapest pools a zone is spread.
constexpr std::size_t kSpotInstancePools = 2;

std::int32_t count_in(const std::map<std::string, std::int32_t>& zones, const std::string& zone) {
  const auto found = zones.find(zone);
  return found == zones.end() ? 0 : found->second;
}

std::int64_t price_or_last(const Pools& pools, const std::string& type, Market market) {
  const std::int64_t price = pools.price(type, market);
  return price == 0 ? std::numeric_limits<std::int64_t>::max() : price;
}

void order_by_price(std::vector<std::string>& types, Market market, const Pools& pools) {
  std::ranges::stable_sort(types, {}, [&](const std::string& type) {
    return price_or_last(pools, type, market);
  });
}

void order_spot(std::vector<std::string>& types, SpotAllocationStrategy strategy,
                const std::string& zone, const Pools& pools, const Census& census) {
  const auto depth = [&](const std::string& type) { return depth_of(pools, census, type, zone); };
  if (strategy == SpotAllocationStrategy::kLowestPrice) {
    order_by_price(types, Market::kSpot, pools);
    const auto cheapest = types.begin() + static_cast<std::ptrdiff_t>(
                                              std::min(types.size(), kSpotInstancePools));
    std::ranges::stable_sort(types.begin(), cheapest, {}, [&](const std::string& type) {
      const auto found = census.spot_pools.find({type, zone});
      return found == census.spot_pools.end() ? 0 : found->second;
    });
    return;
  }
  if (strategy == SpotAllocationStrategy::kPriceCapacityOptimized) {
    order_by_price(types, Market::kSpot, pools);
  }
  std::int32_t best = 0;
  for (const std::string& type : types) best = std::max(best, depth(type));
  const bool exact = strategy == SpotAllocationStrategy::kCapacityOptimized;
  std::ranges::stable_sort(types, std::ranges::greater{}, [&](const std::string& type) {
    return exact ? depth(type) : std::min(depth(type), best - kAlike);
  });
}

}  // namespace

std::int32_t on_demand_share(const cloud::InstancesDistribution& distribution, std::int32_t total) {
  const std::int32_t base = std::clamp(distribution.on_demand_base_capacity, 0, total);
  const std::int64_t above = total - base;
  const std::int64_t percent =
      std::clamp(distribution.on_demand_percentage_above_base_capacity, 0, 100);
  return base + static_cast<std::int32_t>((above * percent + 99) / 100);
}

std::int32_t rebalancing_limit(std::int32_t max_size) {
  return max_size + std::max(max_size / 10, 1);
}

std::vector<std::string> zones_by_need(const std::vector<std::string>& zones,
                                       const Census& census) {
  std::vector<std::string> out = zones;
  std::ranges::stable_sort(
      out, {}, [&](const std::string& zone) { return count_in(census.zones, zone); });
  return out;
}

std::int32_t depth_of(const Pools& pools, const Census& census, const std::string& type,
                      const std::string& zone) {
  return census.at_risk.contains({type, zone}) ? -Pools::kDeepest : pools.depth(type, zone);
}

std::vector<std::string> types_by_strategy(const cloud::InstancesDistribution& distribution,
                                           std::vector<std::string> types, const std::string& zone,
                                           Market market, const Pools& pools,
                                           const Census& census) {
  if (market == Market::kSpot) {
    order_spot(types, distribution.spot_allocation_strategy, zone, pools, census);
  } else if (distribution.on_demand_allocation_strategy ==
             OnDemandAllocationStrategy::kLowestPrice) {
    order_by_price(types, market, pools);
  }
  return types;
}

const Instance* choose_victim(const std::vector<const Instance*>& candidates, const Census& census,
                              std::int32_t share) {
  std::int32_t fullest = -1;
  for (const Instance* candidate : candidates) {
    if (candidate->protected_from_scale_in) continue;
    fullest = std::max(fullest, count_in(census.zones, candidate->zone));
  }
  const Market excess = census.on_demand > share ? Market::kOnDemand : Market::kSpot;
  const Instance* victim = nullptr;
  const auto rank = [&](const Instance* instance) {
    return std::tuple(instance->market != excess, instance->launch_time,
                      std::string_view(instance->id));
  };
  for (const Instance* candidate : candidates) {
    if (candidate->protected_from_scale_in) continue;
    if (count_in(census.zones, candidate->zone) != fullest) continue;
    if (victim == nullptr || rank(candidate) < rank(victim)) victim = candidate;
  }
  return victim;
}

std::optional<Imbalance> find_imbalance(const Census& census,
                                        const std::vector<std::string>& group_zones,
                                        const std::vector<std::string>& usable) {
  if (usable.empty()) return {};
  const auto count = [&](const std::string& zone) { return count_in(census.zones, zone); };
  Imbalance out;
  out.emptiest = *std::ranges::min_element(usable, {}, count);
  for (const auto& [zone, instances] : census.zones) {
    if (instances > 0 && std::ranges::find(group_zones, zone) == group_zones.end()) {
      out.fullest = zone;
      return out;
    }
  }
  out.fullest = *std::ranges::max_element(group_zones, {}, count);
  if (count(out.fullest) - count(out.emptiest) < 2) return {};
  return out;
}

}  // namespace minato::cloudmodel
