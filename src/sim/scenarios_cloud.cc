// Scenarios 9 and 31 to 43: what EC2, zones and the load balancer do.
#include <algorithm>
#include <map>

#include "blueprint/system.h"
#include "kube/types/apps.h"
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
  stage.run(4h);
  stage.expect_failed(after, 0, "once the others carry all");
  const auto tries = stage.events("BalanceZones");
  stage.fact(fmt::format("{} times it was tried in 4 hours whether the zone is back, and {} Nodes went for it", tries,
                         tries - stage.events("RemovalCancelled")));
  stage.expect(tries <= 6, "the zone is tried again seldom");
  stage.expect(stage.events("RemovalCancelled") == tries, "no Node goes for a replacement that cannot come");
}

struct Skew {
  std::int32_t pods = 0;
  std::int32_t nodes = 0;
};
// By how much zones differ in the service's Pods and in the Nodes for them.
Skew zone_skew(Stage& stage) {
  std::map<std::string, std::string> zone_of;
  std::map<std::string, Skew> zones;
  for (const auto& group : stage.cloud().describe_auto_scaling_groups()) {
    for (const std::string& zone : group.zones) zones[zone];
  }
  for (const auto& instance : stage.cloud().describe_auto_scaling_instances()) {
    zone_of[instance.hostname] = instance.zone;
    if (instance.group == stage.group_name(blueprint::kScalingGroup)) ++zones[instance.zone].nodes;
  }
  for (const auto& pod : stage.pods()) {
    if (const auto zone = zone_of.find(pod->spec.node_name); zone != zone_of.end()) ++zones[zone->second].pods;
  }
  const auto difference = [&](std::int32_t Skew::*of) {
    const auto [least, most] = std::ranges::minmax_element(zones, {}, [&](const auto& zone) { return zone.second.*of; });
    return most->second.*of - least->second.*of;
  };
  return {difference(&Skew::pods), difference(&Skew::nodes)};
}

