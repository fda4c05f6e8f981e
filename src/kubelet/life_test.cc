// Probes, termination, adoption, eviction: the life of a running Pod to its end.

#include "kube/json.h"
#include "kubelet/test_world.h"

namespace minato::kubelet {
namespace {

TEST_F(KubeletTest, ReadinessFollowsTheThresholds) {
  int status = 503;
  runtime_.http = [&](const container::HttpRequest&) {
    return container::HttpResponse{.status = status};
  };
  start_kubelet();
  time_.advance(60s);  // Probes of later Pods are not spread out.
  kube::Pod wanted = pod();
  wanted.spec.containers[0].readiness_probe = http_probe(10);
  create(wanted);
  EXPECT_EQ(condition("Ready"), "False");
  status = 200;
  time_.advance(10s);
  EXPECT_EQ(condition("Ready"), "True");
  status = 500;
  time_.advance(20s);
  EXPECT_EQ(condition("Ready"), "True");
  time_.advance(10s);
  EXPECT_EQ(condition("Ready"), "False");
  EXPECT_EQ(events("Unhealthy"),
            (Lines{"Readiness probe failed: HTTP probe failed with statuscode: 500",
                   "Readiness probe failed: HTTP probe failed with statuscode: 503"}));
  EXPECT_EQ(traced("get"), (Lines{"60s get 10.0.0.1:8080/healthz", "70s get 10.0.0.1:8080/healthz",
                                  "80s get 10.0.0.1:8080/healthz", "90s get 10.0.0.1:8080/healthz",
                                  "100s get 10.0.0.1:8080/healthz"}));
  EXPECT_EQ(status_of().restart_count, 0);
}

TEST_F(KubeletTest, LivenessFailureRestartsWithTheProbesOwnGrace) {
  runtime_.tcp = [](const std::string&, std::uint16_t) -> Status {
    return fail(Reason::kUnavailable, "connect: connection refused");
  };
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.stop_takes = 60s};
  };
  start_kubelet();
  time_.advance(60s);
  kube::Pod wanted = pod();
  kube::Probe& probe = wanted.spec.containers[0].liveness_probe.emplace();
  kube::ContainerPort port;
  port.name = "http";
  port.container_port = 8080;
  wanted.spec.containers[0].ports.push_back(port);
  probe.probe_handler.tcp_socket.emplace().port.value = "http";
  probe.period_seconds = 5;
  probe.failure_threshold = 2;
  probe.success_threshold = 1;
  probe.initial_delay_seconds = 7;
  probe.termination_grace_period_seconds = 4;
  create(wanted);
  time_.advance(20s);
  EXPECT_EQ(traced("web/"), (Lines{"60s start web/0", "75s stop web/0 grace 4s",
                                   "79s exit web/0 137", "79s start web/1"}));
  EXPECT_EQ(events("Unhealthy"),
            Lines{"Liveness probe failed: dial tcp 10.0.0.1:8080: connect: connection refused"});
  EXPECT_EQ(events("Killing"), Lines{"Container web failed liveness probe, will be restarted"});
}

TEST_F(KubeletTest, StartupProbeGatesTheOthers) {
  start_kubelet();
  time_.advance(60s);
  bool started = false;
  runtime_.command = [&](const std::vector<std::string>&) {
    return container::ExecResult{.exit_code = started ? 0 : 1, .output = "not yet"};
  };
  kube::Pod wanted = pod();
  kube::Probe& probe = wanted.spec.containers[0].startup_probe.emplace();
  probe.probe_handler.exec.emplace().command = {"check"};
  probe.period_seconds = 5;
  probe.failure_threshold = 30;
  probe.success_threshold = 1;
  wanted.spec.containers[0].readiness_probe = http_probe(10);
  create(wanted);
  time_.advance(12s);
  EXPECT_TRUE(traced("get").empty());
  EXPECT_EQ(status_of().started, false);
  started = true;
  time_.advance(3s);
  EXPECT_EQ(status_of().started, true);
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(traced("get"), Lines{"75s get 10.0.0.1:8080/healthz"});
}

