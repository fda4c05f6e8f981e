// The autoscaler in a closed loop with scheduler, cloud and removals, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>

#include "autoscaler/pools.h"
#include "autoscaler/testing/world.h"

namespace minato::autoscaler {
namespace {

using testing::World;
using cloud::Market;

cloud::AutoScalingGroup web(std::int32_t max = 10, std::int32_t spot_percent = 0) {
  cloud::AutoScalingGroup out;
  out.name = "web";
  out.max_size = max;
  out.zones = {"z-a", "z-b", "z-c"};
  out.types = {"m5.large", "m5a.large"};
  out.distribution.on_demand_percentage_above_base_capacity = 100 - spot_percent;
  out.tags = {{"k8s.io/cluster-autoscaler/enabled", "true"}, {"minato.dev/on-demand-base", "0"}};
  return out;
}

void take_out(World& world, Market market) {
  for (const std::string& type : web().types) {
    for (const std::string& zone : web().zones) {
      world.cloud.out_of_capacity.insert(pool_name(type, zone, market));
    }
  }
}

TEST(LoopTest, GrowsForPodsAndShrinksWhenTheyAreGone) {
  World world;
  world.cloud.add(web());
  world.want("shop", 9, 600);
  world.advance(2min);
  EXPECT_EQ(world.waiting(), 0);
  EXPECT_EQ(world.nodes(), 3);
  EXPECT_EQ(world.cloud.changes, 1) << "asked for once";
  EXPECT_TRUE(world.has_event("TriggeredScaleUp"));
  EXPECT_TRUE(world.has_event("ScaledUpGroup"));
  const auto status = kube::get<kube::ConfigMap>(
      *world.client, {"kube-system", "cluster-autoscaler-status"});
  ASSERT_TRUE(status);
  EXPECT_NE((*status)->data.at("status").find("cloudProviderTarget: 3"), std::string::npos);
  world.want("shop", 1, 600);
  world.advance(9min);
  EXPECT_EQ(world.nodes(), 3);
  world.advance(20min);
  EXPECT_EQ(world.nodes(), 1);
  EXPECT_EQ(world.waiting(), 0);
  EXPECT_EQ(world.cloud.group("web").desired_capacity, 1);
}

TEST(LoopTest, AtItsMaximumItStopsAskingAndSaysWhy) {
  World world;
  world.cloud.add(web(2));
  world.want("shop", 20, 900);
  world.advance(30min);
  EXPECT_EQ(world.nodes(), 2);
  EXPECT_EQ(world.cloud.changes, 1);
  EXPECT_LE(world.cloud.highest_over_max, 0);
  EXPECT_TRUE(world.has_event("NotTriggerScaleUp"));
  const auto pods = kube::list<kube::Pod>(*world.client);
  const auto waiting = std::ranges::find_if(
      *pods, [](const auto& pod) { return pod->spec.node_name.empty(); });
  const auto why = world.autoscaler->explain_pod((*waiting)->key());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->fate, PodFate::kNotHelped);
  EXPECT_EQ(why->groups.at("web"), Reasons{"max node group size reached"});
  EXPECT_EQ(why->nodes.size(), 2U);
  EXPECT_EQ(world.autoscaler->explain_group("web")->cannot_grow,
            Reasons{"max node group size reached"});
}

TEST(LoopTest, WithNoCapacityAnywhereCallsAreBounded) {
  World world;
  world.cloud.add(web());
  take_out(world, Market::kOnDemand);
  world.want("shop", 3, 900);
  world.advance(3h);
  EXPECT_EQ(world.nodes(), 0);
  EXPECT_EQ(world.cloud.group("web").desired_capacity, 0);
  EXPECT_LE(world.cloud.changes, 24) << "back-off of 5 to 30 minutes, up and down";
  world.cloud.out_of_capacity.clear();
  world.advance(31min);
  EXPECT_EQ(world.waiting(), 0);
}

TEST(LoopTest, SpotOutageIsBridgedByOnDemandAndUndoneAfterwards) {
  World world;
  world.cloud.add(web(10, 100));
  world.want("shop", 2, 900);
  world.advance(2min);
  EXPECT_EQ(world.cloud.live("web", Market::kSpot), 1);
  take_out(world, Market::kSpot);
  world.want("shop", 6, 900);
  world.advance(3min);
  EXPECT_EQ(world.waiting(), 0);
  EXPECT_EQ(world.cloud.live("web", Market::kOnDemand), 2);
  EXPECT_TRUE(world.has_event("SpotCapacityExhausted"));
  world.cloud.out_of_capacity.clear();
  world.advance(2h);
  EXPECT_EQ(world.cloud.live("web", Market::kOnDemand), 0);
  EXPECT_EQ(world.cloud.live("web", Market::kSpot), 3);
  EXPECT_EQ(world.cloud.group("web").distribution.on_demand_base_capacity, 0);
  EXPECT_EQ(world.removals.begun, 2);
  EXPECT_EQ(world.waiting(), 0);
}

TEST(LoopTest, InstancesThatNeverJoinAreEndedAndOthersTried) {
  World world;
  world.cloud.nodes_join = false;
  world.cloud.add(web());
  world.want("shop", 2, 900);
  world.advance(16min);
  EXPECT_EQ(world.cloud.live("web"), 0);
  EXPECT_TRUE(world.has_event("ScaleUpTimedOut"));
  world.cloud.nodes_join = true;
  world.advance(6min);
  EXPECT_EQ(world.waiting(), 0);
}

TEST(LoopTest, ActsOnlyWhileItIsActive) {
  World world;
  world.autoscaler->set_active(false);
  world.cloud.add(web());
  world.want("shop", 2, 900);
  world.advance(5min);
  EXPECT_EQ(world.cloud.changes, 0);
  world.autoscaler->set_active(true);
  world.advance(2min);
  EXPECT_EQ(world.waiting(), 0);
}

TEST(LoopTest, ExplainsWhyANodeStays) {
  World world;
  world.cloud.add(web());
  world.want("shop", 1, 600);
  world.advance(2min);
  const auto node = (*kube::list<kube::Node>(*world.client)).front()->metadata.name;
  world.advance(15min);
  const auto why = world.autoscaler->explain_node(node);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->group, "web");
  EXPECT_EQ(why->reasons.size(), 1U);
  EXPECT_FALSE(world.autoscaler->explain_node("none"));
  EXPECT_FALSE(world.autoscaler->explain_group("none"));
}

