#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "controllers/nodelifecycle/node_taints.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

class NodeLifecycleTest : public testing::Test {
 protected:
  // Three nodes each in zones a and b; Pods that tolerate a dead node for 30 s.
  void start(ControllerSet::Options options = {}) {
    world_ = std::make_unique<TestWorld>(1, std::move(options));
    for (const char* zone : {"a", "b"}) {
      for (const char* number : {"1", "2", "3"}) {
        world_->add_node(std::string(zone) + number, zone);
      }
    }
    world_->start();
    kube::Deployment wanted = deployment("web", 6);
    for (const std::string_view key : {kube::kTaintNotReady, kube::kTaintUnreachable}) {
      kube::Toleration short_while = tolerate(key, kube::kNoExecute);
      short_while.toleration_seconds = 30;
      wanted.spec.template_.spec.tolerations.push_back(short_while);
    }
    world_->create(std::move(wanted));
    world_->advance(30s);
  }
  Readiness state(const std::string& node) { return readiness(*world_->get<kube::Node>("", node)); }
  bool tainted(const std::string& node, std::string_view effect) {
    return has_taint(world_->get<kube::Node>("", node)->spec.taints, kube::kTaintUnreachable,
                     effect);
  }
  std::ptrdiff_t tainted_count() {
    return std::ranges::count_if(world_->all<kube::Node>(),
                                 [](const auto& node) { return has_lifecycle_no_execute(*node); });
  }
  std::ptrdiff_t ready_pods() {
    return std::ranges::count_if(world_->active_pods("default"),
                                 [](const auto& pod) { return is_pod_ready(*pod); });
  }
  std::unique_ptr<TestWorld> world_;
};

TEST_F(NodeLifecycleTest, ADeadNodeIsFoundTaintedAndItsPodsReplacedInTime) {
  start();
  ASSERT_EQ(ready_pods(), 6);
  world_->kill_node("a1");
  world_->advance(35s);
  EXPECT_EQ(state("a1"), Readiness::kReady);  // Within the grace period.
  world_->advance(20s);
  EXPECT_EQ(state("a1"), Readiness::kUnknown);
  EXPECT_TRUE(tainted("a1", kube::kNoSchedule));
  EXPECT_TRUE(tainted("a1", kube::kNoExecute));
  EXPECT_EQ(ready_pods(), 5);  // Marked not ready at once, so that endpoints drop it.
  EXPECT_TRUE(world_->has_event("NodeNotReady"));
  world_->advance(45s);
  EXPECT_EQ(ready_pods(), 6);
  const auto pods = world_->all<kube::Pod>();
  const auto evicted =
      std::ranges::find_if(pods, [](const auto& pod) { return pod->spec.node_name == "a1"; });
  ASSERT_NE(evicted, pods.end());  // No kubelet to end it.
  const auto* why = find_condition((*evicted)->status.conditions, kube::kDisruptionTarget);
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->reason, "DeletionByTaintManager");
  EXPECT_TRUE(world_->has_event("TaintManagerEviction"));
}

TEST_F(NodeLifecycleTest, ANodeThatComesBackInTimeKeepsItsPods) {
  start();
  world_->kill_node("a1");
  world_->advance(60s);
  ASSERT_TRUE(tainted("a1", kube::kNoExecute));
  world_->revive_node("a1");
  world_->advance(60s);
  EXPECT_FALSE(tainted("a1", kube::kNoExecute));
  EXPECT_FALSE(tainted("a1", kube::kNoSchedule));
  EXPECT_EQ(ready_pods(), 6);
  EXPECT_TRUE(world_->has_event("TaintManagerEviction", "Cancelling deletion"));
  const auto pods = world_->active_pods("default");
  EXPECT_TRUE(
      std::ranges::any_of(pods, [](const auto& pod) { return pod->spec.node_name == "a1"; }));
}

TEST_F(NodeLifecycleTest, ConditionsAndCordonBecomeNoScheduleTaints) {
  start();
  kube::Node pressed = *world_->get<kube::Node>("", "a1");
  pressed.status.conditions.push_back({.type = "MemoryPressure", .status = "True"});
  ASSERT_TRUE(kube::update(world_->client(), std::move(pressed), kube::Subresource::kStatus));
  world_->edit<kube::Node>("", "a2", [](auto& node) { node.spec.unschedulable = true; });
  world_->time.settle();
  EXPECT_TRUE(has_taint(world_->get<kube::Node>("", "a1")->spec.taints, kube::kTaintMemoryPressure,
                        kube::kNoSchedule));
  EXPECT_TRUE(has_taint(world_->get<kube::Node>("", "a2")->spec.taints, kube::kTaintUnschedulable,
                        kube::kNoSchedule));
  world_->edit<kube::Node>("", "a2", [](auto& node) { node.spec.unschedulable = false; });
  world_->time.settle();
  EXPECT_TRUE(world_->get<kube::Node>("", "a2")->spec.taints.empty());
}

