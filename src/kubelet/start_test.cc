// How Pods come to run, fail to, and are run again.

#include "base/strings.h"
#include "kubelet/test_world.h"

namespace minato::kubelet {
namespace {

TEST_F(KubeletTest, NodeIsRegisteredReadyWithALeaseThatIsRenewed) {
  options_.reserved = {.cpu_milli = 100, .memory_bytes = 1 << 30, .pods = 0};
  options_.labels["topology.kubernetes.io/zone"] = "ap-northeast-1a";
  start_kubelet();
  const auto node = *kube::get<kube::Node>(*client_, {"", "node-a"});
  EXPECT_EQ(node->spec.provider_id, "aws:///ap-northeast-1a/i-1");
  EXPECT_EQ(node->metadata.labels.at("topology.kubernetes.io/zone"), "ap-northeast-1a");
  EXPECT_EQ(node->status.allocatable.at("cpu").to_string(), "1900m");
  EXPECT_EQ(node->status.conditions.back().type, "Ready");
  EXPECT_EQ(node->status.conditions.back().status, "True");
  time_.advance(25s);
  const auto lease = *kube::get<kube::Lease>(*client_, {"kube-node-lease", "node-a"});
  EXPECT_EQ(lease->spec.lease_duration_seconds, 40);
  EXPECT_EQ(format_rfc3339(lease->spec.renew_time), "2026-01-01T00:00:20Z");
}

TEST_F(KubeletTest, NodeOfAnotherMachineWithTheSameNameIsReplaced) {
  start_kubelet();
  kubelet_.reset();
  const std::string old_uid = (*kube::get<kube::Node>(*client_, {"", "node-a"}))->metadata.uid;
  options_.provider_id = "aws:///ap-northeast-1a/i-2";
  start_kubelet();
  time_.advance(2s);
  const auto node = *kube::get<kube::Node>(*client_, {"", "node-a"});
  EXPECT_NE(node->metadata.uid, old_uid);
  EXPECT_EQ(node->spec.provider_id, "aws:///ap-northeast-1a/i-2");
}

TEST_F(KubeletTest, NodeIsReadyOnlyAfterReadyAfter) {
  options_.ready_after = 20s;
  start_kubelet();
  const auto ready = [&] {
    return (*kube::get<kube::Node>(*client_, {"", "node-a"}))->status.conditions.back().status;
  };
  EXPECT_EQ(ready(), "False");
  time_.advance(20s);
  EXPECT_EQ(ready(), "True");
}

TEST_F(KubeletTest, AnIdleKubeletOnlyRenewsItsLease) {
  start_kubelet();
  const std::uint64_t before = time_.steps();
  time_.advance(100s);
  EXPECT_EQ(time_.steps() - before, 10u);
}

TEST_F(KubeletTest, PodRunsAndIsReady) {
  start_kubelet();
  create(pod());
  const auto running = get();
  EXPECT_EQ(running->status.phase, "Running");
  EXPECT_EQ(running->status.pod_ip, "10.0.0.1");
  EXPECT_EQ(running->status.host_ip, "10.77.1.11");
  EXPECT_EQ(running->status.qos_class, "BestEffort");
  for (const char* type : {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
                           "PodScheduled"}) {
    EXPECT_EQ(condition(type), "True") << type;
  }
  EXPECT_EQ(traced(), (Lines{"0s sandbox web", "0s pull registry.local/web:1", "0s start web/0"}));
}

TEST_F(KubeletTest, InitContainersRunInOrderAndSidecarsGateTheNext) {
  runtime_.behaviour = [](const container::ContainerConfig& config) {
    FakeRuntime::Behaviour out;
    if (config.name.starts_with("init")) out.runs_for = 5s;
    return out;
  };
  start_kubelet();
  time_.advance(60s);  // Probes of later Pods are not spread out.
  kube::Pod wanted = pod();
  wanted.spec.init_containers = {container("init-a"), sidecar("mesh"), container("init-b")};
  wanted.spec.init_containers[1].startup_probe = http_probe(4);
  create(wanted);
  EXPECT_EQ(waiting_reason(), "PodInitializing");
  EXPECT_EQ(condition("Initialized"), "False");
  time_.advance(30s);
  EXPECT_EQ(traced("start"), (Lines{"60s start init-a/0", "65s start mesh/0", "68s start init-b/0",
                                    "73s start web/0"}));
  EXPECT_EQ(get()->status.phase, "Running");
  EXPECT_EQ(condition("Ready"), "True");
}

TEST_F(KubeletTest, FailedInitContainerFailsAPodThatNeverRestarts) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.runs_for = 1s, .exit_code = 3};
  };
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.restart_policy = "Never";
  wanted.spec.init_containers = {container("init")};
  create(wanted);
  time_.advance(2s);
  EXPECT_EQ(get()->status.phase, "Failed");
  EXPECT_TRUE(traced("start web").empty());
}

