// Which Pod moves, and that moves come to an end.
#include <gtest/gtest.h>

#include "descheduler/spread.h"
#include "scheduling/testing.h"

namespace minato::descheduler {
namespace {

namespace st = scheduling::testing;

class SpreadTest : public ::testing::Test {
 protected:
  void node(const std::string& name, const std::string& zone, const std::string& cpu = "4") {
    kube::Node made = st::make_node(name, {{st::kZone, zone}}, cpu);
    made.status.conditions.push_back({.type = std::string(kube::kReady), .status = std::string(kube::kTrue)});
    put(std::move(made));
  }
  void put(kube::Node made) {
    nodes.push_back(std::make_shared<const kube::Node>(std::move(made)));
    bench.snapshot.set_node(nodes.back());
  }
  static kube::Pod web(const std::string& name) {
    kube::Pod out = st::make_pod(name, {{"app", "web"}}, "500m");
    st::add_spread(out, st::kZone, 1, "ScheduleAnyway");
    st::add_spread(out, st::kHost, 1, "ScheduleAnyway");
    out.status.conditions.push_back({.type = std::string(kube::kReady), .status = std::string(kube::kTrue)});
    return out;
  }
  void pods(const std::string& on_node, int count) {
    for (int i = 0; i < count; ++i) add(web(fmt::format("web-{}", next++)), on_node);
  }
  void add(kube::Pod made, const std::string& on_node) {
    made.spec.node_name = on_node;
    auto pod = std::make_shared<const kube::Pod>(std::move(made));
    bench.snapshot.add_pod(bench.table.parse(pod), on_node);
    workload.pods.push_back(std::move(pod));
  }
  const Workload& whole() {
    auto made = std::make_shared<kube::ReplicaSet>();
    made->metadata.name = "web-1";
    made->spec.replicas = static_cast<std::int32_t>(workload.pods.size());
    made->spec.template_.spec = web("template").spec;
    workload.replica_set = std::move(made);
    return workload;
  }
  std::optional<Move> find() { return find_move(whole(), nodes, bench.placer, bench.table); }
  // The Pod leaves and its successor is placed by the scheduler.
  void make(const Move& move) {
    std::erase_if(workload.pods, [&](const auto& pod) { return pod->metadata.uid == move.pod->metadata.uid; });
    bench.snapshot.remove_pod(move.pod->metadata.uid);
    kube::Pod successor = web(fmt::format("web-{}", next++));
    const std::string on_node = bench.run(successor);
    bench.snapshot.remove_pod(successor.metadata.uid);
    add(std::move(successor), on_node);
  }

