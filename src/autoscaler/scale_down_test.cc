// Decisions to shrink: which Nodes are not needed, when they go, and everything that keeps them.
#include <gtest/gtest.h>

#include "autoscaler/testing/scene.h"

namespace minato::autoscaler {
namespace {

using namespace testing;

class ScaleDownTest : public ::testing::Test {
 protected:
  void nodes(int count, int milli_cpu = 1000, const std::string& zone = "z-a") {
    if (scene.seen.groups.empty()) scene.group("g", 50, {"m5.large"}, zones);
    for (int i = 0; i < count; ++i) {
      scene.member("g", make_node(fmt::format("n{}-{}", ++made, zone), zone, milli_cpu));
    }
  }
  void load(const std::string& node, int milli_cpu) {
    scene.place(owned(make_pod(fmt::format("on-{}-{}", node, ++made), milli_cpu)), node);
  }
  static std::vector<std::string> removed(const Plan& plan) {
    std::vector<std::string> out;
    for (const auto& request : plan.remove) out.push_back(request.node);
    return out;
  }
  Scene scene;
  std::vector<std::string> zones = {"z-a"};
  int made = 0;
};

TEST_F(ScaleDownTest, AnUnneededNodeGoesAfterItsTime) {
  nodes(2);
  load("n1-z-a", 600);
  load("n2-z-a", 100);
  Plan plan = scene.run();
  EXPECT_NE(reasons_of(plan, "n1-z-a").find("NotUnderutilized"), std::string::npos);
  EXPECT_TRUE(verdict(plan, "n2-z-a").unneeded);
  EXPECT_EQ(verdict(plan, "n2-z-a").goes_in, 10min);
  EXPECT_EQ(plan.taints.size(), 1U);
  plan = scene.run_for(9min + 50s);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(reasons_of(plan, "n2-z-a"), "NotUnneededLongEnough: 9m50s of 10m");
  scene.pass(10s);
  plan = scene.run();
  ASSERT_EQ(removed(plan), std::vector<std::string>{"n2-z-a"});
  EXPECT_EQ(plan.remove[0].cause, removal::Cause::kScaleDown);
  EXPECT_EQ(plan.remove[0].after, removal::After::kTerminateAndShrink);
  EXPECT_TRUE(announces(plan, "ScaleDown", "removing node n2-z-a"));
}

TEST_F(ScaleDownTest, ExactlyHalfUsedIsACandidate) {
  nodes(2);
  load("n1-z-a", 500);
  load("n2-z-a", 501);
  const Plan plan = scene.run();
  EXPECT_FALSE(verdict(plan, "n2-z-a").unneeded);
  EXPECT_EQ(reasons_of(plan, "n1-z-a").find("NotUnderutilized"), std::string::npos);
}

TEST_F(ScaleDownTest, TwoThatCouldEachMoveToTheOtherDoNotBothGo) {
  nodes(2);
  load("n1-z-a", 400);
  load("n2-z-a", 400);
  const Plan plan = scene.run_for(10min);
  EXPECT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(std::ranges::count_if(plan.nodes, &NodeVerdict::unneeded), 1);
}

TEST_F(ScaleDownTest, PodsThatFitNowhereElseKeepTheirNodeAndItIsNotAskedAgainAtOnce) {
  nodes(2);
  load("n1-z-a", 700);
  load("n2-z-a", 400);
  Plan plan = scene.run();
  EXPECT_NE(reasons_of(plan, "n2-z-a").find("NoPlaceToMovePods: default/on-n2"),
            std::string::npos);
  scene.pass(10s);
  plan = scene.run();
  EXPECT_NE(reasons_of(plan, "n2-z-a").find("RecentlyUnremovable"), std::string::npos);
}

TEST_F(ScaleDownTest, TheMinimumCountsWhatIsGoing) {
  // Minimum 1, ten wanted, two going: seven may go.
  nodes(10);
  scene.find("g").min_size = 1;
  scene.options.scale_down.max_drain_parallelism = 10;
  for (const NodePtr& node : scene.seen.nodes) {
    if (scene.seen.removals.size() == 2) break;
    scene.seen.removals.push_back(
        {.request = {.node = node->metadata.name, .cause = removal::Cause::kDrain,
                     .after = removal::After::kTerminateAndShrink}});
  }
  EXPECT_EQ(scene.run_for(10min).remove.size(), 7U);
  scene.find("g").desired_capacity = 5;
  EXPECT_EQ(scene.run().remove.size(), 2U);
  EXPECT_EQ(scene.run().groups[0].going, 2);
}

TEST_F(ScaleDownTest, TheBudgetOfRemovalsHolds) {
  nodes(15);
  EXPECT_EQ(scene.run_for(10min).remove.size(), 10U);
}

TEST_F(ScaleDownTest, OneDrainAtATime) {
  nodes(6);
  for (int i = 1; i <= 6; ++i) load(fmt::format("n{}-z-a", i), 100);
  Plan plan = scene.run_for(10min);
  ASSERT_EQ(plan.remove.size(), 1U);
  scene.seen.removals = {{.request = plan.remove[0]}};
  plan = scene.run();
  EXPECT_TRUE(plan.remove.empty());
  scene.seen.removals[0].phase = removal::Phase::kDone;
  EXPECT_EQ(scene.run().remove.size(), 1U);
}

TEST_F(ScaleDownTest, UnreadyNodesGoAfterTheirOwnTimeAndKeepTheirStart) {
  nodes(3);
  load("n1-z-a", 600);
  load("n2-z-a", 600);
  scene.run_for(5min);
  kube::Node broken = *scene.seen.nodes[2];
  broken.status.conditions[0].status = "False";
  scene.node(broken);
  Plan plan = scene.run_for(14min + 50s);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(verdict(plan, "n3-z-a").goes_in, 10s);
  EXPECT_NE(reasons_of(plan, "n3-z-a").find("NotUnreadyLongEnough"), std::string::npos);
  scene.pass(10s);
  EXPECT_EQ(removed(scene.run()), std::vector<std::string>{"n3-z-a"});
  scene.options.scale_down.unready_enabled = false;
  EXPECT_NE(reasons_of(scene.run(), "n3-z-a").find("ScaleDownUnreadyDisabled"),
            std::string::npos);
}

TEST_F(ScaleDownTest, AnnotationsGroupsAndBlockersKeepANodeAndAllAreSaid) {
  nodes(2);
  scene.node(make_node("master", "z-a", 1000));
  kube::Node kept = *scene.seen.nodes[1];
  kept.metadata.annotations["cluster-autoscaler.kubernetes.io/scale-down-disabled"] = "true";
  const std::string name = kept.metadata.name;
  scene.node(kept);
  scene.place(make_pod("bare", 700), name);
  const Plan plan = scene.run();
  EXPECT_EQ(reasons_of(plan, "master"), "NotAutoscaled");
  EXPECT_EQ(reasons_of(plan, name),
            "ScaleDownDisabledAnnotation; NotUnderutilized: 0.70 is above 0.50; BlockedByPod: "
            "default/bare (NotReplicated: nothing would make it anew)");
}

TEST_F(ScaleDownTest, OnlyADaemonIgnoredMakesItEmptyAtThresholdZero) {
  nodes(1);
  scene.options.scale_down.group.utilization_threshold = 0;
  scene.options.scale_down.group.ignore_daemon_sets_utilization = true;
  scene.place(owned(make_pod("d", 100), "DaemonSet"), "n1-z-a");
  EXPECT_TRUE(verdict(scene.run(), "n1-z-a").unneeded);
}

TEST_F(ScaleDownTest, PausesAfterGrowthAndAfterAFailedRemoval) {
  nodes(2);
  scene.run_for(10min);
  scene.memory.last_scale_up = scene.seen.now - 9min;
  Plan plan = scene.run();
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(verdict(plan, "n1-z-a").goes_in, 1min);
  EXPECT_NE(reasons_of(plan, "n1-z-a").find("ScaleDownInCooldown: scale-up 9m ago"),
            std::string::npos);
  scene.memory.last_scale_up.reset();
  scene.seen.removals = {{.request = {.node = "n1-z-a", .cause = removal::Cause::kScaleDown,
                                      .after = removal::After::kTerminateAndShrink}}};
  scene.run();
  scene.seen.removals[0].phase = removal::Phase::kCancelled;
  plan = scene.run();
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_TRUE(announces(plan, "ScaleDownFailed"));
  EXPECT_EQ(verdict(plan, "n2-z-a").goes_in, 3min);
}

TEST_F(ScaleDownTest, ZonesStayInBalanceAndTheFullestGivesFirst) {
  zones = {"z-a", "z-b"};
  nodes(3, 1000, "z-a");
  nodes(1, 1000, "z-b");
  for (const NodePtr& node : scene.seen.nodes) {
    const std::string& name = node->metadata.name;
    // The one of zone b is the emptiest, yet it must stay.
    if (name.ends_with("z-a")) load(name, 100);
  }
  scene.options.scale_down.max_drain_parallelism = 10;
  const Plan plan = scene.run_for(10min);
  for (const std::string& name : removed(plan)) EXPECT_TRUE(name.ends_with("z-a")) << name;
  EXPECT_NE(reasons_of(plan, "n4-z-b").find("ZoneBalance"), std::string::npos);
  scene.find("g").suspended_processes = {"AZRebalance"};
  EXPECT_EQ(reasons_of(scene.run(), "n4-z-b").find("ZoneBalance"), std::string::npos);
}

TEST_F(ScaleDownTest, WaitingPodsKeepTheNodeOnWhichTheyWillRun) {
  nodes(2);
  load("n1-z-a", 800);
  scene.wait_many("p", 1, 300);
  const Plan plan = scene.run_for(10min);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_NE(reasons_of(plan, "n2-z-a").find("NoPlaceToMovePods"), std::string::npos);
}

TEST_F(ScaleDownTest, NodesThatAreGoingAreNoPlaceForOthersPods) {
  nodes(3);
  load("n1-z-a", 800);
  load("n2-z-a", 400);
  scene.seen.removals = {{.request = {.node = "n3-z-a", .cause = removal::Cause::kDrain,
                                      .after = removal::After::kTerminateAndShrink}}};
  const Plan plan = scene.run();
  EXPECT_NE(reasons_of(plan, "n2-z-a").find("NoPlaceToMovePods"), std::string::npos);
  EXPECT_EQ(reasons_of(plan, "n3-z-a"), "CurrentlyBeingDeleted");
}

TEST_F(ScaleDownTest, SoftTaintsAreTakenBackWhenANodeIsNeededAgain) {
  nodes(2);
  load("n1-z-a", 600);
  kube::Node marked = *scene.seen.nodes[0];
  marked.spec.taints.push_back({.key = "DeletionCandidateOfClusterAutoscaler",
                                .value = "1",
                                .effect = std::string(kube::kPreferNoSchedule)});
  scene.node(marked);
  const Plan plan = scene.run();
  ASSERT_EQ(plan.taints.size(), 2U);
  EXPECT_EQ(plan.taints[0].node, "n1-z-a");
  EXPECT_EQ(plan.taints[0].change, TaintChange::kRemove);
  EXPECT_EQ(plan.taints[1].change, TaintChange::kAdd);
}

TEST_F(ScaleDownTest, NothingIsMarkedInAGroupAtItsMinimum) {
  nodes(2);
  load("n1-z-a", 600);
  scene.find("g").min_size = 2;
  EXPECT_TRUE(scene.run().taints.empty());
  scene.find("g").min_size = 1;
  EXPECT_EQ(scene.run().taints.size(), 1U);
}

TEST_F(ScaleDownTest, TheStatusIsInUpstreamsFormat) {
  nodes(1);
  const Plan plan = scene.run();
  for (const char* part :
       {"time: 2026-01-01T00:00:00Z\nautoscalerStatus: Running\nclusterWide:\n  health:\n    "
        "status: Healthy\n    nodeCounts:\n      registered:\n        total: 1\n        ready: 1\n",
        "  scaleDown:\n    status: CandidatesPresent\n    candidates: 1\n",
        "nodeGroups:\n- name: g\n  health:\n", "    cloudProviderTarget: 1\n    minSize: 0\n"}) {
    EXPECT_NE(plan.status.find(part), std::string::npos) << part << "\n" << plan.status;
  }
}

}  // namespace
}  // namespace minato::autoscaler
