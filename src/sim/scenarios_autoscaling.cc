// Scenarios 1 to 17: what the two autoscalers, the scheduler and the load do to each other.
#include <algorithm>

#include "blueprint/system.h"
#include "kube/types/apps.h"
#include "sim/stage.h"

namespace minato::sim {
namespace {

void wide(SimOptions& options) { options.spec.scaling.max = 16; }

void square_wave(Stage& stage) {
  stage.load(LoadCurve::square(120, 520, 10min), "120 and 520 requests per second by turns, 5 minutes each");
  stage.run(2h);
  stage.expect_failed(0, 0, "in two hours of it");
  stage.fact(fmt::format("replicas changed direction {} times within an hour at most", stage.world().invariants().direction_changes()));
  stage.expect(stage.world().invariants().direction_changes() <= 14, "at most one change of direction per half wave");
}

void falls_while_pending(Stage& stage) {
  stage.load(1500);
  stage.expect(stage.run_until(15min, [&] { return stage.waiting_pods() > 0 && stage.desired() == 5; }),
               "more Pods than the group can carry");
  stage.run(2min);
  stage.load(60);
  // Stabilization, two syncs, and the metrics' own window.
  stage.expect(stage.run_until(5min + 30s + 45s, [&] { return stage.replicas() == 6; }), "replicas are at the minimum again");
  stage.run(1min);
  stage.expect(stage.waiting_pods() == 0, "no Pod waits any more");
}

void slow_starters(Stage& stage) {
  stage.load(LoadCurve::ramp(170, 10min, 500, 25min), "170 to 500 within a quarter of an hour");
  stage.run(10min);
  std::int32_t most = 0;
  (void)stage.run_until(40min, [&] {
    most = std::max(most, stage.replicas());
    return false;
  });
  // 500 a second at 5 ms of CPU each are 2.5 cores; 60 % of 250m is 0.15.
  stage.fact(fmt::format("{} replicas at most; the load needs 17", most));
  stage.expect(most <= 19, "at most 1.1 times what the load needs");
}

void all_unready(Stage& stage) {
  stage.load(100);
  stage.run(5min);
  stage.load(2600);
  stage.run(2min);
  // Unready Pods count as idle, so that the ratio comes within the tolerance of 10 % somewhat below
  // the maximum of 40.
  stage.expect(stage.run_until(20min, [&] { return stage.replicas() * 1.1 >= 39.5; }),
               "replicas grow to the maximum, give or take the tolerance, although Pods fail their probes");
  stage.run(10min);
  // Probes that wait behind requests kill Pods, which makes the queues of the others longer: more
  // capacity alone does not end that. Less load must.
  stage.fact(fmt::format("{} of {} Pods ready with the load still there", stage.ready_pods(), stage.replicas()));
  stage.load(500);
  stage.expect(stage.run_until(10min, [&] { return stage.ready_pods() == stage.replicas(); }), "it recovers once the load is gone");
  const auto before = stage.counts().failed();
  stage.run(5min);
  stage.expect_failed(before, 0, "after that");
}

void metrics_down(Stage& stage) {
  stage.load(400);
  stage.run(12min);
  const std::int32_t replicas = stage.replicas();
  stage.scale_role(blueprint::kRoleMetrics, 0);
  stage.expect(stage.run_until(60s, [&] { return stage.condition("ScalingActive").starts_with("False"); }),
               "the HorizontalPodAutoscaler says within a minute that it has no metrics");
  stage.fact(stage.condition("ScalingActive"));
  stage.load(60);
  stage.run(20min);
  stage.expect(stage.replicas() == replicas, "the number of replicas is held");
  stage.stay_quiet(1h, 600);
  stage.scale_role(blueprint::kRoleMetrics, 2);
  stage.expect(stage.run_until(10min, [&] { return stage.replicas() == 6; }), "then it follows the load again");
  stage.expect_failed(0, 0, "in all of it");
}

void applied_again(Stage& stage) {
  stage.load(500);
  stage.run(12min);
  const std::int32_t replicas = stage.replicas();
  stage.expect(replicas > 12, "the load has made it grow");
  stage.deploy("v1");
  stage.run(2min);
  stage.expect(stage.replicas() >= replicas - 1, "the file does not take back what the autoscaler gave");
  stage.expect_failed(0, 0, "");
}

void failed_pods(Stage& stage) {
  stage.load(400);
  stage.run(15min);
  const std::int32_t replicas = stage.replicas();
  stage.say("four Pods fail, as after an eviction for memory, and stay as objects");
  std::size_t failed = 0;
  for (const auto& pod : stage.pods()) {
    if (failed == 4 || pod->spec.node_name.empty()) continue;
    ++failed;
    stage.fail_pod(pod->key(), "Evicted");
  }
  std::int32_t most = 0, least = replicas;
  (void)stage.run_until(10min, [&] {
    most = std::max(most, stage.replicas());
    least = std::min(least, stage.replicas());
    return false;
  });
  stage.fact(fmt::format("{} replicas before, {} to {} after {} Pods had failed", replicas, least, most, failed));
  stage.expect(most <= replicas + 1 && least >= replicas - 1, "the number follows the load of those that live");
  stage.expect(stage.run_until(5min, [&] { return stage.ready_pods() == stage.replicas(); }), "those that failed are replaced");
}

void conflicting_spread(Stage& stage) {
  stage.patch(kube::Deployment::static_kind(), {"shop", "shop"},
              R"({"spec":{"replicas":12,"template":{"spec":{"topologySpreadConstraints":[{"maxSkew":1,"minDomains":12,
                  "topologyKey":"kubernetes.io/hostname","whenUnsatisfiable":"DoNotSchedule",
                  "labelSelector":{"matchLabels":{"app.kubernetes.io/name":"shop"}}}]}}}})");
  stage.patch(kube::HorizontalPodAutoscaler::static_kind(), {"shop", "shop"}, R"({"spec":{"minReplicas":12}})");
  stage.load(100);
  stage.run(20min);
  stage.expect(stage.waiting_pods() > 0, "what does not fit waits");
  stage.fact(stage.waiting_reason());
  stage.expect_contains(stage.waiting_reason(), "topology spread constraints", "the Pod's condition");
  stage.stay_quiet(1h, 2000);
}