TEST_F(KubeletTest, CrashLoopDoublesUpToFiveMinutes) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.runs_for = 1s, .exit_code = 1};
  };
  start_kubelet();
  create(pod());
  time_.advance(20s);
  EXPECT_EQ(waiting_reason(), "CrashLoopBackOff");
  EXPECT_EQ(status_of().state.waiting->message,
            "back-off 20s restarting failed container=web pod=web_default(" +
                get()->metadata.uid + ")");
  EXPECT_EQ(status_of().last_state.terminated->exit_code, 1);
  EXPECT_EQ(status_of().restart_count, 2);
  time_.advance(20min);
  EXPECT_EQ(traced("start"),
            (Lines{"0s start web/0", "1s start web/1", "12s start web/2", "33s start web/3",
                   "74s start web/4", "155s start web/5", "316s start web/6", "617s start web/7",
                   "918s start web/8", "1219s start web/9"}));
  EXPECT_EQ(get()->status.phase, "Running");
  EXPECT_EQ(condition("Ready"), "False");
}

TEST_F(KubeletTest, ALongRunForgivesEarlierCrashes) {
  runtime_.behaviour = [](const container::ContainerConfig& config) {
    return FakeRuntime::Behaviour{.runs_for = config.attempt == 2 ? Duration(11min) : Duration(1s),
                                  .exit_code = 1};
  };
  start_kubelet();
  create(pod());
  time_.advance(12min);
  // Attempt 2 ended at 12 + 660 s: the next start is immediate, the one after waits 10 s.
  EXPECT_EQ(traced("start"), (Lines{"0s start web/0", "1s start web/1", "12s start web/2",
                                    "672s start web/3", "683s start web/4", "704s start web/5"}));
}

TEST_F(KubeletTest, RestartPoliciesDecideWhatAnExitMeans) {
  struct Case {
    const char* policy;
    int exit_code;
    const char* phase;
  };
  for (const Case& one : {Case{"Never", 0, "Succeeded"}, Case{"Never", 1, "Failed"},
                          Case{"OnFailure", 0, "Succeeded"}, Case{"OnFailure", 1, "Running"},
                          Case{"Always", 0, "Running"}}) {
    runtime_.behaviour = [&](const container::ContainerConfig&) {
      return FakeRuntime::Behaviour{.runs_for = 1s, .exit_code = one.exit_code};
    };
    if (!kubelet_) start_kubelet();
    const std::string name = fmt::format("p-{}-{}", to_lower(one.policy), one.exit_code);
    kube::Pod wanted = pod(name);
    wanted.spec.restart_policy = one.policy;
    create(wanted);
    time_.advance(5s);
    EXPECT_EQ(get(name)->status.phase, one.phase) << name;
    EXPECT_EQ(condition("Ready", name), "False") << name;
  }
}

TEST_F(KubeletTest, OutOfMemoryKillIsSaidInLastState) {
  runtime_.behaviour = [](const container::ContainerConfig& config) {
    FakeRuntime::Behaviour out;
    if (config.attempt == 0) out = {.runs_for = 3s, .exit_code = 137, .oom_killed = true};
    return out;
  };
  start_kubelet();
  create(pod());
  time_.advance(4s);
  ASSERT_TRUE(status_of().last_state.terminated);
  EXPECT_EQ(status_of().last_state.terminated->reason, "OOMKilled");
  EXPECT_EQ(status_of().restart_count, 1);
  EXPECT_TRUE(status_of().state.running);
}

