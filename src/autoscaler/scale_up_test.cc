// Decisions to grow: which Pods count, which group grows, by how much, and why not.
#include <gtest/gtest.h>

#include "autoscaler/node_template.h"
#include "autoscaler/testing/scene.h"

namespace minato::autoscaler {
namespace {

using namespace testing;
using cloud::Market;

int to_size(const Plan& plan, const std::string& group) {
  const auto found = std::ranges::find(plan.resize, group, &Resize::group);
  return found == plan.resize.end() ? -1 : found->to;
}
std::string detail_of(const Plan& plan, const std::string& pod) {
  const auto found = std::ranges::find_if(
      plan.pods, [&](const PodOutcome& each) { return each.pod->pod->metadata.name == pod; });
  return found == plan.pods.end() ? "?" : found->detail;
}
PodFate fate_of(const Plan& plan, const std::string& pod) {
  return std::ranges::find_if(plan.pods, [&](const PodOutcome& each) {
           return each.pod->pod->metadata.name == pod;
         })->fate;
}

// --- Pods that count.

TEST(PendingTest, WhatFitsOnNodesThatAreThereNeedsNoMore) {
  Scene scene;
  scene.group("g", 10);
  scene.member("g", make_node("n", "z-a", 2000));
  scene.wait(make_pod("a", 200));
  scene.wait(make_pod("b", 500));
  scene.wait(make_pod("c", 1800));
  const Plan plan = scene.run();
  EXPECT_EQ(fate_of(plan, "a"), PodFate::kFits);
  EXPECT_EQ(fate_of(plan, "b"), PodFate::kFits);
  EXPECT_EQ(fate_of(plan, "c"), PodFate::kTriggered);
}

TEST(PendingTest, MoreImportantPodsChooseFirst) {
  Scene scene;
  scene.node(make_node("n", "z-a", 2000));
  kube::Pod b = make_pod("b", 500);
  b.spec.priority = 10;
  kube::Pod c = make_pod("c", 1800);
  c.spec.priority = 20;
  scene.wait(make_pod("a", 200));
  scene.wait(b);
  scene.wait(c);
  const Plan plan = scene.run();
  EXPECT_EQ(fate_of(plan, "c"), PodFate::kFits);
  EXPECT_EQ(fate_of(plan, "a"), PodFate::kFits);
  EXPECT_EQ(fate_of(plan, "b"), PodFate::kNotHelped);
}

TEST(PendingTest, RoomIsGivenOnce) {
  Scene scene;
  scene.node(make_node("n", "z-a", 2000));
  scene.place(make_pod("used", 1500), "n");
  scene.wait(make_pod("a", 1000));
  scene.wait(make_pod("b", 300));
  scene.wait(make_pod("c", 300));
  const Plan plan = scene.run();
  EXPECT_EQ(count_fate(plan, PodFate::kFits), 1);
  EXPECT_EQ(count_fate(plan, PodFate::kNotHelped), 2);
}

TEST(PendingTest, YoungPodsWaitForTheirDelay) {
  Options options;
  options.scale_up.new_pod_delay = 5min;
  const auto fate = [&](const std::string& annotation, Duration global, Duration age) {
    Options with;
    with.scale_up.new_pod_delay = global;
    Scene scene(with);
    kube::Pod pod = make_pod("p", 100);
    pod.metadata.creation_timestamp = kStart - age;
    if (!annotation.empty()) {
      pod.metadata.annotations["cluster-autoscaler.kubernetes.io/pod-scale-up-delay"] = annotation;
    }
    scene.wait(pod);
    return fate_of(scene.run(), "p");
  };
  EXPECT_EQ(fate("", 5min, 1min), PodFate::kIgnored);
  EXPECT_EQ(fate("5m", 0s, 1min), PodFate::kIgnored);
  EXPECT_EQ(fate("5m", 0s, 5min), PodFate::kNotHelped);
  EXPECT_EQ(fate("2m", 5min, 3min), PodFate::kIgnored);
  EXPECT_EQ(fate("soon", 0s, 1min), PodFate::kNotHelped);
}

TEST(PendingTest, GatedExpendableAndDaemonPodsAreNotItsBusiness) {
  Scene scene;
  scene.group("g", 10);
  kube::Pod gated = make_pod("gated", 100);
  gated.status.conditions.push_back(
      {.type = "PodScheduled", .status = "False", .reason = "SchedulingGated"});
  scene.wait(gated);
  kube::Pod cheap = make_pod("cheap", 100);
  cheap.spec.priority = -11;
  scene.wait(cheap);
  scene.wait(owned(make_pod("daemon", 100), "DaemonSet"));
  kube::Pod fresh = make_pod("fresh", 100);
  fresh.status.conditions.push_back({.type = "Other", .status = "True"});
  scene.wait(fresh);
  const Plan plan = scene.run();
  EXPECT_EQ(count_fate(plan, PodFate::kIgnored), 4);
  EXPECT_TRUE(plan.resize.empty());
}

TEST(PendingTest, APodThatWaitsForPreemptionTakesItsRoom) {
  Scene scene;
  scene.group("g", 10);
  scene.member("g", make_node("n", "z-a", 1000));
  kube::Pod preemptor = make_pod("p", 800);
  preemptor.status.nominated_node_name = "n";
  scene.wait(preemptor);
  EXPECT_TRUE(scene.run().resize.empty());
  scene.wait(make_pod("q", 800));
  const Plan plan = scene.run();
  EXPECT_EQ(fate_of(plan, "q"), PodFate::kTriggered);
  EXPECT_EQ(to_size(plan, "g"), 2);
}

TEST(PendingTest, HeadroomPodsMakeTheClusterGrowAndExpendableOnesGiveWay) {
  Scene scene;
  scene.group("g", 10);
  scene.member("g", make_node("n", "z-a", 1000));
  kube::Pod pause = make_pod("pause", 900);
  pause.spec.priority = -10;  // At the cutoff it still counts.
  scene.place(pause, "n");
  scene.wait(make_pod("real", 900));
  EXPECT_EQ(to_size(scene.run(), "g"), 2);
  Scene other;
  other.group("g", 10);
  other.member("g", make_node("n", "z-a", 1000));
  pause.spec.priority = -11;
  other.place(pause, "n");
  other.wait(make_pod("real", 900));
  EXPECT_TRUE(other.run().resize.empty());
}

// --- Nodes on their way.

TEST(UpcomingTest, PodsThatFitOnBootingInstancesTriggerNothing) {
  Scene scene;
  scene.group("g", 10);
  scene.instance("g", "booting");
  scene.wait_many("p", 2, 900);
  Plan plan = scene.run();
  EXPECT_EQ(count_fate(plan, PodFate::kFitsUpcoming), 2);
  scene.wait_many("q", 2, 900);
  plan = scene.run();
  EXPECT_EQ(to_size(plan, "g"), 2);
}

TEST(UpcomingTest, InstancesThatWereOrderedButNotLaunchedCount) {
  Scene scene;
  scene.group("g", 10).desired_capacity = 1;
  scene.wait_many("p", 2, 900);
  EXPECT_TRUE(scene.run().resize.empty());
}

TEST(UpcomingTest, ANodeThatIsNotReadyYetCountsAsUpcoming) {
  Scene scene;
  scene.group("g", 10);
  kube::Node node = make_node("n", "z-a", 2000, 8192, 29, false);
  node.metadata.creation_timestamp = kStart - 1min;
  scene.member("g", node);
  scene.wait_many("p", 1, 900);
  const Plan plan = scene.run();
  EXPECT_EQ(count_fate(plan, PodFate::kFitsUpcoming), 1);
  EXPECT_EQ(plan.groups[0].not_started, 1);
}

removal::Progress removing(const std::string& node, removal::After after,
                           removal::Phase phase = removal::Phase::kDraining,
                           removal::Cause cause = removal::Cause::kScaleDown) {
  return {.request = {.node = node, .cause = cause, .after = after}, .phase = phase,
          .begun = kStart - 1min};
}

TEST(UpcomingTest, AReplacementIsCountedOnce) {
  Scene scene;
  scene.group("g", 10);
  scene.member("g", make_node("n", "z-a", 1900));
  scene.seen.removals = {removing("n", removal::After::kTerminateAndReplace,
                                  removal::Phase::kDraining, removal::Cause::kSpotInterruption)};
  scene.wait_many("p", 2, 800);
  // Not launched yet: it will be.
  EXPECT_TRUE(scene.run().resize.empty());
  // Ordered on top, and booting.
  scene.instance("g", "new").launch_time = kStart;
  Plan plan = scene.run();
  EXPECT_TRUE(plan.resize.empty());
  EXPECT_EQ(plan.groups[0].upcoming, 1);
  // It takes two; more Pods need more.
  scene.wait_many("q", 2, 800);
  EXPECT_EQ(to_size(scene.run(), "g"), 3);
}

TEST(UpcomingTest, ANodeThatShrinksAwayIsNoPlaceAndIsKeptIfItIsNeeded) {
  Scene scene;
  scene.group("g", 10);
  scene.member("g", make_node("n", "z-a", 1900));
  scene.seen.removals = {removing("n", removal::After::kTerminateAndShrink)};
  scene.wait_many("p", 1, 800);
  Plan plan = scene.run();
  EXPECT_EQ(plan.cancel, std::vector<std::string>{"n"});
  EXPECT_TRUE(plan.resize.empty());
  // Too late to turn back: another one.
  scene.seen.removals = {
      removing("n", removal::After::kTerminateAndShrink, removal::Phase::kEvicting)};
  plan = scene.run();
  EXPECT_TRUE(plan.cancel.empty());
  EXPECT_EQ(to_size(plan, "g"), 2);
}

// --- Growth.

TEST(ScaleUpTest, OneGroupGrowsAndTheOthersPodsWaitForTheNextScan) {
  Options options;
  options.scale_up.expanders = {Expander::kMostPods};
  Scene scene(options);
  scene.group("large", 10, {"m5.xlarge"});
  scene.group("memory", 10, {"r5.large"});
  scene.wait_many("cpu", 2, 3000);
  scene.wait_many("mem", 1, 100, 15'600);
  scene.wait(make_pod("huge", 64'000));
  const Plan plan = scene.run();
  EXPECT_EQ(to_size(plan, "large"), 2);
  EXPECT_EQ(plan.resize.size(), 1U);
  EXPECT_EQ(count_fate(plan, PodFate::kTriggered), 2);
  EXPECT_EQ(fate_of(plan, "huge"), PodFate::kNotHelped);
  EXPECT_EQ(fate_of(plan, "mem-00000"), PodFate::kAwaitsNextScan);
  EXPECT_TRUE(announces(plan, "TriggeredScaleUp", "[{large 0->2 (max: 10)}]"));
  EXPECT_FALSE(announces(plan, "NotTriggerScaleUp"));
}

TEST(ScaleUpTest, ReasonsAreAddedUpOverTheGroups) {
  Scene scene;
  scene.group("full", 0);
  scene.group("small", 5);
  scene.group("small2", 5);
  scene.wait(make_pod("p", 64'000));
  const Plan plan = scene.run();
  EXPECT_EQ(detail_of(plan, "p"), "2 Insufficient cpu, 1 max node group size reached");
  EXPECT_TRUE(announces(plan, "NotTriggerScaleUp",
                        "pod didn't trigger scale-up: 2 Insufficient cpu, 1 max node"));
  scene.pass(10s);
  EXPECT_FALSE(announces(scene.run(), "NotTriggerScaleUp")) << "said once in five minutes";
  scene.pass(5min);
  EXPECT_TRUE(announces(scene.run(), "NotTriggerScaleUp"));
}

TEST(ScaleUpTest, NeverAboveTheMaximumOrTheTotals) {
  Scene scene;
  scene.group("g", 3);
  scene.wait_many("p", 100, 900);
  EXPECT_EQ(to_size(scene.run(), "g"), 3);
  Options options;
  options.scale_up.max_nodes_total = 2;
  Scene total(options);
  total.group("g", 10);
  total.node(make_node("other", "z-a", 100));
  total.wait_many("p", 100, 900);
  EXPECT_EQ(to_size(total.run(), "g"), 1);
  options.scale_up.max_nodes_total = 0;
  options.scale_up.max_cores_total = 5;
  Scene cores(options);
  cores.group("g", 10);
  cores.wait_many("p", 100, 900);
  EXPECT_EQ(to_size(cores.run(), "g"), 2);
}

TEST(ScaleUpTest, DaemonSetsTakeTheirRoomOnEveryNewNode) {
  Scene scene;
  scene.group("g", 10);
  kube::DaemonSet daemon;
  daemon.metadata.name = "agent";
  daemon.metadata.namespace_ = "default";
  daemon.spec.selector.emplace();
  daemon.spec.template_.spec = make_pod("x", 1000).spec;
  scene.seen.daemon_sets.push_back(std::make_shared<const kube::DaemonSet>(daemon));
  scene.wait_many("p", 2, 900);
  EXPECT_EQ(to_size(scene.run(), "g"), 2);
  // Where only the agent would fit, nothing is bought.
  scene.wait(make_pod("big", 1500));
  EXPECT_EQ(detail_of(scene.run_for(10s), "big"), "1 Insufficient cpu");
}

TEST(ScaleUpTest, AMixedGroupIsPackedWithItsLeastType) {
  Scene scene;
  scene.group("g", 20, {"m5.2xlarge", "m5.large", "m5.xlarge"});
  scene.wait_many("p", 6, 900);
  EXPECT_EQ(to_size(scene.run(), "g"), 3) << "two on each, should each be an m5.large";
}

TEST(ScaleUpTest, APodThatOnlySomeTypesTakeIsToldSo) {
  Scene scene;
  scene.group("g", 20, {"m5.2xlarge", "m5.large"});
  scene.wait(make_pod("p", 3000));
  const Plan plan = scene.run();
  EXPECT_TRUE(plan.resize.empty());
  EXPECT_EQ(detail_of(plan, "p"),
            "1 1 of 2 instance types are too small or unfit: Insufficient cpu");
}

TEST(ScaleUpTest, FromZeroByTags) {
  Scene scene;
  auto& group = scene.group("g", 5);
  const std::string prefix = "k8s.io/cluster-autoscaler/node-template/";
  group.tags = {{prefix + "label/pool", "web"},
                {prefix + "taint/dedicated", "web:NoSchedule"},
                {prefix + "resources/example.com/licence", "2"}};
  kube::Pod pod = make_pod("p", 100);
  pod.spec.node_selector["pool"] = "web";
  pod.spec.containers[0].resources.requests["example.com/licence"] = kube::Quantity::of(1);
  scene.wait(pod);
  EXPECT_NE(detail_of(scene.run(), "p").find("untolerated taint"), std::string::npos);
  scene.seen.waiting.clear();
  pod.spec.tolerations.push_back({.key = "dedicated", .operator_ = "Exists"});
  scene.wait(pod);
  EXPECT_EQ(to_size(scene.run(), "g"), 1);
}

TEST(ScaleUpTest, TypesAndPricesOfTheGivenCatalogueCount) {
  cloud::Catalogue catalogue;
  (void)catalogue.merge({{"x9.large", "amd64", 2, 8192, 29, 1'000, 900},
                         {"m5.large", {}, {}, {}, {}, 90'000'000, {}}});
  Options options;
  options.catalogue = &catalogue;
  options.scale_up.expanders = {Expander::kPrice};
  Scene scene(options);
  scene.group("dear", 5, {"m5.large"});
  scene.group("new", 5, {"x9.large"});
  scene.wait(make_pod("p", 900));
  const Plan plan = scene.run();
  EXPECT_EQ(to_size(plan, "new"), 1);
  EXPECT_EQ(plan.resize.size(), 1U);
}

TEST(ScaleUpTest, AGoodNodeDescribesTheGroupAndItsOwnTaintsAreForgotten) {
  Scene scene;
  scene.group("g", 5, {"x9.large"});
  scene.wait(make_pod("p", 900));
  EXPECT_NE(detail_of(scene.run(), "p").find("not in the catalogue"), std::string::npos);
  kube::Node node = make_node("n", "z-a", 1000);
  node.spec.taints.push_back({.key = std::string(kTaintDeletionCandidate),
                              .value = "1",
                              .effect = std::string(kube::kPreferNoSchedule)});
  scene.member("g", node, "x9.large");
  scene.place(make_pod("old", 900), "n");
  EXPECT_EQ(to_size(scene.run(), "g"), 2);
}

TEST(ScaleUpTest, SimilarGroupsGrowEvenly) {
  Options options;
  options.scale_up.balance_similar_groups = true;
  Scene scene(options);
  scene.group("a", 10, {"m5.large"}, {"z-a"});
  scene.group("b", 10, {"m5.large"}, {"z-b"});
  scene.wait_many("p", 8, 900);
  const Plan plan = scene.run();
  EXPECT_EQ(to_size(plan, "a"), 2);
  EXPECT_EQ(to_size(plan, "b"), 2);
}

TEST(ScaleUpTest, MinimumIsEnforcedOnlyOnRequest) {
  Scene scene;
  scene.group("g", 5).min_size = 2;
  EXPECT_TRUE(scene.run().resize.empty());
  scene.options.scale_up.enforce_group_min_size = true;
  EXPECT_EQ(to_size(scene.run(), "g"), 2);
}

TEST(ScaleUpTest, ManyUnreadyNodesStopEverythingAndThatIsSaid) {
  Scene scene;
  scene.group("g", 50);
  for (int i = 0; i < 8; ++i) {
    scene.member("g", make_node(fmt::format("n{}", i), "z-a", 1000, 8192, 29, i < 3));
  }
  scene.wait_many("p", 50, 900);
  const Plan plan = scene.run();
  EXPECT_TRUE(plan.resize.empty());
  EXPECT_EQ(plan.halted, "Cluster is not ready for autoscaling: 5 of 8 Nodes are unready");
}

// --- What the cloud does not deliver.

TEST(FailureTest, AnInstanceThatNeverJoinsIsEndedAndTheGroupBacksOff) {
  Scene scene;
  scene.group("g", 5);
  scene.wait_many("p", 1, 900);
  EXPECT_EQ(to_size(scene.run(), "g"), 1);
  scene.instance("g", "lost");
  Plan plan = scene.run_for(15min);
  EXPECT_TRUE(plan.terminate.empty());
  scene.pass(11s);
  plan = scene.run();
  ASSERT_EQ(plan.terminate.size(), 1U);
  EXPECT_EQ(plan.terminate[0].instance, "i-lost");
  EXPECT_TRUE(announces(plan, "ScaleUpTimedOut"));
  EXPECT_EQ(plan.groups[0].cannot_grow, Reasons{"in backoff after failed scale-up"});
  EXPECT_EQ(plan.groups[0].healthy, true);
}

TEST(FailureTest, ASizeThatIsNotReachedIsLoweredAfterAWhile) {
  Scene scene;
  scene.group("g", 5);
  scene.member("g", make_node("n", "z-a", 1000));
  scene.find("g").desired_capacity = 3;
  Plan plan = scene.run_for(10min);
  EXPECT_TRUE(plan.resize.empty());
  scene.pass(5min + 1s);
  plan = scene.run();
  EXPECT_EQ(to_size(plan, "g"), 1);
}

// Its minimum cannot be lowered, but Pods must not be told that those Nodes are on their way.
TEST(FailureTest, WhatAGroupAtItsMinimumCannotLaunchIsNoUpcomingNode) {
  Scene scene;
  auto& group = scene.group("g", 5);
  group.min_size = group.desired_capacity = 2;
  scene.wait_many("p", 1, 900);
  Plan plan = scene.run_for(10min);
  ASSERT_EQ(plan.pods.size(), 1u);
  EXPECT_EQ(plan.pods[0].fate, PodFate::kFitsUpcoming);
  scene.pass(5min + 1s);
  plan = scene.run();
  ASSERT_EQ(plan.pods.size(), 1u);
  EXPECT_EQ(plan.pods[0].fate, PodFate::kNotHelped);
  EXPECT_NE(plan.pods[0].detail.find("instances are missing for 15m"), std::string::npos)
      << plan.pods[0].detail;
  EXPECT_TRUE(plan.resize.empty()) << "more of what does not come helps nobody";
}

TEST(FailureTest, AFailureOfTheGroupSinceItWasAskedLowersItAtOnce) {
  Scene scene;
  scene.group("g", 5);
  scene.seen.activities.push_back({.id = 1, .start = kStart - 1s, .group = "g",
                                   .status = "Failed", .status_message = "Old: failure"});
  scene.wait_many("p", 1, 900);
  EXPECT_EQ(to_size(scene.run(), "g"), 1);
  scene.find("g").desired_capacity = 1;
  scene.pass(10s);
  EXPECT_TRUE(scene.run().resize.empty()) << "that failure was before";
  scene.seen.activities.push_back({.id = 2, .start = scene.seen.wall, .group = "g",
                                   .status = "Failed", .status_message = "Quota: reached"});
  const Plan plan = scene.run();
  EXPECT_EQ(to_size(plan, "g"), 0);
  EXPECT_EQ(plan.groups[0].backoff_code, "Quota");
  EXPECT_NE(plan.status.find("errorCode: Quota"), std::string::npos);
}

// The group fills other zones when one has nothing: more than one Node would be wasted on the try.
TEST(FailureTest, AZoneThatFailedIsTriedAgainWithOneNode) {
  Scene scene;
  scene.group("g", 9, {"m5.large"}, {"z-a", "z-b"}).distribution = {
      .on_demand_percentage_above_base_capacity = 100};
  for (const char* name : {"p1", "p2", "p3"}) {
    kube::Pod pinned = owned(make_pod(name, 1500));
    pinned.spec.node_selector[std::string(kube::kLabelZone)] = "z-a";
    scene.wait(std::move(pinned));
  }
  scene.seen.activities.push_back({.id = 1, .start = scene.seen.wall, .group = "g", .status = "Failed",
                                   .status_message = "InsufficientInstanceCapacity: none",
                                   .type = "m5.large", .zone = "z-a"});
  Plan plan = scene.run();
  EXPECT_TRUE(plan.resize.empty()) << "while the pool is in back-off";
  scene.pass(5min + 1s);
  plan = scene.run();
  EXPECT_EQ(to_size(plan, "g"), 1);
}

TEST(FailureTest, APoolThatFailsLeavesTheOthers) {
  Scene scene;
  auto& group = scene.group("g", 5, {"m5.large", "m5a.large"}, {"z-a", "z-b"});
  group.distribution = {.on_demand_percentage_above_base_capacity = 0};
  scene.fail_pool("g", "m5.large", "z-a", Market::kSpot);
  scene.wait_many("p", 1, 900);
  const Plan plan = scene.run();
  EXPECT_EQ(to_size(plan, "g"), 1);
  EXPECT_EQ(plan.groups[0].pools_out, std::vector<std::string>{"m5.large/z-a/spot"});
}

void exhaust_spot(Scene& scene) {
  for (const char* zone : {"z-a", "z-b"}) scene.fail_pool("g", "m5.large", zone, Market::kSpot);
}

TEST(SpotTest, WithoutSpotAnywhereTheMissingOnesBecomeOnDemand) {
  Scene scene;
  auto& group = scene.group("g", 5, {"m5.large"}, {"z-a", "z-b"});
  group.distribution = {.on_demand_percentage_above_base_capacity = 0};
  group.tags = {{"minato.dev/on-demand-base", "0"}};
  group.desired_capacity = 2;
  scene.wait_many("p", 4, 900);
  EXPECT_TRUE(scene.run().redistribute.empty());
  exhaust_spot(scene);
  Plan plan = scene.run();
  ASSERT_EQ(plan.redistribute.size(), 1U);
  EXPECT_EQ(plan.redistribute[0].distribution.on_demand_base_capacity, 2);
  EXPECT_TRUE(announces(plan, "SpotCapacityExhausted"));
  EXPECT_TRUE(plan.resize.empty());
  // More Pods: the group grows, on-demand as well.
  scene.find("g").distribution.on_demand_base_capacity = 2;
  scene.wait_many("q", 2, 900);
  plan = scene.run();
  EXPECT_EQ(to_size(plan, "g"), 3);
  ASSERT_EQ(plan.redistribute.size(), 1U);
  EXPECT_EQ(plan.redistribute[0].distribution.on_demand_base_capacity, 3);
}

TEST(SpotTest, OneFailureOfAllPoolsTogetherIsEnough) {
  Scene scene;
  auto& group = scene.group("g", 5, {"m5.large"}, {"z-a", "z-b"});
  group.distribution = {.on_demand_percentage_above_base_capacity = 0};
  group.tags = {{"minato.dev/on-demand-base", "0"}};
  group.desired_capacity = 2;
  scene.fail_pool("g", "m5.large", "z-a", Market::kSpot, "UnfulfillableCapacity: none of the pools");
  const Plan plan = scene.run();
  ASSERT_EQ(plan.redistribute.size(), 1u);
  EXPECT_EQ(plan.redistribute[0].distribution.on_demand_base_capacity, 2);
}

TEST(SpotTest, WithoutAKnownBaseTheGroupIsGivenUpInstead) {
  Scene scene;
  auto& group = scene.group("g", 5, {"m5.large"}, {"z-a", "z-b"});
  group.distribution = {.on_demand_percentage_above_base_capacity = 0};
  group.desired_capacity = 2;
  exhaust_spot(scene);
  const Plan plan = scene.run();
  EXPECT_TRUE(plan.redistribute.empty());
  EXPECT_EQ(to_size(plan, "g"), 0);
}

TEST(SpotTest, BackToSpotOneAtATimeWhenAllHasBeenQuiet) {
  Scene scene;
  auto& group = scene.group("g", 5, {"m5.large"}, {"z-a", "z-b"});
  group.distribution = {.on_demand_base_capacity = 2,
                        .on_demand_percentage_above_base_capacity = 0};
  group.tags = {{"minato.dev/on-demand-base", "0"}};
  for (const char* name : {"n1", "n2"}) {
    scene.member("g", make_node(name, "z-a", 1900));
    scene.place(owned(make_pod(fmt::format("on-{}", name), 1500)), name);
  }
  exhaust_spot(scene);
  EXPECT_TRUE(scene.run().redistribute.empty()) << "spot is still out";
  scene.pass(5min + 1s);
  Plan plan = scene.run();
  ASSERT_EQ(plan.redistribute.size(), 1U);
  EXPECT_EQ(plan.redistribute[0].distribution.on_demand_base_capacity, 0);
  scene.find("g").distribution.on_demand_base_capacity = 0;
  EXPECT_TRUE(scene.run_for(24min).remove.empty());
  scene.pass(1min);
  plan = scene.run();
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(plan.remove[0].cause, removal::Cause::kReplacement);
  EXPECT_EQ(plan.remove[0].after, removal::After::kTerminateAndReplace);
  scene.seen.removals = {{.request = plan.remove[0], .begun = scene.seen.wall}};
  EXPECT_TRUE(scene.run().remove.empty()) << "one at a time";
  // Spot is gone again before the replacement came: never mind, and nothing is bought for it.
  scene.find("g").desired_capacity = 3;
  exhaust_spot(scene);
  const Plan after = scene.run();
  EXPECT_EQ(after.cancel, std::vector<std::string>{plan.remove[0].node});
  EXPECT_TRUE(after.redistribute.empty()) << "on-demand stands in for Pods, not for a wish";
}

TEST(SpotTest, OldFailuresAreOldAfterARestart) {
  Scene scene;
  auto& group = scene.group("g", 5, {"m5.large"}, {"z-a", "z-b"});
  group.distribution = {.on_demand_percentage_above_base_capacity = 0};
  exhaust_spot(scene);
  scene.pass(1h);
  EXPECT_TRUE(scene.run().groups[0].pools_out.empty());
}

TEST(DecideTest, TheSnapshotIsLeftAsItWas) {
  Scene scene;
  scene.group("g", 10);
  scene.member("g", make_node("n", "z-a", 1000));
  scene.member("g", make_node("m", "z-a", 1000, 8192, 29, false));
  scene.place(owned(make_pod("a", 900)), "n");
  scene.place(owned(make_pod("b", 100)), "m");
  scene.wait_many("p", 20, 300);
  for (int i = 0; i < 3; ++i) scene.run();
  EXPECT_EQ(scene.snapshot.audit(), "");
  EXPECT_EQ(scene.snapshot.pod_count(), 2U);
  EXPECT_EQ(scene.snapshot.order().size(), 2U);
}

}  // namespace
}  // namespace minato::autoscaler