TEST_F(KubeletTest, ProbesRestWhileTheRuntimeTellsOfChanges) {
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.containers[0].readiness_probe = http_probe(10);
  bool healthy = false;
  std::function<void()> changed;
  runtime_.http = [&](const container::HttpRequest&) { return container::HttpResponse{.status = healthy ? 200 : 503}; };
  runtime_.tells_change = [&](std::function<void()> callback) {
    changed = std::move(callback);
    return true;
  };
  create(wanted);
  time_.advance(25s);
  EXPECT_EQ(traced("get").size(), 3U) << "what fails is asked on";
  healthy = true;
  time_.advance(60s);
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(traced("get"), (Lines{"0s get 10.0.0.1:8080/healthz", "8s get 10.0.0.1:8080/healthz",
                                  "18s get 10.0.0.1:8080/healthz", "28s get 10.0.0.1:8080/healthz"}));
  healthy = false;
  time_.advance(2s);
  changed();
  time_.advance(40s);
  EXPECT_EQ(traced("get").size(), 8U) << "at its own ticks again";
  EXPECT_EQ(traced("get")[4], "88s get 10.0.0.1:8080/healthz");
  EXPECT_EQ(condition("Ready"), "False");
}

TEST_F(KubeletTest, GrpcProbesAskForTheHealthOfAService) {
  start_kubelet();
  kube::Pod wanted = pod();
  kube::Probe& probe = wanted.spec.containers[0].readiness_probe.emplace();
  kube::GRPCAction& action = probe.probe_handler.grpc.emplace();
  action.port = 9000;
  action.service = "shop";
  probe.failure_threshold = 1;
  Result<container::HealthAnswer> answer = container::HealthAnswer{.serving_status = 1};
  runtime_.health = [&](const container::HealthCheck&) { return answer; };
  create(wanted);
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(traced("health"), Lines{"0s health 10.0.0.1:9000 \"shop\""});
  const auto failure = [&](Result<container::HealthAnswer> next) {
    answer = std::move(next);
    const auto before = events("Unhealthy");
    time_.advance(10s);
    EXPECT_EQ(condition("Ready"), "False");
    std::string text;
    for (const std::string& message : events("Unhealthy")) {
      if (std::find(before.begin(), before.end(), message) == before.end()) text = message;
    }
    return text;
  };
  using container::HealthAnswer;
  const std::string failed = "Readiness probe failed: ";
  EXPECT_EQ(failure(HealthAnswer{.serving_status = HealthAnswer::kNotServing}),
            failed + "service unhealthy (responded with \"NOT_SERVING\")");
  EXPECT_EQ(
      failure(HealthAnswer{.code = HealthAnswer::kUnimplemented, .message = "no such method"}),
      failed +
          "error: this server does not implement the grpc health protocol "
          "(grpc.health.v1.Health): no such method");
  EXPECT_EQ(failure(HealthAnswer{.code = HealthAnswer::kDeadlineExceeded}),
            failed + "timeout: health rpc did not complete within 1s");
  EXPECT_EQ(failure(HealthAnswer{.code = 5, .message = "unknown service"}),
            failed +
                "error: health rpc probe failed: rpc error: code = NotFound desc = "
                "unknown service");
  EXPECT_EQ(failure(HealthAnswer{.code = 99}),
            failed + "error: health rpc probe failed: rpc error: code = Code(99) desc = ");
  EXPECT_EQ(failure(fail(Reason::kTimeout, "")),
            failed +
                "timeout: failed to connect service \"10.0.0.1:9000\" within 1s: context "
                "deadline exceeded");
  EXPECT_EQ(failure(fail(Reason::kUnavailable, "connection refused")),
            failed + "error: failed to connect service at \"10.0.0.1:9000\": connection refused");
}

TEST_F(KubeletTest, PreStopAndStopShareTheGracePeriod) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.stop_takes = 60s};
  };
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.termination_grace_period_seconds = 20;
  wanted.spec.containers[0].lifecycle.ensure().pre_stop.ensure().sleep.ensure().seconds = 15;
  create(wanted);
  time_.advance(100s);
  remove();
  time_.advance(60s);
  EXPECT_EQ(traced("web/"),
            (Lines{"0s start web/0", "115s stop web/0 grace 5s", "120s exit web/0 137"}));
  EXPECT_EQ(get(), nullptr);
}

