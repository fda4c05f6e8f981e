// The Remover against a cluster with traffic: what is lost, what is kept, in which order.
#include "removal/remover.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kube/names.h"
#include "removal/testing/world.h"

namespace minato::removal {
namespace {

const std::string kExcludeLabel(kube::kLabelExcludeFromLoadBalancers);

bool is_tainted(const kube::Node& node) {
  return std::ranges::any_of(node.spec.taints,
                             [](const auto& taint) { return taint.key == kTaintRemoval; });
}

std::string why(const World& world) {
  std::string out;
  for (const std::string& loss : world.losses) out += loss + "\n";
  return out;
}

TEST(RemoverTest, ScaleDownShrinksTheGroupAndLosesNoRequest) {
  World world(1, 3);
  world.serve("web", 4, 3);
  ASSERT_TRUE(world.begin("node-01", Cause::kScaleDown, After::kTerminateAndShrink));
  ASSERT_TRUE(world.wait_until([&] { return world.is_gone("node-01"); }));
  world.advance(60s);
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_GT(world.requests, 100);
  EXPECT_EQ(world.cloud.group.desired_capacity, 2);
  EXPECT_EQ(world.cloud.live(), 2);
  EXPECT_EQ(world.client().forced, 0);
  EXPECT_EQ(world.progress("node-01").phase, Phase::kDone);
  for (const char* reason :
       {"RemovalStarted", "TargetDeregistered", "TargetDrained", "PodEvicted", "NodeRemoved"}) {
    EXPECT_TRUE(world.has_event(reason)) << reason;
  }
}

TEST(RemoverTest, PodsStayUntilTheLoadBalancerHasLetGo) {
  World world(1, 3);
  world.cloud.tells_in_flight = false;
  world.serve("web", 3);
  const MonoTime begun = world.time.monotonic();
  ASSERT_TRUE(world.begin("node-01", Cause::kScaleDown, After::kTerminateAndShrink));
  ASSERT_TRUE(world.wait_until([&] { return !world.client().evicted.empty(); }));
  EXPECT_GE(world.time.monotonic() - begun, world.cloud.delay);
  const auto node = world.node("node-01");
  EXPECT_TRUE(is_tainted(*node));
  EXPECT_TRUE(node->spec.unschedulable);
  EXPECT_EQ(node->metadata.labels.at(kExcludeLabel), kExcludedByRemoval);
  EXPECT_EQ(world.cloud.calls.front(), "deregister i-01");
}

TEST(RemoverTest, AWallClockThatJumpsDuringANoticeDoesNotShortenIt) {
  World world(2, 3);
  world.serve("web", 6, 5);
  ASSERT_TRUE(world.interrupt(1));
  world.advance(2s);
  world.time.jump_wall(1h);
  ASSERT_TRUE(world.wait_until([&] { return world.is_gone("node-01"); }, 117s));
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_FALSE(world.has_event("DeadlineCut", "was still there"));
  EXPECT_FALSE(world.has_event("DeadlineCut", "budget"));
}

TEST(RemoverTest, SpotNoticeIsReplacedAtOnceAndEndsBeforeItsTimeWithoutLoss) {
  World world(2, 3);
  world.serve("web", 6, 5);
  ASSERT_TRUE(world.interrupt(1));
  world.advance(1s);
  EXPECT_EQ(world.cloud.group.desired_capacity, 4);
  EXPECT_TRUE(world.cloud.called("deregister i-01"));
  ASSERT_TRUE(
      world.wait_until([&] { return world.cloud.called("terminate i-01 and shrink"); }, 117s));
  world.advance(120s);
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_EQ(world.client().forced, 0);
  EXPECT_EQ(world.cloud.group.desired_capacity, 3);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_TRUE(world.is_gone("node-01"));
}

TEST(RemoverTest, TheLastHealthyTargetServesUntilItsReplacementDoes) {
  World world(3, 1);
  world.serve("web", 2);
  ASSERT_TRUE(world.interrupt(1));
  world.advance(10s);
  EXPECT_FALSE(world.cloud.called("deregister i-01"));
  EXPECT_NE(world.progress("node-01").detail.find("0 healthy targets"), std::string::npos);
  ASSERT_TRUE(world.wait_until([&] { return world.cloud.called("deregister i-01"); }));
  EXPECT_EQ(world.cloud.targets.at("i-02").state, cloud::TargetState::kHealthy);
  world.advance(150s);
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_EQ(world.cloud.live(), 1);
}

TEST(RemoverTest, SeveralNoticesTogetherNeverEmptyTheTargetGroup) {
  World world(4, 2);
  world.serve("web", 4, 2);
  ASSERT_TRUE(world.interrupt(1));
  ASSERT_TRUE(world.interrupt(2));
  world.advance(5s);
  EXPECT_EQ(world.cloud.group.desired_capacity, 4);
  EXPECT_FALSE(world.cloud.called("deregister i-01"));
  EXPECT_FALSE(world.cloud.called("deregister i-02"));
  world.advance(180s);
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_EQ(world.cloud.group.desired_capacity, 2);
  EXPECT_EQ(world.cloud.live(), 2);
}

TEST(RemoverTest, TheOnlyTargetOfAFullGroupServesNearlyToTheEnd) {
  World world(5, 1);
  world.cloud.group.max_size = 1;
  world.serve("web", 2, 2);
  ASSERT_TRUE(world.interrupt(1));
  world.advance(110s);
  EXPECT_FALSE(world.cloud.called("deregister i-01"));
  EXPECT_EQ(world.lost, 0) << why(world);
  world.advance(8s);
  EXPECT_TRUE(world.cloud.called("terminate i-01"));
  EXPECT_EQ(world.cloud.highest_desired, 1);
  EXPECT_TRUE(world.has_event("DeadlineCut", "left with 0 healthy targets"));
  world.advance(120s);
  EXPECT_EQ(world.cloud.live(), 1);
}

TEST(RemoverTest, VoluntaryReplacementWaitsForTheNewInstanceFirst) {
  World world(6, 2);
  world.serve("web", 4, 3);
  ASSERT_TRUE(world.begin("node-02", Cause::kReplacement, After::kTerminateAndReplace));
  ASSERT_TRUE(world.wait_until([&] { return world.cloud.called("deregister i-02"); }));
  EXPECT_EQ(world.cloud.targets.at("i-03").state, cloud::TargetState::kHealthy);
  ASSERT_TRUE(world.wait_until([&] { return world.is_gone("node-02"); }));
  world.advance(30s);
  EXPECT_EQ(world.cloud.live(), 2);
  EXPECT_EQ(world.cloud.group.desired_capacity, 2);
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, AtItsMaximumTheGroupReplacesByItself) {
  World world(7, 3);
  world.cloud.group.max_size = 3;
  world.serve("web", 3, 2);
  ASSERT_TRUE(world.begin("node-01", Cause::kRebalanceRecommendation, After::kTerminateAndReplace));
  ASSERT_TRUE(world.wait_until([&] { return world.cloud.called("terminate i-01"); }));
  world.advance(90s);
  EXPECT_EQ(world.cloud.highest_desired, 3);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, CancelTakesEveryStepBack) {
  for (const Duration after : {0s, 1s, 4s, 8s, 20s}) {
    World world(8, 3);
    world.serve("web", 3);
    ASSERT_TRUE(world.begin("node-01", Cause::kMaintenance, After::kTerminateAndReplace, 10min));
    world.advance(after);
    const Phase phase = world.progress("node-01").phase;
    const Status cancelled = world.remover().cancel("node-01");
    if (phase == Phase::kTerminating || phase == Phase::kDone) continue;
    ASSERT_TRUE(cancelled) << cancelled.error().message;
    world.advance(60s);
    const auto node = world.node("node-01");
    ASSERT_NE(node, nullptr);
    EXPECT_FALSE(is_tainted(*node));
    EXPECT_FALSE(node->spec.unschedulable);
    EXPECT_FALSE(node->metadata.labels.contains(kExcludeLabel));
    EXPECT_TRUE(node->metadata.annotations.empty());
    EXPECT_TRUE(node->metadata.finalizers.empty());
    EXPECT_EQ(world.cloud.targets.at("i-01").state, cloud::TargetState::kHealthy);
    EXPECT_EQ(world.progress("node-01").phase, Phase::kCancelled);
    EXPECT_EQ(world.lost, 0) << why(world);
  }
}

TEST(RemoverTest, CancelKeepsTheCordonThatWasThereBefore) {
  World world(9, 3);
  world.serve("web", 3);
  kube::Node node = *world.node("node-01");
  node.spec.unschedulable = true;
  ASSERT_TRUE(kube::update(static_cast<kube::Client&>(world.client()), std::move(node)));
  ASSERT_TRUE(world.begin("node-01", Cause::kDrain, After::kKeep));
  world.advance(3s);
  ASSERT_TRUE(world.remover().cancel("node-01"));
  world.advance(10s);
  EXPECT_TRUE(world.node("node-01")->spec.unschedulable);
  EXPECT_FALSE(is_tainted(*world.node("node-01")));
}

TEST(RemoverTest, TheTargetIsDeregisteredWhileTheKubernetesApiIsDown) {
  World world(10, 3);
  world.serve("web", 3);
  world.client().is_down = true;
  ASSERT_TRUE(world.interrupt(1));
  world.advance(1s);
  EXPECT_TRUE(world.cloud.called("deregister i-01"));
  EXPECT_EQ(world.cloud.group.desired_capacity, 4);
  world.advance(20s);
  EXPECT_FALSE(is_tainted(*world.node("node-01")));
  world.client().is_down = false;
  EXPECT_TRUE(world.wait_until([&] { return is_tainted(*world.node("node-01")); }, 6s));
  world.advance(150s);
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_EQ(world.cloud.group.desired_capacity, 3);
}

TEST(RemoverTest, CallsThatFailAreTriedAgain) {
  World world(11, 3);
  world.serve("web", 4, 3);
  world.cloud.fail_one_in = 2;
  world.client().fail_one_in = 2;
  ASSERT_TRUE(world.interrupt(2));
  world.advance(180s);
  EXPECT_EQ(world.lost, 0) << why(world);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_EQ(world.cloud.group.desired_capacity, 3);
}

TEST(RemoverTest, ARestartAtAnyMomentGoesOn) {
  for (int at = 0; at < 60; at += 3) {
    World world(12, 3);
    world.serve("web", 4, 3);
    ASSERT_TRUE(world.interrupt(1));
    world.advance(std::chrono::milliseconds(at * 1000 + 50));
    world.restart();
    world.advance(180s);
    EXPECT_EQ(world.lost, 0) << at << "\n" << why(world);
    EXPECT_EQ(world.cloud.live(), 3) << at;
    EXPECT_EQ(world.cloud.group.desired_capacity, 3) << at;
    EXPECT_TRUE(world.is_gone("node-01")) << at;
  }
}

TEST(RemoverTest, AnInstanceThatDiesWhileNobodyControlsLeavesNoExtraOrder) {
  World world(13, 3);
  world.serve("web", 3);
  world.cloud.group.max_size = 4;
  world.cloud.boot_min = world.cloud.boot_max = 300s;
  ASSERT_TRUE(world.interrupt(1));
  world.advance(2s);
  EXPECT_EQ(world.cloud.group.desired_capacity, 4);
  world.stop_remover();
  world.advance(120s);
  ASSERT_NE(world.node("node-01"), nullptr);  // Its finalizer holds it.
  world.restart();
  world.advance(60s);
  EXPECT_TRUE(world.is_gone("node-01"));
  world.advance(600s);
  EXPECT_LE(world.cloud.group.desired_capacity, 4);
  EXPECT_EQ(world.cloud.live(), world.cloud.group.desired_capacity);
}

TEST(RemoverTest, ASpotNoticeJoinsAScaleDownWhichNeedsNoReplacement) {
  World world(14, 3);
  world.serve("web", 3, 3);  // The budget allows nothing: only the deadline ends it.
  ASSERT_TRUE(world.begin("node-01", Cause::kScaleDown, After::kTerminateAndShrink));
  world.advance(10s);
  ASSERT_TRUE(world.interrupt(1));
  const Progress progress = world.progress("node-01");
  EXPECT_EQ(progress.request.cause, Cause::kSpotInterruption);
  EXPECT_TRUE(progress.request.deadline.has_value());
  EXPECT_EQ(progress.request.after, After::kTerminateAndShrink);
  world.advance(180s);
  EXPECT_EQ(world.cloud.highest_desired, 3);
  EXPECT_EQ(world.cloud.group.desired_capacity, 2);
  EXPECT_GT(world.client().forced, 0);
  EXPECT_TRUE(world.has_event("DeadlineCut", "disruption budget"));
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, AScaleDownThatCannotEvictIsTakenBack) {
  World world(15, 3, {.scale_down_patience = 1min});
  world.serve("web", 3, 3);
  ASSERT_TRUE(world.begin("node-01", Cause::kScaleDown, After::kTerminateAndShrink));
  world.advance(3min);
  EXPECT_EQ(world.progress("node-01").phase, Phase::kCancelled);
  EXPECT_FALSE(world.node("node-01")->spec.unschedulable);
  EXPECT_EQ(world.cloud.targets.at("i-01").state, cloud::TargetState::kHealthy);
  EXPECT_EQ(world.client().forced, 0);
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, BarePodsForbidAScaleDownAndLeaveADrainWithANote) {
  World world(16, 3);
  world.serve("web", 2);
  world.add_pod("job", "node-01");
  EXPECT_TRUE(failed_with(world.begin("node-01", Cause::kScaleDown, After::kTerminateAndShrink),
                          Reason::kForbidden));
  ASSERT_TRUE(world.begin("node-01", Cause::kDrain, After::kKeep));
  world.advance(120s);
  EXPECT_EQ(world.progress("node-01").phase, Phase::kDone);
  EXPECT_NE(world.progress("node-01").detail.find("no controller"), std::string::npos);
}

TEST(RemoverTest, DaemonSetPodsStayAndAKeptNodeComesBackWhenUncordoned) {
  World world(17, 3);
  world.serve("web", 3);
  world.add_pod("agent", "node-01", "DaemonSet");
  ASSERT_TRUE(world.begin("node-01", Cause::kDrain, After::kKeep));
  world.advance(120s);
  ASSERT_EQ(world.progress("node-01").phase, Phase::kDone);
  EXPECT_TRUE(world.is_bound("node-01"));
  EXPECT_TRUE(world.node("node-01")->spec.unschedulable);
  EXPECT_FALSE(world.cloud.called("terminate i-01"));
  world.restart();
  world.advance(5s);
  kube::Node node = *world.node("node-01");
  node.spec.unschedulable = false;
  ASSERT_TRUE(kube::update(static_cast<kube::Client&>(world.client()), std::move(node)));
  world.advance(30s);
  EXPECT_FALSE(is_tainted(*world.node("node-01")));
  EXPECT_EQ(world.cloud.targets.at("i-01").state, cloud::TargetState::kHealthy);
}

TEST(RemoverTest, VoluntaryRemovalsWaitTheirTurnAndForUrgentOnes) {
  World world(18, 4);
  world.serve("web", 8, 6);
  ASSERT_TRUE(world.begin("node-01", Cause::kReplacement, After::kTerminateAndReplace));
  ASSERT_TRUE(world.begin("node-02", Cause::kReplacement, After::kTerminateAndReplace));
  world.advance(2s);
  EXPECT_EQ(world.cloud.group.desired_capacity, 5);
  EXPECT_EQ(world.progress("node-02").detail, "waits for another removal to end");
  ASSERT_TRUE(world.interrupt(3));
  world.advance(2s);
  EXPECT_NE(world.progress("node-02").detail.find("with a deadline"), std::string::npos);
  world.advance(10min);
  EXPECT_TRUE(world.is_gone("node-01"));
  EXPECT_TRUE(world.is_gone("node-02"));
  EXPECT_TRUE(world.is_gone("node-03"));
  EXPECT_EQ(world.cloud.live(), 4);
  EXPECT_EQ(world.cloud.group.desired_capacity, 4);
  EXPECT_EQ(world.client().forced, 0);
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, LongGracePeriodsAreCutToTheDeadline) {
  World world(19, 3);
  world.serve("web", 3, 0, 600);
  ASSERT_TRUE(world.interrupt(1));
  world.advance(180s);
  EXPECT_TRUE(world.has_event("DeadlineCut", "grace period cut from 10m"));
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, WithoutTheRoleOnlyTheLoadBalancerStepIsTakenAndTheActiveOneGoesOn) {
  World world(20, 3);
  world.serve("web", 4, 3);
  world.remover().set_active(false);
  Remover& agent = world.agent();
  world.cloud.kill_at("i-01", world.time.wall() + 120s);
  ASSERT_TRUE(agent.begin({"node-01", Cause::kSpotInterruption, After::kTerminateAndReplace,
                           world.time.wall() + 120s, "notice"}));
  world.advance(10s);
  EXPECT_TRUE(world.cloud.called("deregister i-01"));
  EXPECT_EQ(world.cloud.group.desired_capacity, 3);
  EXPECT_TRUE(world.client().evicted.empty());
  EXPECT_TRUE(is_tainted(*world.node("node-01")));
  world.remover().set_active(true);
  world.advance(150s);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_EQ(world.cloud.group.desired_capacity, 3);
  EXPECT_TRUE(world.is_gone("node-01"));
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, AnAgentAndTheActiveOneWorkTogether) {
  World world(21, 3);
  world.serve("web", 4, 3);
  world.cloud.kill_at("i-01", world.time.wall() + 120s);
  ASSERT_TRUE(world.agent().begin({"node-01", Cause::kSpotInterruption, After::kTerminateAndReplace,
                                   world.time.wall() + 120s, "notice"}));
  world.advance(5s);
  EXPECT_EQ(world.cloud.group.desired_capacity, 4);
  world.advance(180s);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_EQ(world.cloud.group.desired_capacity, 3);
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, AnInstanceInItsTerminationHookEndsByCompletingTheAction) {
  World world(22, 3);
  world.serve("web", 3, 2);
  world.cloud.group.lifecycle_hooks.push_back({.name = "drain", .heartbeat_timeout = 120s});
  cloud::Done ignore = [](Status) {};
  world.cloud.terminate_instance_in_auto_scaling_group("i-01", cloud::Decrement::kNo,
                                                       std::move(ignore));
  ASSERT_TRUE(world.begin("node-01", Cause::kMaintenance, After::kTerminateAndReplace, 120s));
  ASSERT_TRUE(world.wait_until([&] { return world.cloud.called("complete i-01"); }, 117s));
  EXPECT_FALSE(world.is_bound("node-01"));
  world.advance(60s);
  EXPECT_EQ(world.cloud.highest_desired, 3);
  EXPECT_EQ(world.cloud.live(), 3);
  EXPECT_EQ(world.lost, 0) << why(world);
}

TEST(RemoverTest, ANodeThatVanishesIsDoneWithWhatWasLost) {
  World world(23, 3);
  world.serve("web", 6);
  ASSERT_TRUE(world.begin("node-01", Cause::kReplacement, After::kTerminateAndReplace));
  world.advance(3s);
  world.cloud.kill("i-01");
  world.advance(120s);
  EXPECT_EQ(world.progress("node-01").phase, Phase::kDone);
  EXPECT_NE(world.progress("node-01").detail.find("vanished"), std::string::npos);
  EXPECT_TRUE(world.is_gone("node-01"));
}

TEST(RemoverTest, UnknownNodesAndRemovalsAreNotFound) {
  World world(24, 1);
  EXPECT_TRUE(failed_with(world.begin("no", Cause::kDrain, After::kKeep), Reason::kNotFound));
  EXPECT_TRUE(failed_with(world.remover().cancel("node-01"), Reason::kNotFound));
}

TEST(RemoverTest, ARecordThatMakesNoSenseIsSaidAndIgnored) {
  World world(25, 2);
  kube::Node node = *world.node("node-01");
  node.metadata.annotations[std::string(kAnnotationRemoval)] = R"({"cause":"Whim"})";
  ASSERT_TRUE(kube::update(static_cast<kube::Client&>(world.client()), std::move(node)));
  world.advance(2s);
  EXPECT_TRUE(world.has_event("RemovalRecordInvalid", "Whim"));
  EXPECT_TRUE(world.remover().progress().empty());
}

}  // namespace
}  // namespace minato::removal
