// The parts of a decision that are functions of little, against cluster-autoscaler's own tests.
#include <gtest/gtest.h>

#include "autoscaler/balancing.h"
#include "autoscaler/discovery.h"
#include "autoscaler/expander.h"
#include "autoscaler/pattern.h"
#include "autoscaler/pools.h"
#include "autoscaler/scale_down.h"
#include "autoscaler/testing/scene.h"
#include "controllers/common/eviction.h"

namespace minato::autoscaler {
namespace {

using namespace testing;

// --- Back-off.

constexpr MonoTime kNow{1000h};

TEST(BackoffTest, DoublesFromFailureToFailureUpToItsMaximum) {
  Backoff backoff({});
  MonoTime now = kNow;
  for (const Duration expected : {5min, 10min, 20min, 30min, 30min}) {
    backoff.failed("g", now, "c", "m");
    EXPECT_TRUE(backoff.active("g", now + expected - 1s));
    EXPECT_FALSE(backoff.active("g", now + expected));
    now += expected + 1s;
  }
}

TEST(BackoffTest, AFailureWhileItLastsBeginsItAnewWithoutDoubling) {
  Backoff backoff({});
  backoff.failed("g", kNow, "c", "m");
  backoff.failed("g", kNow + 1min, "c", "m");
  EXPECT_TRUE(backoff.active("g", kNow + 5min + 59s));
  EXPECT_FALSE(backoff.active("g", kNow + 6min));
}

TEST(BackoffTest, ASecondFailureOutlastsTheFirstTimeAndASuccessDoesNotCutItShort) {
  Backoff backoff({});
  backoff.failed("g", kNow, "timeout", "");
  EXPECT_FALSE(backoff.active("g", kNow + 5min + 1s));
  backoff.failed("g", kNow + 5min + 1s, "timeout", "");
  backoff.succeeded("g", kNow + 6min);
  EXPECT_TRUE(backoff.active("g", kNow + 10min + 2s));
}

TEST(BackoffTest, IsForgottenHoursAfterTheLastFailure) {
  Backoff backoff({});
  backoff.failed("g", kNow, "c", "m");
  backoff.forget_stale(kNow + 3h);
  EXPECT_NE(backoff.find("g"), nullptr);
  backoff.forget_stale(kNow + 3h + 1s);
  EXPECT_EQ(backoff.find("g"), nullptr);
}

// --- Discovery and tags.

TEST(DiscoveryTest, ReadsSpecificationsAsUpstream) {
  EXPECT_TRUE(parse_discovery("asg:tag=a,b"));
  EXPECT_TRUE(parse_discovery("asg:tag=a=1"));
  for (const char* bad : {"tag=a", "mig:tag=a", "asg:tag=", "asg:=a", "asg:tag", "asg"}) {
    EXPECT_FALSE(parse_discovery(bad)) << bad;
  }
  for (const char* bad : {"1:", "a:b:c", "1:2:", "1", "5:2:name", "-1:2:name"}) {
    EXPECT_FALSE(parse_group_spec(bad)) << bad;
  }
  EXPECT_EQ(parse_group_spec("1:10:web")->max_size, 10);
}

TEST(DiscoveryTest, AGroupNeedsEveryTagAndItsValue) {
  cloud::AutoScalingGroup group;
  group.tags = {{"a", "1"}, {"b", ""}};
  EXPECT_TRUE(parse_discovery("asg:tag=a,b")->matches(group));
  EXPECT_TRUE(parse_discovery("asg:tag=a=1")->matches(group));
  EXPECT_FALSE(parse_discovery("asg:tag=a=2")->matches(group));
  EXPECT_FALSE(parse_discovery("asg:tag=a,c")->matches(group));
}

TEST(DiscoveryTest, TaintTagsWithoutAnEffectAreLeftOut) {
  const std::string prefix = "k8s.io/cluster-autoscaler/node-template/taint/";
  const auto taints = taint_tags({{prefix + "dedicated", "foo:NoSchedule"},
                                  {prefix + "empty", ""},
                                  {prefix + "plain", "foo"},
                                  {prefix + "odd", "foo:Sometimes"}});
  ASSERT_EQ(taints.size(), 1U);
  EXPECT_EQ(taints[0].key, "dedicated");
  EXPECT_EQ(taints[0].value, "foo");
  EXPECT_EQ(taints[0].effect, "NoSchedule");
}

TEST(DiscoveryTest, GroupOptionsThatDoNotParseLeaveTheDefaults) {
  const std::string prefix = "k8s.io/cluster-autoscaler/node-template/autoscaling-options/";
  const auto good = scale_down_options({{prefix + "scaledownutilizationthreshold", "0.7"},
                                        {prefix + "scaledownunneededtime", "1m"},
                                        {prefix + "ignoredaemonsetsutilization", "true"}},
                                       {});
  EXPECT_DOUBLE_EQ(good.utilization_threshold, 0.7);
  EXPECT_EQ(good.unneeded_time, 1min);
  EXPECT_TRUE(good.ignore_daemon_sets_utilization);
  const auto bad = scale_down_options({{prefix + "scaledownutilizationthreshold", "much"},
                                       {prefix + "scaledownunneededtime", "soon"}},
                                      {});
  EXPECT_EQ(bad, GroupScaleDownOptions{});
}

// --- Expanders.

ExpanderOption offer(std::int64_t cores, std::int64_t mib, std::int32_t nodes = 1,
                     std::size_t pods = 1) {
  return {.group = fmt::format("{}x{}", cores, mib),
          .nodes = nodes,
          .pods = pods,
          .requested = {.milli_cpu = 500, .memory_bytes = 1000LL << 20},
          .capacity = {.milli_cpu = cores * 1000, .memory_bytes = mib << 20}};
}

std::size_t choose(Expander expander, ExpanderInput input) {
  env::Rng rng(1);
  std::vector<ExpanderWarning> warnings;
  return choose_option({expander}, input, rng, warnings);
}

TEST(ExpanderTest, LeastWasteTakesTheSmallestNodeThatDoes) {
  EXPECT_EQ(choose(Expander::kLeastWaste, {{offer(16, 16'000), offer(16, 32'000)}, {}}), 0U);
  EXPECT_EQ(choose(Expander::kLeastWaste,
                   {{offer(16, 16'000), offer(16, 32'000), offer(8, 16'000)}, {}}),
            2U);
}

TEST(ExpanderTest, LeastNodesAndMostPodsReturnAllThatAreEqual) {
  ExpanderInput input;
  for (const std::int32_t nodes : {23, 0, 5, 8, 5, 5, 22}) {
    input.options.push_back(offer(1, 1, nodes));
  }
  std::vector<ExpanderWarning> warnings;
  std::vector<std::size_t> all = {0, 1, 2, 3, 4, 5, 6};
  EXPECT_EQ(best_options(Expander::kLeastNodes, input, all, warnings),
            (std::vector<std::size_t>{2, 4, 5}));
  input.options = {offer(1, 1, 1, 0), offer(1, 1, 1, 1), offer(1, 1, 1, 1)};
  EXPECT_EQ(best_options(Expander::kMostPods, input, {0, 1, 2}, warnings),
            (std::vector<std::size_t>{1, 2}));
}

TEST(ExpanderTest, PrioritiesDecideAndABadConfigurationLeavesAllAndWarns) {
  ExpanderInput input{{offer(2, 2), offer(4, 4)}, "10:\n  - .*\n50:\n  - '^4x'\n"};
  std::vector<ExpanderWarning> warnings;
  EXPECT_EQ(best_options(Expander::kPriority, input, {0, 1}, warnings),
            (std::vector<std::size_t>{1}));
  EXPECT_TRUE(warnings.empty());
  for (const char* bad : {"", "ten:\n - a", "- a", "10:\n - (a"}) {
    warnings.clear();
    input.priorities = bad;
    EXPECT_EQ(best_options(Expander::kPriority, input, {0, 1}, warnings).size(), 2U) << bad;
    ASSERT_EQ(warnings.size(), 1U) << bad;
    EXPECT_EQ(warnings[0].reason, "PriorityConfigMapInvalid");
  }
  warnings.clear();
  input.priorities = "10:\n  - 2x\n";
  EXPECT_EQ(best_options(Expander::kPriority, input, {0, 1}, warnings),
            (std::vector<std::size_t>{0}));
  EXPECT_EQ(warnings[0].reason, "PriorityConfigMapNotMatchedGroup");
}

TEST(ExpanderTest, PriceTakesWhatCostsLeastForItsPods) {
  ExpanderInput input{{offer(2, 2), offer(4, 4)}, {}};
  input.options[0].price = 200'000;
  input.options[1].price = 100'000;
  EXPECT_EQ(choose(Expander::kPrice, input), 1U);
}

TEST(ExpanderTest, NamesAreReadOnceEach) {
  EXPECT_EQ(parse_expanders("price,random")->size(), 2U);
  EXPECT_FALSE(parse_expanders("price,price"));
  EXPECT_FALSE(parse_expanders("cheapest"));
}

TEST(PatternTest, MatchesAsRegularExpressionsDo) {
  const auto matches = [](const char* pattern, const char* text) {
    const auto parsed = Pattern::parse(pattern);
    return parsed && parsed->matches(text);
  };
  EXPECT_TRUE(matches(".*large.*", "m5.large-spot"));
  EXPECT_TRUE(matches("large", "m5.large"));
  EXPECT_FALSE(matches("^large", "m5.large"));
  EXPECT_TRUE(matches("m[4-6]\\.x?large$", "web-m5.large"));
  EXPECT_FALSE(matches("m[^4-6]\\.large", "m5.large"));
  EXPECT_TRUE(matches("a+b", "caab"));
  EXPECT_TRUE(matches("spot|demand", "on-demand"));
  EXPECT_FALSE(Pattern::parse("(a)"));
  EXPECT_FALSE(Pattern::parse("[a"));
}

// --- Balancing.

struct BalanceCase {
  std::vector<Share> groups;
  std::int32_t nodes;
  std::vector<std::int32_t> sizes;  // Afterwards.
};

TEST(BalancingTest, GivesToTheSmallestGroupThatHasRoom) {
  const std::vector<Share> four = {{"a", 1, 10}, {"b", 3, 10}, {"c", 5, 10}, {"d", 5, 10}};
  const std::vector<BalanceCase> cases = {
      {four, 1, {2, 3, 5, 5}},       {four, 2, {3, 3, 5, 5}},
      {four, 4, {4, 4, 5, 5}},       {four, 5, {5, 4, 5, 5}},
      {four, 10, {6, 6, 6, 6}},      {{{"a", 1, 1}, {"b", 1, 3}}, 1, {1, 2}},
      {{{"a", 1, 1}, {"b", 1, 3}}, 5, {1, 3}},
      {{{"a", 1, 3}, {"b", 3, 10}}, 4, {3, 5}},
      {{{"a", 5, 3}, {"b", 1, 3}}, 1, {5, 2}},
  };
  for (const BalanceCase& c : cases) {
    std::vector<Share> after = c.groups;
    for (const Share& share : balance(c.groups, c.nodes)) {
      std::ranges::find(after, share.group, &Share::group)->size = share.new_size;
    }
    for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].size, c.sizes[i]) << c.nodes;
  }
}

NodeTemplate sample(std::int64_t cpu = 1000, std::int64_t memory = 16'116'152LL << 10) {
  NodeTemplate out;
  auto node = std::make_shared<kube::Node>();
  node->metadata.labels = {{std::string(kube::kLabelHostname), "n"}, {"pool", "web"}};
  out.node = node;
  out.capacity = {.milli_cpu = cpu, .memory_bytes = memory};
  out.info.allocatable = out.capacity;
  return out;
}

TEST(BalancingTest, SimilarIsWhatUpstreamFindsSimilar) {
  const NodeTemplate base = sample();
  EXPECT_FALSE(similar(base, sample(1001), {}));
  NodeTemplate other = sample();
  other.info.allocatable.milli_cpu = 999;
  EXPECT_TRUE(similar(base, other, {}));
  other.info.allocatable.milli_cpu = 500;
  EXPECT_FALSE(similar(base, other, {}));
  other = sample();
  other.capacity.extended = {{"nvidia.com/gpu", 1}};
  EXPECT_FALSE(similar(base, other, {}));
  EXPECT_TRUE(similar(base, sample(1000, 15'944'120LL << 10), {}));
  EXPECT_FALSE(similar(base, sample(1000, (16'116'152LL << 10) * 102 / 100), {}));
  const auto labelled = [](const std::string& key) {
    NodeTemplate out = sample();
    auto node = std::make_shared<kube::Node>(*out.node);
    node->metadata.labels[key] = "x";
    out.node = node;
    return out;
  };
  EXPECT_TRUE(similar(base, labelled(std::string(kube::kLabelZone)), {}));
  EXPECT_TRUE(similar(base, labelled("lifecycle"), {}));
  EXPECT_FALSE(similar(base, labelled("custom"), {}));
  EXPECT_TRUE(similar(base, labelled("custom"), {"custom"}));
}

// --- Limits.

TEST(NodeLimiterTest, TheMostRestrictiveLimitWins) {
  NodeLimiter three({0, 3, 10});
  EXPECT_TRUE(three.permit() && three.permit() && three.permit());
  EXPECT_FALSE(three.permit());
  EXPECT_FALSE(NodeLimiter({5, -1}).permit());
  NodeLimiter unlimited({0});
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(unlimited.permit());
}

TEST(NodeLimiterTest, HeadroomOfClusterAndOfSimilarGroups) {
  EXPECT_EQ(similar_groups_headroom({{5, 10}, {50, 100}, {3, 5}, {10, 20}}), 67);
  EXPECT_EQ(similar_groups_headroom({{12, 10}, {3, 5}}), 2);
  EXPECT_EQ(similar_groups_headroom({{10, 10}}), -1);
  EXPECT_EQ(cluster_headroom(10, 5), 5);
  EXPECT_EQ(cluster_headroom(0, 5), 0);
  EXPECT_EQ(cluster_headroom(10, 10), -1);
}

TEST(NodeLimiterTest, CoresLeaveRoomForOneOfTwo) {
  ScaleUpOptions options;
  options.max_cores_total = 9;
  const Totals totals{.nodes = 2, .milli_cpu = 6000};
  EXPECT_EQ(within_limits(totals, {.milli_cpu = 2000}, 2, options), 1);
  options.max_cores_total = 320'000;
  options.max_nodes_total = 3;
  EXPECT_EQ(within_limits(totals, {.milli_cpu = 2000}, 3, options), 1);
}

// --- Groups.

TEST(GroupsTest, AcceptableRanges) {
  EXPECT_EQ(acceptable_range(10, 3, 0, 0), (AcceptableRange{7, 10, 10}));
  EXPECT_EQ(acceptable_range(10, 0, 2, 0), (AcceptableRange{10, 12, 10}));
  EXPECT_EQ(acceptable_range(10, 0, 0, 2), (AcceptableRange{8, 10, 10}));
  EXPECT_EQ(acceptable_range(10, 3, 2, 2), (AcceptableRange{5, 12, 10}));
}

TEST(GroupsTest, AnUnreadyNodeIsNotStartedWhileItIsNew) {
  EXPECT_EQ(registered_state(false, kStart - 30min, kStart, 15min), MemberState::kUnready);
  EXPECT_EQ(registered_state(false, kStart - 30min, kStart, 35min), MemberState::kNotStarted);
  EXPECT_EQ(registered_state(true, kStart - 30min, kStart, 15min), MemberState::kReady);
}

TEST(GroupsTest, TheClusterIsUnhealthyWhenBothLimitsArePassed) {
  const Options options;
  EXPECT_TRUE(cluster_is_healthy({.ready = 0, .unready = 3}, options));
  EXPECT_TRUE(cluster_is_healthy({.ready = 11, .unready = 9}, options));
  EXPECT_FALSE(cluster_is_healthy({.ready = 10, .unready = 10}, options));
}

TEST(PoolsTest, OnDemandShareRoundsInItsFavour) {
  const auto share = [](std::int32_t base, std::int32_t percent, std::int32_t capacity) {
    return on_demand_share({.on_demand_base_capacity = base,
                            .on_demand_percentage_above_base_capacity = percent},
                           capacity);
  };
  EXPECT_EQ(share(10, 50, 10), 10);
  EXPECT_EQ(share(10, 50, 20), 15);
  EXPECT_EQ(share(10, 50, 30), 20);
  EXPECT_EQ(share(10, 50, 40), 25);
  EXPECT_EQ(share(0, 60, 10), 6);
  EXPECT_EQ(share(0, 60, 40), 24);
  EXPECT_EQ(share(12, 0, 10), 10);
  EXPECT_EQ(share(12, 0, 20), 12);
  EXPECT_EQ(share(0, 50, 3), 2);
}

// --- Scale-down.

TEST(ScaleDownPartsTest, EnoughUnneededNodesForTheNextRounds) {
  EXPECT_EQ(unneeded_limit(10, 60s, 10s, 0), 20);
  EXPECT_EQ(unneeded_limit(10, 60s, 10s, 3), 23);
  EXPECT_EQ(unneeded_limit(10, 60s, 10s, 70), 70);
  EXPECT_EQ(unneeded_limit(10, 60s, 10s, 77), 70);
  EXPECT_EQ(unneeded_limit(10, 0s, 10s, 20), 20);
  EXPECT_EQ(unneeded_limit(10, 60s, 1s, 13), 33);
  EXPECT_EQ(unneeded_limit(10, 60s, 30s, 13), 30);
}

TEST(ScaleDownPartsTest, BudgetsAsUpstream) {
  ScaleDownOptions options;
  options.max_parallelism = 10;
  options.max_drain_parallelism = 5;
  struct Case { RemovalBudget under_way, wanted, expected; };
  const Case cases[] = {
      {{0, 0}, {11, 0}, {10, 0}}, {{1, 1}, {10, 0}, {8, 0}}, {{0, 0}, {0, 6}, {0, 5}},
      {{1, 2}, {0, 5}, {0, 3}},   {{7, 1}, {0, 4}, {0, 2}},  {{0, 0}, {8, 8}, {8, 2}},
      {{0, 0}, {2, 8}, {2, 5}},   {{10, 0}, {5, 5}, {0, 0}},
  };
  for (const Case& c : cases) EXPECT_EQ(removal_budget(options, c.under_way, c.wanted), c.expected);
}

TEST(ScaleDownPartsTest, ZonesStayWithinOneOfEachOther) {
  EXPECT_TRUE(keeps_zone_balance({{"a", 3}, {"b", 2}, {"c", 2}}, "a"));
  EXPECT_FALSE(keeps_zone_balance({{"a", 3}, {"b", 2}, {"c", 2}}, "b"));
  EXPECT_TRUE(keeps_zone_balance({{"a", 2}, {"b", 2}}, "b"));
  EXPECT_FALSE(keeps_zone_balance({{"a", 3}, {"b", 1}, {"c", 0}}, "b"));
  EXPECT_TRUE(keeps_zone_balance({{"a", 1}}, "a"));
}

// --- Utilization.

TEST(UtilizationTest, CountsAsUpstream) {
  Scene scene;
  kube::Node node = make_node("n", "z-a", 2000);
  node.status.allocatable["memory"] = kube::Quantity::of(2'000'000);
  scene.node(node);
  const auto pod = [](const std::string& name) {
    kube::Pod out = st::make_pod(name, {}, "100m", "200000");
    return out;
  };
  const auto used = [&](bool daemons, bool mirrors) {
    return utilization(scene.snapshot.node(scene.snapshot.slot_of("n")), daemons, mirrors,
                       scene.seen.wall);
  };
  scene.place(pod("a"), "n");
  scene.place(pod("b"), "n");
  scene.place(st::make_pod("c"), "n");
  EXPECT_DOUBLE_EQ(used(false, false)->cpu, 0.1);
  EXPECT_DOUBLE_EQ(used(false, false)->highest(), 0.2);
  kube::Pod old = pod("old");
  old.metadata.deletion_timestamp = scene.seen.wall - 10min;
  scene.place(old, "n");
  EXPECT_DOUBLE_EQ(used(false, false)->highest(), 0.2);
  scene.place(owned(pod("d"), "DaemonSet"), "n");
  scene.place(owned(pod("e"), "DaemonSet"), "n");
  EXPECT_DOUBLE_EQ(used(false, false)->highest(), 0.4);
  EXPECT_DOUBLE_EQ(used(true, false)->highest(), 0.25);
  scene.snapshot.remove_pod("uid-d");
  scene.snapshot.remove_pod("uid-e");
  kube::Pod mirror = pod("m");
  mirror.metadata.annotations["kubernetes.io/config.mirror"] = "x";
  scene.place(mirror, "n");
  EXPECT_DOUBLE_EQ(used(false, true)->highest(), 2.0 / 9);
}

TEST(UtilizationTest, SidecarsAddAndInitContainersAreAMaximum) {
  Scene scene;
  scene.node(make_node("n", "z-a", 2000));
  kube::Pod sidecar = make_pod("b", 100);
  kube::Container extra;
  extra.name = "s";
  extra.restart_policy = "Always";
  extra.resources.requests["cpu"] = st::quantity("50m");
  sidecar.spec.init_containers.push_back(extra);
  kube::Pod init = make_pod("c", 100);
  extra.restart_policy.reset();
  extra.resources.requests["cpu"] = st::quantity("50");
  init.spec.init_containers.push_back(extra);
  scene.place(make_pod("a", 100), "n");
  scene.place(sidecar, "n");
  scene.place(init, "n");
  const auto used = utilization(scene.snapshot.node(scene.snapshot.slot_of("n")), false, false,
                                scene.seen.wall);
  EXPECT_DOUBLE_EQ(used->cpu, 25.125);
}

TEST(UtilizationTest, GpusDecideAloneAndNothingOfferedIsAnError) {
  Scene scene;
  kube::Node gpu = make_node("gpu", "z-a", 2000);
  gpu.metadata.labels["k8s.amazonaws.com/accelerator"] = "a100";
  scene.node(gpu);
  scene.place(make_pod("a", 1900), "gpu");
  const auto used = [&](const std::string& name) {
    return utilization(scene.snapshot.node(scene.snapshot.slot_of(name)), false, false,
                       scene.seen.wall);
  };
  EXPECT_DOUBLE_EQ(used("gpu")->highest(), 0);
  gpu.status.allocatable["nvidia.com/gpu"] = kube::Quantity::of(2);
  scene.node(gpu);
  kube::Pod user = make_pod("b", 1);
  user.spec.containers[0].resources.requests["nvidia.com/gpu"] = kube::Quantity::of(1);
  scene.place(user, "gpu");
  EXPECT_DOUBLE_EQ(used("gpu")->highest(), 0.5);
  scene.node(make_node("none", "z-a", 0));
  EXPECT_FALSE(used("none"));
}

// --- Drain.

class DrainTest : public ::testing::Test {
 protected:
  std::string reason(const kube::Pod& pod) {
    const DrainVerdict out =
        drainability(pod, scene.seen, BudgetTracker(scene.seen.budgets), options);
    static const std::map<Drainability, std::string> kPlain = {{Drainability::kIgnore, "ignore"},
                                                               {Drainability::kMove, "move"}};
    return out.reason.empty() ? kPlain.at(out.drainability) : out.reason;
  }
  void budget(const std::string& space, int allowed) {
    kube::PodDisruptionBudget out;
    out.metadata.name = "b";
    out.metadata.namespace_ = space;
    out.spec.selector.emplace().match_labels = {{"app", "x"}};
    out.status.disruptions_allowed = allowed;
    scene.seen.budgets.push_back(
        std::make_shared<const kube::PodDisruptionBudget>(std::move(out)));
  }
  static kube::Pod pod(const kube::Labels& labels = {{"app", "x"}}) {
    kube::Pod out = owned(make_pod("p", 100, 0, labels));
    out.metadata.creation_timestamp = kStart - 1min;
    return out;
  }
  Scene scene;
  ScaleDownOptions options;
};

TEST_F(DrainTest, ReplicatedPodsMoveAndBareOnesBlock) {
  EXPECT_EQ(reason(pod()), "move");
  EXPECT_EQ(reason(make_pod("bare", 1)), "NotReplicated");
  kube::Pod orphan = owned(make_pod("o", 1), "ReplicaSet", "gone");
  EXPECT_EQ(reason(orphan), "ControllerNotFound");
  options.min_replica_count = 4;
  EXPECT_EQ(reason(pod()), "MinReplicasReached");
}

TEST_F(DrainTest, SystemPodsBlockWithoutABudgetUntilTheyAreOld) {
  kube::Pod system = pod();
  system.metadata.namespace_ = "kube-system";
  EXPECT_EQ(reason(system), "UnmovableKubeSystemPod");
  budget("default", 1);
  EXPECT_EQ(reason(system), "UnmovableKubeSystemPod");
  budget("kube-system", 1);
  EXPECT_EQ(reason(system), "move");
  scene.seen.budgets.clear();
  system.metadata.creation_timestamp = kStart - 2h;
  EXPECT_EQ(reason(system), "move");
}

TEST_F(DrainTest, LocalStorageBlocksUnlessItIsNamedAsSafe) {
  kube::Pod local = pod();
  kube::Volume volume;
  volume.name = "cache";
  volume.volume_source.empty_dir.ensure();
  local.spec.volumes.push_back(volume);
  EXPECT_EQ(reason(local), "LocalStorageRequested");
  local.metadata.annotations[std::string(controllers::kAnnotationLocalVolumes)] = "cache";
  EXPECT_EQ(reason(local), "move");
  local.metadata.annotations.clear();
  local.spec.volumes[0].volume_source.empty_dir->medium = "Memory";
  EXPECT_EQ(reason(local), "move");
}

TEST_F(DrainTest, BudgetsAndAnnotations) {
  budget("default", 0);
  EXPECT_EQ(reason(pod()), "NotEnoughPdb");
  EXPECT_EQ(reason(pod({{"app", "y"}})), "move");
  kube::Pod marked = pod();
  marked.metadata.annotations[std::string(controllers::kAnnotationSafeToEvict)] = "true";
  EXPECT_EQ(reason(marked), "move");
  marked.metadata.annotations[std::string(controllers::kAnnotationSafeToEvict)] = "on-completion";
  EXPECT_EQ(reason(marked), "SafeToEvictOnCompletion");
  kube::Pod never = pod({{"app", "y"}});
  never.metadata.annotations[std::string(controllers::kAnnotationSafeToEvict)] = "false";
  EXPECT_EQ(reason(never), "NotSafeToEvictAnnotation");
}

TEST_F(DrainTest, WhatEndsWithTheNodeIsIgnored) {
  kube::Pod mirror = make_pod("m", 1);
  mirror.metadata.annotations["kubernetes.io/config.mirror"] = "x";
  EXPECT_EQ(reason(mirror), "ignore");
  EXPECT_EQ(reason(owned(make_pod("d", 1), "DaemonSet")), "ignore");
  kube::Pod done = make_pod("done", 1);
  done.status.phase = "Failed";
  EXPECT_EQ(reason(done), "ignore");
  kube::Pod leaving = make_pod("l", 1);
  leaving.metadata.deletion_timestamp = kStart - 10min;
  EXPECT_EQ(reason(leaving), "ignore");
}

}  // namespace
}  // namespace minato::autoscaler
