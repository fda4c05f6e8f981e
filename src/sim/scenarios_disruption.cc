// Scenarios 18 to 30: drains, budgets, rollouts.
#include <algorithm>

#include "blueprint/system.h"
#include "cluster/view.h"
#include "kube/display.h"
#include "kube/types/apps.h"
#include "sim/stage.h"

namespace minato::sim {
namespace {

void budget_never_met(Stage& stage) {
  stage.load(150);
  stage.set_budget(R"({"maxUnavailable":0})");
  const std::string node = stage.nodes().front();
  stage.drain(node);
  stage.run(20min);
  const std::string why = stage.explain("node", node);
  stage.fact(why);
  stage.expect_contains(why, "budget", "the Node's explanation");
  stage.expect(stage.ready_pods() == stage.replicas(), "no Pod left against its budget");
  stage.stay_quiet(1h, 2000);
  stage.interrupt_node(node);
  stage.run(3min);
  stage.expect(stage.events("DeadlineCut") > 0, "the deadline wins, and it is said what was cut");
  stage.fact(stage.world().story().last("DeadlineCut"));
  stage.set_budget(R"({"maxUnavailable":"25%"})");
  stage.recover(15min);
  stage.expect_failed(0, 0, "");
}

void unready_uses_budget(Stage& stage) {
  stage.load(100);
  stage.deploy("broken");
  stage.run(2min);
  stage.expect(stage.ready_pods() >= 6, "the old Pods serve");
  for (const auto& pod : stage.pods()) {
    if (pod->spec.containers.at(0).image != "broken" || pod->spec.node_name.empty()) continue;
    stage.drain(pod->spec.node_name);
    stage.expect(stage.run_until(10min, [&, name = pod->spec.node_name] {
      const auto nodes = stage.nodes();
      return std::ranges::find(nodes, name) == nodes.end();
    }), "the drain of a Node with an unready Pod completes");
    break;
  }
  (void)stage.world().rollback();
  stage.say("rollback");
  stage.recover(15min);
  stage.expect_failed(0, 0, "");
}

void dns_on_one_node(Stage& stage) {
  stage.load(100);
  const std::string dns(blueprint::kRoleDns);
  const std::string node = stage.role_node(dns);
  stage.drain(node);
  bool always = true;
  (void)stage.run_until(15min, [&] {
    always = always && stage.cluster().roles().is_active(dns);
    return false;
  });
  stage.expect(always, "a DNS Pod is Ready at every moment");
  const auto nodes = stage.nodes(blueprint::kMasterGroup);
  stage.expect(std::ranges::find(nodes, node) == nodes.end(), "the Node is gone");
  stage.recover(10min);
}

void rollout_drain_and_growth(Stage& stage) {
  stage.load(300);
  stage.run(12min);
  stage.deploy("v2");
  stage.run(5s);
  stage.drain(stage.nodes().front());
  stage.load(500);
  bool enough = true;
  (void)stage.run_until(20min, [&] {
    // A quarter may be away by the budget; what was only just asked for is not there yet.
    enough = enough && stage.ready_pods() * 4 >= 9 * 3;
    return false;
  });
  stage.expect(enough, "enough Pods are ready at all times");
  stage.recover(20min);
  stage.expect_failed(0, 0, "");
}

void no_pre_stop(Stage& stage) {
  stage.load(200);
  stage.run(1min);
  stage.deploy("v2");
  stage.run(10min);
  // Of 200 a second, in the milliseconds until every Node knows; six Pods go.
  stage.expect_failed(0, 20, "without a preStop sleep");
}

void grows_without_gap(Stage& stage) {
  stage.load(150);
  stage.run(5min);
  stage.load(LoadCurve::ramp(150, 1min, 800, 15min), "150 to 800 within 14 minutes");
  bool healthy = true;
  (void)stage.run_until(25min, [&] {
    healthy = healthy && !stage.cloud().fail_open();
    return false;
  });
  stage.expect(stage.nodes().size() > 3, "Nodes were added");
  stage.expect(healthy, "there is a healthy target at every moment");
  stage.expect_failed(0, 0, "");
}

void long_requests(Stage& stage) {
  stage.load(20);
  stage.run(5min);
  stage.drain(stage.nodes().front());
  stage.run(10min);
  // Requests of 50 s outlast a deregistration delay of 30 s and 30 s of grace: those cut off are counted by themselves.
  stage.fact(fmt::format("{} of {} requests of 50 s were cut off", stage.counts().reset, stage.counts().sent));
  stage.expect(stage.counts().failed() == stage.counts().reset, "nothing fails for another reason");
  stage.recover(10min);
}

void bad_image(Stage& stage) {
  stage.load(150);
  stage.deploy("does-not-exist");
  stage.run(10min);
  stage.expect(stage.ready_pods() >= 6, "the old replicas are untouched");
  stage.expect(stage.pods().size() <= 8, "it stops at maxSurge");
  stage.expect_contains(std::string(cluster::rollout_of(*stage.cluster().informers().of<kube::Deployment>().get({"shop", "shop"})).message),
                        "progress deadline", "the rollout");
  stage.stay_quiet(1h, 600);
  (void)stage.world().rollback();
  stage.recover(10min);
  stage.expect_failed(0, 0, "");
}

void crash_loop(Stage& stage) {
  stage.load(150);
  stage.deploy("crashing");
  stage.run(10min);
  stage.expect(stage.ready_pods() >= 6, "the old replicas serve");
  bool said = false;
  for (const auto& pod : stage.pods()) said = said || kube::display(*pod).status == "CrashLoopBackOff";
  stage.expect(said, "it is called CrashLoopBackOff, never Running");
  (void)stage.world().rollback();
  stage.recover(10min);
  stage.expect_failed(0, 0, "");
}

void probes_and_slow_starters(Stage& stage) {
  stage.load(100);
  stage.deploy("slow");
  stage.recover(20min);
  for (const auto& pod : stage.pods()) stage.expect(kube::display(*pod).restarts == 0, "no probe kills a Pod that is starting");
  stage.expect_failed(0, 0, "");
}

void wavering_probes(Stage& stage) {
  stage.load(100);
  stage.deploy("wavering");
  stage.recover(20min);
  const std::uint64_t before = stage.events("Unhealthy");
  int turns = 0;
  std::int32_t last = stage.ready_pods(), least = last;
  const Duration watched = 30min;
  (void)stage.run_until(watched, [&] {
    const std::int32_t now = stage.ready_pods();
    turns += now != last ? 1 : 0;
    least = std::min(least, now);
    last = now;
    return false;
  });
  const auto minutes = static_cast<double>(watched / 1min);
  stage.fact(fmt::format("{:.1f} probes failed and {:.2f} endpoints came or went per minute; at least {} of {} were ready",
                         static_cast<double>(stage.events("Unhealthy") - before) / minutes, turns / minutes, least, stage.replicas()));
  stage.expect(stage.events("Unhealthy") > before, "probes fail now and then, and it is said");
  // A tenth fails, two in a row count, and there are three probes of each of six Pods in six seconds.
  stage.expect(turns / minutes <= 6, "endpoints come and go less often than probes fail");
  stage.expect(least >= stage.replicas() - 2, "never more than two at a time");
  // A ninth of the answers is late; three in a row are for the liveness probe, every five seconds.
  std::int32_t restarts = 0;
  for (const auto& pod : stage.pods()) restarts += kube::display(*pod).restarts;
  stage.fact(fmt::format("{} restarts by liveness probes", restarts));
  stage.expect(restarts <= 12, "liveness probes seldom kill");
  stage.expect_failed(0, 0, "");
}

void memory_cascade(Stage& stage) {
  stage.load(250);
  stage.run(10min);
  const std::int32_t before = stage.ready_pods();
  stage.load(LoadCurve::constant(1200), "1200 requests per second: more than the Pods can work off");
  stage.run(60s);
  stage.fact(fmt::format("{} of {} Pods ready after a minute", stage.ready_pods(), before));
  bool killed = false;
  for (const auto& pod : stage.pods()) {
    for (const auto& status : pod->status.container_statuses) {
      const auto& ended = status.last_state.terminated ? status.last_state.terminated : status.state.terminated;
      killed = killed || (ended && ended->reason == "OOMKilled");
    }
  }
  stage.expect(killed, "the kernel kills Pods whose requests pile up, and it is said");
  stage.run(20min);
  // Dead Pods tell no CPU, and each that comes back gets the load of all: only less load ends it.
  stage.fact(fmt::format("{} of {} Pods ready with the load still there", stage.ready_pods(), stage.replicas()));
  stage.load(250);
  stage.expect(stage.run_until(15min, [&] { return stage.ready_pods() == stage.replicas(); }), "it recovers once the load is gone");
  stage.run(2min);
  const std::uint64_t failed = stage.counts().failed();
  stage.run(10min);
  stage.expect_failed(failed, 0, "after that");
}

void herd(Stage& stage) {
  stage.load(600);
  stage.run(15min);
  Behaviour far;
  far.pull = {20s, 60s};
  stage.world().datacenter().set_behaviour("v2", far);
  stage.deploy("v2");
  stage.recover(30min);
  stage.expect_failed(0, 0, "");
}

}  // namespace

std::vector<Scenario> disruption_scenarios() {
  return {
      {18, "budget-never-met", "A PodDisruptionBudget that allows nothing, and a drain; then a spot notice.",
       "The drain waits and says for whom; the notice's deadline still wins.", nullptr, budget_never_met},
      {19, "unready-uses-budget", "An unready Pod on a Node that is drained.",
       "It does not hold up the drain.", nullptr, unready_uses_budget},
      {20, "dns-node-drained", "The Node of a DNS Pod is drained.", "A DNS Pod is Ready at every moment.", nullptr, dns_on_one_node},
      {21, "rollout-drain-growth", "A rollout, a drain and growing load at once.",
       "Enough Pods are ready at all times; no request is lost.",
       [](SimOptions& options) { options.spec.scaling.max = 16; }, rollout_drain_and_growth},
      {22, "no-pre-stop", "Pods that stop as soon as they are told.", "Only requests of the gap are lost.",
       [](SimOptions& options) { options.spec.stop.drain = Duration{0}; }, no_pre_stop},
      {23, "grows-without-gap", "Nodes join while traffic grows.", "No request goes to a target before it is healthy.",
       [](SimOptions& options) { options.spec.scaling.max = 16; }, grows_without_gap},
      {24, "long-requests", "Requests longer than the deregistration delay, and a drain.",
       "Those cut off are counted by themselves; nothing else fails.",
       [](SimOptions& options) { options.work = {.time = 50s, .cpu = 5ms}; }, long_requests},
      {25, "bad-image", "An image that does not exist.",
       "Stops at maxSurge, the progress deadline is reported, old replicas serve.", nullptr, bad_image},
      {26, "crash-loop", "A release that crashes.", "It says so; old replicas serve.", nullptr, crash_loop},
      {27, "slow-starters-live", "A release that takes half a minute to start.", "No probe kills it.", nullptr, probes_and_slow_starters},
      {28, "wavering-probes", "Probes are answered near their timeout.", "Endpoints seldom come and go; no request is lost.",
       nullptr, wavering_probes},
      {29, "thundering-herd", "A deploy of many replicas whose image comes slowly.", "It goes through; no request is lost.",
       [](SimOptions& options) { options.spec.scaling.max = 16; }, herd},
      {30, "memory-cascade", "Pods die of the memory of requests that pile up, and the others get their share.",
       "The kernel's kills are named; survivors are counted; it recovers when the load falls.",
       [](SimOptions& options) {
         options.spec.image = "hungry";
         options.spec.replicas.max = 60;
         options.spec.scaling.max = 20;
       }, memory_cascade},
  };
}

}  // namespace minato::sim