void half_empty(Stage& stage) {
  stage.load(700);
  stage.run(20min);
  const std::size_t most = stage.nodes().size();
  stage.load(60);
  stage.run(90min);
  stage.fact(fmt::format("{} Nodes at most, {} in the end; {} would do", most, stage.nodes().size(), 3));
  stage.expect(most > 3, "the load has made the group grow");
  stage.expect(stage.nodes().size() == 3, "Nodes that nobody needs go");
  stage.expect_failed(0, 0, "in growing and shrinking");
}

void no_turnaround(Stage& stage) {
  stage.load(LoadCurve::square(100, 700, 50min), "100 and 700 requests per second by turns, 25 minutes each");
  stage.run(3h);
  stage.expect_failed(0, 0, "in three hours of it");
  const auto& lines = stage.world().story().lines();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].source == "you" || !lines[i].text.starts_with("TriggeredScaleUp")) continue;
    for (std::size_t j = 0; j < i; ++j) {
      const bool went = lines[j].text.starts_with("NodeRemoved");
      stage.expect(!went || lines[i].at - lines[j].at > 5min, "no Node is bought within five minutes of giving one up");
    }
  }
}

void fits_no_type(Stage& stage) {
  stage.load(60);
  const std::int32_t desired = stage.desired();
  stage.patch(kube::Deployment::static_kind(), {"shop", "shop"},
              R"({"spec":{"template":{"spec":{"containers":[{"name":"shop","image":"v1","imagePullPolicy":"IfNotPresent",
                  "resources":{"requests":{"cpu":"1925m","memory":"256Mi"}}}]}}}})");
  stage.run(10min);
  stage.expect(stage.waiting_pods() > 0, "the larger Pods wait");
  stage.expect(stage.desired() == desired, "no Node is bought that would not help");
  stage.expect(stage.events("NotTriggerScaleUp") > 0, "an Event NotTriggerScaleUp says why");
  stage.fact(stage.world().story().last("NotTriggerScaleUp"));
  stage.expect_failed(0, 0, "meanwhile");
  stage.stay_quiet(1h, 2000);
}

void one_pool_out(Stage& stage) {
  stage.load(100);
  stage.no_capacity({.type = "m6i.large", .zone = "ap-northeast-1a", .market = {}}, "m6i.large in zone a");
  stage.load(600);
  stage.expect(stage.run_until(8min, [&] { return stage.replicas() >= 18 && stage.ready_pods() >= 18; }),
               "other pools give what is needed, without waiting");
  stage.expect_failed(0, 0, "");
}

void never_joins(Stage& stage) {
  stage.load(100);
  stage.world().hang_machines(1);
  stage.say("the next machine boots and never becomes a Node");
  stage.load(600);
  stage.expect(stage.run_until(40min, [&] { return stage.waiting_pods() == 0 && stage.ready_pods() == stage.replicas(); }),
               "the Pods run in the end");
  stage.run(20min);
  stage.expect(stage.instances() == static_cast<std::int32_t>(stage.nodes().size()),
               fmt::format("every instance is a Node in the end: {} and {}", stage.instances(), stage.nodes().size()));
  stage.fact(stage.world().story().last("ScaleUpTimedOut"));
}

