#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "controllers/daemonset/daemon_pods.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

kube::DaemonSet daemon_set(const std::string& image = "v1") {
  kube::DaemonSet out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "agent";
  out.spec.selector.ensure().match_labels["app"] = "agent";
  out.spec.template_ = pod_template("agent", image);
  return out;
}

class DaemonSetTest : public testing::Test {
 protected:
  void start(int nodes) {
    for (int i = 0; i < nodes; ++i) world_.add_node("n" + std::to_string(i));
    world_.start();
  }
  void set_image(const std::string& image) {
    world_.edit<kube::DaemonSet>("default", "agent", [&](auto& each) {
      each.spec.template_.spec.containers.front().image = image;
    });
  }
  std::multiset<std::string> nodes_with_pods() {
    std::multiset<std::string> out;
    for (const auto& pod : world_.active_pods("default")) out.insert(target_node(*pod));
    return out;
  }
  auto status() { return world_.get<kube::DaemonSet>("default", "agent")->status; }
  TestWorld world_;
};

TEST_F(DaemonSetTest, OnePodOnEveryNodeAlsoOnLaterOnes) {
  start(2);
  world_.create(daemon_set());
  world_.advance(20s);
  EXPECT_EQ(nodes_with_pods(), (std::multiset<std::string>{"n0", "n1"}));
  world_.add_node("late");
  world_.advance(20s);
  EXPECT_EQ(nodes_with_pods(), (std::multiset<std::string>{"late", "n0", "n1"}));
  EXPECT_EQ(status().desired_number_scheduled, 3);
  EXPECT_EQ(status().current_number_scheduled, 3);
  EXPECT_EQ(status().number_available, 3);
  EXPECT_EQ(status().updated_number_scheduled, 3);
  EXPECT_EQ(status().number_unavailable, 0);
}

TEST_F(DaemonSetTest, StaysOnACordonedNodeButNotOnATaintedOne) {
  start(3);
  world_.create(daemon_set());
  world_.advance(20s);
  world_.edit<kube::Node>("", "n0", [](auto& node) { node.spec.unschedulable = true; });
  world_.edit<kube::Node>("", "n1", [](auto& node) {
    node.spec.taints.push_back({.key = "dedicated", .effect = "NoExecute"});
  });
  world_.edit<kube::Node>("", "n2", [](auto& node) {
    node.spec.taints.push_back({.key = "dedicated", .effect = "NoSchedule"});
  });
  world_.advance(20s);
  EXPECT_EQ(nodes_with_pods(), (std::multiset<std::string>{"n0", "n2"}));
  // The NoSchedule node keeps its Pod, but none is wanted there any more.
  EXPECT_EQ(status().desired_number_scheduled, 1);
  EXPECT_EQ(status().number_misscheduled, 1);
}

TEST_F(DaemonSetTest, FollowsNodeSelectorAndNamesItsNodeByAffinity) {
  start(2);
  world_.edit<kube::Node>("", "n1", [](auto& node) { node.metadata.labels["disk"] = "ssd"; });
  kube::DaemonSet wanted = daemon_set();
  wanted.spec.template_.spec.node_selector["disk"] = "ssd";
  world_.create(std::move(wanted));
  world_.advance(20s);
  EXPECT_EQ(nodes_with_pods(), (std::multiset<std::string>{"n1"}));
  const auto pod = world_.active_pods("default").front();
  EXPECT_TRUE(tolerated(pod->spec.tolerations, {.key = std::string(kube::kTaintUnreachable),
                                                .effect = std::string(kube::kNoExecute)}));
  const auto& term =
      pod->spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution
          ->node_selector_terms.front();
  EXPECT_EQ(term.match_fields.front().values, std::vector<std::string>{"n1"});
}

