#include "controllers/deployment/rollout_plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/deployment/revisions.h"
#include "controllers/testing/test_world.h"

namespace minato::controllers {
namespace {

kube::Deployment rolling(std::int32_t replicas, kube::IntOrString surge,
                         kube::IntOrString unavailable) {
  kube::Deployment out = deployment("web", replicas);
  out.spec.strategy.type = "RollingUpdate";
  auto& update = out.spec.strategy.rolling_update.ensure();
  update.max_surge = std::move(surge);
  update.max_unavailable = std::move(unavailable);
  return out;
}

ReplicaSetPtr sized(const std::string& name, std::int32_t replicas, std::int32_t available,
                    const kube::Deployment& noted, WallTime created) {
  kube::ReplicaSet out = replica_set(name, replicas);
  out.metadata.creation_timestamp = created;
  out.status.replicas = replicas;
  out.status.available_replicas = available;
  set_size_annotations(noted, out);
  return std::make_shared<const kube::ReplicaSet>(std::move(out));
}

std::string text(const std::vector<Resize>& plan) {
  std::string out;
  for (const Resize& each : plan) {
    out += fmt::format("{}={} ", each.replica_set->metadata.name, each.replicas);
  }
  return out;
}

TEST(FencepostsTest, SurgeRoundsUpUnavailableRoundsDown) {
  const Fenceposts quarter = fenceposts(rolling(10, std::string("25%"), std::string("25%")));
  EXPECT_EQ(quarter.surge, 3);
  EXPECT_EQ(quarter.unavailable, 2);
}

TEST(FencepostsTest, BothZeroWouldStandStill) {
  const Fenceposts small = fenceposts(rolling(3, 0, std::string("10%")));
  EXPECT_EQ(small.surge, 0);
  EXPECT_EQ(small.unavailable, 1);
}

TEST(FencepostsTest, UnavailableIsAtMostAll) {
  EXPECT_EQ(fenceposts(rolling(2, 0, 5)).unavailable, 2);
}

TEST(RollingStepTest, NewOneGrowsIntoTheSurgeFirst) {
  const kube::Deployment wanted = rolling(10, 3, 2);
  const ReplicaSets sets{.current = sized("new", 0, 0, wanted, WallTime(2s)),
                         .old = {sized("old", 10, 10, wanted, WallTime(1s))}};
  EXPECT_EQ(text(plan_rolling_step(wanted, sets)), "new=3 ");
}

TEST(RollingStepTest, OldOnesShrinkWithinAvailability) {
  const kube::Deployment wanted = rolling(10, 3, 2);
  const ReplicaSets sets{.current = sized("new", 3, 0, wanted, WallTime(2s)),
                         .old = {sized("old", 10, 10, wanted, WallTime(1s))}};
  EXPECT_EQ(text(plan_rolling_step(wanted, sets)), "old=8 ");
}

TEST(RollingStepTest, UnhealthyOldPodsGoFirst) {
  const kube::Deployment wanted = rolling(10, 3, 2);
  const ReplicaSets sets{.current = sized("new", 3, 0, wanted, WallTime(3s)),
                         .old = {sized("good", 8, 8, wanted, WallTime(1s)),
                                 sized("broken", 2, 0, wanted, WallTime(2s))}};
  EXPECT_EQ(text(plan_rolling_step(wanted, sets)), "broken=0 ");
}

TEST(RollingStepTest, AStatusThatLagsBehindAScaleDownCountsForNoMoreThanTheSpec) {
  const kube::Deployment wanted = rolling(4, 1, 1);
  // Told to have 2, but the status still shows 4: only 2 are sure.
  const ReplicaSets sets{.current = sized("new", 3, 1, wanted, WallTime(2s)),
                         .old = {sized("old", 2, 4, wanted, WallTime(1s))}};
  EXPECT_EQ(text(plan_rolling_step(wanted, sets)), "");
}

TEST(RollingStepTest, ThereIsNoRoomUntilOldPodsAreReallyGoing) {
  const kube::Deployment wanted = rolling(4, 1, 1);
  kube::ReplicaSet shrinking = *sized("old", 3, 3, wanted, WallTime(1s));
  shrinking.status.replicas = 4;
  const ReplicaSets sets{.current = sized("new", 1, 0, wanted, WallTime(2s)),
                         .old = {std::make_shared<const kube::ReplicaSet>(shrinking)}};
  EXPECT_EQ(text(plan_rolling_step(wanted, sets)), "");
}

TEST(ScalingTest, ASingleActiveReplicaSetFollows) {
  const kube::Deployment wanted = rolling(7, 1, 0);
  const ReplicaSets sets{.current = sized("new", 3, 3, rolling(3, 1, 0), WallTime(2s)),
                         .old = {sized("old", 0, 0, wanted, WallTime(1s))}};
  EXPECT_EQ(text(plan_scaling(wanted, sets)), "new=7 ");
}

TEST(ScalingTest, GrowthInMidRolloutIsSpreadBySize) {
  const kube::Deployment before = rolling(10, 0, 2);
  const kube::Deployment wanted = rolling(20, 0, 2);
  const ReplicaSets sets{.current = sized("new", 3, 3, before, WallTime(2s)),
                         .old = {sized("old", 7, 7, before, WallTime(1s))}};
  EXPECT_EQ(text(plan_scaling(wanted, sets)), "old=14 new=6 ");
}

TEST(ScalingTest, ShrinkingToZeroTakesAll) {
  const kube::Deployment before = rolling(10, 2, 2);
  const kube::Deployment wanted = rolling(0, 2, 2);
  const ReplicaSets sets{.current = sized("new", 5, 5, before, WallTime(2s)),
                         .old = {sized("old", 7, 7, before, WallTime(1s))}};
  EXPECT_EQ(text(plan_scaling(wanted, sets)), "old=0 new=0 ");
}

TEST(ScalingTest, NothingIsLostOrInventedByRounding) {
  env::Rng rng(7);
  for (int round = 0; round < 500; ++round) {
    const auto size = [&](std::uint64_t bound) {
      return static_cast<std::int32_t>(1 + rng.below(bound));
    };
    const kube::Deployment before = rolling(size(30), size(5), 1);
    const kube::Deployment wanted = rolling(size(60), size(5), 1);
    const ReplicaSets sets{.current = sized("new", size(20), 0, before, WallTime(3s)),
                           .old = {sized("a", size(20), 0, before, WallTime(1s)),
                                   sized("b", size(20), 0, before, WallTime(2s))}};
    std::int32_t total = 0;
    for (const Resize& each : plan_scaling(wanted, sets)) {
      EXPECT_GE(each.replicas, 0);
      total += each.replicas;
    }
    EXPECT_LE(total,
              std::max(total_replicas(sets.all()), replicas_of(wanted) + fenceposts(wanted).surge));
  }
}

}  // namespace
}  // namespace minato::controllers
