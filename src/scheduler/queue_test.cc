#include "scheduler/queue.h"

#include <gtest/gtest.h>

#include "scheduling/testing.h"

namespace minato::scheduler {
namespace {

using scheduling::Filter;
using scheduling::FilterSet;
using scheduling::testing::make_pod;

constexpr MonoTime at(Duration since_start) { return MonoTime{since_start}; }

FilterSet by(Filter filter) {
  FilterSet out;
  out.add(filter);
  return out;
}

class SchedulingQueueTest : public ::testing::Test {
 protected:
  scheduling::PodInfoPtr pod(const std::string& name, int priority = 0) {
    kube::Pod out = make_pod(name, {{"app", name}});
    out.spec.priority = priority;
    return table_.parse(std::make_shared<const kube::Pod>(out));
  }
  std::string pop(Duration now) {
    auto next = queue_.pop(at(now));
    return next ? next->pod->pod->metadata.name : "";
  }

  scheduling::TemplateTable table_;
  SchedulingQueue queue_{QueueOptions{}};
};

TEST_F(SchedulingQueueTest, PriorityThenArrival) {
  queue_.add(pod("a"), at(0s));
  queue_.add(pod("b"), at(0s));
  queue_.add(pod("c", 10), at(0s));
  std::string order;
  for (int i = 0; i < 4; ++i) order += pop(0s);
  EXPECT_EQ(order, "cab");
}

TEST_F(SchedulingQueueTest, BackoffDoublesFromOneToTenSeconds) {
  queue_.add(pod("a"), at(0s));
  Duration now = 0s;
  for (const Duration expected : {1s, 2s, 4s, 8s, 10s, 10s}) {
    auto next = queue_.pop(at(now));
    ASSERT_TRUE(next);
    queue_.put_backoff(std::move(*next));
    EXPECT_EQ(*queue_.next_due(), at(now + expected));
    now += expected;
    queue_.flush(at(now - 1ns));
    EXPECT_FALSE(queue_.has_active());
    queue_.flush(at(now));
  }
}

TEST_F(SchedulingQueueTest, EventsMoveOnlyThoseThatTheHintAccepts) {
  queue_.add(pod("a"), at(0s));
  queue_.add(pod("b"), at(0s));
  queue_.put_unschedulable(*queue_.pop(at(0s)), by(Filter::kNodeResourcesFit), at(0s));
  queue_.put_unschedulable(*queue_.pop(at(0s)), by(Filter::kNodeAffinity), at(0s));
  const auto fit_only = [](const scheduling::PodInfo&, FilterSet rejecting) {
    return rejecting.has(Filter::kNodeResourcesFit);
  };
  queue_.move_if(fit_only, at(500ms));
  EXPECT_EQ(queue_.where("uid-a"), Place::kBackoff);  // Its back-off still runs.
  EXPECT_EQ(queue_.where("uid-b"), Place::kUnschedulable);
  queue_.move_if([](const auto&, FilterSet) { return true; }, at(3s));
  EXPECT_EQ(queue_.where("uid-b"), Place::kActive);
  EXPECT_EQ(queue_.audit(), "");
}

TEST_F(SchedulingQueueTest, NobodyWaitsLongerThanFiveMinutes) {
  queue_.add(pod("a"), at(0s));
  queue_.put_unschedulable(*queue_.pop(at(0s)), by(Filter::kNodeAffinity), at(0s));
  EXPECT_EQ(*queue_.next_due(), at(5min));
  queue_.flush(at(5min));
  EXPECT_EQ(queue_.where("uid-a"), Place::kActive);
}

TEST_F(SchedulingQueueTest, UpdatesThatChangeNothingLeaveAPodWhereItIs) {
  queue_.add(pod("a"), at(0s));
  queue_.put_unschedulable(*queue_.pop(at(0s)), by(Filter::kNodeAffinity), at(0s));
  queue_.add(pod("a"), at(10s));
  EXPECT_EQ(queue_.where("uid-a"), Place::kUnschedulable);
  queue_.add(pod("a", 5), at(10s));
  EXPECT_EQ(queue_.where("uid-a"), Place::kActive);
  EXPECT_EQ(queue_.size(), 1U);
}

TEST_F(SchedulingQueueTest, GatedPodsWaitForTheirUpdate) {
  kube::Pod gated = make_pod("g");
  gated.spec.scheduling_gates.push_back({"quota", {}});
  queue_.add(table_.parse(std::make_shared<const kube::Pod>(gated)), at(0s));
  EXPECT_EQ(queue_.where("uid-g"), Place::kGated);
  queue_.flush(at(1h));
  EXPECT_FALSE(queue_.has_active());
  gated.spec.scheduling_gates.clear();
  queue_.add(table_.parse(std::make_shared<const kube::Pod>(gated)), at(1h));
  EXPECT_EQ(pop(1h), "g");
}

TEST_F(SchedulingQueueTest, PlacesStayConsistentUnderRandomUse) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    env::Rng rng(seed);
    SchedulingQueue queue{QueueOptions{}};
    for (int step = 0; step < 500; ++step) {
      const MonoTime now = at(std::chrono::milliseconds(100 * step));
      const std::string name = fmt::format("p{}", rng.below(20));
      switch (rng.below(6)) {
        case 0: queue.add(pod(name, static_cast<int>(rng.below(3))), now); break;
        case 1: queue.remove("uid-" + name); break;
        case 2:
          if (auto next = queue.pop(now)) queue.put_backoff(std::move(*next));
          break;
        case 3:
          if (auto next = queue.pop(now)) {
            queue.put_unschedulable(std::move(*next), by(Filter::kNodePorts), now);
          }
          break;
        case 4: queue.flush(now); break;
        default:
          queue.move_if([&](const auto&, FilterSet) { return rng.chance(1, 2); }, now);
      }
      ASSERT_EQ(queue.audit(), "") << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace minato::scheduler
