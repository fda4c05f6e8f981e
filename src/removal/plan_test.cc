// decide() as a function: one State, one Plan.
#include "removal/plan.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace minato::removal {
namespace {

const WallTime kNow{Duration{1'767'225'600'000'000'000}};

// Instances i-1 … i-n of nodes n-1 … n-n, healthy, in one attached group with room.
State cluster(int nodes) {
  State out;
  out.now = kNow;
  out.deregistration_delay = 30s;
  cloud::AutoScalingGroup group;
  group.name = "scaling";
  group.desired_capacity = nodes;
  group.max_size = nodes + 3;
  group.attached_to_target_group = true;
  out.groups.push_back(group);
  for (int i = 1; i <= nodes; ++i) {
    cloud::Instance instance;
    instance.id = fmt::format("i-{}", i);
    instance.group = "scaling";
    instance.state = cloud::LifecycleState::kInService;
    instance.launch_time = kNow - 1h;
    out.instances.push_back(instance);
    cloud::TargetHealth target;
    target.instance_id = instance.id;
    target.state = cloud::TargetState::kHealthy;
    out.targets.push_back(target);
  }
  return out;
}

RemovalView& remove(State& state, int number, Cause cause, After after,
                    std::optional<Duration> left = {}) {
  RemovalView& out = state.removals.emplace_back();
  out.record.request = {fmt::format("n-{}", number), cause, after, {}, ""};
  if (left) out.record.request.deadline = kNow + *left;
  out.record.begun = out.record.since = kNow;
  out.instance = fmt::format("i-{}", number);
  out.instance_was_seen = true;
  return out;
}
RemovalView& spot(State& state, int number, Duration left = 120s) {
  return remove(state, number, Cause::kSpotInterruption, After::kTerminateAndReplace, left);
}
void put_in(RemovalView& removal, Phase phase) {
  removal.record.phase = phase;
  removal.record.admitted = true;
  if (phase != Phase::kWaiting) {
    removal.record.detached = kNow - 10s;
    removal.record.was_target = true;
  }
}
PodView pod(const std::string& name, Duration grace = 30s) {
  PodView out;
  out.key = {"default", name};
  out.uid = name;
  out.controller = "rs";
  out.grace = grace;
  return out;
}
Decision only(const State& state) { return decide(state).removals.at(0); }

TEST(PlanTest, ANoticeOrdersItsReplacementAndDetachesInOneStep) {
  State state = cluster(3);
  spot(state, 1);
  const Decision decision = only(state);
  EXPECT_TRUE(decision.admit);
  EXPECT_TRUE(decision.detach);
  EXPECT_EQ(decision.capacity, Capacity::kOrder);
  EXPECT_EQ(decision.phase, Phase::kDraining);
}

TEST(PlanTest, OrdersStayWithinTheMaximumOfTheGroup) {
  State state = cluster(4);
  state.groups[0].max_size = 5;
  spot(state, 1);
  spot(state, 2);
  const Plan plan = decide(state);
  EXPECT_EQ(plan.removals[0].capacity, Capacity::kOrder);
  EXPECT_EQ(plan.removals[1].capacity, Capacity::kNone);
}

TEST(PlanTest, AGroupThatRebalancesByItselfGetsNoOrder) {
  State state = cluster(3);
  state.groups[0].capacity_rebalance = true;
  remove(state, 1, Cause::kRebalanceRecommendation, After::kTerminateAndReplace);
  EXPECT_EQ(only(state).capacity, Capacity::kNone);
  EXPECT_TRUE(only(state).detach);
  state.removals[0].record.request.cause = Cause::kReplacement;
  EXPECT_EQ(only(state).capacity, Capacity::kOrder);
  EXPECT_FALSE(only(state).detach);
}

TEST(PlanTest, WhenTheLastTargetsAreTakenOut) {
  struct Case {
    int nodes;
    int removed;
    int minimum;
    Duration left;
    bool detaches;
  };
  for (const Case& each : {
           Case{3, 1, 1, 120s, true}, Case{3, 2, 1, 120s, true}, Case{2, 2, 1, 120s, false},
           Case{1, 1, 1, 120s, false}, Case{3, 2, 2, 120s, false}, Case{3, 1, 2, 120s, true},
           // The deadline forces it: 5 s and the last 3 before it when none would stay, …
           Case{1, 1, 1, 9s, false}, Case{1, 1, 1, 4s, true},
           // … and with the drain when some stay.
           Case{3, 2, 2, 20s, false}, Case{3, 2, 2, 3s, true},
       }) {
    State state = cluster(each.nodes);
    state.options.minimum_healthy_targets = each.minimum;
    for (int i = 1; i <= each.removed; ++i) spot(state, i, each.left);
    for (const Decision& decision : decide(state).removals) {
      EXPECT_EQ(decision.detach, each.detaches)
          << each.nodes << " nodes, " << each.removed << " removed, " << format_duration(each.left);
    }
  }
}

TEST(PlanTest, AnUnhealthyTargetTakesNothingAwayUnlessItIsTheLast) {
  State state = cluster(2);
  remove(state, 1, Cause::kDrain, After::kKeep);
  state.targets[0].state = state.targets[1].state = cloud::TargetState::kUnhealthy;
  EXPECT_TRUE(only(state).detach);
  state.targets.pop_back();
  EXPECT_FALSE(only(state).detach);
}

TEST(PlanTest, ADrainOfTheLastTargetOrdersWhatReplacesIt) {
  State state = cluster(1);
  remove(state, 1, Cause::kDrain, After::kKeep);
  EXPECT_EQ(only(state).capacity, Capacity::kOrder);
  EXPECT_FALSE(only(state).detach);
  State many = cluster(2);
  remove(many, 1, Cause::kDrain, After::kKeep);
  EXPECT_EQ(only(many).capacity, Capacity::kNone);
  EXPECT_TRUE(only(many).detach);
}

TEST(PlanTest, AnInstanceThatIsDoneWithHoldsUpNoMinimumWhileItIsStillSeen) {
  State state = cluster(2);
  put_in(remove(state, 1, Cause::kDrain, After::kTerminateAndReplace), Phase::kDone);
  remove(state, 2, Cause::kDrain, After::kKeep);
  EXPECT_FALSE(decide(state).removals.at(1).detach) << "the other one's instance is about to end";
  state.removals[0].record.phase = Phase::kCancelled;
  EXPECT_TRUE(decide(state).removals.at(1).detach);
}

TEST(PlanTest, AScaleDownNeitherReplacesNorGoesBelowTheMinimum) {
  State state = cluster(3);
  remove(state, 1, Cause::kScaleDown, After::kTerminateAndShrink);
  EXPECT_EQ(only(state).capacity, Capacity::kNone);
  EXPECT_TRUE(only(state).detach);
  state.groups[0].min_size = 3;
  EXPECT_FALSE(only(state).detach);
  EXPECT_EQ(only(state).phase, Phase::kCancelled) << "the Node is wanted after all";
  EXPECT_EQ(only(state).detail, "group scaling is at its minimum of 3");
}

TEST(PlanTest, AScaleDownLeavesAPodThatNobodyWouldMakeAnew) {
  State state = cluster(3);
  remove(state, 1, Cause::kScaleDown, After::kTerminateAndShrink).pods = {pod("a")};
  EXPECT_TRUE(only(state).admit);
  state.removals[0].pods[0].controller.clear();
  EXPECT_EQ(only(state).phase, Phase::kCancelled);
  EXPECT_FALSE(only(state).admit);
}

TEST(PlanTest, NoMoreVoluntaryRemovalsAtATimeThanAllowed) {
  State state = cluster(6);
  state.options.parallel_voluntary = 2;
  for (int i = 1; i <= 3; ++i) remove(state, i, Cause::kScaleDown, After::kTerminateAndShrink);
  const Plan plan = decide(state);
  EXPECT_TRUE(plan.removals[0].admit && plan.removals[1].admit);
  EXPECT_FALSE(plan.removals[2].admit);
  EXPECT_EQ(plan.removals[2].detail, "waits for another removal to end");
}

TEST(PlanTest, ADistantDeadlineWaitsItsTurn) {
  State state = cluster(4);
  spot(state, 1);
  remove(state, 2, Cause::kMaintenance, After::kTerminateAndReplace, 24h);
  const Plan plan = decide(state);
  EXPECT_EQ(plan.removals[0].node, "n-1");
  EXPECT_FALSE(plan.removals[1].admit);
}

TEST(PlanTest, WhatCountsAsDrained) {
  struct Case {
    cloud::TargetState state;
    std::optional<std::uint64_t> in_flight;
    Duration idle;  // Zero: not idle.
    Duration since;
    bool is_drained;
  };
  using cloud::TargetState;
  for (const Case& each : {
           Case{TargetState::kDraining, 0, 4s, 4s, true},
           Case{TargetState::kDraining, 0, 1s, 4s, false},
           Case{TargetState::kDraining, 3, 0s, 29s, false},
           Case{TargetState::kDraining, {}, 0s, 29s, false},
           Case{TargetState::kDraining, {}, 0s, 30s, true},
           Case{TargetState::kUnused, {}, 0s, 1s, true},
           Case{TargetState::kHealthy, 0, 0s, 60s, false},  // Not heard yet.
       }) {
    State state = cluster(2);
    RemovalView& removal = remove(state, 1, Cause::kDrain, After::kKeep);
    put_in(removal, Phase::kDraining);
    removal.record.detached = kNow - each.since;
    if (each.idle > 0s) removal.idle_since = kNow - each.idle;
    state.targets[0].state = each.state;
    state.targets[0].in_flight = each.in_flight;
    EXPECT_EQ(only(state).drained, each.is_drained) << format_duration(each.since);
  }
}

TEST(PlanTest, PodsOfOneControllerLeaveOneByOneAndOthersBesideThem) {
  State state = cluster(2);
  RemovalView& removal = remove(state, 1, Cause::kDrain, After::kKeep);
  put_in(removal, Phase::kEvicting);
  removal.pods = {pod("a"), pod("b"), pod("c"), pod("dns")};
  removal.pods[2].controller = "other";
  removal.pods[3].is_system = true;
  const Decision decision = only(state);
  ASSERT_EQ(decision.evictions.size(), 2u);
  EXPECT_EQ(decision.evictions[0].pod.name, "a");
  EXPECT_EQ(decision.evictions[1].pod.name, "c");
  EXPECT_FALSE(decision.evictions[0].overrides_budget);
}

TEST(PlanTest, TheNextPodWaitsForItsSiblingsButNotForEver) {
  State state = cluster(2);
  RemovalView& removal = remove(state, 1, Cause::kDrain, After::kKeep);
  put_in(removal, Phase::kEvicting);
  removal.pods = {pod("a")};
  removal.pods[0].siblings_complete = false;
  EXPECT_TRUE(only(state).evictions.empty());
  removal.record.since = kNow - 3min;
  EXPECT_EQ(only(state).evictions.size(), 1u);
}

TEST(PlanTest, StepsShrinkInTheirOrderAsTheDeadlineComes) {
  struct Case {
    Duration left;
    Duration grace;
    std::size_t evicted;
    bool overrides;
    std::optional<std::int64_t> grace_seconds;
  };
  // Begun 120 s before the deadline; the end is 3 s before it; siblings are not complete.
  for (const Case& each : {
           Case{100s, 30s, 0, false, {}},   // Time for one by one.
           Case{43s, 30s, 2, false, {}},    // hurry_lead before the last call: all at once.
           Case{33s, 30s, 2, true, {}},     // Last call: budgets are overridden.
           Case{13s, 30s, 2, true, 10},     // Grace periods are cut to what is left.
           Case{70s, 600s, 2, false, 67},   // At most half of the time counts as grace.
           Case{61s, 600s, 2, true, 58},
           Case{3s, 30s, 0, false, {}},     // Over.
       }) {
    State state = cluster(2);
    RemovalView& removal = spot(state, 1, each.left);
    put_in(removal, Phase::kEvicting);
    removal.record.begun = *removal.record.request.deadline - 120s;
    removal.pods = {pod("a", each.grace), pod("b", each.grace)};
    for (PodView& view : removal.pods) view.siblings_complete = false;
    const Decision decision = only(state);
    ASSERT_EQ(decision.evictions.size(), each.evicted) << format_duration(each.left);
    for (const Eviction& eviction : decision.evictions) {
      EXPECT_EQ(eviction.overrides_budget, each.overrides) << format_duration(each.left);
      EXPECT_EQ(eviction.grace_seconds, each.grace_seconds) << format_duration(each.left);
    }
  }
}

TEST(PlanTest, AtTheEndTheInstanceGoesAndWhatIsLeftIsSaid) {
  State state = cluster(2);
  RemovalView& removal = spot(state, 1, 3s);
  put_in(removal, Phase::kEvicting);
  removal.pods = {pod("a")};
  state.targets[0].state = cloud::TargetState::kDraining;
  state.targets[0].since = kNow - 10s;
  state.targets[0].in_flight = 2;
  const Decision decision = only(state);
  EXPECT_EQ(decision.phase, Phase::kTerminating);
  EXPECT_EQ(decision.cuts, (std::vector<std::string>{"pod default/a was still there",
                                                     "2 requests were in flight"}));
}

TEST(PlanTest, HowTheInstanceEnds) {
  using cloud::Decrement;
  using cloud::LifecycleState;
  struct Case {
    After after;
    bool has_order;
    LifecycleState state;
    Ending ending;
    Decrement decrement;
  };
  const auto yes = Decrement::kYes;
  const auto no = Decrement::kNo;
  const auto in_service = LifecycleState::kInService;
  for (const Case& each : {
           Case{After::kTerminateAndShrink, false, in_service, Ending::kTerminate, yes},
           Case{After::kTerminateAndReplace, true, in_service, Ending::kTerminate, yes},
           Case{After::kTerminateAndReplace, false, in_service, Ending::kTerminate, no},
           Case{After::kKeep, false, in_service, Ending::kNone, no},
           Case{After::kTerminateAndReplace, false, LifecycleState::kTerminatingWait,
                Ending::kCompleteLifecycleAction, no},
           Case{After::kTerminateAndReplace, false, LifecycleState::kTerminating, Ending::kNone,
                no},
       }) {
    State state = cluster(2);
    RemovalView& removal = remove(state, 1, Cause::kReplacement, each.after);
    put_in(removal, Phase::kTerminating);
    if (each.has_order) removal.record.replacement = Replacement{"scaling", 2, kNow, true, {}};
    state.instances[0].state = each.state;
    const Decision decision = only(state);
    EXPECT_EQ(decision.ending, each.ending);
    EXPECT_EQ(decision.decrement, each.decrement);
  }
}

TEST(PlanTest, AnOrderOfUnknownOutcomeIsJudgedByTheGroup) {
  State state = cluster(3);
  RemovalView& removal = spot(state, 1);
  put_in(removal, Phase::kDraining);
  removal.record.replacement = Replacement{"scaling", 3, kNow, false, {}};
  EXPECT_EQ(only(state).capacity, Capacity::kOrder);
  state.groups[0].desired_capacity = 4;
  EXPECT_EQ(only(state).capacity, Capacity::kConfirm);
}

TEST(PlanTest, AnOrderIsTakenBackOnlyWhileItHasBroughtNothing) {
  State state = cluster(3);
  RemovalView& removal = spot(state, 1);
  put_in(removal, Phase::kCancelled);
  removal.record.replacement = Replacement{"scaling", 3, kNow, true, {}};
  state.groups[0].desired_capacity = 4;
  EXPECT_EQ(only(state).capacity, Capacity::kLower);
  state.groups[0].min_size = 4;
  EXPECT_EQ(only(state).capacity, Capacity::kForget);
  state.groups[0].min_size = 0;
  state.instances.push_back(state.instances.back());
  state.instances.back().id = "i-9";
  EXPECT_EQ(only(state).capacity, Capacity::kForget);
}

TEST(PlanTest, EachOrderIsMetByAnInstanceOfItsOwn) {
  State state = cluster(3);
  for (int i = 1; i <= 2; ++i) {
    RemovalView& removal = remove(state, i, Cause::kReplacement, After::kTerminateAndReplace);
    removal.record.admitted = true;
    removal.record.replacement = Replacement{"scaling", 3, kNow - 60s, true, {}};
  }
  state.options.parallel_voluntary = 2;
  cloud::Instance fresh = state.instances.back();
  fresh.id = "i-9";
  fresh.launch_time = kNow - 50s;
  state.instances.push_back(fresh);
  const Plan plan = decide(state);
  EXPECT_EQ(plan.removals[0].replacement, "i-9");
  EXPECT_EQ(plan.removals[1].replacement, "");
}

TEST(PlanTest, AnOrderIsNotMetByAnInstanceOfAnotherGroup) {
  State state = cluster(3);
  RemovalView& removal = remove(state, 1, Cause::kReplacement, After::kTerminateAndReplace);
  removal.record.admitted = true;
  removal.record.replacement = Replacement{"scaling", 3, kNow - 60s, true, {}};
  cloud::Instance fresh = state.instances.back();
  fresh.id = "i-9";
  fresh.group = "master";
  fresh.launch_time = kNow - 50s;
  state.instances.push_back(fresh);
  EXPECT_EQ(only(state).replacement, "");
  state.instances.back().group = "scaling";
  EXPECT_EQ(only(state).replacement, "i-9");
}

TEST(PlanTest, ANodeDeletedUnderALivingInstanceStillEndsIt) {
  State state = cluster(2);
  RemovalView& removal = remove(state, 1, Cause::kReplacement, After::kTerminateAndReplace);
  put_in(removal, Phase::kEvicting);
  removal.node_exists = false;
  EXPECT_EQ(only(state).ending, Ending::kTerminate);
  state.instances.erase(state.instances.begin());
  EXPECT_EQ(only(state).phase, Phase::kDone);
}

}  // namespace
}  // namespace minato::removal
