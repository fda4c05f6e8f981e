#include "scheduling/snapshot.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ranges>

#include "scheduling/testing.h"

namespace minato::scheduling {
namespace {

using namespace testing;

TEST(SnapshotTest, VisitsZonesInTurn) {
  Bench bench;
  for (const char* name : {"a1", "a2", "a3", "b1", "c1", "c2"}) {
    bench.node(make_node(name, {{kZone, std::string(1, name[0])}}));
  }
  std::vector<std::string> order;
  for (const NodeSlot slot : bench.snapshot.order()) {
    order.push_back(bench.snapshot.node(slot).name);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "c1", "a2", "c2", "a3"}));
}

TEST(SnapshotTest, PodsMayComeBeforeTheirNodeAndStayAfterIt) {
  Bench bench;
  bench.place(make_pod("x", {}, "3"), "a");
  EXPECT_TRUE(bench.snapshot.order().empty());
  bench.node(make_node("a"));
  EXPECT_EQ(bench.why_not(make_pod("p", {}, "2"), "a"), "Insufficient cpu");
  bench.snapshot.remove_node("a");
  EXPECT_TRUE(bench.snapshot.order().empty());
  bench.snapshot.remove_pod("uid-x");
  EXPECT_EQ(bench.snapshot.audit(), "");
}

TEST(SnapshotTest, HeartbeatsChangeNothing) {
  Bench bench;
  kube::Node node = make_node("a");
  bench.node(node);
  node.status.conditions.push_back({});
  EXPECT_FALSE(bench.snapshot.set_node(std::make_shared<const kube::Node>(node)));
  node.spec.unschedulable = true;
  EXPECT_TRUE(bench.snapshot.set_node(std::make_shared<const kube::Node>(node)));
}

kube::Pod random_pod(env::Rng& rng, int id) {
  const auto app = [&] { return fmt::format("app{}", rng.below(4)); };
  kube::Pod pod = make_pod(fmt::format("p{}", id), {{"app", app()}},
                           fmt::format("{}m", 50 * rng.below(10)), "64Mi");
  pod.spec.priority = static_cast<std::int32_t>(rng.below(3));
  if (rng.chance(1, 6)) pod.metadata.deletion_timestamp = WallTime{1s};
  switch (rng.below(8)) {
    case 0: add_spread(pod, kZone, 1); break;
    case 1: add_spread(pod, kHost, 2, "ScheduleAnyway"); break;
    case 2: require_away(pod, {{"app", app()}}, kHost); break;
    case 3: require_near(pod, {{"app", app()}}, kZone); break;
    default: break;
  }
  return pod;
}

kube::Node random_node(env::Rng& rng) {
  kube::Node node = make_node(fmt::format("n{}", rng.below(12)));
  if (!rng.chance(1, 5)) node.metadata.labels[kZone] = fmt::format("z{}", rng.below(3));
  node.spec.unschedulable = rng.chance(1, 10);
  return node;
}

