#include "scheduling/preemption.h"

#include <gtest/gtest.h>

#include "scheduling/testing.h"

namespace minato::scheduling {
namespace {

using namespace testing;

kube::Pod with_priority(kube::Pod pod, int priority) {
  pod.spec.priority = priority;
  return pod;
}

std::expected<Preemption, NoPreemption> try_preempt(Bench& bench, kube::Pod pod,
                                                    const Budgets& budgets = {}) {
  const PodInfoPtr info = bench.parse(std::move(pod));
  const auto placement = bench.placer.schedule(*info);
  CHECK(!placement, "it fits");
  return preempt(bench.placer, *info, placement.error(), budgets);
}

std::vector<std::string> names(const Preemption& found) {
  std::vector<std::string> out;
  for (const PodInfoPtr& victim : found.victims) out.push_back(victim->pod->metadata.name);
  return out;
}

TEST(PreemptionTest, TakesTheFewestAndLeastImportant) {
  Bench bench;
  bench.node(make_node("a", {}, "3"));
  bench.place(with_priority(make_pod("low", {}, "1"), 1), "a");
  bench.place(with_priority(make_pod("mid", {}, "1"), 5), "a");
  bench.place(with_priority(make_pod("high", {}, "1"), 9), "a");
  const auto found = try_preempt(bench, with_priority(make_pod("p", {}, "1"), 7));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(names(*found), std::vector<std::string>{"low"});
  EXPECT_EQ(bench.snapshot.pod_count(), 3U);
  EXPECT_EQ(bench.snapshot.audit(), "");
}

TEST(PreemptionTest, PrefersTheNodeWithTheLowestHighestVictim) {
  Bench bench;
  for (const char* name : {"a", "b", "c"}) bench.node(make_node(name, {}, "1"));
  bench.place(with_priority(make_pod("x", {}, "1"), 3), "a");
  bench.place(with_priority(make_pod("y", {}, "1"), 2), "b");
  bench.place(with_priority(make_pod("z", {}, "1"), 4), "c");
  EXPECT_EQ(try_preempt(bench, with_priority(make_pod("p", {}, "1"), 7))->node, "b");
}

TEST(PreemptionTest, ThenFewerVictimsThenTheYoungest) {
  Bench bench;
  for (const char* name : {"a", "b", "c"}) bench.node(make_node(name, {}, "2"));
  const auto started = [](const char* name, const char* cpu, int second) {
    kube::Pod pod = with_priority(make_pod(name, {}, cpu), 1);
    pod.status.start_time = WallTime{std::chrono::seconds(second)};
    return pod;
  };
  bench.place(started("a1", "1", 100), "a");
  bench.place(started("a2", "1", 100), "a");
  bench.place(started("b1", "2", 100), "b");
  bench.place(started("c1", "2", 200), "c");
  EXPECT_EQ(try_preempt(bench, with_priority(make_pod("p", {}, "2"), 7))->node, "c");
}

TEST(PreemptionTest, AvoidsBreakingBudgets) {
  Bench bench;
  for (const char* name : {"a", "b"}) bench.node(make_node(name, {}, "1"));
  bench.place(with_priority(make_pod("guarded", {{"app", "g"}}, "1"), 1), "a");
  bench.place(with_priority(make_pod("free", {{"app", "f"}}, "1"), 5), "b");
  kube::PodDisruptionBudget budget;
  budget.metadata.namespace_ = "default";
  budget.spec.selector = select({{"app", "g"}});
  const Budgets budgets{std::make_shared<const kube::PodDisruptionBudget>(budget)};
  const auto found = try_preempt(bench, with_priority(make_pod("p", {}, "1"), 7), budgets);
  EXPECT_EQ(names(*found), std::vector<std::string>{"free"});
  // Without another way the budget gives in.
  bench.snapshot.remove_node("b");
  const auto forced = try_preempt(bench, with_priority(make_pod("p", {}, "1"), 7), budgets);
  EXPECT_EQ(names(*forced), std::vector<std::string>{"guarded"});
  EXPECT_EQ(forced->budget_violations, 1);
}

TEST(PreemptionTest, MovesAwayAntiAffinity) {
  Bench bench;
  bench.node(make_node("a"));
  bench.place(with_priority(make_pod("other", {{"app", "o"}}), 1), "a");
  bench.place(with_priority(make_pod("near", {{"app", "n"}}), 1), "a");
  kube::Pod pod = with_priority(make_pod("p"), 7);
  require_away(pod, {{"app", "n"}}, std::string(kube::kLabelHostname));
  EXPECT_EQ(names(*try_preempt(bench, pod)), std::vector<std::string>{"near"});
}

TEST(PreemptionTest, SaysWhyNot) {
  Bench bench;
  bench.node(make_node("a", {}, "1"));
  kube::Node tainted = make_node("b");
  tainted.spec.taints.push_back({"k", "v", "NoSchedule", {}, {}});
  bench.node(tainted);
  bench.node(make_node("c", {}, "2"));
  bench.place(with_priority(make_pod("same", {}, "1"), 7), "c");
  bench.place(with_priority(make_pod("low", {}, "500m"), 1), "c");
  bench.node(make_node("d", {}, "2"));
  bench.place(with_priority(make_pod("equal", {}, "2"), 7), "d");
  // a is too small even when empty; c stays too full without the lower one; d has no victims.
  EXPECT_EQ(try_preempt(bench, with_priority(make_pod("p", {}, "2"), 7)).error().message,
            "preemption: 0/4 nodes are available: 1 Insufficient cpu, "
            "1 No preemption victims found for incoming pod, "
            "2 Preemption is not helpful for scheduling.");
  kube::Pod never = with_priority(make_pod("p", {}, "2"), 7);
  never.spec.preemption_policy = "Never";
  EXPECT_EQ(try_preempt(bench, never).error().message,
            "preemption: not eligible due to preemptionPolicy=Never.");
}

TEST(PreemptionTest, WaitsForVictimsOnTheNominatedNode) {
  Bench bench;
  bench.node(make_node("a", {}, "1"));
  kube::Pod leaving = with_priority(make_pod("leaving", {}, "1"), 1);
  leaving.metadata.deletion_timestamp = WallTime{1s};
  bench.place(leaving, "a");
  const kube::Pod pod = with_priority(make_pod("p", {}, "1"), 7);
  bench.snapshot.nominate(bench.parse(pod), "a");
  EXPECT_EQ(try_preempt(bench, pod).error().message,
            "preemption: not eligible due to terminating pod on the nominated node.");
}

TEST(NominationTest, RoomIsKeptFromPodsOfNoHigherPriority) {
  Bench bench;
  bench.node(make_node("a", {}, "1"));
  const kube::Pod waiting = with_priority(make_pod("waiting", {}, "1"), 5);
  bench.snapshot.nominate(bench.parse(waiting), "a");
  EXPECT_EQ(bench.run(with_priority(make_pod("lower", {}, "1"), 1)), "");
  EXPECT_EQ(bench.run(with_priority(make_pod("equal", {}, "1"), 5)), "");
  EXPECT_EQ(bench.why_not(with_priority(make_pod("higher", {}, "1"), 9), "a"), "");
  EXPECT_EQ(bench.run(waiting), "a");
}

}  // namespace
}  // namespace minato::scheduling
