// Scenarios from 101 on: cases in which there is no good way out, and which must end in a clear
// state with its reason; and a service's usual day.
#include <algorithm>

#include "blueprint/system.h"
#include "sim/stage.h"

namespace minato::sim {
namespace {

void group_maximum(Stage& stage) {
  stage.load(600);
  stage.run(20min);
  stage.expect(stage.desired() == 4, "the group is at its maximum");
  stage.expect(stage.waiting_pods() > 0, "Pods wait");
  stage.expect_contains(stage.explain("group", stage.group_name(blueprint::kScalingGroup)), "max", "the group's explanation");
  stage.expect(stage.events("NotTriggerScaleUp") > 0, "an Event NotTriggerScaleUp says why");
  stage.fact(stage.world().story().last("NotTriggerScaleUp"));
  stage.stay_quiet(1h, 3000);
}

void all_pools_out(Stage& stage) {
  stage.load(100);
  stage.no_capacity({}, "none of any kind");
  stage.load(600);
  stage.run(30min);
  stage.expect(stage.waiting_pods() > 0, "Pods wait");
  const std::string why = stage.explain("group", stage.group_name(blueprint::kScalingGroup));
  stage.fact(why);
  stage.expect_contains(why, "Backed off", "the group's explanation");
  stage.stay_quiet(1h, 3000);
  stage.capacity_again();
  stage.expect(stage.run_until(45min, [&] { return stage.waiting_pods() == 0 && stage.ready_pods() == stage.replicas(); }),
               "all Pods run once there is capacity");
}

void notice_during_deploy(Stage& stage) {
  stage.load(200);
  stage.run(2min);
  stage.deploy("v2");
  stage.run(10s);
  stage.interrupt_node(stage.nodes().front());
  stage.run(5s);
  stage.interrupt_node(stage.nodes().back());
  stage.recover(20min);
  stage.expect_failed(0, 0, "");
}

void maintenance_of_controller(Stage& stage) {
  stage.load(200);
  const std::string node = stage.role_node(blueprint::kRoleController);
  for (const auto& instance : stage.cloud().describe_auto_scaling_instances()) {
    if (instance.hostname != node) continue;
    stage.say("EC2 will retire the instance of " + node + ", which runs the controller role");
    stage.expect(stage.cloud().schedule_maintenance(instance.id, cloudmodel::Maintenance::kInstanceRetirement, 10min).has_value(),
                 "maintenance can be scheduled");
  }
  stage.run(1s);
  stage.interrupt_node(stage.nodes().front());
  stage.run(15min);
  stage.expect(stage.cluster().roles().is_active(std::string(blueprint::kRoleController)), "the controller role acts");
  const auto nodes = stage.nodes(blueprint::kMasterGroup);
  stage.expect(std::ranges::find(nodes, node) == nodes.end(), "the Node is gone");
  stage.recover(15min);
  stage.expect_failed(0, 0, "");
}

void clock_jumps(Stage& stage) {
  stage.load(200);
  stage.run(40min);
  for (const Duration by : {Duration{1h}, -Duration{1h}}) {
    const std::size_t nodes = stage.nodes().size();
    stage.say(fmt::format("the wall clock jumps by {}", format_duration(by)));
    stage.world().jump_clock(by);
    stage.run(20min);
    stage.expect(stage.ready_pods() == stage.replicas(), "all Pods are ready");
    stage.expect(stage.nodes().size() == nodes, "no Node is lost");
  }
  stage.expect_failed(0, 0, "");
  // Notices whose times are by a clock that jumps meanwhile.
  for (const Duration after : {Duration{2s}, Duration{8s}, Duration{20s}}) {
    stage.interrupt_node(stage.nodes().front());
    stage.run(after);
    stage.world().jump_clock(1h);
    stage.say("the wall clock jumps by 1h in the middle of a notice");
    stage.run(5min);
    stage.recover(20min);
  }
  stage.expect_failed(0, 0, "");
}

void at_rest(Stage& stage) {
  stage.load(150);
  stage.run(15min);
  stage.stay_quiet(6h, 600);
  stage.expect_failed(0, 0, "");
}

void control_dies_in_removal(Stage& stage) {
  stage.load(200);
  stage.run(2min);
  stage.interrupt_node(stage.nodes().front());
  for (int i = 0; i < 10; ++i) {
    stage.run(4s);
    stage.say("the control process is killed");
    stage.world().kill_control();
  }
  stage.recover(15min);
  stage.expect(stage.instances() <= stage.desired(), "no instance too many");
  stage.expect_failed(0, 0, "");
}

void headroom_gives_way(Stage& stage) {
  stage.load(100);
  stage.run(20min);  // What was bought in haste at the start has gone.
  stage.expect(stage.headroom() == 3, "room for three Pods is held");
  const std::int32_t instances = stage.instances(), replicas = stage.replicas();
  stage.patch(kube::HorizontalPodAutoscaler::static_kind(), {"shop", "shop"},
              fmt::format(R"({{"spec":{{"minReplicas":{}}}}})", replicas + 3));
  stage.say("three Pods more are wanted");
  const MonoTime began = stage.world().time().monotonic();
  stage.expect(stage.run_until(5min, [&] { return stage.ready_pods() == replicas + 3; }), "they serve");
  stage.fact(fmt::format("they served after {}, with {} instances as before", format_duration(stage.world().time().monotonic() - began),
                         stage.instances()));
  stage.expect(stage.events("Preempted") > 0, "they took the place of those that held it");
  stage.expect(stage.world().time().monotonic() - began < 45s, "before any new instance could have come");
  stage.expect(stage.run_until(10min, [&] { return stage.headroom() == 3; }), "room is made anew");
  stage.expect(stage.instances() > instances, "on another instance");
  stage.expect_failed(0, 0, "");
  stage.recover(10min);
  stage.run(1h);
  stage.expect(stage.headroom() == 3, "and kept while nothing happens");
}

// Interrupted in less than 5 % of a month's hours is what EC2 says of most pools; here it is one in
// ten of all instances every sixth of the day, so that a day shows something.
void day_of(Stage& stage, Duration length) {
  stage.load(LoadCurve::day(100, 600, length), "a day between 100 and 600 requests per second");
  for (int part = 0; part < 6; ++part) {
    stage.run(length / 12);
    stage.interrupt(10);
    stage.run(length / 12);
  }
  stage.fact(fmt::format("{} Nodes and {} Pods in the end", stage.nodes().size(), stage.pods().size()));
  stage.expect_failed(0, 0, "all day");
  stage.recover(30min);
}

void usual_day(Stage& stage) { day_of(stage, 24h); }
void short_day(Stage& stage) { day_of(stage, 4h); }

}  // namespace

std::vector<Scenario> hard_scenarios() {
  return {
      {101, "group-maximum", "The load asks for more than the group's maximum.", "Pods wait and say why; nothing spins.",
       [](SimOptions& options) {
         options.spec.scaling.max = 4;
         options.spec.replicas = {.min = 6, .max = 60, .cpu_percent = 20};
       }, group_maximum},
      {102, "all-pools-out", "EC2 has no capacity of any kind.", "Backed off with its reason; grows when it comes back.",
       [](SimOptions& options) { options.spec.replicas = {.min = 6, .max = 40, .cpu_percent = 30}; }, all_pools_out},
      {103, "notice-during-deploy", "Two spot notices in the middle of a rollout.", "No request is lost.",
       [](SimOptions& options) { options.spec.scaling = {.types = {"m6i.large"}, .min = 4, .max = 10, .spot_percent = 100}; },
       notice_during_deploy},
      {104, "controller-retired", "The Node that runs the autoscaler is retired while a spot notice comes elsewhere.",
       "The role moves, both removals end well.",
       [](SimOptions& options) { options.spec.master.max = 4; }, maintenance_of_controller},
      {105, "clock-jumps", "The wall clock jumps an hour, forth and back, and once within a notice.",
       "Nothing is taken for dead; nothing spins.",
       [](SimOptions& options) { options.spec.replicas = {.min = 18, .max = 24}; }, clock_jumps},
      {106, "at-rest", "Six hours of nothing.", "Almost nothing is written.", nullptr, at_rest},
      {107, "control-dies-in-removal", "The control process is killed again and again while a notice runs.",
       "The removal goes on where it was; no request is lost.", nullptr, control_dies_in_removal},
      {108, "headroom", "Pods are added where room is held for them (replicas.headroom).",
       "They serve without waiting for an instance; the room is made anew.",
       [](SimOptions& options) {
         options.spec.replicas = {.min = 18, .max = 30, .headroom = 3};
         options.spec.scaling.min = 3;
         options.spec.scaling.max = 12;
       }, headroom_gives_way},
      {110, "usual-day", "A day's load with spot interruptions now and then.", "No request is lost all day.",
       [](SimOptions& options) { options.spec.scaling.max = 16; }, usual_day, Scale::kLong},
      {111, "short-day", "The same within four hours.", "No request is lost.",
       [](SimOptions& options) { options.spec.scaling.max = 16; }, short_day},
  };
}

}  // namespace minato::sim