// Everything that placement can see, for each of many probes.
std::string view_of(Bench& bench, std::uint64_t seed) {
  env::Rng rng(seed);
  std::string out;
  for (int i = 0; i < 24; ++i) {
    for (const auto& verdict : bench.placer.explain(*bench.parse(random_pod(rng, 100'000 + i)))) {
      out += fmt::format("{} {} {}\n", verdict.node, verdict.score,
                         fmt::join(verdict.reasons, ";"));
    }
  }
  return out;
}

void random_step(Bench& bench, env::Rng& rng, std::vector<std::string>& uids, int id) {
  switch (rng.below(6)) {
    case 0: bench.node(random_node(rng)); break;
    case 1: bench.snapshot.remove_node(fmt::format("n{}", rng.below(12))); break;
    case 2:
      if (uids.empty()) break;
      bench.snapshot.remove_pod(uids[rng.below(uids.size())]);
      break;
    case 3: bench.placer.schedule(*bench.parse(random_pod(rng, id))); break;
    default: {
      uids.push_back(fmt::format("uid-p{}", id));
      bench.place(random_pod(rng, id), fmt::format("n{}", rng.below(12)));
    }
  }
}

TEST(SnapshotPropertyTest, IncrementalEqualsRebuilt) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    Bench bench(seed);
    env::Rng rng(seed);
    std::vector<std::string> uids;
    for (int step = 0; step < 200; ++step) random_step(bench, rng, uids, step);
    ASSERT_EQ(bench.snapshot.audit(), "") << "seed " << seed;

    Bench rebuilt(seed);
    for (const NodeInfo& info : bench.snapshot.nodes()) {
      if (info.node) rebuilt.node(*info.node);
      for (const PodInfoPtr& pod : info.pods) rebuilt.place(*pod->pod, info.name);
    }
    ASSERT_EQ(view_of(bench, seed), view_of(rebuilt, seed)) << "seed " << seed;
  }
}

TEST(SnapshotPropertyTest, RevertRestoresAndCopiesAreIndependent) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    Bench bench(seed);
    env::Rng rng(seed);
    std::vector<std::string> uids;
    for (int step = 0; step < 120; ++step) random_step(bench, rng, uids, step);
    const std::string before = view_of(bench, seed);

    Snapshot copy = bench.snapshot;
    bench.snapshot.fork();
    for (int step = 200; step < 260; ++step) random_step(bench, rng, uids, step);
    bench.snapshot.fork();
    for (int step = 300; step < 330; ++step) random_step(bench, rng, uids, step);
    bench.snapshot.revert();
    bench.snapshot.revert();
    ASSERT_EQ(bench.snapshot.audit(), "") << "seed " << seed;
    ASSERT_EQ(view_of(bench, seed), before) << "seed " << seed;
    ASSERT_EQ(copy.audit(), "");
    ASSERT_EQ(copy.pod_count(), bench.snapshot.pod_count());
  }
}

std::map<std::string, int> count_by(const Snapshot& snapshot, const std::string& key,
                                    const std::string& app) {
  std::map<std::string, int> out;
  for (const NodeInfo& info : snapshot.nodes()) {
    if (!info.node) continue;
    int& count = out[info.node->metadata.labels.at(key)];
    for (const PodInfoPtr& pod : info.pods) count += pod->pod->metadata.labels.at("app") == app;
  }
  return out;
}

TEST(PlacementPropertyTest, HardRulesHoldAfterEveryPlacement) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Bench bench(seed);
    env::Rng rng(seed);
    for (int i = 0; i < 15; ++i) {
      bench.node(make_node(fmt::format("n{}", i), {{kZone, fmt::format("z{}", i % 3)}},
                           fmt::format("{}", 1 + rng.below(4)), "16Gi", 8));
    }
    for (int i = 0; i < 120; ++i) {
      const std::string app = fmt::format("app{}", rng.below(3));
      kube::Pod pod = make_pod(fmt::format("p{}", i), {{"app", app}},
                               fmt::format("{}m", 100 + 100 * rng.below(6)));
      add_spread(pod, kZone, 1);
      if (app == "app0") require_away(pod, {{"app", app}}, kHost);
      if (bench.run(pod).empty()) continue;
      const auto zones = count_by(bench.snapshot, kZone, app);
      const auto [low, high] = std::ranges::minmax(std::views::values(zones));
      // Capacity of a full zone may hold others back, never let them run ahead.
      ASSERT_LE(high - low, 1) << "seed " << seed << " pod " << i;
    }
    for (const NodeInfo& info : bench.snapshot.nodes()) {
      EXPECT_LE(info.requested.milli_cpu, info.allocatable.milli_cpu);
      EXPECT_LE(static_cast<std::int64_t>(info.pods.size()), info.allowed_pods);
    }
    for (const auto& [host, count] : count_by(bench.snapshot, kHost, "app0")) EXPECT_LE(count, 1);
  }
}

}  // namespace
}  // namespace minato::scheduling
