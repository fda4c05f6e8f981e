// The pure parts: allocation, pools, costs, activities, agenda.
#include "cloudmodel/allocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cloudmodel/activities.h"
#include "cloudmodel/agenda.h"
#include "cloudmodel/costs.h"
#include "env/virtual_time.h"

namespace minato::cloudmodel {
namespace {

using cloud::InstancesDistribution;
using cloud::Market;
using cloud::OnDemandAllocationStrategy;
using cloud::SpotAllocationStrategy;
using testing::ElementsAre;

TEST(AllocationTest, OnDemandShareIsTheBaseAndAPercentageRoundedUp) {
  struct Case {
    int base, percent, total, on_demand;
  };
  for (const Case& c : {Case{10, 50, 10, 10}, Case{10, 50, 20, 15}, Case{10, 50, 30, 20},
                        Case{10, 50, 40, 25}, Case{0, 60, 10, 6}, Case{0, 60, 40, 24},
                        Case{12, 0, 10, 10}, Case{12, 0, 20, 12}, Case{0, 100, 7, 7},
                        Case{0, 0, 7, 0}, Case{0, 50, 3, 2}, Case{1, 33, 2, 2}, Case{0, 1, 1, 1},
                        Case{3, 50, 0, 0}}) {
    const InstancesDistribution distribution{.on_demand_base_capacity = c.base,
                                             .on_demand_percentage_above_base_capacity = c.percent};
    EXPECT_EQ(on_demand_share(distribution, c.total), c.on_demand)
        << c.base << "+" << c.percent << "% of " << c.total;
  }
}

TEST(AllocationTest, RebalancingMayExceedTheMaximumByATenthOrOne) {
  EXPECT_EQ(rebalancing_limit(3), 4);
  EXPECT_EQ(rebalancing_limit(10), 11);
  EXPECT_EQ(rebalancing_limit(50), 55);
}

std::vector<std::string> ordered(SpotAllocationStrategy strategy, const Pools& pools,
                                 const Census& census = {}) {
  return types_by_strategy({.spot_allocation_strategy = strategy},
                           {"m6i.large", "m5.large", "c5.large", "m5a.large"}, "za", Market::kSpot,
                           pools, census);
}

TEST(AllocationTest, SpotStrategiesWeighDepthPriceAndOrder) {
  Pools pools(cloud::Catalogue::built_in());
  pools.set_depth("m6i.large", "za", 8);
  pools.set_depth("m5.large", "za", 9);
  pools.set_depth("c5.large", "za", 2);
  pools.set_depth("m5a.large", "za", 7);
  // Spot prices: c5 30600, m5 and m6i 32640, m5a 34400.
  EXPECT_THAT(ordered(SpotAllocationStrategy::kCapacityOptimized, pools),
              ElementsAre("m5.large", "m6i.large", "m5a.large", "c5.large"));
  EXPECT_THAT(ordered(SpotAllocationStrategy::kCapacityOptimizedPrioritized, pools),
              ElementsAre("m6i.large", "m5.large", "m5a.large", "c5.large"));
  EXPECT_THAT(ordered(SpotAllocationStrategy::kPriceCapacityOptimized, pools),
              ElementsAre("m6i.large", "m5.large", "m5a.large", "c5.large"));
  pools.set_depth("c5.large", "za", 7);
  EXPECT_THAT(ordered(SpotAllocationStrategy::kPriceCapacityOptimized, pools),
              ElementsAre("c5.large", "m6i.large", "m5.large", "m5a.large"));
  EXPECT_THAT(ordered(SpotAllocationStrategy::kLowestPrice, pools),
              ElementsAre("c5.large", "m6i.large", "m5.large", "m5a.large"));
}

TEST(AllocationTest, LowestPriceSpreadsOverTheTwoCheapestPools) {
  const Pools pools(cloud::Catalogue::built_in());
  Census census;
  census.spot_pools[{"c5.large", "za"}] = 1;
  EXPECT_EQ(ordered(SpotAllocationStrategy::kLowestPrice, pools, census).front(), "m6i.large");
  census.spot_pools[{"m6i.large", "za"}] = 1;
  EXPECT_EQ(ordered(SpotAllocationStrategy::kLowestPrice, pools, census).front(), "c5.large");
}

TEST(AllocationTest, PoolsAtRiskComeLast) {
  Pools pools(cloud::Catalogue::built_in());
  for (const char* type : {"m6i.large", "m5.large", "c5.large", "m5a.large"}) {
    pools.set_depth(type, "za", 1);
  }
  Census census;
  census.at_risk.insert({"c5.large", "za"});
  for (const auto strategy : {SpotAllocationStrategy::kCapacityOptimized,
                              SpotAllocationStrategy::kCapacityOptimizedPrioritized,
                              SpotAllocationStrategy::kPriceCapacityOptimized}) {
    EXPECT_EQ(ordered(strategy, pools, census).back(), "c5.large");
  }
}

TEST(AllocationTest, OnDemandStrategiesAreOrderAndPrice) {
  const Pools pools(cloud::Catalogue::built_in());
  const std::vector<std::string> types{"m7a.large", "unknown.large", "m5a.large", "m5.large"};
  InstancesDistribution distribution;
  EXPECT_EQ(types_by_strategy(distribution, types, "za", Market::kOnDemand, pools, {}), types);
  distribution.on_demand_allocation_strategy = OnDemandAllocationStrategy::kLowestPrice;
  EXPECT_THAT(types_by_strategy(distribution, types, "za", Market::kOnDemand, pools, {}),
              ElementsAre("m5a.large", "m5.large", "m7a.large", "unknown.large"));
}

TEST(AllocationTest, VictimsComeFromTheFullestZoneThenTheMarketInExcessThenByAge) {
  const auto instance = [](std::string id, std::string zone, Market market, int age) {
    cloud::Instance out;
    out.id = std::move(id);
    out.zone = std::move(zone);
    out.market = market;
    out.launch_time = WallTime{Duration{1h} - Duration{1s} * age};
    return out;
  };
  std::vector<cloud::Instance> all{instance("i-1", "za", Market::kSpot, 9),
                                   instance("i-2", "zb", Market::kOnDemand, 8),
                                   instance("i-3", "zb", Market::kSpot, 1),
                                   instance("i-4", "zb", Market::kSpot, 2)};
  Census census{.members = 4, .on_demand = 1, .zones = {{"za", 1}, {"zb", 3}}};
  const auto victim = [&](int share) {
    std::vector<const cloud::Instance*> candidates;
    for (const cloud::Instance& candidate : all) candidates.push_back(&candidate);
    const cloud::Instance* chosen = choose_victim(candidates, census, share);
    return chosen == nullptr ? "" : chosen->id;
  };
  EXPECT_EQ(victim(1), "i-4") << "the older Spot Instance of the fuller zone";
  EXPECT_EQ(victim(0), "i-2") << "On-Demand is in excess";
  all[3].protected_from_scale_in = true;
  EXPECT_EQ(victim(1), "i-3");
  census.zones = {{"za", 3}, {"zb", 3}};
  EXPECT_EQ(victim(1), "i-1") << "balanced zones count together";
  for (cloud::Instance& one : all) one.protected_from_scale_in = true;
  EXPECT_EQ(victim(1), "");
}

TEST(AllocationTest, ZonesAreImbalancedFromADifferenceOfTwoOrWhenTheyLeftTheGroup) {
  const std::vector<std::string> group{"za", "zb", "zc"};
  Census census{.zones = {{"za", 2}, {"zb", 1}, {"zc", 1}}};
  EXPECT_FALSE(find_imbalance(census, group, group));
  census.zones = {{"za", 3}, {"zb", 1}};
  EXPECT_EQ(find_imbalance(census, group, group)->fullest, "za");
  EXPECT_EQ(find_imbalance(census, group, group)->emptiest, "zc");
  EXPECT_EQ(find_imbalance(census, group, {"zb"})->emptiest, "zb");
  EXPECT_FALSE(find_imbalance(census, group, {}));
  census.zones = {{"za", 1}, {"zb", 1}, {"zc", 1}, {"zx", 1}};
  EXPECT_EQ(find_imbalance(census, group, group)->fullest, "zx");
}

TEST(PoolsTest, TheLatestWordOnAPoolCounts) {
  Pools pools(cloud::Catalogue::built_in());
  const Pool spot{"m5.large", "za", Market::kSpot}, on_demand{"m5.large", "za", Market::kOnDemand};
  EXPECT_TRUE(pools.available(spot));
  pools.set_capacity({.type = "m5.large", .market = Market::kSpot}, Capacity::kExhausted);
  EXPECT_FALSE(pools.available(spot));
  EXPECT_TRUE(pools.available(on_demand));
  pools.set_capacity({.zone = "za"}, Capacity::kAvailable);
  EXPECT_TRUE(pools.available(spot));
  EXPECT_FALSE(pools.available({"m5.large", "zb", Market::kSpot}));
  pools.set_capacity({}, Capacity::kAvailable);
  EXPECT_TRUE(pools.available({"m5.large", "zb", Market::kSpot}));
  EXPECT_TRUE(pools.state().rules.size() <= 1) << "what is covered is forgotten";
  pools.set_zone("za", Capacity::kExhausted);
  EXPECT_FALSE(pools.available(on_demand));
}

TEST(PoolsTest, DepthAndPriceAreTheSameInEveryRun) {
  Pools pools(cloud::Catalogue::built_in());
  EXPECT_EQ(pools.depth("m5.large", "us-east-1a"), Pools(cloud::Catalogue::built_in()).depth("m5.large", "us-east-1a"));
  for (const cloud::InstanceType& type : cloud::built_in_types()) {
    const std::int32_t depth = pools.depth(std::string(type.name), "us-east-1a");
    EXPECT_GE(depth, 1);
    EXPECT_LE(depth, Pools::kDeepest);
  }
  EXPECT_EQ(pools.price("m5.large", Market::kOnDemand), 96'000);
  EXPECT_EQ(pools.price("m5.large", Market::kSpot), 32'640);
  EXPECT_EQ(pools.price("x9.large", Market::kSpot), 0);
  cloud::Catalogue catalogue;
  (void)catalogue.merge({{.name = "m5.large", .on_demand_micro_usd = 124'000}});
  EXPECT_EQ(Pools(catalogue).price("m5.large", Market::kOnDemand), 124'000);
}

TEST(CostsTest, AreBilledBySecondWithAMinuteAtLeast) {
  const WallTime start = env::VirtualTime::kDefaultStart;
  Bill bill{.micro_usd_per_hour = 96'000};
  EXPECT_EQ(bill.cost(start).exact, 0) << "it never ran";
  bill.from = start;
  EXPECT_EQ(bill.cost(start + 1s).exact, 96'000 * 60);
  EXPECT_EQ(bill.cost(start + 61s).exact, 96'000 * 61);
  EXPECT_EQ(bill.cost(start + 61s + 1ns).exact, 96'000 * 62);
  EXPECT_EQ(bill.cost(start + 1h).micro_usd(), 96'000);
  bill.until = start + 2h;
  EXPECT_EQ(bill.cost(start + 100h).micro_usd(), 192'000);
  bill.until = start - 1h;
  EXPECT_EQ(bill.cost(start).exact, 96'000 * 60) << "a clock set back";
  bill.waived = true;
  EXPECT_EQ(bill.cost(start).exact, 0);
}

TEST(CostsTest, SumsOutliveTheBoundedHistory) {
  const WallTime start = env::VirtualTime::kDefaultStart;
  EndedBills ended(2);
  for (int i = 0; i < 5; ++i) {
    ended.add({.instance_id = std::to_string(i), .group = "g", .market = Market::kSpot,
               .micro_usd_per_hour = 3600, .from = start, .until = start + 100s});
  }
  const Costs costs = ended.costs({{.instance_id = "runs", .group = "h",
                                    .micro_usd_per_hour = 3600, .from = start}},
                                  start + 200s);
  EXPECT_EQ(costs.spot.micro_usd(), 500);
  EXPECT_EQ(costs.on_demand.micro_usd(), 200);
  EXPECT_EQ(costs.total.micro_usd(), 700);
  EXPECT_EQ(costs.groups.at("g").micro_usd(), 500);
  ASSERT_EQ(costs.instances.size(), 3u);
  EXPECT_EQ(costs.instances[0].instance_id, "runs");
  EXPECT_EQ(costs.instances[2].instance_id, "4");
}

TEST(ActivityLogTest, ForgetsTheOldestThatEndedAndNoneInProgress) {
  ActivityLog log(2);
  const WallTime now = env::VirtualTime::kDefaultStart;
  const std::uint64_t first = log.begin({.group = "g"}, now);
  for (int i = 0; i < 4; ++i) log.finish(log.begin({.group = "g"}, now), "Successful", "", now);
  log.finish(0, "Failed", "", now);
  ASSERT_EQ(log.list().size(), 3u);
  EXPECT_EQ(log.list()[0].id, first);
  EXPECT_EQ(log.list()[0].status, "InProgress");
  EXPECT_EQ(log.list()[2].id, 5u);
  log.finish(first, "Cancelled", "why", now + 1s);
  log.finish(first, "Failed", "again", now + 2s);
  EXPECT_EQ(log.list().size(), 2u);
}

class AgendaTest : public testing::Test {
 protected:
  Agenda make() {
    return Agenda(time_, time_,
                  [this](Due, const std::string& subject) { ran_.push_back(subject); });
  }
  env::VirtualTime time_;
  std::vector<std::string> ran_;
};

TEST_F(AgendaTest, RunsInOrderOfTimeThenOfSetting) {
  Agenda agenda = make();
  agenda.set(Due::kDrained, "late", 2s);
  agenda.set(Due::kDrained, "b", 1s);
  agenda.set(Due::kDrained, "a", 1s);
  time_.advance(5s);
  EXPECT_TRUE(ran_.empty()) << "not started";
  agenda.start();
  agenda.set(Due::kDrained, "moved", 1s);
  agenda.set(Due::kDrained, "moved", 3s);
  time_.advance(2s);
  EXPECT_THAT(ran_, ElementsAre("b", "a", "late"));
  time_.advance(1s);
  EXPECT_THAT(ran_, ElementsAre("b", "a", "late", "moved"));
}

TEST_F(AgendaTest, CancelsOneEntryOrAllOfAnInstance) {
  Agenda agenda = make();
  agenda.start();
  agenda.set(Due::kDrained, "i-1", 1s);
  agenda.set(Due::kHookTimeout, "i-1/hook", 1s);
  agenda.set(Due::kDrained, "i-10", 1s);
  agenda.set(Due::kElbCheck, "i-2", 1s);
  agenda.cancel_subject("i-1");
  EXPECT_TRUE(agenda.cancel(Due::kElbCheck, "i-2"));
  EXPECT_FALSE(agenda.cancel(Due::kElbCheck, "i-2"));
  time_.advance(2s);
  EXPECT_THAT(ran_, ElementsAre("i-10"));
}

TEST_F(AgendaTest, KeepsItsTimesOverARestart) {
  Agenda before = make();
  before.set(Due::kDrained, "soon", 1s);
  before.set(Due::kDrained, "later", 10s);
  const auto saved = before.entries();
  time_.jump_wall(5s);  // The time that the process was away.
  Agenda after = make();
  after.restore(saved);
  EXPECT_EQ(after.at(Due::kDrained, "later"), saved[1].at);
  after.start();
  time_.settle();
  EXPECT_THAT(ran_, ElementsAre("soon"));
  time_.advance(5s);
  EXPECT_THAT(ran_, ElementsAre("soon", "later"));
}

}  // namespace
}  // namespace minato::cloudmodel
