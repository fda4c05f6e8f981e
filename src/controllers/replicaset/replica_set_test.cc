#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "controllers/replicaset/pod_ranking.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

using testing::ElementsAre;

class ReplicaSetTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_node("n1");
    world_.add_node("n2");
    world_.start();
  }
  TestWorld world_;
};

TEST_F(ReplicaSetTest, MakesPodsWithGeneratedNamesAndCountsThem) {
  world_.create(replica_set("web", 3));
  world_.advance(20s);
  const auto pods = world_.active_pods("default");
  ASSERT_EQ(pods.size(), 3u);
  for (const auto& pod : pods) {
    EXPECT_THAT(pod->metadata.name, testing::MatchesRegex("web-[a-z0-9]{5}"));
    EXPECT_EQ(controller_of(pod->metadata)->kind, "ReplicaSet");
  }
  const auto status = world_.get<kube::ReplicaSet>("default", "web")->status;
  EXPECT_EQ(status.replicas, 3);
  EXPECT_EQ(status.fully_labeled_replicas, 3);
  EXPECT_EQ(status.ready_replicas, 3);
  EXPECT_EQ(status.available_replicas, 3);
  EXPECT_EQ(status.observed_generation, 1);
  EXPECT_TRUE(world_.has_event("SuccessfulCreate", "Created pod: web-"));
}

TEST_F(ReplicaSetTest, ReplacesADeletedPodAndRemovesSurplus) {
  world_.create(replica_set("web", 3));
  world_.advance(20s);
  const auto victim = world_.active_pods("default").front();
  ASSERT_TRUE(world_.client().remove(kube::Pod::static_kind(), victim->key()));
  world_.time.settle();
  EXPECT_EQ(world_.active_pods("default").size(), 3u);
  world_.edit<kube::ReplicaSet>("default", "web", [](auto& rs) { rs.spec.replicas = 1; });
  world_.time.settle();
  EXPECT_EQ(world_.active_pods("default").size(), 1u);
  EXPECT_TRUE(world_.has_event("SuccessfulDelete"));
}

TEST_F(ReplicaSetTest, AdoptsAMatchingOrphanAndReleasesWhatNoLongerMatches) {
  kube::Pod orphan;
  orphan.metadata.namespace_ = "default";
  orphan.metadata.name = "orphan";
  orphan.metadata.labels["app"] = "web";
  orphan.spec = pod_template("web", "v1").spec;
  world_.create(std::move(orphan));
  const auto owner = world_.create(replica_set("web", 2));
  world_.time.settle();
  EXPECT_EQ(world_.active_pods("default").size(), 2u);
  EXPECT_TRUE(
      is_controlled_by(world_.get<kube::Pod>("default", "orphan")->metadata, owner->metadata.uid));

  world_.edit<kube::Pod>("default", "orphan", [](auto& pod) { pod.metadata.labels["app"] = "x"; });
  world_.time.settle();
  EXPECT_EQ(controller_of(world_.get<kube::Pod>("default", "orphan")->metadata), nullptr);
  EXPECT_EQ(world_.active_pods("default").size(), 3u);
}

TEST_F(ReplicaSetTest, WaitsMinReadySecondsBeforeAPodIsAvailable) {
  kube::ReplicaSet slow = replica_set("web", 1);
  slow.spec.min_ready_seconds = 30;
  world_.create(std::move(slow));
  world_.advance(15s);
  auto status = world_.get<kube::ReplicaSet>("default", "web")->status;
  EXPECT_EQ(status.ready_replicas, 1);
  EXPECT_EQ(status.available_replicas, 0);
  world_.advance(40s);
  EXPECT_EQ(world_.get<kube::ReplicaSet>("default", "web")->status.available_replicas, 1);
}

