// Deletion, eviction and binding.
#include "registry/fixture.h"

namespace minato::registry {
namespace {

using kube::ObjectKey;
using kube::Pod;
using kube::Propagation;
using kube::Subresource;

const ObjectKey kWeb{"default", "web"};

class RemoveTest : public RegistryFixture {
 protected:
  Status remove_pod(const kube::RemoveOptions& options = {}) {
    return client_.remove(Pod::static_kind(), kWeb, options);
  }
};

TEST_F(RemoveTest, AnUnscheduledPodGoesAtOnce) {
  must_create(make_pod("web"));
  ASSERT_TRUE(remove_pod());
  EXPECT_FALSE(read<Pod>("web"));
  EXPECT_TRUE(failed_with(remove_pod(), Reason::kNotFound));
}

TEST_F(RemoveTest, AFinishedPodGoesAtOnce) {
  Pod pod = *run_pod("web");
  pod.status.phase = kube::kPodSucceeded;
  must_update(std::move(pod), Subresource::kStatus);
  ASSERT_TRUE(remove_pod());
  EXPECT_FALSE(read<Pod>("web"));
}

TEST_F(RemoveTest, ARunningPodGetsItsGracePeriod) {
  run_pod("web");
  ASSERT_TRUE(remove_pod());
  const auto pod = read<Pod>("web");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->metadata.deletion_grace_period_seconds, 30);
  EXPECT_EQ(WallTime(pod->metadata.deletion_timestamp), time_.wall() + 30s);
}

TEST_F(RemoveTest, ASecondRemovalMayOnlyShortenTheGrace) {
  run_pod("web");
  ASSERT_TRUE(remove_pod({.grace_period_seconds = 20}));
  const auto version = read<Pod>("web")->metadata.resource_version;
  ASSERT_TRUE(remove_pod());
  ASSERT_TRUE(remove_pod({.grace_period_seconds = 25}));
  EXPECT_EQ(read<Pod>("web")->metadata.resource_version, version);
  time_.advance(3s);
  ASSERT_TRUE(remove_pod({.grace_period_seconds = 5}));
  EXPECT_EQ(WallTime(read<Pod>("web")->metadata.deletion_timestamp), time_.wall() + 2s);
  ASSERT_TRUE(remove_pod({.grace_period_seconds = 0}));
  EXPECT_FALSE(read<Pod>("web"));
}

TEST_F(RemoveTest, PreconditionsMustHold) {
  const auto pod = must_create(make_pod("web"));
  EXPECT_TRUE(failed_with(remove_pod({.precondition_uid = "other"}), Reason::kConflict));
  EXPECT_TRUE(failed_with(remove_pod({.precondition_resource_version = "1"}), Reason::kConflict));
  EXPECT_TRUE(remove_pod({.precondition_uid = pod->metadata.uid,
                          .precondition_resource_version = pod->metadata.resource_version}));
}

TEST_F(RemoveTest, FinalizersHoldAnObjectUntilTheLastIsTakenOff) {
  kube::Deployment wanted = make_deployment("web");
  wanted.metadata.finalizers = {"example.com/hold"};
  must_create(wanted);
  ASSERT_TRUE(client_.remove(kube::Deployment::static_kind(), kWeb));
  kube::Deployment held = *read<kube::Deployment>("web");
  EXPECT_TRUE(is_set(held.metadata.deletion_timestamp));
  EXPECT_EQ(held.metadata.deletion_grace_period_seconds, 0);
  EXPECT_EQ(held.metadata.generation, 2);
  kube::Deployment more = held;
  more.metadata.finalizers.push_back("example.com/late");
  EXPECT_TRUE(failed_with(kube::update(client_, more), Reason::kInvalid));
  held.metadata.finalizers.clear();
  must_update(held);
  EXPECT_FALSE(read<kube::Deployment>("web"));
}

TEST_F(RemoveTest, AGracefulPodWithFinalizersWaitsForBoth) {
  Pod pod = *run_pod("web");
  pod.metadata.finalizers = {"example.com/hold"};
  must_update(std::move(pod));
  ASSERT_TRUE(remove_pod());
  pod = *read<Pod>("web");
  pod.metadata.finalizers.clear();
  must_update(pod);
  ASSERT_TRUE(read<Pod>("web"));  // The kubelet has not finished yet.
  ASSERT_TRUE(remove_pod({.grace_period_seconds = 0}));
  EXPECT_FALSE(read<Pod>("web"));
}

TEST_F(RemoveTest, PropagationLeavesWordForTheGarbageCollector) {
  for (const auto& [propagation, finalizer] :
       {std::pair{Propagation::kForeground, "foregroundDeletion"},
        std::pair{Propagation::kOrphan, "orphan"}}) {
    must_create(make_deployment("web"));
    ASSERT_TRUE(
        client_.remove(kube::Deployment::static_kind(), kWeb, {.propagation = propagation}));
    kube::Deployment held = *read<kube::Deployment>("web");
    EXPECT_EQ(held.metadata.finalizers, std::vector<std::string>{finalizer});
    held.metadata.finalizers.clear();
    must_update(held);
    EXPECT_FALSE(read<kube::Deployment>("web"));
  }
  must_create(make_deployment("web"));
  ASSERT_TRUE(client_.remove(kube::Deployment::static_kind(), kWeb,
                             {.propagation = Propagation::kBackground}));
  EXPECT_FALSE(read<kube::Deployment>("web"));
}

TEST_F(RemoveTest, ANamespaceTerminatesUntilItIsFinalized) {
  kube::Namespace shop;
  shop.metadata.name = "shop";
  must_create(shop);
  ASSERT_TRUE(client_.remove(kube::Namespace::static_kind(), {"", "shop"}));
  kube::Namespace found = *read<kube::Namespace>("shop");
  EXPECT_EQ(found.status.phase, "Terminating");
  found.spec.finalizers.clear();
  must_update(found);  // Not through the object itself.
  EXPECT_EQ(read<kube::Namespace>("shop")->spec.finalizers.size(), 1U);
  found = *read<kube::Namespace>("shop");
  found.spec.finalizers.clear();
  must_update(found, Subresource::kFinalize);
  EXPECT_FALSE(read<kube::Namespace>("shop"));
  EXPECT_TRUE(failed_with(client_.remove(kube::Namespace::static_kind(), {"", "default"}),
                          Reason::kForbidden));
}

TEST_F(RemoveTest, BindingPlacesAPodOnce) {
  const auto pod = must_create(make_pod("web"));
  EXPECT_TRUE(failed_with(client_.bind(kWeb, "other", "node-a"), Reason::kConflict));
  ASSERT_TRUE(client_.bind(kWeb, pod->metadata.uid, "node-a"));
  const auto bound = read<Pod>("web");
  EXPECT_EQ(bound->spec.node_name, "node-a");
  ASSERT_EQ(bound->status.conditions.size(), 1U);
  EXPECT_EQ(bound->status.conditions[0].type, "PodScheduled");
  EXPECT_EQ(bound->status.conditions[0].status, "True");
  const auto again = client_.bind(kWeb, "", "node-b");
  EXPECT_EQ(again.error().message,
            "Operation cannot be fulfilled on pods/binding \"web\": pod web is already assigned "
            "to node \"node-a\"");
  ASSERT_TRUE(remove_pod());
  EXPECT_TRUE(failed_with(client_.bind(kWeb, "", "node-b"), Reason::kConflict));
}

class EvictTest : public RegistryFixture {
 protected:
  // As the disruption controller would leave it.
  void make_budget(std::int32_t allowed, std::int32_t desired, std::int32_t healthy,
                   std::optional<std::string> unhealthy = std::nullopt) {
    kube::PodDisruptionBudget budget;
    budget.metadata = {"web", "default"};
    budget.spec.selector.emplace().match_labels["app"] = "web";
    budget.spec.min_available = desired;
    budget.spec.unhealthy_pod_eviction_policy = std::move(unhealthy);
    kube::PodDisruptionBudget made = *must_create(budget);
    made.status.observed_generation = made.metadata.generation;
    made.status.disruptions_allowed = allowed;
    made.status.desired_healthy = desired;
    made.status.current_healthy = healthy;
    must_update(made, Subresource::kStatus);
  }
  void make_unready(const std::string& name) {
    Pod pod = *read<Pod>(name);
    for (auto& condition : pod.status.conditions) {
      if (condition.type == "Ready") condition.status = "False";
    }
    must_update(pod, Subresource::kStatus);
  }
  bool is_terminating(const std::string& name) {
    const auto pod = read<Pod>(name);
    return !pod || is_set(pod->metadata.deletion_timestamp);
  }
};

TEST_F(EvictTest, WithoutABudgetItIsARemovalThatSaysWhy) {
  run_pod("a");
  ASSERT_TRUE(client_.evict({"default", "a"}));
  const auto pod = read<Pod>("a");
  EXPECT_TRUE(is_set(pod->metadata.deletion_timestamp));
  const auto& condition = pod->status.conditions.back();
  EXPECT_EQ(condition.type, "DisruptionTarget");
  EXPECT_EQ(condition.reason, "EvictionByEvictionAPI");
}

TEST_F(EvictTest, TheBudgetIsSpentAndThenRefuses) {
  run_pod("a");
  run_pod("b");
  make_budget(1, 1, 2);
  ASSERT_TRUE(client_.evict({"default", "a"}));
  auto budget = read<kube::PodDisruptionBudget>("web");
  EXPECT_EQ(budget->status.disruptions_allowed, 0);
  EXPECT_TRUE(budget->status.disrupted_pods.contains("a"));
  EXPECT_EQ(budget->status.conditions.at(0).status, "False");
  const auto refused = client_.evict({"default", "b"});
  EXPECT_EQ(refused.error().reason, Reason::kTooManyRequests);
  EXPECT_EQ(refused.error().message,
            "Cannot evict pod as it would violate the pod's disruption budget. The disruption "
            "budget web needs 1 healthy pods and has 2 currently");
  EXPECT_FALSE(is_terminating("b"));
  // One that is leaving already costs nothing.
  EXPECT_TRUE(client_.evict({"default", "a"}));
}

TEST_F(EvictTest, ABudgetThatIsBehindRefuses) {
  run_pod("a");
  make_budget(1, 1, 2);
  kube::PodDisruptionBudget budget = *read<kube::PodDisruptionBudget>("web");
  budget.spec.min_available = 2;
  must_update(budget);
  EXPECT_TRUE(failed_with(client_.evict({"default", "a"}), Reason::kTooManyRequests));
}

TEST_F(EvictTest, UnreadyPodsGoWhileEnoughOthersAreHealthy) {
  run_pod("a");
  make_unready("a");
  make_budget(0, 2, 2);
  EXPECT_TRUE(client_.evict({"default", "a"}));
  EXPECT_EQ(read<kube::PodDisruptionBudget>("web")->status.disrupted_pods.size(), 0U);
}

TEST_F(EvictTest, UnreadyPodsStayWhenTooFewAreHealthy) {
  run_pod("a");
  make_unready("a");
  make_budget(0, 2, 1);
  EXPECT_TRUE(failed_with(client_.evict({"default", "a"}), Reason::kTooManyRequests));
}

TEST_F(EvictTest, AlwaysAllowLetsUnreadyPodsGo) {
  run_pod("a");
  make_unready("a");
  make_budget(0, 2, 1, "AlwaysAllow");
  EXPECT_TRUE(client_.evict({"default", "a"}));
}

TEST_F(EvictTest, PendingPodsNeedNoBudget) {
  must_create(make_pod("a"));
  make_budget(0, 1, 0);
  ASSERT_TRUE(client_.evict({"default", "a"}));
  EXPECT_FALSE(read<Pod>("a"));
}

TEST_F(EvictTest, TwoBudgetsForOnePodAreAnError) {
  run_pod("a");
  make_budget(1, 1, 2);
  kube::PodDisruptionBudget other = *read<kube::PodDisruptionBudget>("web");
  other.metadata = {"other", "default"};
  must_create(other);
  EXPECT_TRUE(failed_with(client_.evict({"default", "a"}), Reason::kInternalError));
}

TEST_F(EvictTest, AFailedPreconditionCostsNothing) {
  run_pod("a");
  make_budget(1, 1, 2);
  EXPECT_TRUE(failed_with(client_.evict({"default", "a"}, {.precondition_uid = "x"}),
                          Reason::kConflict));
  EXPECT_EQ(read<kube::PodDisruptionBudget>("web")->status.disruptions_allowed, 1);
}

}  // namespace
}  // namespace minato::registry
