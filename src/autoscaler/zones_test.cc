// Nodes come back to a zone that has few: when, which, and what if it is in vain.
#include <gtest/gtest.h>

#include "autoscaler/testing/scene.h"

namespace minato::autoscaler {
namespace {

using testing::announces;
using testing::make_node;
using testing::make_pod;
using testing::owned;
using testing::Scene;

constexpr Duration kSettle = 10min;

// Four Nodes in zone a, none in b and c; the Pods of each are named after it.
class ZonesTest : public ::testing::Test {
 protected:
  ZonesTest() {
    scene_.options.scale_down.enabled = false;
    scene_.group("web", 8, {"m5.large"}, {"z-a", "z-b", "z-c"}).suspended_processes = {"AZRebalance"};
    for (const std::string name : {"n1", "n2", "n3", "n4"}) {
      scene_.member("web", make_node(name, "z-a", 2000));
    }
    for (const std::string name : {"n1", "n1", "n2", "n2", "n3", "n4", "n4"}) run_pod(name);
  }
  void run_pod(const std::string& node, kube::Labels selector = {}) {
    kube::Pod pod = owned(make_pod("pod-" + std::to_string(++pods_), 200));
    pod.spec.node_selector = std::move(selector);
    scene_.place(std::move(pod), node);
  }
  std::string zones_of(const Plan& plan) const { return plan.groups.at(0).zones; }
  // Its removal is under way; `sized` is what the group wants now.
  void remove_under_way(const std::string& node, std::int32_t sized,
                        removal::Phase phase = removal::Phase::kWaiting) {
    removal::Progress progress;
    progress.request.node = node;
    progress.request.cause = removal::Cause::kReplacement;
    progress.request.after = removal::After::kTerminateAndReplace;
    progress.phase = phase;
    progress.begun = scene_.seen.wall;
    scene_.seen.removals = {progress};
    scene_.find("web").desired_capacity = sized;
  }
  void launch(const std::string& name, const std::string& zone) {
    scene_.member("web", make_node(name, zone, 2000));
    --scene_.find("web").desired_capacity;  // It was ordered.
    scene_.seen.instances.back().launch_time = scene_.seen.wall;
  }
  // As begun after the time it takes.
  void begin() {
    const Plan plan = scene_.run_for(kSettle);
    ASSERT_EQ(plan.remove.size(), 1U);
    ASSERT_EQ(plan.remove[0].node, "n3");
    remove_under_way("n3", 5);
    ASSERT_TRUE(scene_.run().cancel.empty());
  }