void half_unready(Stage& stage) {
  stage.load(300);
  stage.run(10min);
  stage.fail_zone("a");
  stage.run(1min);
  const auto* plan = stage.cluster().autoscaler().last_plan();
  if (plan != nullptr && !plan->halted.empty()) stage.fact("autoscaler: " + plan->halted);
  stage.run(15min);
  stage.expect(stage.ready_pods() == stage.replicas(), "the zone that is left carries all");
  stage.restore_zone("a");
  stage.recover(30min);
}

void roles_come_back(Stage& stage) {
  stage.load(100);
  const std::string node = stage.role_node(blueprint::kRoleController);
  stage.kill_node(node);
  stage.run(5min);
  for (const auto role : {blueprint::kRoleController, blueprint::kRoleDns, blueprint::kRoleMetrics}) {
    stage.expect(stage.cluster().roles().is_active(std::string(role)), fmt::format("role {} acts", role));
  }
  stage.recover(15min);
  stage.expect_failed(0, 0, "");
}

void no_churn(Stage& stage) {
  stage.load(400);
  stage.run(40min);
  const std::int32_t desired = stage.desired();
  const std::uint64_t removed = stage.events("NodeRemoved");
  stage.stay_quiet(3h, 600);
  stage.expect(stage.desired() == desired && stage.events("NodeRemoved") == removed, "no Node comes or goes at a steady load");
  stage.expect_failed(0, 0, "");
}

}  // namespace

std::vector<Scenario> autoscaling_scenarios() {
  return {
      {1, "hpa-square-wave", "The load swings with a period near the stabilization time.",
       "Replicas change direction no oftener than the load; no request is lost.", wide, square_wave},
      {2, "load-falls-while-pending", "The load goes beyond what the group can carry, then falls.",
       "Replicas reach the minimum within stabilization and two syncs; waiting Pods do not hold them up.",
       [](SimOptions& options) {
         options.spec.scaling.max = 5;
         options.spec.replicas.max = 60;
       }, falls_while_pending},
      {3, "slow-starters", "Pods burn CPU for half a minute before they serve.",
       "Their CPU does not count while they start: at most 1.1 times the replicas the load needs.",
       [](SimOptions& options) {
         options.spec.image = "slow";
         options.spec.replicas.max = 60;
         options.spec.scaling.max = 20;
       }, slow_starters},
      {4, "all-unready", "So much load that Pods fail their readiness probes.",
       "Replicas still grow, and the service recovers when the load falls.",
       [](SimOptions& options) {
         options.spec.replicas.max = 40;
         options.spec.scaling.max = 16;
       }, all_unready},
      {5, "metrics-missing", "The metrics server is away.",
       "The size is held, the condition says so within a minute, nothing spins.", wide, metrics_down},
      {6, "applied-again", "The file is applied while the autoscaler holds a higher number.",
       "The number stays.", wide, applied_again},
      {7, "failed-pods", "Pods fail and stay as objects.", "Only Pods that live are counted and measured.", wide, failed_pods},
      {8, "spread-cannot-be-met", "Spread over more Nodes than the group may have.",
       "What does not fit waits and names the constraint; nothing spins.", nullptr, conflicting_spread},
      {10, "half-empty-nodes", "Load comes and goes over Pods spread thinly.",
       "Nodes go again; cost comes down to the minimum.", wide, half_empty},
      {11, "no-turnaround", "A wave slower than the scale-down delay.",
       "No Node is given up and bought again within minutes.", wide, no_turnaround},
      {12, "pod-fits-no-type", "A Pod that fits on no type beside the DaemonSets.",
       "It waits and says why; nothing is bought for it.", nullptr, fits_no_type},
      {13, "one-pool-out", "One pool has no capacity.", "Others are used at once.", wide, one_pool_out},
      {14, "instance-never-joins", "A machine boots and never becomes a Node.",
       "It is given up after the provision time and replaced.", wide, never_joins},
      {15, "half-unready", "One of two zones fails: half of all Nodes are not ready.",
       "The other zone still grows.",
       [](SimOptions& options) {
         options.spec.zones = {"a", "c"};
         options.spec.scaling.min = 8;
         options.spec.scaling.max = 16;
       }, half_unready},
      {16, "autoscaler-loses-its-node", "The Node of the controller role dies.",
       "It acts again from elsewhere; no role lands on the scaling group.", nullptr, roles_come_back},
      {17, "no-churn", "Hours of a steady load.", "No Node comes or goes.", wide, no_churn},
  };
}

}  // namespace minato::sim