TEST_F(DaemonSetTest, RollsWithinMaxUnavailable) {
  start(6);
  kube::DaemonSet wanted = daemon_set();
  wanted.spec.update_strategy.type = "RollingUpdate";
  wanted.spec.update_strategy.rolling_update.ensure().max_unavailable = 2;
  world_.create(std::move(wanted));
  world_.advance(30s);
  auto& pods = world_.informers().of<kube::Pod>();
  std::ptrdiff_t least = 6;
  pods.on_change([&](const informer::Delta<kube::Pod>&) {
    least = std::min(least, std::ranges::count_if(pods.all(), [](const auto& each) {
                       return is_pod_active(*each.second) && is_pod_ready(*each.second);
                     }));
  });
  set_image("v2");
  world_.advance(3min);
  EXPECT_GE(least, 4);
  EXPECT_EQ(status().updated_number_scheduled, 6);
  EXPECT_EQ(status().number_available, 6);
}

TEST_F(DaemonSetTest, ABadImageStopsTheRolloutAndAGoodOneGoesOn) {
  start(4);
  kube::DaemonSet wanted = daemon_set();
  wanted.spec.update_strategy.type = "RollingUpdate";
  world_.create(std::move(wanted));
  world_.advance(30s);
  set_image("bad");
  world_.advance(3min);
  EXPECT_EQ(status().updated_number_scheduled, 1);
  EXPECT_EQ(status().number_available, 3);
  set_image("v3");
  world_.advance(3min);
  EXPECT_EQ(status().number_available, 4);
}

TEST_F(DaemonSetTest, WithASurgeNoNodeIsEverWithoutAReadyPod) {
  start(4);
  kube::DaemonSet wanted = daemon_set();
  wanted.spec.update_strategy.type = "RollingUpdate";
  auto& rolling = wanted.spec.update_strategy.rolling_update.ensure();
  rolling.max_surge = 1;
  rolling.max_unavailable = 0;
  world_.create(std::move(wanted));
  world_.advance(30s);
  auto& pods = world_.informers().of<kube::Pod>();
  std::size_t least = 4;
  pods.on_change([&](const informer::Delta<kube::Pod>&) {
    std::set<std::string> served;
    for (const auto& [key, pod] : pods.all()) {
      if (is_pod_active(*pod) && is_pod_ready(*pod)) served.insert(pod->spec.node_name);
    }
    least = std::min(least, served.size());
  });
  set_image("v2");
  world_.advance(3min);
  EXPECT_EQ(least, 4u);
  EXPECT_EQ(status().updated_number_scheduled, 4);
  EXPECT_EQ(world_.active_pods("default").size(), 4u);
}

TEST_F(DaemonSetTest, OnDeleteReplacesOnlyWhatIsDeleted) {
  start(2);
  kube::DaemonSet wanted = daemon_set();
  wanted.spec.update_strategy.type = "OnDelete";
  world_.create(std::move(wanted));
  world_.advance(20s);
  set_image("v2");
  world_.advance(60s);
  EXPECT_EQ(status().updated_number_scheduled, 0);
  const auto pod = world_.active_pods("default").front();
  ASSERT_TRUE(world_.client().remove(kube::Pod::static_kind(), pod->key()));
  world_.advance(30s);
  EXPECT_EQ(status().updated_number_scheduled, 1);
}

TEST_F(DaemonSetTest, FailedPodsAreReplacedWithBackOff) {
  start(1);
  world_.create(daemon_set());
  world_.is_broken = [](const kube::Pod&) { return true; };
  int created = 0;
  world_.informers().of<kube::Pod>().on_change([&](const informer::Delta<kube::Pod>& delta) {
    if (delta.change == informer::Change::kAdded) ++created;
  });
  for (int second = 0; second < 120; ++second) {
    for (const auto& pod : world_.active_pods("default")) {
      if (pod->spec.node_name.empty()) continue;
      kube::Pod failed = *pod;
      failed.status.phase = kube::kPodFailed;
      ASSERT_TRUE(kube::update(world_.client(), std::move(failed), kube::Subresource::kStatus));
    }
    world_.advance(1s);
  }
  EXPECT_GE(created, 4);
  EXPECT_LE(created, 10);
  EXPECT_TRUE(world_.has_event("FailedDaemonPod"));
}

}  // namespace
}  // namespace minato::controllers
