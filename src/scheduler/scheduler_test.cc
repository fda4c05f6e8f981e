#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

#include "env/virtual_time.h"
#include "kube/types/scheduling.h"
#include "registry/in_process_client.h"
#include "scheduling/testing.h"
#include "store/store.h"

namespace minato::scheduler {
namespace {

using scheduling::testing::make_node;
using scheduling::testing::make_pod;
using scheduling::testing::select;

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest() {
    auto registry = registry::Registry::make(env_.fork("registry"), store_);
    CHECK(registry.has_value());
    registry_ = std::move(*registry);
    CHECK(registry_->bootstrap().has_value());
    client_ = std::make_unique<registry::InProcessClient>(*registry_);
  }
  void start() {
    informers_ = std::make_unique<informer::Informers>(*client_);
    scheduler_ = std::make_unique<Scheduler>(env_.fork("scheduler"), *client_, *informers_);
    ASSERT_TRUE(informers_->start());
    scheduler_->start();
    settle();
  }
  void settle() {
    time_.settle();
    ASSERT_EQ(scheduler_->audit(), "");
  }
  void advance(Duration duration) {
    time_.advance(duration);
    ASSERT_EQ(scheduler_->audit(), "");
  }
  void add(kube::Node node) {
    const auto made = kube::create(*client_, std::move(node));
    ASSERT_TRUE(made) << made.error().message;
  }
  std::string add(kube::Pod pod) {
    pod.metadata.uid.clear();
    const auto made = kube::create(*client_, std::move(pod));
    EXPECT_TRUE(made) << made.error().message;
    return made ? (*made)->metadata.uid : "";
  }
  std::shared_ptr<const kube::Pod> pod(const std::string& name) {
    return kube::get<kube::Pod>(*client_, {"default", name}).value_or(nullptr);
  }
  std::string node_of(const std::string& name) { return pod(name)->spec.node_name; }
  void remove(const std::string& name) {
    const Status removed =
        client_->remove(kube::Pod::static_kind(), {"default", name}, {.grace_period_seconds = 0});
    ASSERT_TRUE(removed) << removed.error().message;
  }
  std::optional<kube::PodCondition> condition(const std::string& name, std::string_view type) {
    for (const auto& found : pod(name)->status.conditions) {
      if (found.type == type) return found;
    }
    return std::nullopt;
  }
  std::vector<std::string> events(std::string_view reason) {
    std::vector<std::string> out;
    const auto found = kube::list<kube::Event>(*client_);
    for (const auto& event : *found) {
      if (event->reason == reason) out.push_back(event->message);
    }
    return out;
  }
  void add_priority_class(const std::string& name, int value) {
    kube::PriorityClass made;
    made.metadata.name = name;
    made.value = value;
    ASSERT_TRUE(kube::create(*client_, std::move(made)));
  }
  static kube::Pod of_class(kube::Pod pod, const std::string& name) {
    pod.spec.priority_class_name = name;
    return pod;
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<informer::Informers> informers_;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, BindsAndSaysSo) {
  start();
  add(make_node("a"));
  add(make_pod("p"));
  settle();
  EXPECT_EQ(node_of("p"), "a");
  EXPECT_EQ(events("Scheduled"),
            std::vector<std::string>{"Successfully assigned default/p to a"});
  EXPECT_EQ(condition("p", "PodScheduled")->status, "True");
  EXPECT_EQ(scheduler_->queue().size(), 0U);
}

TEST_F(SchedulerTest, FindsWhatWasThereBeforeIt) {
  add(make_node("a", {}, "1"));
  add(make_pod("p", {}, "800m"));
  start();
  EXPECT_EQ(node_of("p"), "a");
  informers_.reset();
  scheduler_.reset();
  add(make_pod("q", {}, "800m"));
  start();  // A restart counts what is bound.
  EXPECT_EQ(node_of("q"), "");
  EXPECT_EQ(scheduler_->snapshot().pod_count(), 1U);
}

TEST_F(SchedulerTest, LeavesOtherSchedulersPodsAlone) {
  start();
  add(make_node("a"));
  kube::Pod pod = make_pod("p");
  pod.spec.scheduler_name = "mine";
  add(pod);
  settle();
  EXPECT_EQ(node_of("p"), "");
}

TEST_F(SchedulerTest, RefusalsAreWrittenAndRetriedWhenANodeComes) {
  start();
  add(make_node("small", {}, "100m"));
  add(make_pod("p", {}, "1"));
  settle();
  const auto refused = condition("p", "PodScheduled");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, "False");
  EXPECT_EQ(refused->reason, "Unschedulable");
  EXPECT_EQ(refused->message,
            "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
            "1 Preemption is not helpful for scheduling.");
  EXPECT_EQ(events("FailedScheduling"), std::vector<std::string>{refused->message});
  const std::uint64_t before = scheduler_->attempts();
  add(make_node("tiny", {}, "10m"));
  advance(2s);
  EXPECT_EQ(scheduler_->attempts(), before);  // That Node could not have helped.
  add(make_node("large"));
  settle();
  EXPECT_EQ(node_of("p"), "large");
}

TEST_F(SchedulerTest, ARefusedPodIsRetriedWhenRoomAppears) {
  start();
  add(make_node("a", {}, "1"));
  add(make_pod("x", {}, "800m"));
  settle();
  add(make_pod("p", {}, "800m"));
  add(make_pod("huge", {}, "2"));
  settle();
  advance(5s);
  const std::uint64_t before = scheduler_->attempts();
  remove("x");
  settle();
  EXPECT_EQ(node_of("p"), "a");
  EXPECT_EQ(scheduler_->attempts(), before + 1);
}

TEST_F(SchedulerTest, AnythingIsTriedAgainAfterFiveMinutes) {
  start();
  add(make_node("a", {}, "100m"));
  add(make_pod("p", {}, "1"));
  advance(4min);
  EXPECT_EQ(scheduler_->attempts(), 1U);
  advance(2min);
  EXPECT_EQ(scheduler_->attempts(), 2U);
}

TEST_F(SchedulerTest, GatesHoldAPodBackUntilTheyAreGone) {
  start();
  add(make_node("a"));
  kube::Pod gated = make_pod("p");
  gated.spec.scheduling_gates.push_back({"quota", {}});
  add(gated);
  advance(1min);
  EXPECT_EQ(node_of("p"), "");
  kube::Pod open = *pod("p");
  open.spec.scheduling_gates.clear();
  ASSERT_TRUE(kube::update(*client_, std::move(open)));
  settle();
  EXPECT_EQ(node_of("p"), "a");
}

TEST_F(SchedulerTest, PreemptsWaitsAndTakesTheRoom) {
  start();
  add_priority_class("high", 1000);
  add(make_node("a", {}, "1"));
  const std::string victim = add(make_pod("victim", {}, "800m"));
  settle();
  const std::string uid = add(of_class(make_pod("p", {}, "800m"), "high"));
  settle();
  ASSERT_TRUE(pod("victim"));
  EXPECT_TRUE(is_set(pod("victim")->metadata.deletion_timestamp));
  EXPECT_EQ(condition("victim", "DisruptionTarget")->reason, "PreemptionByScheduler");
  EXPECT_EQ(pod("p")->status.nominated_node_name, "a");
  EXPECT_EQ(events("Preempted"),
            std::vector<std::string>{fmt::format("Preempted by pod {} on node a", uid)});
  // A Pod of no higher priority does not slip in while the victim leaves.
  add(make_pod("thief", {}, "800m"));
  advance(10s);
  EXPECT_EQ(node_of("thief"), "");
  remove("victim");
  advance(2s);
  EXPECT_EQ(node_of("p"), "a");
  EXPECT_EQ(node_of("thief"), "");
}

TEST_F(SchedulerTest, NeverPreemptingPodsSaySo) {
  start();
  kube::PriorityClass polite;
  polite.metadata.name = "polite";
  polite.value = 1000;
  polite.preemption_policy = "Never";
  ASSERT_TRUE(kube::create(*client_, std::move(polite)));
  add(make_node("a", {}, "1"));
  add(make_pod("x", {}, "800m"));
  settle();
  add(of_class(make_pod("p", {}, "800m"), "polite"));
  settle();
  EXPECT_EQ(condition("p", "PodScheduled")->message,
            "0/1 nodes are available: 1 Insufficient cpu. "
            "preemption: not eligible due to preemptionPolicy=Never.");
  EXPECT_FALSE(is_set(pod("x")->metadata.deletion_timestamp));
}

TEST_F(SchedulerTest, ServicesSpreadTheirPodsByDefault) {
  start();
  kube::Service service;
  service.metadata.name = "web";
  service.metadata.namespace_ = "default";
  service.spec.selector = {{"app", "web"}};
  service.spec.ports.emplace_back().port = 80;
  ASSERT_TRUE(kube::create(*client_, std::move(service)));
  for (const char* name : {"a", "b", "c"}) add(make_node(name));
  std::map<std::string, int> nodes;
  for (int i = 0; i < 9; ++i) {
    const std::string name = fmt::format("p{}", i);
    add(make_pod(name, {{"app", "web"}}));
    settle();
    ++nodes[node_of(name)];
  }
  EXPECT_EQ(nodes, (std::map<std::string, int>{{"a", 3}, {"b", 3}, {"c", 3}}));
}

TEST_F(SchedulerTest, ExplainNamesEveryNode) {
  start();
  add(make_node("a", {}, "100m"));
  kube::Node cordoned = make_node("b");
  cordoned.spec.unschedulable = true;
  add(cordoned);
  add(make_pod("p", {}, "1"));
  settle();
  const auto verdicts = scheduler_->explain({"default", "p"});
  ASSERT_TRUE(verdicts);
  ASSERT_EQ(verdicts->size(), 2U);
  EXPECT_EQ((*verdicts)[0].reasons, std::vector<std::string>{"Insufficient cpu"});
  EXPECT_EQ((*verdicts)[1].reasons, std::vector<std::string>{"node(s) were unschedulable"});
  EXPECT_TRUE(failed_with(scheduler_->explain({"default", "none"}), Reason::kNotFound));
}

TEST_F(SchedulerTest, InvariantsHoldThroughRandomChurn) {
  start();
  add_priority_class("high", 1000);
  env::Rng rng(7);
  for (int step = 0; step < 400; ++step) {
    const std::string name = fmt::format("p{}", rng.below(40));
    const std::string node = fmt::format("n{}", rng.below(6));
    switch (rng.below(6)) {
      case 0: std::ignore = kube::create(*client_, make_node(node, {}, "1")); break;
      case 1:
        if (rng.chance(1, 4)) std::ignore = client_->remove(kube::Node::static_kind(), {"", node});
        break;
      case 2:
        std::ignore = client_->remove(kube::Pod::static_kind(), {"default", name},
                                      {.grace_period_seconds = 0});
        break;
      default: {
        kube::Pod made = make_pod(name, {}, fmt::format("{}m", 100 + rng.below(400)));
        if (rng.chance(1, 4)) made = of_class(std::move(made), "high");
        made.metadata.uid.clear();
        std::ignore = kube::create(*client_, std::move(made));
      }
    }
    advance(Duration{static_cast<std::int64_t>(rng.below(500'000'000))});
  }
  EXPECT_GT(scheduler_->scheduled(), 20U);
}

}  // namespace
}  // namespace minato::scheduler
