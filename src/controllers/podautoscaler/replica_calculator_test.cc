// Cases of upstream's replica_calculator_test.go, by their numbers, and of the rules around them.
#include "controllers/podautoscaler/replica_calculator.h"

#include <gtest/gtest.h>

#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr WallTime kMeasured{1'767'225'600s};

enum class State {
  kReady,
  kUnready,      // Never was ready, long after its start.
  kWasReady,     // Turned unready later in its life.
  kStarting,     // Ready, but its sample reaches back before that.
  kStarted,      // Ready for longer than a window, within the initialization period.
  kNoCondition,  // Its kubelet has not said anything.
  kPending,
  kFailed,
  kDeleting,
};

struct TestPod {
  State state = State::kReady;
  std::optional<std::int64_t> used_milli = std::nullopt;  // Nothing: no sample.
  std::int64_t request_milli = 1000;
};

std::vector<TestPod> pods_using(std::vector<std::int64_t> used) {
  std::vector<TestPod> out;
  for (const std::int64_t milli : used) out.push_back({.used_milli = milli});
  return out;
}

kube::Pod measured_pod(const std::string& name, const TestPod& from) {
  kube::Pod pod;
  pod.metadata.name = name;
  kube::Container& container = pod.spec.containers.emplace_back();
  container.name = "web";
  if (from.request_milli > 0) {
    container.resources.requests["cpu"] = kube::Quantity::milli(from.request_milli);
    container.resources.requests["memory"] = kube::Quantity::milli(from.request_milli);
  }
  pod.status.phase = kube::kPodRunning;
  pod.status.start_time = kMeasured - 1h;
  kube::PodCondition ready;
  ready.type = kube::kReady;
  ready.status = kube::kTrue;
  ready.last_transition_time = kMeasured - 1h;
  switch (from.state) {
    case State::kReady: break;
    case State::kUnready: ready.status = kube::kFalse; break;
    case State::kWasReady:
      ready.status = kube::kFalse;
      ready.last_transition_time = kMeasured - 30min;
      break;
    case State::kStarting:
      pod.status.start_time = kMeasured - 60s;
      ready.last_transition_time = kMeasured - 30s;
      break;
    case State::kStarted:
      pod.status.start_time = kMeasured - 120s;
      ready.last_transition_time = kMeasured - 60s;
      break;
    case State::kNoCondition: return pod;
    case State::kPending: pod.status.phase = kube::kPodPending; break;
    case State::kFailed: pod.status.phase = kube::kPodFailed; break;
    case State::kDeleting: pod.metadata.deletion_timestamp = kMeasured; break;
  }
  pod.status.conditions.push_back(ready);
  return pod;
}

// Pods and samples as the calculator takes them.
struct Scene {
  Scene(const std::vector<TestPod>& from, std::int32_t current) : current_replicas(current) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::string name = "pod-" + std::to_string(i);
      pods.push_back(std::make_shared<kube::Pod>(measured_pod(name, from[i])));
      if (from[i].used_milli) samples[name] = {kMeasured, 60s, *from[i].used_milli};
    }
  }
  CalculatorInput input() const {
    return {.current_replicas = current_replicas,
            .status_replicas = current_replicas,
            .pods = pods,
            .tolerances = tolerances,
            .now = kMeasured};
  }
  Result<Proposal> by_cpu(std::int32_t percent) const {
    return replicas_by_utilization(input(), samples, "cpu", "", percent);
  }
  std::int32_t current_replicas;
  Tolerances tolerances;
  ScaledPods pods;
  PodSamples samples;
};

struct UtilizationCase {
  const char* name;
  std::int32_t current;
  std::vector<TestPod> pods;
  std::int32_t target_percent;
  std::int32_t replicas;
  std::int32_t utilization;
};

void PrintTo(const UtilizationCase& each, std::ostream* out) { *out << each.name; }

class UtilizationTest : public testing::TestWithParam<UtilizationCase> {};

TEST_P(UtilizationTest, AsksForUpstreamsNumber) {
  const UtilizationCase& each = GetParam();
  const auto found = Scene(each.pods, each.current).by_cpu(each.target_percent);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->replicas, each.replicas);
  EXPECT_EQ(found->utilization, each.utilization);
}

