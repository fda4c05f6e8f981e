#include <gtest/gtest.h>

#include "env/virtual_time.h"
#include "informer/controller.h"

namespace minato::informer {
namespace {

class WorkQueueTest : public testing::Test {
 protected:
  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  int ready_ = 0;
  WorkQueue queue_{env_, {}, [this] { ++ready_; }};
  const kube::ObjectKey a_{"ns", "a"}, b_{"ns", "b"};
};

TEST_F(WorkQueueTest, AddsCoalesce) {
  queue_.add(a_);
  queue_.add(a_);
  queue_.add(b_);
  EXPECT_EQ(queue_.size(), 2u);
  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(queue_.take(), a_);
}

TEST_F(WorkQueueTest, ReaddDuringProcessingRunsOnceMore) {
  queue_.add(a_);
  ASSERT_EQ(queue_.take(), a_);
  queue_.add(a_);
  queue_.add(a_);
  EXPECT_TRUE(queue_.empty());
  queue_.done(a_);
  EXPECT_EQ(queue_.take(), a_);
  queue_.done(a_);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(WorkQueueTest, ChangesGatherWhileAKeyRests) {
  queue_.add(a_);
  ASSERT_EQ(queue_.take(), a_);
  queue_.done(a_, 250ms);
  queue_.add(a_);
  queue_.add_after(a_, 1ms);
  time_.advance(249ms);
  EXPECT_TRUE(queue_.empty());
  time_.advance(1ms);
  EXPECT_EQ(queue_.take(), a_);
  queue_.done(a_, 250ms);
  time_.advance(60s);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(WorkQueueTest, TheEarlierDelayWins) {
  queue_.add_after(a_, 10s);
  queue_.add_after(a_, 2s);
  queue_.add_after(a_, 5s);
  time_.advance(2s);
  EXPECT_EQ(queue_.take(), a_);
  queue_.done(a_);
  time_.advance(60s);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(WorkQueueTest, FailuresBackOffAndForgetResets) {
  queue_.add_rate_limited(a_);
  time_.advance(5ms);
  ASSERT_EQ(queue_.take(), a_);
  queue_.done(a_);
  queue_.add_rate_limited(a_);
  time_.advance(5ms);
  EXPECT_TRUE(queue_.empty());
  time_.advance(5ms);
  ASSERT_EQ(queue_.take(), a_);
  queue_.done(a_);
  queue_.forget(a_);
  queue_.add_rate_limited(a_);
  time_.advance(5ms);
  EXPECT_FALSE(queue_.empty());
}

class FlakyController final : public Controller {
 public:
  std::string_view name() const override { return "flaky"; }
  Result<Requeue> reconcile(const kube::ObjectKey&) override {
    ++calls;
    if (calls < 3) return fail(Reason::kInternalError, "not yet");
    return Requeue::in(1h);
  }
  int calls = 0;
};

TEST_F(WorkQueueTest, RunnerRetriesThenRequeues) {
  FlakyController controller;
  Runner runner(env_.fork("x"), controller);
  runner.queue().add(a_);
  time_.advance(1s);
  EXPECT_EQ(controller.calls, 0);
  runner.start();
  time_.advance(1s);
  EXPECT_EQ(controller.calls, 3);
  EXPECT_EQ(runner.errors(), 2u);
  time_.advance(1h);
  EXPECT_EQ(controller.calls, 4);
}

}  // namespace
}  // namespace minato::informer