  st::Bench bench;
  Nodes nodes;
  Workload workload;
  int next = 0;
};

TEST_F(SpreadTest, EvenPodsStay) {
  node("a1", "a");
  node("c1", "c");
  pods("a1", 3);
  pods("c1", 2);
  EXPECT_FALSE(is_crowded(whole(), nodes));
  EXPECT_FALSE(find());
}

TEST_F(SpreadTest, AZoneThatCameBackGetsPodsAgain) {
  node("a1", "a");
  node("a2", "a");
  node("c1", "c");
  pods("a1", 4);
  pods("a2", 2);
  EXPECT_TRUE(is_crowded(whole(), nodes));
  const auto move = find();
  ASSERT_TRUE(move);
  EXPECT_EQ(move->topology_key, st::kZone);
  EXPECT_EQ(move->from, "a");
  EXPECT_EQ(move->to, "c");
  EXPECT_EQ(move->pods_from, 6);
  EXPECT_EQ(move->pods_to, 0);
  EXPECT_EQ(move->pod->spec.node_name, "a1") << "from the fullest Node";
  EXPECT_EQ(bench.snapshot.audit(), "");
  EXPECT_EQ(bench.snapshot.pod_count(), 6U) << "the Snapshot is as before";
}

TEST_F(SpreadTest, OneNodeOfAZoneIsRelievedToo) {
  for (const char* name : {"a1", "a2", "a3"}) node(name, "a");
  pods("a1", 3);
  const auto move = find();
  ASSERT_TRUE(move);
  EXPECT_EQ(move->topology_key, st::kHost);
  EXPECT_EQ(move->from, "a1");
}

TEST_F(SpreadTest, WhereTheFullestCannotBeRelievedTheNextIs) {
  node("a1", "a");
  node("a2", "a");
  node("c1", "c");
  kube::Pod kept = web("kept");
  kept.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false";
  for (const char* name : {"kept-1", "kept-2", "kept-3"}) {
    kept.metadata.name = name;
    kept.metadata.uid = name;
    add(kept, "c1");
  }
  pods("a1", 2);
  const auto move = find();
  ASSERT_TRUE(move);
  EXPECT_EQ(move->from, "a1");
  EXPECT_EQ(move->to, "a2");
}

TEST_F(SpreadTest, AZoneWithoutRoomIsNoReason) {
  node("a1", "a");
  node("c1", "c", "400m");
  pods("a1", 4);
  EXPECT_FALSE(find());
}

TEST_F(SpreadTest, ANodeThatKeepsPodsAwayIsNoReason) {
  node("a1", "a");
  kube::Node leaving = st::make_node("c1", {{st::kZone, "c"}});
  leaving.status.conditions.push_back({.type = std::string(kube::kReady), .status = std::string(kube::kTrue)});
  leaving.spec.taints.push_back({.key = "DeletionCandidateOfClusterAutoscaler", .effect = std::string(kube::kPreferNoSchedule)});
  put(std::move(leaving));
  kube::Node dead = st::make_node("d1", {{st::kZone, "d"}});
  dead.status.conditions.push_back({.type = std::string(kube::kReady), .status = std::string(kube::kUnknown)});
  put(std::move(dead));
  pods("a1", 4);
  EXPECT_FALSE(is_crowded(whole(), nodes));
  EXPECT_FALSE(find());
}

TEST_F(SpreadTest, APodThatMustNotBeMovedStays) {
  node("a1", "a");
  node("c1", "c");
  for (int i = 0; i < 3; ++i) {
    kube::Pod pod = web(fmt::format("kept-{}", i));
    pod.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false";
    add(std::move(pod), "a1");
  }
  EXPECT_FALSE(find());
}

TEST_F(SpreadTest, AtRestIsEveryReplicaReadyAndNoneLeaving) {
  node("a1", "a");
  pods("a1", 2);
  EXPECT_TRUE(is_at_rest(whole()));
  kube::Pod leaving = web("leaving");
  leaving.metadata.deletion_timestamp = WallTime{Duration{1s}};
  add(std::move(leaving), "a1");
  EXPECT_FALSE(is_at_rest(whole()));
  workload.pods.pop_back();
  kube::Pod unready = web("unready");
  unready.status.conditions.clear();
  add(std::move(unready), "a1");
  EXPECT_FALSE(is_at_rest(whole()));
}

// From any placement: every move makes Pods more even, and when there is none left, zones are
// nearly level.
class SpreadProperty : public SpreadTest, public ::testing::WithParamInterface<int> {};

TEST_P(SpreadProperty, MovesEndEven) {
  env::Rng rng(static_cast<std::uint64_t>(GetParam()));
  const int count = static_cast<int>(3 + rng.below(7));
  for (int i = 0; i < count; ++i) node(fmt::format("n{}", i), std::string(1, static_cast<char>('a' + i % 3)));
  const int total = static_cast<int>(2 + rng.below(10));
  for (int i = 0; i < total; ++i) pods(fmt::format("n{}", rng.below(static_cast<std::uint64_t>(count))), 1);
  std::int64_t before = unevenness(whole(), nodes);
  for (auto move = find(); move; move = find()) {
    make(*move);
    const std::int64_t after = unevenness(whole(), nodes);
    ASSERT_LT(after, before) << move->topology_key << " " << move->from << " to " << move->to;
    before = after;
  }
  // Nodes and zones may want different things (a zone of two Nodes, others of one): then neither gets
  // what it wants to the last Pod.
  std::map<std::string, int> in_zone;
  for (const auto& known : nodes) in_zone[known->metadata.labels.at(st::kZone)];
  for (const auto& pod : workload.pods) ++in_zone[std::string(1, static_cast<char>('a' + (pod->spec.node_name[1] - '0') % 3))];
  const auto [least, most] = std::ranges::minmax_element(in_zone, {}, [](const auto& zone) { return zone.second; });
  EXPECT_LE(most->second - least->second, 2) << count << " Nodes, " << total << " Pods";
}
INSTANTIATE_TEST_SUITE_P(Seeds, SpreadProperty, ::testing::Range(0, 60));

}  // namespace
}  // namespace minato::descheduler