void zones_lost_in_turn(Stage& stage) {
  stage.load(300);
  stage.run(5min);
  for (const char* zone : {"a", "c"}) {
    stage.fail_zone(zone);
    stage.run(90s);  // Until it is noticed.
    stage.recover(10min);
    stage.restore_zone(zone);
  }
  const Skew crowded = zone_skew(stage);
  const auto failed = stage.counts().failed();
  const bool is_even = stage.run_until(2h, [&] {
    const Skew now = zone_skew(stage);
    return now.pods <= 1 && now.nodes <= 1;
  });
  const Skew even = zone_skew(stage);
  stage.expect(is_even, fmt::format("zones are even again, but differ by {} Nodes and {} Pods", even.nodes, even.pods));
  stage.fact(fmt::format("zones differed by {} Nodes and {} Pods, and by {} and {} after {} and {} moves", crowded.nodes,
                         crowded.pods, even.nodes, even.pods, stage.events("BalanceZones"), stage.events("Descheduled")));
  stage.run(1h);
  stage.expect_failed(failed, 0, "while Nodes and Pods move");
  const auto nodes = stage.events("BalanceZones");
  const auto pods = stage.events("Descheduled");
  stage.expect(nodes <= 8, fmt::format("no Node moves twice, but there were {} moves", nodes));
  stage.expect(pods <= 20, fmt::format("no Pod moves twice, but there were {} moves", pods));
  stage.run(4h);
  stage.expect(stage.events("BalanceZones") == nodes && stage.events("Descheduled") == pods, "none moves once they are even");
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

void gray_zone(Stage& stage) {
  stage.load(200);
  stage.run(5min);
  stage.say("everything through zone a takes 800 ms longer; its health checks pass");
  stage.world().datacenter().set_zone_delay("ap-northeast-1a", 800ms);
  stage.run(5min);
  const Duration slow = stage.world().take_zone_p99("ap-northeast-1a");
  (void)stage.world().take_zone_p99("ap-northeast-1c");
  stage.fact(fmt::format("99 % of the requests through zone a within {}", format_duration(slow)));
  stage.expect(slow > 800ms, "the zone's own p99 shows it");
  for (const auto& target : stage.cloud().describe_target_health()) {
    stage.expect(target.state == cloud::TargetState::kHealthy, "all targets pass their checks");
  }
  stage.say("the group leaves zone a, and its Nodes there are drained");
  for (auto group : stage.cloud().describe_auto_scaling_groups()) {
    if (group.name != stage.group_name(blueprint::kScalingGroup)) continue;
    std::erase(group.zones, "ap-northeast-1a");
    stage.expect(stage.cloud().put_auto_scaling_group(group).has_value(), "a group can leave a zone");
  }
  const auto in_zone = [&] {
    std::vector<std::string> out;
    for (const auto& instance : stage.cloud().describe_auto_scaling_instances()) {
      if (instance.group == stage.group_name(blueprint::kScalingGroup) && instance.zone == "ap-northeast-1a") out.push_back(instance.hostname);
    }
    return out;
  };
  for (const std::string& node : in_zone()) stage.drain(node);
  const MonoTime begun = stage.world().time().monotonic();
  stage.expect(stage.run_until(15min, [&] { return in_zone().empty(); }), "the zone is empty within a quarter of an hour");
  stage.fact(fmt::format("the zone was empty after {}", format_minutes(stage.world().time().monotonic() - begun)));
  (void)stage.world().take_zone_p99("ap-northeast-1c");
  stage.run(2min);
  stage.expect(stage.world().take_zone_p99("ap-northeast-1c") < 800ms, "then requests are fast again");
  stage.expect_failed(0, 0, "");
}

void replacement_loop(Stage& stage) {
  stage.load(100);
  stage.run(1min);
  stage.say("ELB health checks without a grace period, and Pods that answer their health path with 503");
  for (auto group : stage.cloud().describe_auto_scaling_groups()) {
    if (group.name != stage.group_name(blueprint::kScalingGroup)) continue;
    group.elb_health_check = true;
    group.health_check_grace_period = Duration{0};
    stage.expect(stage.cloud().put_auto_scaling_group(group).has_value(), "the group can be changed");
  }
  stage.world().datacenter().set_ready("v1", false);
  const auto launches = [&] {
    return std::ranges::count_if(stage.cloud().costs().instances, [](const auto& bill) { return is_set(bill.from); });
  };
  const auto before = launches();
  stage.run(1h);
  // Boot, registration, two failed checks and the group's own check: no faster than that.
  const auto in_an_hour = launches() - before;
  stage.fact(fmt::format("{} launches of {} instances within an hour", in_an_hour, stage.desired()));
  stage.expect(in_an_hour > 3 * stage.desired(), "the loop is there");
  stage.expect(in_an_hour <= 60 * stage.desired(), "each place is launched anew at most once a minute");
  stage.expect(stage.instances() <= stage.desired() + 1, "and never more than wanted");
  stage.world().datacenter().set_ready("v1", true);
  stage.say("they answer 200 again");
  stage.recover(30min);
}

void subnet_full(Stage& stage) {
  stage.load(100);
  stage.say("the subnet of zone a has no free addresses");
  stage.world().set_zone_addresses("ap-northeast-1a", false);
  stage.load(500);
  stage.expect(stage.run_until(10min, [&] { return stage.replicas() >= 15 && stage.ready_pods() == stage.replicas(); }),
               "other zones give what is needed");
  stage.say("the others neither");
  for (const char* zone : {"ap-northeast-1c", "ap-northeast-1d"}) stage.world().set_zone_addresses(zone, false);
  stage.load(900);
  stage.run(20min);
  stage.expect(stage.waiting_pods() > 0, "Pods wait");
  bool said = false;
  for (const auto& activity : stage.cloud().describe_scaling_activities()) {
    said = said || activity.status_message.starts_with("InsufficientFreeAddressesInSubnet");
  }
  stage.expect(said, "the scaling activities name the cause");
  stage.expect_contains(stage.explain("group", stage.group_name(blueprint::kScalingGroup)), "Backed off", "the group's explanation");
  stage.stay_quiet(1h, 3000);
  for (const char* zone : {"ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"}) stage.world().set_zone_addresses(zone, true);
  stage.say("there are addresses again");
  stage.expect(stage.run_until(45min, [&] { return stage.waiting_pods() == 0; }), "then they run");
}

void throttled(Stage& stage) {
  stage.load(100);
  stage.run(1min);
  stage.say("the cloud refuses every call: Throttling");
  stage.cloud().set_throttled(true);
  const std::uint64_t before = stage.cloud().calls();
  stage.load(700);
  stage.run(5min);
  stage.drain(stage.nodes().front());
  stage.run(25min);
  const std::uint64_t calls = stage.cloud().calls() - before;
  stage.fact(fmt::format("{} calls within half an hour of throttling", calls));
  stage.expect(calls <= 400, fmt::format("calls are bounded, not {}", calls));
  stage.cloud().set_throttled(false);
  stage.say("calls go through again");
  stage.expect(stage.run_until(45min, [&] { return stage.waiting_pods() == 0 && stage.ready_pods() == stage.replicas(); }),
               "the backlog drains");
  stage.recover(20min);
}

void pinned_to_dead_zone(Stage& stage) {
  stage.load(100);
  stage.run(1min);
  stage.patch(kube::Deployment::static_kind(), {"shop", "shop"},
              R"({"spec":{"template":{"spec":{"nodeSelector":{"topology.kubernetes.io/zone":"ap-northeast-1a"}}}}})");
  stage.recover(20min);
  const std::size_t ordered = stage.events("ScaledUpGroup");
  stage.fail_zone("a");
  stage.run(30min);
  stage.expect(stage.waiting_pods() > 0, "Pods of that zone wait");
  stage.fact(stage.waiting_reason());
  stage.expect_contains(stage.waiting_reason(), "node affinity/selector", "the Pod's condition");
  // Before it is known that the zone fails, and then one for each back-off that is over.
  stage.fact(fmt::format("{} instances, {} of them beyond what runs elsewhere", stage.instances(), stage.instances() - 8));
  stage.expect(stage.events("ScaledUpGroup") - ordered <= 5, "the zone is tried again seldom");
  stage.expect(stage.instances() <= 14, "few Nodes are bought in zones that do not help");
  stage.stay_quiet(1h, 3000);
  stage.restore_zone("a");
  stage.expect(stage.run_until(45min, [&] { return stage.waiting_pods() == 0 && stage.ready_pods() == stage.replicas(); }),
               "they run once the zone is back");
  for (const auto& pod : stage.pods()) {
    const auto node = stage.cluster().informers().of<kube::Node>().get({"", pod->spec.node_name});
    stage.expect(node && node->metadata.labels.at("topology.kubernetes.io/zone") == "ap-northeast-1a", "all in that zone");
  }
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
      {9, "zones-lost-in-turn", "Two zones fail one after the other, and come back.",
       "Nodes come back to the zones, Pods that crowd are spread again, none twice, and no request is lost by it.", eight_nodes, zones_lost_in_turn},
      {35, "zone-loss", "A zone fails.", "The others carry all; requests fail only until it is noticed.", eight_nodes, zone_loss},
      {36, "zone-returns", "The zone is back.", "No storm, no double capacity.", eight_nodes, zone_returns},
      {37, "gray-zone", "A zone is slow, and its health checks pass.",
       "Its own latency shows it; the zone can be left without a lost request.", eight_nodes, gray_zone},
      {38, "fail-open", "Every target fails its health checks.", "It is called fail-open, and ends with its cause.", nullptr, fail_open},
      {39, "health-flap", "Health checks fail for moments.", "No target is taken out of service.", nullptr, health_flap},
      {40, "replacement-loop", "The group replaces what fails ELB checks sooner than it can serve.",
       "Launches per hour are bounded; it ends with its cause.", nullptr, replacement_loop},
      {41, "subnet-full", "Subnets without free addresses.", "Other zones are used; then Pods wait and the cause is named.",
       [](SimOptions& options) {
         options.spec.scaling.max = 16;
         options.spec.replicas.max = 60;
       }, subnet_full},
      {42, "calls-throttled", "The cloud refuses calls for half an hour while Pods wait and a Node is drained.",
       "Calls are bounded; the backlog drains.",
       [](SimOptions& options) {
         options.spec.scaling.max = 16;
         options.spec.replicas.max = 40;
       }, throttled},
      {43, "pinned-to-dead-zone", "Pods that may run in one zone only, which fails.",
       "They wait and say why; nothing is bought elsewhere.", eight_nodes, pinned_to_dead_zone},
  };
}

}  // namespace minato::sim
