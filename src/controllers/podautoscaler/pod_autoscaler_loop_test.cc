// The loop closed: what Pods use follows from how many there are.
#include <gtest/gtest.h>

#include <set>

#include "controllers/podautoscaler/test_autoscaling.h"

namespace minato::controllers {
namespace {

// A load of so many milli-cores, spread over the Pods that are ready.
class Loop : public AutoscalingFixture {
 public:
  explicit Loop(std::uint64_t seed = 1) : AutoscalingFixture(seed) {
    metrics_.cpu_milli = [this](const kube::Pod& pod) -> std::optional<std::int64_t> {
      std::int64_t ready = 0;
      for (const auto& each : world_.all<kube::Pod>()) {
        if (is_pod_active(*each) && is_pod_ready(*each)) ++ready;
      }
      if (!is_pod_ready(pod)) return 0;
      return load_milli_ / std::max<std::int64_t>(1, ready);
    };
  }
  void TestBody() override {}

  // How often the number changes in that time, watched every second.
  int changes_during(Duration time) {
    int out = 0;
    for (Duration passed{}; passed < time; passed += 1s) {
      const std::int32_t before = replicas();
      world_.advance(1s);
      if (replicas() != before) ++out;
      seen_.insert(replicas());
    }
    return out;
  }

  using AutoscalingFixture::condition;
  using AutoscalingFixture::metrics_;
  using AutoscalingFixture::replicas;
  using AutoscalingFixture::run_deployment;
  using AutoscalingFixture::world_;
  std::int64_t load_milli_ = 0;
  std::set<std::int32_t> seen_;
};

TEST(PodAutoscalerLoopTest, ConvergesOnTheLoadAndStaysThere) {
  Loop loop;
  loop.run_deployment("web", 2);
  loop.load_milli_ = 6000;  // Ten Pods at 60 %.
  loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
  EXPECT_LE(loop.changes_during(10min), 4);
  EXPECT_EQ(loop.replicas(), 10);
  EXPECT_EQ(*loop.seen_.rbegin(), 10) << "overshot";
  EXPECT_EQ(loop.changes_during(30min), 0);
}

TEST(PodAutoscalerLoopTest, FollowsTheLoadDownAfterTheWindow) {
  Loop loop;
  loop.run_deployment("web", 10);
  loop.load_milli_ = 6000;
  loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
  loop.world_.advance(10min);
  ASSERT_EQ(loop.replicas(), 10);
  loop.load_milli_ = 2400;
  EXPECT_EQ(loop.changes_during(4min + 45s), 0);
  loop.world_.advance(30s);
  EXPECT_EQ(loop.replicas(), 4);
  EXPECT_EQ(loop.changes_during(30min), 0);
  // A dip that is shorter than the window is not followed.
  loop.load_milli_ = 600;
  EXPECT_EQ(loop.changes_during(4min), 0);
  loop.load_milli_ = 2400;
  EXPECT_EQ(loop.changes_during(10min), 0);
}

TEST(PodAutoscalerLoopTest, PoliciesPaceTheWayDown) {
  Loop loop;
  loop.run_deployment("web", 20);
  loop.load_milli_ = 12'000;
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 40, cpu_metric(60));
  kube::HPAScalingRules& down = wanted.spec.behavior.emplace().scale_down.emplace();
  down.stabilization_window_seconds = 0;
  down.policies = {{.type = "Pods", .value = 3, .period_seconds = 60}};
  loop.world_.create(std::move(wanted));
  loop.world_.advance(5min);
  ASSERT_EQ(loop.replicas(), 20);
  loop.load_milli_ = 1200;
  std::int32_t before = loop.replicas();
  for (int minute = 0; minute < 6; ++minute) {
    loop.world_.advance(1min);
    EXPECT_LE(before - loop.replicas(), 3) << minute;
    EXPECT_LT(loop.replicas(), before) << minute;
    before = loop.replicas();
  }
  EXPECT_EQ(loop.replicas(), 2);
}

TEST(PodAutoscalerLoopTest, APauseOfTheMetricsChangesNothing) {
  Loop loop;
  loop.run_deployment("web", 10);
  loop.load_milli_ = 6000;
  loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
  loop.world_.advance(10min);
  loop.metrics_.down = fail(Reason::kUnavailable, "away");
  loop.load_milli_ = 600;
  EXPECT_EQ(loop.changes_during(30min), 0);
  EXPECT_EQ(loop.condition("ScalingActive"), "False FailedGetResourceMetric");
  loop.metrics_.down = {};
  loop.load_milli_ = 6000;
  EXPECT_EQ(loop.changes_during(30min), 0);
}

TEST(PodAutoscalerLoopTest, PodsThatStopTellingAreNotTakenForIdle) {
  Loop loop;
  loop.run_deployment("web", 10);
  loop.load_milli_ = 6000;
  loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
  loop.world_.advance(10min);
  // A Node's kubelet is away: a third of the Pods has no metrics, and the load has halved.
  const auto measured = loop.metrics_.cpu_milli;
  loop.load_milli_ = 3000;
  loop.metrics_.cpu_milli = [&](const kube::Pod& pod) -> std::optional<std::int64_t> {
    if (pod.spec.node_name == "n1") return std::nullopt;
    return measured(pod);
  };
  loop.world_.advance(10min);
  EXPECT_GE(loop.replicas(), 8);
  loop.metrics_.cpu_milli = measured;
  loop.world_.advance(10min);
  EXPECT_EQ(loop.replicas(), 5);
}

TEST(PodAutoscalerLoopTest, AJumpOfTheWallClockSetsOffNothing) {
  for (const Duration jump : {Duration(1h), Duration(-1h)}) {
    Loop loop;
    loop.run_deployment("web", 10);
    loop.load_milli_ = 6000;
    loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
    loop.world_.advance(10min);
    loop.load_milli_ = 600;
    loop.world_.advance(1min);
    loop.world_.time.jump_wall(jump);
    // The window is not over because the clock says so.
    EXPECT_EQ(loop.changes_during(3min), 0);
    EXPECT_EQ(loop.replicas(), 10);
    loop.load_milli_ = 6000;
    EXPECT_EQ(loop.changes_during(20min), 0);
  }
}

TEST(PodAutoscalerLoopTest, ARestartBeginsWithWhatItFinds) {
  Loop loop;
  loop.run_deployment("web", 10);
  loop.load_milli_ = 6000;
  loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
  loop.world_.advance(10min);
  loop.load_milli_ = 600;
  loop.world_.advance(4min);
  loop.world_.restart_controllers();
  EXPECT_EQ(loop.changes_during(5min), 0);  // The window begins anew.
  loop.world_.advance(1min);
  EXPECT_EQ(loop.replicas(), 2);
}

// `kubectl apply` of a Deployment that does not name replicas.
TEST(PodAutoscalerLoopTest, ADeployKeepsTheNumber) {
  Loop loop;
  loop.run_deployment("web", 2);
  loop.load_milli_ = 6000;
  loop.world_.create(autoscaler("web", 2, 40, cpu_metric(60)));
  loop.world_.advance(10min);
  ASSERT_EQ(loop.replicas(), 10);
  const kube::Kind& kind = kube::Deployment::static_kind();
  for (const auto type : {kube::PatchType::kMerge, kube::PatchType::kStrategicMerge}) {
    ASSERT_TRUE(loop.world_.client().patch(
        kind, {"default", "web"}, type,
        R"({"spec":{"template":{"metadata":{"annotations":{"deployed":"again"}}}}})",
        kube::Subresource::kNone));
    EXPECT_EQ(loop.changes_during(10min), 0);
    EXPECT_EQ(loop.replicas(), 10);
  }
}

TEST(PodAutoscalerLoopTest, TheSameSeedGivesTheSameTrace) {
  const auto run = [](std::uint64_t seed) {
    Loop loop(seed);
    loop.run_deployment("web", 3);
    loop.world_.create(autoscaler("web", 2, 20, cpu_metric(60)));
    for (const std::int64_t load : {6000, 1200, 9000, 600}) {
      loop.load_milli_ = load;
      loop.world_.advance(7min);
    }
    return loop.world_.trace();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace minato::controllers