  Scene scene_;
  int pods_ = 0;
};

TEST_F(ZonesTest, TheNodeWithTheFewestPodsGivesWayAfterAWhile) {
  Plan plan = scene_.run_for(kSettle - 10s);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(zones_of(plan), "4 in z-a, 0 in z-b, 0 in z-c; one moves in 10s");
  scene_.pass(10s);
  plan = scene_.run();
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(plan.remove[0].node, "n3");
  EXPECT_EQ(plan.remove[0].cause, removal::Cause::kReplacement);
  EXPECT_EQ(plan.remove[0].after, removal::After::kTerminateAndReplace);
  EXPECT_TRUE(announces(plan, "BalanceZones", "it gives way to a Node in z-b"));
}

TEST_F(ZonesTest, ADifferenceOfOneIsEven) {
  scene_.member("web", make_node("n5", "z-b", 2000));
  scene_.member("web", make_node("n6", "z-b", 2000));
  scene_.member("web", make_node("n7", "z-b", 2000));
  scene_.find("web").zones = {"z-a", "z-b"};
  const Plan plan = scene_.run_for(2 * kSettle);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(zones_of(plan), "");
}

TEST_F(ZonesTest, AGroupThatEvensItsZonesOutItselfIsLeftAlone) {
  scene_.find("web").suspended_processes.clear();
  EXPECT_TRUE(scene_.run_for(2 * kSettle).remove.empty());
}

TEST_F(ZonesTest, AtItsMaximumItStaysAsItIs) {
  scene_.find("web").max_size = 4;
  const Plan plan = scene_.run_for(2 * kSettle);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_NE(zones_of(plan).find("the group is at its maximum"), std::string::npos);
}

TEST_F(ZonesTest, NothingMovesWhilePodsWait) {
  kube::Pod huge = owned(make_pod("huge", 9000));
  scene_.wait(std::move(huge));
  const Plan plan = scene_.run_for(2 * kSettle);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_NE(zones_of(plan).find("waits until the group is at rest"), std::string::npos);
}

TEST_F(ZonesTest, ANodeThatNobodyNeedsGoesFirst) {
  scene_.options.scale_down.enabled = true;
  const Plan plan = scene_.run_for(kSettle);
  ASSERT_FALSE(plan.remove.empty());
  for (const removal::Request& request : plan.remove) {
    EXPECT_EQ(request.cause, removal::Cause::kScaleDown);
  }
}

TEST_F(ZonesTest, PodsThatAskForTheirZoneKeepTheirNode) {
  run_pod("n3", {{"topology.kubernetes.io/zone", "z-a"}});
  for (const std::string name : {"n1", "n2", "n4"}) {
    for (int i = 0; i < 8; ++i) run_pod(name);  // No room elsewhere in that zone.
  }
  Plan plan = scene_.run_for(kSettle - 10s);
  scene_.pass(10s);
  plan = scene_.run();
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_NE(plan.remove[0].node, "n3");
}

TEST_F(ZonesTest, WhatKeepsANodeFromScalingDownKeepsItHereToo) {
  for (const char* name : {"n1", "n2", "n3", "n4"}) {
    kube::Pod pod = owned(make_pod(std::string("kept-") + name, 10));
    pod.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false";
    scene_.place(std::move(pod), name);
  }
  Plan plan = scene_.run_for(kSettle);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_NE(zones_of(plan).find("no Node can move to z-b"), std::string::npos);
  scene_.pass(10s);
  EXPECT_NE(zones_of(scene_.run()).find("one moves in 19m50s"), std::string::npos) << "twice as long";
}

TEST_F(ZonesTest, AZoneThatHasJustFailedIsNotTried) {
  scene_.run_for(kSettle - 10s);
  for (const char* zone : {"z-b", "z-c"}) {
    scene_.fail_pool("web", "m5.large", zone, cloud::Market::kOnDemand);
  }
  const Plan plan = scene_.run_for(1min);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_NE(zones_of(plan).find("zones with fewer cannot launch now"), std::string::npos);
  EXPECT_TRUE(scene_.run_for(5min).remove.empty()) << "the back-off is over, and time begins anew";
}

TEST_F(ZonesTest, WhenOneHasMovedTheNextFollowsAtOnce) {
  begin();
  launch("n5", "z-b");
  Plan plan = scene_.run();
  EXPECT_TRUE(plan.cancel.empty());
  EXPECT_NE(zones_of(plan).find("n3 gives way to a Node in z-b"), std::string::npos);
  // The old one is gone.
  std::erase_if(scene_.seen.instances, [](const auto& each) { return each.hostname == "n3"; });
  std::erase_if(scene_.seen.nodes, [](const auto& each) { return each->metadata.name == "n3"; });
  scene_.snapshot.remove_node("n3");
  scene_.seen.removals.clear();
  scene_.find("web").desired_capacity = 4;
  plan = scene_.run();
  EXPECT_NE(zones_of(plan).find("one has moved"), std::string::npos);
  plan = scene_.run();
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_TRUE(announces(plan, "BalanceZones", "a Node in z-c"));
}

TEST_F(ZonesTest, AReplacementInAnotherZoneCallsItOff) {
  begin();
  launch("n5", "z-a");
  Plan plan = scene_.run();
  EXPECT_EQ(plan.cancel, std::vector<std::string>{"n3"});
  EXPECT_NE(zones_of(plan).find("no Node came in z-b"), std::string::npos);
  scene_.seen.removals.clear();
  EXPECT_TRUE(scene_.run_for(2 * kSettle - 20s).remove.empty());
  scene_.pass(20s);
  EXPECT_EQ(scene_.run().remove.size(), 1U) << "after twice the time";
}

TEST_F(ZonesTest, AnOrderThatNobodyFillsCallsItOff) {
  begin();
  scene_.find("web").desired_capacity = 4;  // Given up.
  EXPECT_EQ(scene_.run().cancel, std::vector<std::string>{"n3"});
}

TEST_F(ZonesTest, OnceOutOfTheLoadBalancerItGoesThrough) {
  begin();
  launch("n5", "z-a");
  remove_under_way("n3", 5, removal::Phase::kEvicting);
  EXPECT_TRUE(scene_.run().cancel.empty());
}

}  // namespace
}  // namespace minato::autoscaler