std::vector<TestPod> unready(std::vector<TestPod> pods, std::vector<std::size_t> which,
                             State state = State::kUnready) {
  for (const std::size_t i : which) pods[i].state = state;
  return pods;
}
std::vector<TestPod> with(std::vector<TestPod> pods, std::vector<TestPod> more) {
  pods.insert(pods.end(), more.begin(), more.end());
  return pods;
}
std::vector<TestPod> requesting(std::vector<TestPod> pods, std::vector<std::int64_t> requests) {
  for (std::size_t i = 0; i < pods.size(); ++i) pods[i].request_milli = requests[i];
  return pods;
}

const std::vector<UtilizationCase> kUtilizationCases{
    {"59_up", 3, pods_using({300, 500, 700}), 30, 5, 50},
    {"60_up_one_unready", 3, unready(pods_using({300, 500, 700}), {0}), 30, 4, 60},
    {"61_up_one_starting", 3, unready(pods_using({300, 500, 700}), {0}, State::kStarting), 30, 4,
     60},
    {"61_started_counts", 3, unready(pods_using({300, 500, 700}), {0}, State::kStarted), 30, 5,
     50},
    {"62_failed_and_deleting_are_not_there", 2,
     with(pods_using({500, 700}), {{State::kFailed}, {State::kDeleting}}), 30, 4, 60},
    {"62_nor_are_their_samples", 2,
     with(pods_using({500, 700}), {{State::kFailed, 900}, {State::kDeleting, 900}}), 30, 4, 60},
    {"63_tolerance", 3, requesting(pods_using({1010, 1030, 1020}), {900, 1000, 1100}), 100, 3,
     102},
    {"tolerance_upper_bound", 3, pods_using({1100, 1100, 1100}), 100, 3, 110},
    {"tolerance_beyond_upper", 3, pods_using({1110, 1110, 1110}), 100, 4, 111},
    {"tolerance_lower_bound", 10, pods_using(std::vector<std::int64_t>(10, 900)), 100, 10, 90},
    {"tolerance_beyond_lower", 10, pods_using(std::vector<std::int64_t>(10, 890)), 100, 9, 89},
    {"64_missing_down", 4, with(pods_using({400, 95}), {{}, {}}), 100, 3, 24},
    {"64_missing_up_turns", 2, with(pods_using({1900}), {{}}), 100, 2, 190},
    {"64_missing_down_stays", 2, with(pods_using({600}), {{}}), 100, 2, 60},
    {"64_missing_equal", 2, with(pods_using({1000}), {{}}), 100, 2, 100},
    {"missing_up_dampened", 3, with(pods_using({5000, 5000}), {{}}), 100, 10, 500},
    {"65_missing_and_unready_down", 4, with(unready(pods_using({100, 100, 100}), {0}), {{}}), 50,
     3, 10},
    {"65_target_above_requests", 4,
     requesting(with(pods_using({200, 100, 100}), {{}}), {1000, 1000, 2000, 2000}), 300, 2, 10},
    {"67_surge", 2, with(pods_using({100, 100}), {{}}), 50, 2, 10},
    {"down", 5, pods_using({100, 300, 500, 250, 250}), 50, 3, 28},
    {"down_ignores_unready", 5, unready(pods_using({100, 300, 500, 250, 250}), {1}), 50, 3, 27},
    {"up_pending_uses_nothing", 3,
     with(pods_using({300, 500, 700}), {{State::kPending}, {State::kPending}}), 30, 3, 50},
    {"up_one_pending", 3, with(pods_using({300, 500, 700}), {{State::kPending}}), 30, 5, 50},
    {"up_unready_turns_to_no_change", 3,
     unready(pods_using({400, 500, 700}), {0, 1}), 50, 3, 70},
    {"was_ready_still_counts", 3, unready(pods_using({300, 500, 700}), {0}, State::kWasReady), 30,
     5, 50},
    {"no_condition_is_unready", 3,
     unready(pods_using({300, 500, 700}), {0}, State::kNoCondition), 30, 4, 60},
    {"whole_percent_rounded_down", 3, pods_using({333, 333, 333}), 30, 3, 33},
    {"uneven_requests_are_summed", 2, requesting(pods_using({900, 100}), {1000, 3000}), 50, 1, 25},
};

INSTANTIATE_TEST_SUITE_P(Upstream, UtilizationTest, testing::ValuesIn(kUtilizationCases),
                         [](const auto& test) { return std::string("case_") + test.param.name; });