TEST_F(KubeletTest, PreStopThatTakesAllStillLeavesTwoSeconds) {
  runtime_.exec_takes = 60s;
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.termination_grace_period_seconds = 10;
  wanted.spec.containers[0].lifecycle.ensure().pre_stop.ensure().exec.ensure().command = {"drain"};
  create(wanted);
  remove();
  time_.advance(30s);
  EXPECT_EQ(traced("web/"),
            (Lines{"0s start web/0", "10s stop web/0 grace 2s", "10s exit web/0 0"}));
  EXPECT_EQ(events("FailedPreStopHook").size(), 1u);
}

TEST_F(KubeletTest, SidecarsEndAfterTheMainsInReverse) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.stop_takes = 3s};
  };
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.init_containers = {sidecar("one"), sidecar("two")};
  create(wanted);
  time_.advance(10s);
  remove();
  time_.advance(30s);
  EXPECT_EQ(traced("stop"), (Lines{"10s stop web/0 grace 30s", "13s stop two/0 grace 27s",
                                   "16s stop one/0 grace 24s"}));
  EXPECT_EQ(get(), nullptr);
}

TEST_F(KubeletTest, AShorterSecondDeletionShortensTheGrace) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.stop_takes = 10min};
  };
  start_kubelet();
  create(pod());
  remove();
  time_.advance(5s);
  remove("web", 3);
  time_.advance(10s);
  EXPECT_EQ(traced("stop"), (Lines{"0s stop web/0 grace 30s", "5s stop web/0 grace 3s"}));
  EXPECT_EQ(get(), nullptr);
}

TEST_F(KubeletTest, ForcedDeletionStillEndsTheContainers) {
  start_kubelet();
  create(pod());
  remove("web", 0);
  EXPECT_EQ(get(), nullptr);
  time_.advance(5s);
  EXPECT_EQ(runtime_.running(), 0u);
  EXPECT_EQ(traced("remove sandbox").size(), 1u);
}

TEST_F(KubeletTest, DeletionDuringAPullWaitsForNothing) {
  runtime_.pull = [](const std::string&) -> Status { return fail(Reason::kUnavailable, "down"); };
  start_kubelet();
  create(pod());
  remove();
  EXPECT_EQ(get(), nullptr);
}

TEST_F(KubeletTest, ActiveDeadlineFailsThePod) {
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.active_deadline_seconds = 60;
  create(wanted);
  time_.advance(59s);
  EXPECT_EQ(get()->status.phase, "Running");
  time_.advance(2s);
  EXPECT_EQ(get()->status.phase, "Failed");
  EXPECT_EQ(get()->status.reason, "DeadlineExceeded");
  EXPECT_EQ(runtime_.running(), 0u);
}

TEST_F(KubeletTest, AChangedImageRestartsTheContainerInPlace) {
  start_kubelet();
  create(pod());
  kube::Pod changed = *get();
  changed.spec.containers[0].image = "registry.local/web:2";
  ASSERT_TRUE(kube::update(*client_, changed).has_value());
  time_.settle();
  EXPECT_EQ(runtime_.config_of("web").image, "registry.local/web:2");
  EXPECT_EQ(status_of().restart_count, 1);
  EXPECT_EQ(events("Killing"), Lines{"Container web definition changed, will be restarted"});
}

TEST_F(KubeletTest, ANewKubeletAdoptsWithoutRestartingOrLosingReadiness) {
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.containers[0].readiness_probe = http_probe(10);
  create(wanted);
  time_.advance(60s);
  ASSERT_EQ(condition("Ready"), "True");
  kubelet_.reset();
  time_.advance(60s);
  const std::string version = get()->metadata.resource_version;
  start_kubelet();
  EXPECT_EQ(traced("start"), Lines{"0s start web/0"});
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_EQ(get()->metadata.resource_version, version);
}

TEST_F(KubeletTest, ASandboxThatWasLeftHalfMadeIsRunAgain) {
  start_kubelet();
  runtime_.pull = [](const std::string&) -> Status { return fail(Reason::kUnavailable, "away"); };
  create(pod());
  ASSERT_EQ(traced("sandbox").size(), 1U);
  kubelet_.reset();
  runtime_.stop_sandboxes();
  runtime_.pull = nullptr;
  start_kubelet();
  time_.advance(1s);
  EXPECT_EQ(traced("sandbox").size(), 2U);
  EXPECT_EQ(traced("start").size(), 1U);
}

