#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/common/pods.h"
#include "controllers/deployment/revisions.h"
#include "controllers/deployment/rollback.h"
#include "controllers/deployment/rollout_status.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

class DeploymentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"n1", "n2", "n3"}) world_.add_node(name);
    world_.start();
  }
  void set_image(const std::string& image) {
    world_.edit<kube::Deployment>("default", "web", [&](auto& each) {
      each.spec.template_.spec.containers.front().image = image;
    });
  }
  auto web() { return world_.get<kube::Deployment>("default", "web"); }
  std::string reason_of(std::string_view condition) {
    const auto present = web();
    const auto* found = find_condition(present->status.conditions, condition);
    return found == nullptr ? "" : found->status + " " + found->reason;
  }
  std::multiset<std::string> images() {
    std::multiset<std::string> out;
    for (const auto& pod : world_.active_pods("default")) {
      out.insert(pod->spec.containers.front().image);
    }
    return out;
  }
  TestWorld world_;
};

TEST_F(DeploymentTest, RollsOutFromNothing) {
  world_.create(deployment("web", 3));
  world_.advance(30s);
  const auto status = web()->status;
  EXPECT_EQ(status.replicas, 3);
  EXPECT_EQ(status.updated_replicas, 3);
  EXPECT_EQ(status.available_replicas, 3);
  EXPECT_EQ(status.unavailable_replicas, 0);
  EXPECT_EQ(reason_of("Available"), "True MinimumReplicasAvailable");
  EXPECT_EQ(reason_of("Progressing"), "True NewReplicaSetAvailable");
  EXPECT_EQ(web()->metadata.annotations.at("deployment.kubernetes.io/revision"), "1");
  const auto sets = world_.all<kube::ReplicaSet>();
  ASSERT_EQ(sets.size(), 1u);
  const std::string hash = sets.front()->metadata.labels.at("pod-template-hash");
  EXPECT_EQ(sets.front()->metadata.name, "web-" + hash);
  EXPECT_TRUE(
      world_.has_event("ScalingReplicaSet", "Scaled up replica set web-" + hash + " from 0 to 3"));
}

TEST_F(DeploymentTest, ARolledBackTemplateReusesItsReplicaSetWithANewRevision) {
  world_.create(deployment("web", 3));
  world_.advance(30s);
  set_image("v2");
  world_.advance(60s);
  EXPECT_EQ(images(), (std::multiset<std::string>{"v2", "v2", "v2"}));
  EXPECT_EQ(revision_of(web()->metadata), 2);

  const auto undone = rollback(world_.client(), {"default", "web"}, 0);
  ASSERT_TRUE(undone.has_value());
  EXPECT_TRUE(undone->changed);
  EXPECT_EQ(undone->revision, 1);
  world_.advance(60s);
  EXPECT_EQ(images(), (std::multiset<std::string>{"v1", "v1", "v1"}));
  EXPECT_EQ(world_.all<kube::ReplicaSet>().size(), 2u);
  EXPECT_EQ(revision_of(web()->metadata), 3);
  EXPECT_EQ(reason_of("Progressing"), "True NewReplicaSetAvailable");
  bool has_history = false;
  for (const auto& each : world_.all<kube::ReplicaSet>()) {
    const auto& notes = each->metadata.annotations;
    const auto found = notes.find("deployment.kubernetes.io/revision-history");
    has_history = has_history || (found != notes.end() && found->second == "1");
  }
  EXPECT_TRUE(has_history);
}

TEST_F(DeploymentTest, RollbackSaysWhatItCannotDo) {
  world_.create(deployment("web", 1));
  world_.advance(20s);
  EXPECT_TRUE(failed_with(rollback(world_.client(), {"default", "web"}, 0), Reason::kNotFound));
  EXPECT_TRUE(failed_with(rollback(world_.client(), {"default", "web"}, 9), Reason::kNotFound));
  const auto same = rollback(world_.client(), {"default", "web"}, 1);
  ASSERT_TRUE(same.has_value());
  EXPECT_FALSE(same->changed);
  world_.edit<kube::Deployment>("default", "web", [](auto& each) { each.spec.paused = true; });
  EXPECT_TRUE(failed_with(rollback(world_.client(), {"default", "web"}, 1), Reason::kInvalid));
}

TEST_F(DeploymentTest, ABadImageStopsAtTheSurgeAndMissesItsDeadline) {
  kube::Deployment wanted = deployment("web", 4);
  wanted.spec.progress_deadline_seconds = 60;
  world_.create(std::move(wanted));
  world_.advance(30s);
  set_image("bad");
  world_.advance(30s);
  EXPECT_EQ(reason_of("Progressing"), "True ReplicaSetUpdated");
  world_.advance(60s);
  EXPECT_EQ(reason_of("Progressing"), "False ProgressDeadlineExceeded");
  EXPECT_EQ(reason_of("Available"), "True MinimumReplicasAvailable");
  EXPECT_GE(images().count("v1"), 3u);

  ASSERT_TRUE(rollback(world_.client(), {"default", "web"}, 0).has_value());
  world_.advance(60s);
  EXPECT_EQ(reason_of("Progressing"), "True NewReplicaSetAvailable");
  EXPECT_EQ(images().count("v1"), 4u);
}