// Load that goes up and down at random, failures of pools, and what must hold throughout.
std::uint64_t storm(std::uint64_t seed) {
  World world(seed);
  world.cloud.add(web(8, 50));
  env::Rng rng(seed);
  for (int hour = 0; hour < 6; ++hour) {
    world.want("shop", static_cast<int>(rng.below(14)), 900);
    if (rng.chance(1, 3)) take_out(world, Market::kSpot);
    if (rng.chance(1, 2)) world.cloud.out_of_capacity.clear();
    const std::int32_t changes = world.cloud.changes;
    const std::int32_t removals = world.removals.begun;
    world.advance(1h);
    EXPECT_LE(world.cloud.highest_over_max, 0) << seed;
    EXPECT_LE(world.cloud.changes - changes, 12) << seed;
    EXPECT_LE(world.removals.begun - removals, 16) << seed;
  }
  // In peace: everything runs, and nothing is there for nothing.
  world.cloud.out_of_capacity.clear();
  world.want("shop", 4, 900);
  world.advance(2h);
  EXPECT_EQ(world.waiting(), 0) << seed;
  EXPECT_EQ(world.nodes(), 2) << seed;
  EXPECT_EQ(world.cloud.live("web"), world.cloud.group("web").desired_capacity) << seed;
  return world.trace();
}

TEST(LoopTest, HoldsItsInvariantsAndRepeatsItselfForEverySeed) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const std::uint64_t first = storm(seed);
    EXPECT_EQ(storm(seed), first) << seed;
  }
}

}  // namespace
}  // namespace minato::autoscaler