TEST(ReplicaCalculatorTest, WithoutSamplesOrRequestsThereIsNoNumber) {  // 66
  const auto silent = Scene({{}, {}}, 2).by_cpu(50);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().message,
            "did not receive metrics for targeted pods (pods might be unready)");
  const auto no_request = Scene({{.used_milli = 100, .request_milli = 0}}, 1).by_cpu(50);
  ASSERT_FALSE(no_request);
  EXPECT_EQ(no_request.error().message, "missing request for cpu in container web of Pod pod-0");
  const auto no_pods = Scene({}, 1).by_cpu(50);
  ASSERT_FALSE(no_pods);
  EXPECT_EQ(no_pods.error().message,
            "no pods returned by selector while calculating replica count");
  Scene strangers({{}}, 1);
  strangers.samples["an-older-pod"] = {kMeasured, 60s, 100};
  ASSERT_FALSE(strangers.by_cpu(50));
  EXPECT_EQ(strangers.by_cpu(50).error().message, "no metrics returned matched known pods");
}

TEST(ReplicaCalculatorTest, OneContainerIsMeasuredAgainstItsOwnRequest) {
  Scene scene(pods_using({300, 500, 700}), 3);
  for (auto& pod : scene.pods) {
    kube::Pod changed = *pod;
    kube::Container& sidecar = changed.spec.containers.emplace_back();
    sidecar.name = "sidecar";  // Without a request, which only a whole Pod would need.
    pod = std::make_shared<kube::Pod>(std::move(changed));
  }
  const auto found = replicas_by_utilization(scene.input(), scene.samples, "cpu", "web", 30);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->replicas, 5);
  EXPECT_FALSE(scene.by_cpu(30));
  const auto unknown = replicas_by_utilization(scene.input(), scene.samples, "cpu", "db", 30);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "container db not found in Pod pod-0");
}

TEST(ReplicaCalculatorTest, RestartableInitContainersCountToo) {
  Scene scene(pods_using({500, 500}), 2);
  for (auto& pod : scene.pods) {
    kube::Pod changed = *pod;
    for (const bool restarts : {true, false}) {
      kube::Container& init = changed.spec.init_containers.emplace_back();
      init.name = restarts ? "proxy" : "setup";
      if (restarts) init.restart_policy = "Always";
      if (restarts) init.resources.requests["cpu"] = kube::Quantity::milli(1000);
    }
    pod = std::make_shared<kube::Pod>(std::move(changed));
  }
  EXPECT_EQ(scene.by_cpu(25)->utilization, 25);
}

