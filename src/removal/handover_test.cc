#include "removal/handover.h"

#include <gtest/gtest.h>

#include "removal/testing/world.h"

namespace minato::removal {
namespace {

class HandoverTest : public testing::Test {
 protected:
  HandoverTest() : informers_(world_.client()), handover_(env::Env{world_.time, world_.time, log_, env::Rng(9)}, world_.client(), informers_) {
    EXPECT_TRUE(informers_.start());
    world_.serve("web", 4, 3);
  }
  Status begin(Cause cause, std::optional<Duration> deadline = {}) {
    Request request{"node-01", cause, After::kTerminateAndReplace, {}, "notice"};
    if (deadline) request.deadline = world_.time.wall() + *deadline;
    return handover_.begin(std::move(request));
  }

  World world_{30, 3};
  env::NullLog log_;
  informer::Informers informers_;
  Handover handover_;
};

TEST_F(HandoverTest, TheActiveOneCarriesOutWhatStandsOnTheNode) {
  world_.cloud.kill_at("i-01", world_.time.wall() + 120s);
  ASSERT_TRUE(begin(Cause::kSpotInterruption, 120s));
  world_.advance(5s);
  EXPECT_TRUE(world_.cloud.called("deregister i-01"));
  EXPECT_EQ(world_.cloud.group.desired_capacity, 4);
  EXPECT_GE(world_.progress("node-01").since, env::VirtualTime::kDefaultStart);
  world_.advance(180s);
  EXPECT_TRUE(world_.is_gone("node-01"));
  EXPECT_EQ(world_.cloud.live(), 3);
  EXPECT_EQ(world_.lost, 0);
}

TEST_F(HandoverTest, WaitsForWhoeverTakesTheRoleOver) {
  world_.remover().set_active(false);
  world_.cloud.kill_at("i-01", world_.time.wall() + 120s);
  ASSERT_TRUE(begin(Cause::kSpotInterruption, 120s));
  world_.advance(15s);
  EXPECT_FALSE(world_.cloud.called("deregister i-01"));
  world_.remover().set_active(true);
  world_.advance(150s);
  EXPECT_TRUE(world_.is_gone("node-01"));
  EXPECT_EQ(world_.lost, 0);
}

TEST_F(HandoverTest, ASecondNoticeJoinsTheFirst) {
  world_.remover().set_active(false);
  ASSERT_TRUE(begin(Cause::kRebalanceRecommendation));
  ASSERT_TRUE(begin(Cause::kSpotInterruption, 120s));
  const auto progress = handover_.progress();
  ASSERT_EQ(progress.size(), 1u);
  EXPECT_EQ(progress.front().request.cause, Cause::kSpotInterruption);
  EXPECT_TRUE(progress.front().request.deadline);
}

TEST_F(HandoverTest, AWithdrawnNoticeUndoesIt) {
  ASSERT_TRUE(begin(Cause::kRebalanceRecommendation));
  world_.advance(3s);
  ASSERT_TRUE(handover_.cancel("node-01"));
  world_.advance(5min);
  const auto node = world_.node("node-01");
  ASSERT_TRUE(node);
  EXPECT_FALSE(is_leaving(*node));
  EXPECT_FALSE(node->metadata.annotations.contains(std::string(kAnnotationRemoval)));
  EXPECT_TRUE(failed_with(handover_.cancel("node-01"), Reason::kNotFound));
}

TEST_F(HandoverTest, ANodeThatIsNotThereIsSaid) {
  EXPECT_TRUE(failed_with(handover_.begin({"none", Cause::kDrain, After::kKeep, {}, ""}), Reason::kNotFound));
  world_.client().is_down = true;
  EXPECT_FALSE(begin(Cause::kRebalanceRecommendation));
}

}  // namespace
}  // namespace minato::removal