TEST_F(KubeletTest, ExitsAndDeletionsWhileAwayAreSeen) {
  start_kubelet();
  create(pod("exits"));
  create(pod("deleted"));
  create(pod("forced"));
  kubelet_.reset();
  runtime_.exit_now("exits", 7);
  remove("deleted");
  remove("forced", 0);
  start_kubelet();
  EXPECT_EQ(status_of("exits").restart_count, 1);
  EXPECT_EQ(status_of("exits").last_state.terminated->exit_code, 7);
  EXPECT_EQ(get("deleted"), nullptr);
  EXPECT_EQ(runtime_.running(), 1u);
}

TEST_F(KubeletTest, ARebootedNodeStartsItsPodsAgain) {
  start_kubelet();
  create(pod());
  kubelet_.reset();
  runtime_.forget_everything();
  start_kubelet();
  EXPECT_EQ(get()->status.phase, "Running");
  EXPECT_EQ(status_of().restart_count, 1);
  EXPECT_EQ(status_of().last_state.terminated->reason, "ContainerStatusUnknown");
}

TEST_F(KubeletTest, FinishedPodsKeepTheirStatusAcrossKubelets) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.runs_for = 1s};
  };
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.restart_policy = "Never";
  create(wanted);
  time_.advance(2s);
  kubelet_.reset();
  start_kubelet();
  EXPECT_EQ(get()->status.phase, "Succeeded");
  EXPECT_EQ(status_of().state.terminated->reason, "Completed");
  EXPECT_EQ(traced("start").size(), 1u);
  remove();
  EXPECT_EQ(get(), nullptr);
}

TEST_F(KubeletTest, MetricsAreRatesBetweenSamples) {
  options_.metrics_interval = 15s;
  start_kubelet();
  EXPECT_FALSE(kubelet_->node_metrics());
  runtime_.memory_bytes["web"] = 100 << 20;
  create(pod());
  time_.advance(31s);
  ASSERT_TRUE(kubelet_->node_metrics());
  const NodeMetrics& metrics = *kubelet_->node_metrics();
  EXPECT_EQ(metrics.window, 15s);
  ASSERT_EQ(metrics.containers.size(), 1u);
  EXPECT_EQ(metrics.containers[0].cpu_milli, 100);
  EXPECT_EQ(metrics.containers[0].memory_working_set_bytes, 100 << 20);
}

TEST_F(KubeletTest, MemoryPressureEvictsWhoeverUsesMoreThanAskedFor) {
  options_.metrics_interval = 15s;
  start_kubelet();
  kube::Pod modest = pod("modest");
  modest.spec.containers[0].resources.requests["memory"] =
      kube::Quantity::bytes(std::int64_t{3} << 30);
  create(modest);
  create(pod("greedy"));
  runtime_.memory_bytes["modest"] = std::uint64_t{3} << 30;
  runtime_.memory_bytes["greedy"] = std::uint64_t{1} << 30;
  time_.advance(40s);
  EXPECT_EQ(get("modest")->status.phase, "Running");
  EXPECT_EQ(get("greedy")->status.phase, "Failed");
  EXPECT_EQ(get("greedy")->status.reason, "Evicted");
  EXPECT_EQ(condition("DisruptionTarget", "greedy"), "True");
  const auto pressure = [&] {
    return (*kube::get<kube::Node>(*client_, {"", "node-a"}))->status.conditions[0].status;
  };
  EXPECT_EQ(pressure(), "True");
  time_.advance(6min);
  EXPECT_EQ(pressure(), "False");
}

// One run of everything at once; its trace must depend on the seed alone.
class TraceRun : public KubeletTest {
 public:
  void TestBody() override {}
  Lines run() {
    runtime_.behaviour = [](const container::ContainerConfig& config) {
      FakeRuntime::Behaviour out{.stop_takes = 2s};
      if (config.name == "b") out.runs_for = 20s;
      return out;
    };
    start_kubelet();
    for (const char* name : {"a", "b", "c"}) {
      kube::Pod wanted = pod(name);
      wanted.spec.containers[0].readiness_probe = http_probe(7);
      create(wanted);
    }
    time_.advance(2min);
    remove("c");
    time_.advance(1min);
    Lines out = runtime_.trace();
    for (const char* name : {"a", "b"}) out.push_back(kube::to_json(*get(name)));
    return out;
  }
};

TEST(TraceTest, TwoRunsOfOneSeedAreTheSame) {
  EXPECT_EQ(TraceRun().run(), TraceRun().run());
}

}  // namespace
}  // namespace minato::kubelet
