// Scenarios 31 to 43: what EC2, zones and the load balancer do.
#include <algorithm>

#include "sim/stage.h"

namespace minato::sim {
namespace {

void eight_nodes(SimOptions& options) {
  options.spec.scaling.min = 8;
  options.spec.scaling.max = 20;
  options.spec.replicas.min = 12;
  options.spec.replicas.max = 40;
}

void pool_reclaimed(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  const std::string type = stage.cloud().describe_auto_scaling_instances().back().type;
  std::string zone;
  for (const auto& instance : stage.cloud().describe_auto_scaling_instances()) {
    if (instance.market == cloud::Market::kSpot) zone = instance.zone;
  }
  stage.interrupt(100, {}, {.type = "", .zone = zone, .market = cloud::Market::kSpot});
  std::int32_t least = stage.ready_pods();
  (void)stage.run_until(4min, [&] {
    least = std::min(least, stage.ready_pods());
    return false;
  });
  stage.fact(fmt::format("at least {} of 12 Pods ready", least));
  stage.recover(15min);
  stage.expect_failed(0, 0, "although a whole zone's spot instances went");
}

void notice_lost(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  const auto before = stage.counts().failed();
  stage.interrupt(20, {.rebalance_lead = {}, .notice = Duration{0}});
  stage.recover(15min);
  stage.fact(fmt::format("{} requests failed, as after a crash", stage.counts().failed() - before));
  const auto after = stage.counts().failed();
  stage.run(10min);
  stage.expect(stage.counts().failed() == after, "none fails any more once it is recovered");
}

void rebalance_advice(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  stage.interrupt(50, {.rebalance_lead = 20min, .notice = {}});
  std::size_t least = 99;
  (void)stage.run_until(19min, [&] {
    least = std::min<std::size_t>(least, static_cast<std::size_t>(stage.ready_pods()));
    return false;
  });
  stage.expect(least >= 9, fmt::format("at most a quarter of the Pods is away at any time, but {} of 12 were ready", least));
  stage.run(6min);
  stage.recover(20min);
  stage.expect_failed(0, 0, "");
}

void spot_gone(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  const std::int64_t before = stage.cost_micro_usd();
  stage.run(30min);
  const std::int64_t usual = (stage.cost_micro_usd() - before) * 2;
  stage.no_capacity({.type = "", .zone = "", .market = cloud::Market::kSpot}, "no spot anywhere");
  stage.interrupt(100);
  stage.expect(stage.run_until(30min, [&] {
    return stage.ready_pods() == stage.replicas() && stage.instances() >= 8;
  }), "on-demand stands in");
  stage.run(5min);
  const std::int64_t then = stage.cost_micro_usd();
  stage.run(30min);
  stage.fact(fmt::format("{} micro-USD an hour with spot, {} without; {} requests failed", usual,
                         (stage.cost_micro_usd() - then) * 2, stage.counts().failed()));
  stage.expect((stage.cost_micro_usd() - then) * 2 > usual, "on-demand costs more");
  const std::uint64_t failed = stage.counts().failed();
  stage.capacity_again();
  const auto spot = [&] {
    const auto all = stage.cloud().describe_auto_scaling_instances();
    return std::ranges::count_if(all, [](const auto& each) {
      return each.market == cloud::Market::kSpot && each.state == cloud::LifecycleState::kInService;
    });
  };
  stage.expect(stage.run_until(3h, [&] { return spot() >= 8; }), fmt::format("back to spot: {} spot instances", spot()));
  stage.expect_failed(failed, 0, "on the way back");
}

void zone_loss(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  const std::uint64_t before = stage.counts().failed();
  stage.fail_zone("a");
  stage.run(90s);  // Until it is noticed.
  stage.expect(stage.run_until(20min, [&] { return stage.ready_pods() == stage.replicas() && stage.instances() == stage.desired(); }),
               "the other zones carry all");
  stage.fact(fmt::format("{} requests failed when the zone went", stage.counts().failed() - before));
  const std::uint64_t after = stage.counts().failed();
  stage.run(20min);
  stage.expect_failed(after, 0, "once the others carry all");
}

void zone_returns(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  stage.fail_zone("a");
  stage.run(20min);
  const std::uint64_t failed = stage.counts().failed();
  std::int32_t most = 0;
  stage.restore_zone("a");
  (void)stage.run_until(1h, [&] {
    most = std::max(most, stage.instances());
    return false;
  });
  stage.fact(fmt::format("{} instances at most after the zone was back, {} wanted", most, stage.desired()));
  stage.expect(most <= stage.desired() + 2, "no double capacity");
  stage.expect_failed(failed, 0, "when the zone is back");
  stage.recover(20min);
}

void fail_open(Stage& stage) {
  stage.load(100);
  stage.run(1min);
  stage.say("every Pod answers its health path with 503");
  stage.world().datacenter().set_ready("v1", false);
  stage.expect(stage.run_until(2min, [&] { return stage.cloud().fail_open(); }), "the target group fails open");
  for (const auto& target : stage.cloud().describe_target_health()) {
    stage.expect(target.state != cloud::TargetState::kHealthy, "no target is called healthy");
  }
  stage.run(3min);
  stage.world().datacenter().set_ready("v1", true);
  stage.say("they answer 200 again");
  stage.recover(20min);
}

void health_flap(Stage& stage) {
  stage.load(100);
  stage.run(1min);
  stage.say("for ten minutes every Pod fails its checks for one second of twenty");
  std::int64_t most = 0;
  for (int i = 0; i < 30; ++i) {
    stage.world().datacenter().set_ready("v1", false);
    stage.run(1s);
    stage.world().datacenter().set_ready("v1", true);
    for (int j = 0; j < 19; ++j) {
      stage.run(1s);
      const auto all = stage.cloud().describe_target_health();
      most = std::max<std::int64_t>(most, std::ranges::count(all, cloud::TargetState::kUnhealthy, &cloud::TargetHealth::state));
    }
  }
  stage.expect(most == 0, fmt::format("no target is taken out; {} were at most", most));
  stage.expect_failed(0, 0, "");
  stage.recover(5min);
}

}  // namespace

std::vector<Scenario> cloud_scenarios() {
  return {
      {31, "spot-pool-reclaimed", "All spot instances of one zone get a notice at once.",
       "Replacements are ordered within seconds; no request is lost.", eight_nodes, pool_reclaimed},
      {32, "notice-lost", "Spot instances end without a notice.", "As a crash: it recovers by itself.", eight_nodes, notice_lost},
      {33, "rebalance-advice", "Half of the fleet gets a rebalance recommendation.",
       "Replaced one after the other; no self-made outage.", eight_nodes, rebalance_advice},
      {34, "spot-exhausted", "No spot capacity anywhere, and all spot instances taken back.",
       "On-demand stands in; back to spot when it has come back.", eight_nodes, spot_gone},
      {35, "zone-loss", "A zone fails.", "The others carry all; requests fail only until it is noticed.", eight_nodes, zone_loss},
      {36, "zone-returns", "The zone is back.", "No storm, no double capacity.", eight_nodes, zone_returns},
      {38, "fail-open", "Every target fails its health checks.", "It is called fail-open, and ends with its cause.", nullptr, fail_open},
      {39, "health-flap", "Health checks fail for moments.", "No target is taken out of service.", nullptr, health_flap},
  };
}

}  // namespace minato::sim
