#include <gtest/gtest.h>

#include "controllers/common/conditions.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

class DisruptionTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_node("n1");
    world_.start();
    world_.create(deployment("web", 4));
    world_.advance(30s);
  }
  void budget(std::optional<kube::IntOrString> least, std::optional<kube::IntOrString> most) {
    kube::PodDisruptionBudget out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "pdb";
    out.spec.min_available = std::move(least);
    out.spec.max_unavailable = std::move(most);
    out.spec.selector.ensure().match_labels["app"] = "web";
    world_.create(std::move(out));
    world_.time.settle();
  }
  kube::PodDisruptionBudgetStatus status() {
    return world_.get<kube::PodDisruptionBudget>("default", "pdb")->status;
  }
  std::string reason() {
    const auto now = status();
    const auto* allowed = find_condition(now.conditions, "DisruptionAllowed");
    return allowed == nullptr ? "" : allowed->reason;
  }
  TestWorld world_;
};

TEST_F(DisruptionTest, CountsHealthyAgainstMinAvailable) {
  budget(3, std::nullopt);
  EXPECT_EQ(status().expected_pods, 4);
  EXPECT_EQ(status().current_healthy, 4);
  EXPECT_EQ(status().desired_healthy, 3);
  EXPECT_EQ(status().disruptions_allowed, 1);
  EXPECT_EQ(reason(), "SufficientPods");
  EXPECT_EQ(status().observed_generation, 1);
}

TEST_F(DisruptionTest, PercentagesAreOfTheDeploymentsScale) {
  budget(std::nullopt, std::string("30%"));
  EXPECT_EQ(status().desired_healthy, 2);  // 30 % of 4, rounded up, may be missing.
  world_.edit<kube::Deployment>("default", "web", [](auto& each) { each.spec.replicas = 10; });
  world_.time.settle();
  EXPECT_EQ(status().expected_pods, 10);
  EXPECT_EQ(status().desired_healthy, 7);
  EXPECT_EQ(status().disruptions_allowed, 0);
  EXPECT_EQ(reason(), "InsufficientPods");
}

TEST_F(DisruptionTest, EvictionsUseUpTheBudgetUntilReplacementsAreReady) {
  budget(3, std::nullopt);
  const auto pods = world_.active_pods("default");
  ASSERT_TRUE(world_.client().evict(pods[0]->key()));
  EXPECT_EQ(world_.client().evict(pods[1]->key()).error().reason, Reason::kTooManyRequests);
  world_.time.settle();
  EXPECT_EQ(status().disruptions_allowed, 0);
  world_.advance(30s);
  EXPECT_EQ(status().current_healthy, 4);
  EXPECT_EQ(status().disruptions_allowed, 1);
  EXPECT_TRUE(status().disrupted_pods.empty());
  EXPECT_TRUE(world_.client().evict(pods[1]->key()));
}

TEST_F(DisruptionTest, ADisruptedPodThatStaysIsForgottenAfterTwoMinutes) {
  budget(3, std::nullopt);
  kube::PodDisruptionBudget noted = *world_.get<kube::PodDisruptionBudget>("default", "pdb");
  noted.status.disrupted_pods[world_.active_pods("default").front()->metadata.name] =
      api_now(world_.time);
  ASSERT_TRUE(kube::update(world_.client(), std::move(noted), kube::Subresource::kStatus));
  world_.advance(100s);
  EXPECT_EQ(status().current_healthy, 3);
  EXPECT_EQ(status().disruptions_allowed, 0);
  world_.advance(30s);
  EXPECT_TRUE(status().disrupted_pods.empty());
  EXPECT_EQ(status().disruptions_allowed, 1);
  EXPECT_TRUE(world_.has_event("NotDeleted"));
}

TEST_F(DisruptionTest, WithoutAScaleNothingMayBeDisrupted) {
  kube::DaemonSet agents;
  agents.metadata.namespace_ = "default";
  agents.metadata.name = "agent";
  agents.spec.selector.ensure().match_labels["app"] = "web";
  agents.spec.selector->match_labels["kind"] = "agent";
  agents.spec.template_ = pod_template("web", "v1");
  agents.spec.template_.metadata.labels["kind"] = "agent";
  world_.create(std::move(agents));
  world_.advance(10s);
  budget(std::nullopt, 1);
  EXPECT_EQ(status().disruptions_allowed, 0);
  EXPECT_EQ(reason(), "SyncFailed");
  EXPECT_TRUE(world_.has_event("CalculateExpectedPodCountFailed"));
}

}  // namespace
}  // namespace minato::controllers