TEST_F(KubeletTest, ImagePullsBackOffAndHeal) {
  bool there = false;
  runtime_.pull = [&](const std::string&) -> Status {
    if (!there) return fail(Reason::kNotFound, "registry.local/web:1: not found");
    return {};
  };
  start_kubelet();
  create(pod());
  EXPECT_EQ(waiting_reason(), "ErrImagePull");
  time_.advance(2s);
  EXPECT_EQ(waiting_reason(), "ImagePullBackOff");
  EXPECT_EQ(status_of().state.waiting->message,
            "Back-off pulling image \"registry.local/web:1\": ErrImagePull: "
            "registry.local/web:1: not found");
  time_.advance(70s);
  EXPECT_EQ(traced("pull"),
            (Lines{"0s pull registry.local/web:1", "10s pull registry.local/web:1",
                   "30s pull registry.local/web:1", "70s pull registry.local/web:1"}));
  there = true;
  time_.advance(80s);
  EXPECT_EQ(get()->status.phase, "Running");
  EXPECT_EQ(status_of().restart_count, 0);
}

TEST_F(KubeletTest, MissingConfigurationWaitsAndHeals) {
  start_kubelet();
  kube::Pod wanted = pod();
  kube::EnvVar variable;
  variable.name = "MODE";
  auto& reference = variable.value_from.ensure().config_map_key_ref.ensure();
  reference.local_object_reference.name = "settings";
  reference.key = "mode";
  wanted.spec.containers[0].env.push_back(variable);
  create(wanted);
  EXPECT_EQ(waiting_reason(), "CreateContainerConfigError");
  EXPECT_EQ(status_of().state.waiting->message, "configmap \"settings\" not found");
  kube::ConfigMap settings;
  settings.metadata.namespace_ = "default";
  settings.metadata.name = "settings";
  settings.data["mode"] = "blue";
  ASSERT_TRUE(kube::create(*client_, settings).has_value());
  time_.advance(10s);
  EXPECT_EQ(get()->status.phase, "Running");
  EXPECT_EQ(status_of().restart_count, 0);
  EXPECT_EQ(runtime_.config_of("web").env.back().second, "blue");
}

TEST_F(KubeletTest, AContainerThatCouldNotRunSaysWhyInAnEvent) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{.cannot_run = "exec: \"nope\": not found"};
  };
  start_kubelet();
  create(pod());
  time_.advance(1s);
  EXPECT_EQ(events("Failed"), std::vector<std::string>{"Error: exec: \"nope\": not found"});
  EXPECT_EQ(status_of().last_state.terminated->reason, "ContainerCannotRun");
}

TEST_F(KubeletTest, ACommandThatCannotRunIsARunContainerError) {
  runtime_.behaviour = [](const container::ContainerConfig&) {
    return FakeRuntime::Behaviour{
        .start_takes = 2s, .start_error = Error{Reason::kInvalid, "exec: \"nope\": not found"}};
  };
  start_kubelet();
  create(pod());
  time_.advance(3s);
  EXPECT_EQ(waiting_reason(), "RunContainerError");
  EXPECT_EQ(status_of().last_state.terminated->reason, "StartError");
  time_.advance(2s);
  EXPECT_EQ(waiting_reason(), "CrashLoopBackOff");
}

TEST_F(KubeletTest, APodThatDoesNotFitFailsWithTheResource) {
  start_kubelet();
  kube::Pod big = pod("big");
  big.spec.containers[0].resources.requests["cpu"] = kube::Quantity::milli(1500);
  create(big);
  kube::Pod other = pod("other");
  other.spec.containers[0].resources.requests["cpu"] = kube::Quantity::milli(600);
  create(other);
  EXPECT_EQ(get("big")->status.phase, "Running");
  EXPECT_EQ(get("other")->status.phase, "Failed");
  EXPECT_EQ(get("other")->status.reason, "OutOfcpu");
  EXPECT_EQ(get("other")->status.message,
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 600, used: 1500, "
            "capacity: 2000");
  remove("other");
  EXPECT_EQ(get("other"), nullptr);
}

TEST_F(KubeletTest, ReadinessGatesHoldTheReadyCondition) {
  start_kubelet();
  kube::Pod wanted = pod();
  wanted.spec.readiness_gates.push_back({.condition_type = "example.com/attached"});
  create(wanted);
  EXPECT_EQ(condition("ContainersReady"), "True");
  EXPECT_EQ(condition("Ready"), "False");
  kube::Pod changed = *get();
  kube::PodCondition attached;
  attached.type = "example.com/attached";
  attached.status = "True";
  changed.status.conditions.push_back(attached);
  ASSERT_TRUE(kube::update(*client_, changed, kube::Subresource::kStatus).has_value());
  time_.settle();
  EXPECT_EQ(condition("Ready"), "True");
}

}  // namespace
}  // namespace minato::kubelet