TEST_F(NodeLifecycleTest, AKubeletThatSaysNotReadySwapsTheTaint) {
  start();
  world_->kill_node("a1");
  world_->advance(55s);
  ASSERT_TRUE(tainted("a1", kube::kNoExecute));
  kube::Node talking = *world_->get<kube::Node>("", "a1");
  auto* ready = find_condition(talking.status.conditions, kube::kReady);
  ready->status = kube::kFalse;
  ready->last_heartbeat_time = api_now(world_->time);
  ASSERT_TRUE(kube::update(world_->client(), std::move(talking), kube::Subresource::kStatus));
  world_->advance(6s);
  const auto taints = world_->get<kube::Node>("", "a1")->spec.taints;
  EXPECT_TRUE(has_taint(taints, kube::kTaintNotReady, kube::kNoExecute));
  EXPECT_TRUE(has_taint(taints, kube::kTaintNotReady, kube::kNoSchedule));
  EXPECT_FALSE(tainted("a1", kube::kNoExecute));
}

TEST_F(NodeLifecycleTest, AWholeZoneDownIsEvictedOneNodeAtATime) {
  start();
  for (const char* name : {"a1", "a2", "a3"}) world_->kill_node(name);
  world_->advance(52s);
  EXPECT_EQ(tainted_count(), 1);
  world_->advance(10s);
  EXPECT_EQ(tainted_count(), 2);
  world_->advance(70s);
  EXPECT_EQ(tainted_count(), 3);
  EXPECT_EQ(ready_pods(), 6);
  for (const auto& pod : world_->active_pods("default")) {
    EXPECT_TRUE(pod->spec.node_name.starts_with("b"));
  }
}

TEST_F(NodeLifecycleTest, WhenEveryZoneIsDownNothingIsEvictedAndOnReturnGraceBeginsAnew) {
  start();
  const std::vector<std::string> nodes{"a1", "a2", "a3", "b1", "b2", "b3"};
  for (const std::string& name : nodes) world_->kill_node(name);
  world_->advance(10min);
  EXPECT_EQ(tainted_count(), 0);
  EXPECT_EQ(world_->active_pods("default").size(), 6u);
  world_->revive_node("a1");
  world_->advance(30s);
  for (const std::string& name : nodes) world_->revive_node(name);
  world_->advance(60s);
  EXPECT_EQ(tainted_count(), 0);
  EXPECT_EQ(ready_pods(), 6);
}

TEST_F(NodeLifecycleTest, ARestartOfTheControlPlaneGivesLeasesAGrace) {
  start();
  world_->kill_node("a1");
  world_->advance(30s);
  world_->restart_controllers();
  world_->advance(35s);
  EXPECT_EQ(state("a1"), Readiness::kReady);
  world_->advance(15s);
  EXPECT_EQ(state("a1"), Readiness::kUnknown);
}

TEST_F(NodeLifecycleTest, AJumpOfTheWallClockKillsNoNode) {
  start();
  world_->time.jump_wall(1h);
  world_->advance(2min);
  world_->time.jump_wall(-2h);
  world_->advance(2min);
  EXPECT_EQ(tainted_count(), 0);
  for (const auto& node : world_->all<kube::Node>()) EXPECT_EQ(readiness(*node), Readiness::kReady);
}

TEST_F(NodeLifecycleTest, ANodeThatNeverReportsIsUnknownAfterTheStartupGrace) {
  start();
  kube::Node silent;
  silent.metadata.name = "silent";
  world_->create(std::move(silent));
  world_->kill_node("silent");
  world_->advance(50s);
  EXPECT_TRUE(world_->get<kube::Node>("", "silent")->status.conditions.empty());
  world_->advance(20s);
  const auto node = world_->get<kube::Node>("", "silent");
  const auto* ready = find_condition(node->status.conditions, kube::kReady);
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "NodeStatusNeverUpdated");
}

TEST_F(NodeLifecycleTest, ANodeWhoseInstanceIsGoneIsDeletedAndItsPodsCollected) {
  std::set<std::string> gone;
  ControllerSet::Options options;
  options.cloud_node.instance_exists = [&](const std::string& id) -> Result<bool> {
    return !gone.contains(id);
  };
  start(std::move(options));
  world_->kill_node("a1");
  gone.insert("aws:///a/i-a1");
  world_->controllers().instance_gone("aws:///a/i-a1");
  world_->time.settle();
  EXPECT_EQ(world_->get<kube::Node>("", "a1"), nullptr);
  EXPECT_TRUE(world_->has_event("DeletingNode"));
  world_->advance(75s);
  for (const auto& pod : world_->all<kube::Pod>()) EXPECT_NE(pod->spec.node_name, "a1");
  EXPECT_EQ(ready_pods(), 6);
}

TEST_F(NodeLifecycleTest, ASilentNodeIsAskedAboutOnceItIsNotReady) {
  std::set<std::string> gone;
  ControllerSet::Options options;
  options.cloud_node.instance_exists = [&](const std::string& id) -> Result<bool> {
    return !gone.contains(id);
  };
  start(std::move(options));
  world_->kill_node("b2");
  gone.insert("aws:///b/i-b2");
  world_->advance(60s);
  EXPECT_EQ(world_->get<kube::Node>("", "b2"), nullptr);
}

}  // namespace
}  // namespace minato::controllers