TEST_F(DeploymentTest, APausedDeploymentScalesButDoesNotRoll) {
  world_.create(deployment("web", 2));
  world_.advance(30s);
  world_.edit<kube::Deployment>("default", "web", [](auto& each) { each.spec.paused = true; });
  set_image("v2");
  world_.advance(10s);
  EXPECT_EQ(reason_of("Progressing"), "Unknown DeploymentPaused");
  world_.edit<kube::Deployment>("default", "web", [](auto& each) { each.spec.replicas = 5; });
  world_.advance(30s);
  EXPECT_EQ(images().count("v1"), 5u);
  world_.edit<kube::Deployment>("default", "web", [](auto& each) { each.spec.paused = false; });
  world_.advance(90s);
  EXPECT_EQ(images().count("v2"), 5u);
  EXPECT_EQ(images().size(), 5u);
}

TEST_F(DeploymentTest, RecreateWaitsForTheLastOldPodToBeGone) {
  kube::Deployment wanted = deployment("web", 3);
  wanted.spec.strategy.type = "Recreate";
  world_.create(std::move(wanted));
  world_.advance(30s);
  bool overlapped = false;
  world_.informers().of<kube::Pod>().on_change([&](const informer::Delta<kube::Pod>&) {
    std::set<std::string> running;
    for (const auto& [key, pod] : world_.informers().of<kube::Pod>().all()) {
      running.insert(pod->spec.containers.front().image);
    }
    overlapped = overlapped || running.size() > 1;
  });
  set_image("v2");
  world_.advance(60s);
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(images(), (std::multiset<std::string>{"v2", "v2", "v2"}));
}

TEST_F(DeploymentTest, KeepsAsMuchHistoryAsAsked) {
  kube::Deployment wanted = deployment("web", 1);
  wanted.spec.revision_history_limit = 2;
  world_.create(std::move(wanted));
  for (int revision = 2; revision <= 6; ++revision) {
    world_.advance(30s);
    set_image("v" + std::to_string(revision));
  }
  world_.advance(60s);
  EXPECT_EQ(world_.all<kube::ReplicaSet>().size(), 3u);
  EXPECT_EQ(revision_of(web()->metadata), 6);
}

TEST_F(DeploymentTest, ATakenNameIsHashedAgain) {
  kube::Deployment wanted = deployment("web", 1);
  const std::string name = make_replica_set(*world_.create(wanted)).metadata.name;
  // The same name, but a stranger's labels: it can be neither adopted nor used.
  kube::ReplicaSet stranger = replica_set("other", 0);
  stranger.metadata.name = name;
  world_.create(std::move(stranger));
  world_.advance(30s);
  EXPECT_EQ(web()->status.collision_count, 1);
  EXPECT_EQ(web()->status.available_replicas, 1);
}

// Random sizes and limits, and images that never become ready among them: at every write the Pods
// are within bounds.
class RolloutPropertyTest : public testing::TestWithParam<int> {};

TEST_P(RolloutPropertyTest, NeverTooFewAvailableNeverTooManyInTotal) {
  TestWorld world(static_cast<std::uint64_t>(GetParam()));
  env::Rng rng(static_cast<std::uint64_t>(GetParam()) * 7919 + 1);
  for (int i = 0; i < 4; ++i) world.add_node("n" + std::to_string(i));
  kube::Deployment wanted = deployment("web", static_cast<std::int32_t>(1 + rng.below(12)));
  auto& limits = wanted.spec.strategy.rolling_update.ensure();
  wanted.spec.strategy.type = "RollingUpdate";
  const auto limit = [&]() -> kube::IntOrString {
    if (rng.chance(1, 2)) return static_cast<std::int32_t>(rng.below(4));
    return std::to_string(rng.below(60)) + "%";
  };
  limits.max_surge = limit();
  limits.max_unavailable = limit();
  if (rng.chance(1, 2)) wanted.spec.min_ready_seconds = static_cast<std::int32_t>(rng.below(15));
  // Both zero is refused by validation.
  if (fenceposts(wanted).surge == 0) limits.max_unavailable = 1;
  const std::int32_t min_ready = wanted.spec.min_ready_seconds;
  const Fenceposts posts = fenceposts(wanted);
  const std::int32_t desired = replicas_of(wanted);
  bool checking = false;
  auto& pods = world.informers().of<kube::Pod>();
  pods.on_change([&](const informer::Delta<kube::Pod>&) {
    if (!checking) return;
    std::int32_t available = 0, total = 0;
    for (const auto& [key, pod] : pods.all()) {
      if (!is_pod_active(*pod)) continue;
      ++total;
      if (is_pod_available(*pod, min_ready, world.time.wall())) ++available;
    }
    EXPECT_GE(available, desired - posts.unavailable) << "of " << desired;
    EXPECT_LE(total, desired + posts.surge) << "of " << desired;
  });
  world.start();
  world.create(wanted);
  world.advance(90s);
  ASSERT_EQ(world.get<kube::Deployment>("default", "web")->status.available_replicas, desired);
  checking = true;
  for (int step = 0; step < 4; ++step) {
    const std::string image = rng.chance(1, 3) ? "bad" : "v" + std::to_string(step + 2);
    world.edit<kube::Deployment>("default", "web", [&](auto& each) {
      each.spec.template_.spec.containers.front().image = image;
    });
    world.advance(rng.between(1s, 90s));
  }
  world.edit<kube::Deployment>("default", "web", [&](auto& each) {
    each.spec.template_.spec.containers.front().image = "last";
  });
  world.advance(15min);
  const auto status = world.get<kube::Deployment>("default", "web")->status;
  EXPECT_EQ(status.updated_replicas, desired);
  EXPECT_EQ(status.available_replicas, desired);
  EXPECT_EQ(status.replicas, desired);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RolloutPropertyTest, testing::Range(1, 61));

}  // namespace
}  // namespace minato::controllers
