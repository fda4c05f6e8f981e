#include <gtest/gtest.h>

#include "scheduling/testing.h"

namespace minato::scheduling {
namespace {

using namespace testing;

TEST(LeastAllocatedTest, IsTheMeanFreeShare) {
  Bench bench;
  bench.node(make_node("a", {}, "4", "10000"));
  const auto score = [&](kube::Pod pod) {
    return score_least_allocated(*bench.parse(std::move(pod))->pod_template,
                                 bench.snapshot.node(bench.snapshot.slot_of("a")));
  };
  EXPECT_EQ(score(make_pod("p", {}, "0", "0")), 100);
  EXPECT_EQ(score(make_pod("p", {}, "3", "5000")), (25 + 50) / 2);
  EXPECT_EQ(score(make_pod("p", {}, "5", "5000")), 25);  // Over-asked counts as nothing free.
}

TEST(BalancedAllocationTest, FallsWithTheDistanceBetweenCpuAndMemory) {
  Bench bench;
  bench.node(make_node("a", {}, "4", "10000"));
  const auto score = [&](kube::Pod pod) {
    return score_balanced_allocation(*bench.parse(std::move(pod))->pod_template,
                                     bench.snapshot.node(bench.snapshot.slot_of("a")));
  };
  EXPECT_EQ(score(make_pod("p", {}, "2", "5000")), 100);
  EXPECT_EQ(score(make_pod("p", {}, "4", "0")), 50);
  EXPECT_EQ(score(make_pod("p", {}, "3", "5000")), 87);  // (0.75 - 0.5) / 2 = 0.125
  EXPECT_EQ(score(make_pod("p")), 0);                    // Best effort.
}

TEST(NormalizeTest, ScalesToTheHighest) {
  std::vector<std::int64_t> raw{0, 5, 20};
  normalize(raw, Better::kHigher);
  EXPECT_EQ(raw, (std::vector<std::int64_t>{0, 25, 100}));
  raw = {0, 1, 2};
  normalize(raw, Better::kLower);
  EXPECT_EQ(raw, (std::vector<std::int64_t>{100, 50, 0}));
  raw = {0, 0};
  normalize(raw, Better::kLower);
  EXPECT_EQ(raw, (std::vector<std::int64_t>{100, 100}));
}

TEST(PlacerTest, PrefersNodesWithFewerAvoidedTaints) {
  Bench bench;
  for (const char* name : {"a", "b", "c"}) {
    kube::Node node = make_node(name);
    if (*name != 'b') node.spec.taints.push_back({"k", "", "PreferNoSchedule", {}, {}});
    bench.node(node);
  }
  EXPECT_EQ(bench.run(make_pod("p")), "b");
}

TEST(PlacerTest, PrefersNodesThatMatchPreferredTerms) {
  Bench bench;
  bench.node(make_node("a", {{"disk", "slow"}}));
  bench.node(make_node("b", {{"disk", "fast"}}));
  kube::Pod pod = make_pod("p");
  pod.spec.affinity = from_text<kube::Affinity>(
      R"({"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[
          {"weight":10,"preference":{"matchExpressions":
             [{"key":"disk","operator":"In","values":["fast"]}]}},
          {"weight":100,"preference":{}}]}})");
  EXPECT_EQ(bench.run(pod), "b");
}

TEST(PlacerTest, PreferredSpreadEvensOutZones) {
  Bench bench;
  for (int i = 0; i < 6; ++i) {
    bench.node(make_node(fmt::format("n{}", i), {{kZone, fmt::format("z{}", i % 3)}}));
  }
  std::map<std::string, int> zones;
  for (int i = 0; i < 12; ++i) {
    kube::Pod pod = make_pod(fmt::format("p{}", i), {{"app", "w"}}, "10m");
    add_spread(pod, kZone, 1, "ScheduleAnyway");
    const std::string node = bench.run(pod);
    ++zones[bench.snapshot.node(bench.snapshot.slot_of(node)).node->metadata.labels.at(kZone)];
  }
  EXPECT_EQ(zones, (std::map<std::string, int>{{"z0", 4}, {"z1", 4}, {"z2", 4}}));
}

TEST(PlacerTest, DefaultSpreadNeedsNoLabelsAndASelector) {
  Bench bench;
  bench.node(make_node("a"));
  bench.node(make_node("b"));
  const auto selector = kube::Selector::from_labels({{"app", "w"}});
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  const PodInfoPtr info = bench.parse(make_pod("p", {{"app", "w"}}), selector);
  EXPECT_TRUE(info->pod_template->spread.defaulted);
  EXPECT_EQ(bench.placer.schedule(*info)->node, "b");
  EXPECT_FALSE(bench.parse(make_pod("q"), kube::Selector())->pod_template->spread.defaulted);
}

TEST(PlacerTest, PreferredAffinityAttractsAndExistingPreferencesCount) {
  Bench bench;
  bench.node(make_node("a", {{kZone, "a"}}));
  bench.node(make_node("b", {{kZone, "b"}}));
  kube::Pod keeper = make_pod("keeper", {{"app", "k"}});
  keeper.spec.affinity.ensure()
      .pod_affinity.ensure()
      .preferred_during_scheduling_ignored_during_execution.push_back(
          {100, affinity_term({{"app", "w"}}, kZone), {}});
  bench.place(keeper, "b");
  bench.place(make_pod("balance", {}, "", ""), "a");
  EXPECT_EQ(bench.run(make_pod("w1", {{"app", "w"}})), "b");  // The keeper wants it near.
  kube::Pod shy = make_pod("shy");
  shy.spec.affinity.ensure()
      .pod_anti_affinity.ensure()
      .preferred_during_scheduling_ignored_during_execution.push_back(
          {50, affinity_term({{"app", "w"}}, kZone), {}});
  EXPECT_EQ(bench.run(shy), "a");
}

TEST(PlacerTest, SameSeedSamePlacementsAndTiesAreShared) {
  const auto run = [](std::uint64_t seed) {
    Bench bench(seed);
    for (int i = 0; i < 8; ++i) bench.node(make_node(fmt::format("n{}", i)));
    std::string trace;
    for (int i = 0; i < 16; ++i) trace += bench.run(make_pod(fmt::format("p{}", i), {}, "10m"));
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(PlacerTest, LargeClustersAreSampledInTurn) {
  Bench bench;
  for (int i = 0; i < 1000; ++i) bench.node(make_node(fmt::format("n{:04}", i)));
  const PodInfoPtr info = bench.parse(make_pod("p"));
  const auto first = bench.placer.schedule(*info);
  EXPECT_EQ(first->feasible, 420U);  // 50 - 1000 / 125 percent.
  EXPECT_EQ(first->evaluated, 420U);
}

TEST(PlacerTest, ExplainGivesEveryNodeAScoreOrReasons) {
  Bench bench;
  bench.node(make_node("a", {}, "100m"));
  bench.node(make_node("b"));
  const auto verdicts = bench.placer.explain(*bench.parse(make_pod("p", {}, "1")));
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(verdicts[0].reasons, std::vector<std::string>{"Insufficient cpu"});
  EXPECT_TRUE(verdicts[1].reasons.empty());
  EXPECT_GT(verdicts[1].score, 0);
}

}  // namespace
}  // namespace minato::scheduling
