// What holds for every seed: requests, budgets, limits of the group, deadlines, repeatability.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "removal/testing/world.h"

namespace minato::removal {
namespace {

struct Outcome {
  int lost = 0;
  std::string losses;
  int forced = 0;
  std::int32_t live = 0;
  std::int32_t desired = 0;
  std::int32_t highest = 0;
  std::uint64_t trace = 0;
};

Outcome outcome_of(World& world) {
  Outcome out{world.lost, {}, world.client().forced, world.cloud.live(),
              world.cloud.group.desired_capacity, world.cloud.highest_desired, world.trace()};
  for (const std::string& loss : world.losses) out.losses += loss + "\n";
  return out;
}

// Removals of every kind in turn, restarts, and APIs that fail now and then.
Outcome run_voluntary(std::uint64_t seed) {
  World world(seed, 4);
  env::Rng rng = env::Rng(seed).fork("test");
  world.cloud.tells_in_flight = rng.chance(1, 2);
  world.serve("web", 6, 5);
  world.cloud.fail_one_in = world.client().fail_one_in = rng.chance(1, 2) ? 6 : 0;
  for (int i = 0; i < 4; ++i) {
    // Its name, for the instance may be gone before the end of the turn.
    const std::string node = std::next(world.cloud.instances.begin(),
                                       static_cast<std::ptrdiff_t>(rng.below(3)))->second.hostname;
    const Cause cause = rng.chance(1, 2) ? Cause::kReplacement : Cause::kRebalanceRecommendation;
    (void)world.begin(node, cause, After::kTerminateAndReplace);
    world.advance(rng.between(1s, 60s));
    if (rng.chance(1, 3)) (void)world.remover().cancel(node);
    if (rng.chance(1, 3)) world.restart();
    world.advance(rng.between(1s, 60s));
  }
  world.advance(15min);
  return outcome_of(world);
}

Outcome run_spot(std::uint64_t seed) {
  World world(seed, 4);
  env::Rng rng = env::Rng(seed).fork("test");
  world.cloud.tells_in_flight = rng.chance(1, 2);
  world.serve("web", 6, 4);
  const int notices = 1 + static_cast<int>(rng.below(3));
  for (int i = 1; i <= notices; ++i) {
    (void)world.interrupt(i);
    world.advance(rng.between(0s, 10s));
    if (rng.chance(1, 3)) world.restart();
  }
  world.advance(rng.between(1s, 80s));
  world.restart();
  world.advance(10min);
  return outcome_of(world);
}

TEST(RemovalPropertyTest, VoluntaryRemovalsLoseNothingAndKeepEveryBudget) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Outcome outcome = run_voluntary(seed);
    EXPECT_EQ(outcome.lost, 0) << "seed " << seed << "\n" << outcome.losses;
    EXPECT_EQ(outcome.forced, 0) << "seed " << seed;
    EXPECT_LE(outcome.highest, 10) << "seed " << seed;
    EXPECT_EQ(outcome.live, outcome.desired) << "seed " << seed;
    EXPECT_GE(outcome.live, 4) << "seed " << seed;
  }
}

TEST(RemovalPropertyTest, NoticedInterruptionsLoseNothingWhenTimeSuffices) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Outcome outcome = run_spot(seed);
    EXPECT_EQ(outcome.lost, 0) << "seed " << seed << "\n" << outcome.losses;
    EXPECT_EQ(outcome.live, 4) << "seed " << seed;
    EXPECT_EQ(outcome.desired, 4) << "seed " << seed;
  }
}

TEST(RemovalPropertyTest, WithTooLittleTimeItEndsInTimeAndSaysWhatWasNotKept) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world(seed, 2);
    world.serve("web", 4, 4, 60);
    world.cloud.kill_at("i-01", world.time.wall() + 15s);
    ASSERT_TRUE(world.begin("node-01", Cause::kSpotInterruption, After::kTerminateAndReplace, 15s));
    world.advance(14s);
    EXPECT_TRUE(world.cloud.called("terminate i-01 and shrink")) << "seed " << seed;
    EXPECT_TRUE(world.has_event("DeadlineCut")) << "seed " << seed;
    EXPECT_FALSE(world.progress("node-01").detail.empty()) << "seed " << seed;
  }
}

TEST(RemovalPropertyTest, TheSameSeedGivesTheSameTrace) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(run_spot(seed).trace, run_spot(seed).trace) << "seed " << seed;
    EXPECT_EQ(run_voluntary(seed).trace, run_voluntary(seed).trace) << "seed " << seed;
  }
}

}  // namespace
}  // namespace minato::removal