TEST(ReplicaCalculatorTest, OnlyCpuLooksAtReadiness) {
  const Scene scene(unready(pods_using({300, 500, 700}), {0}), 3);
  EXPECT_EQ(replicas_by_utilization(scene.input(), scene.samples, "memory", "", 30)->replicas, 5);
  EXPECT_EQ(replicas_by_average(scene.input(), scene.samples, "memory", 300'000)->replicas, 1);
  EXPECT_EQ(replicas_by_average(scene.input(), scene.samples, "", 300)->replicas, 5);
  EXPECT_EQ(replicas_by_average(scene.input(), scene.samples, "cpu", 300)->replicas, 4);
}

TEST(ReplicaCalculatorTest, AveragesPerPod) {
  struct Case {
    const char* name;
    std::int32_t current;
    std::vector<TestPod> pods;
    std::int64_t target;
    std::int32_t replicas;
    std::int64_t usage;
  };
  const std::vector<Case> cases{
      {"up", 3, pods_using({20000, 10000, 30000}), 15000, 4, 20000},
      {"down", 5, pods_using({12000, 12000, 12000, 12000, 12000}), 20000, 3, 12000},
      {"tolerance", 3, pods_using({20000, 21000, 21000}), 20000, 3, 20666},
      {"missing down: target", 4, with(pods_using({8000, 8000}), {{}, {}}), 20000, 3, 8000},
      {"missing up: nothing", 2, with(pods_using({32000}), {{}}), 20000, 2, 32000},
      {"pending up: nothing", 2, with(pods_using({50000, 50000}), {{State::kPending}}), 15000, 7,
       50000},
  };
  for (const Case& each : cases) {
    const Scene scene(each.pods, each.current);
    const auto found = replicas_by_average(scene.input(), scene.samples, "", each.target);
    ASSERT_TRUE(found) << each.name << ": " << found.error().message;
    EXPECT_EQ(found->replicas, each.replicas) << each.name;
    EXPECT_EQ(found->usage_milli, each.usage) << each.name;
    EXPECT_FALSE(found->utilization) << each.name;
  }
}

TEST(ReplicaCalculatorTest, AValueIsComparedWithTheReadyPods) {
  const Scene three(pods_using({0, 0, 0}), 3);
  EXPECT_EQ(replicas_by_value(three.input(), 20000, 15000)->replicas, 4);
  EXPECT_EQ(replicas_by_value(three.input(), 15000, 15000)->replicas, 3);
  EXPECT_EQ(replicas_by_value(three.input(), 16500, 15000)->replicas, 3);  // Just within.
  EXPECT_EQ(replicas_by_value(three.input(), 0, 15000)->replicas, 0);
  const Scene one_ready(unready(pods_using({0, 0, 0}), {1, 2}), 3);
  EXPECT_EQ(replicas_by_value(one_ready.input(), 30000, 15000)->replicas, 2);
  EXPECT_EQ(replicas_by_value(three.input(), INT64_MAX, 1)->replicas, INT32_MAX);
  const Scene none({}, 3);
  ASSERT_FALSE(replicas_by_value(none.input(), 30000, 15000));
  EXPECT_EQ(replicas_by_value(none.input(), 30000, 15000).error().message,
            "unable to calculate ready pods: no pods returned by selector while calculating "
            "replica count");
}

TEST(ReplicaCalculatorTest, FromZeroAValueAsksForAsManyAsItNeeds) {
  const Scene zero({}, 0);
  EXPECT_EQ(replicas_by_value(zero.input(), 100'000, 10'000)->replicas, 10);
  EXPECT_EQ(replicas_by_value(zero.input(), 0, 10'000)->replicas, 0);
}

TEST(ReplicaCalculatorTest, AShareIsAskedOfEveryReplica) {
  const Scene three({}, 3);
  EXPECT_EQ(replicas_by_share(three.input(), 8600, 2000).replicas, 5);
  EXPECT_EQ(replicas_by_share(three.input(), 8600, 2000).usage_milli, 2867);
  EXPECT_EQ(replicas_by_share(three.input(), 6600, 2000).replicas, 3);  // Just within.
  EXPECT_EQ(replicas_by_share(three.input(), 2000, 2000).replicas, 1);
  EXPECT_EQ(replicas_by_share(three.input(), INT64_MAX, 1).replicas, INT32_MAX);
  const Scene zero({}, 0);
  EXPECT_EQ(replicas_by_share(zero.input(), 4000, 2000).replicas, 2);
  EXPECT_EQ(replicas_by_share(zero.input(), 0, 2000).replicas, 0);
}

TEST(ReplicaCalculatorTest, ToleranceHasADirection) {
  Scene scene(pods_using({1200, 1200, 1200}), 3);
  scene.tolerances = {.down = 0.1, .up = 0.2};
  EXPECT_EQ(scene.by_cpu(100)->replicas, 3);
  EXPECT_EQ(scene.by_cpu(100)->verdict, Verdict::kWithinTolerance);
  EXPECT_EQ(scene.by_cpu(100)->raw_replicas, 4);
  scene.tolerances = {.down = 0.3, .up = 0.1};
  EXPECT_EQ(scene.by_cpu(100)->replicas, 4);
  EXPECT_EQ(scene.by_cpu(160)->replicas, 3);
  scene.tolerances = {.down = 0, .up = 0};
  EXPECT_EQ(scene.by_cpu(119)->replicas, 4);
}

TEST(ReplicaCalculatorTest, TellsWhatItCounted) {
  const Scene scene(with(pods_using({900, 900}),
                         {{State::kPending}, {}, {State::kDeleting}, {State::kFailed}}), 4);
  const auto found = scene.by_cpu(50);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pods.ready, 2);
  EXPECT_EQ(found->pods.unready, 1);
  EXPECT_EQ(found->pods.missing, 1);
  EXPECT_EQ(found->pods.ignored, 2);
  EXPECT_DOUBLE_EQ(found->ratio, 1.8);
  ASSERT_TRUE(found->adjusted_ratio);
  EXPECT_DOUBLE_EQ(*found->adjusted_ratio, 0.9);
  EXPECT_EQ(found->replicas, 4);
}

TEST(ReplicaCalculatorTest, TerabytesDoNotOverflow) {
  const std::int64_t memory_milli = (std::int64_t{8} << 40) * 1000;
  const TestPod pod{.used_milli = memory_milli, .request_milli = memory_milli};
  const std::vector<TestPod> pods(2000, pod);
  const Scene scene(pods, 2000);
  EXPECT_EQ(replicas_by_utilization(scene.input(), scene.samples, "memory", "", 50)->replicas,
            4000);
}

}  // namespace
}  // namespace minato::controllers