TEST_F(ReplicaSetTest, RefusedPodsAreReportedAndRetriedSlowly) {
  world_.picky().refuse = [](const kube::Object& object) -> Status {
    if (object.kind() == kube::Pod::static_kind()) return fail(Reason::kForbidden, "no quota");
    return {};
  };
  world_.create(replica_set("web", 100));
  world_.time.settle();
  const auto status = world_.get<kube::ReplicaSet>("default", "web")->status;
  const auto* failure = find_condition(status.conditions, "ReplicaFailure");
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->reason, "FailedCreate");
  EXPECT_EQ(failure->message, "no quota");
  EXPECT_TRUE(world_.has_event("FailedCreate", "Error creating: no quota"));
  world_.advance(1s);
  // Back-off and slow start together: a handful of attempts, not hundreds.
  EXPECT_LT(world_.picky().creations, 40);

  world_.picky().refuse = nullptr;
  world_.advance(5min);
  EXPECT_EQ(world_.active_pods("default").size(), 100u);
  EXPECT_EQ(find_condition(world_.get<kube::ReplicaSet>("default", "web")->status.conditions,
                           "ReplicaFailure"),
            nullptr);
}

struct PodShape {
  std::string name;
  std::string node = "n";
  std::string_view phase = kube::kPodRunning;
  WallTime ready_since{Duration{0}};  // Not ready when unset.
  std::string cost = {};
  std::int32_t restarts = 0;
  WallTime created = WallTime(1000s);
};

std::shared_ptr<const kube::Pod> make_pod(const PodShape& shape) {
  kube::Pod pod;
  pod.metadata.name = pod.metadata.uid = shape.name;
  pod.metadata.creation_timestamp = shape.created;
  if (!shape.cost.empty()) {
    pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = shape.cost;
  }
  pod.spec.node_name = shape.node;
  pod.status.phase = shape.phase;
  if (is_set(shape.ready_since)) {
    kube::PodCondition ready;
    ready.type = kube::kReady;
    ready.status = kube::kTrue;
    ready.last_transition_time = shape.ready_since;
    pod.status.conditions.push_back(ready);
  }
  pod.status.container_statuses.emplace_back().restart_count = shape.restarts;
  return std::make_shared<const kube::Pod>(std::move(pod));
}

std::vector<std::string> order(const std::vector<PodShape>& shapes) {
  PodList pods;
  for (const PodShape& shape : shapes) pods.push_back(make_pod(shape));
  std::vector<std::string> names;
  for (const auto& pod : in_deletion_order(pods, pods, 0, WallTime(100'000s))) {
    names.push_back(pod->metadata.name);
  }
  return names;
}

TEST(PodRankingTest, EachRuleDecidesAfterTheOnesBeforeIt) {
  const WallTime since(2000s);
  EXPECT_THAT(order({{.name = "ready", .ready_since = since},
                     {.name = "costly", .ready_since = since, .cost = "10"},
                     {.name = "cheap", .ready_since = since, .cost = "-5"},
                     {.name = "running"},
                     {.name = "pending", .phase = kube::kPodPending},
                     {.name = "unassigned", .node = "", .phase = kube::kPodPending}}),
              ElementsAre("unassigned", "pending", "running", "cheap", "ready", "costly"));
}

TEST(PodRankingTest, CrowdedNodesThenYoungReadinessThenRestartsThenYouth) {
  const WallTime since(2000s), late(99'990s);
  EXPECT_THAT(order({{.name = "alone", .node = "b", .ready_since = since},
                     {.name = "a-old", .node = "a", .ready_since = since},
                     {.name = "a-new", .node = "a", .ready_since = late}}),
              ElementsAre("a-new", "a-old", "alone"));
  EXPECT_THAT(order({{.name = "calm", .ready_since = since},
                     {.name = "crashing", .ready_since = since, .restarts = 4}}),
              ElementsAre("crashing", "calm"));
  EXPECT_THAT(order({{.name = "elder", .ready_since = since},
                     {.name = "newer", .ready_since = since, .created = WallTime(99'000s)}}),
              ElementsAre("newer", "elder"));
}

}  // namespace
}  // namespace minato::controllers
