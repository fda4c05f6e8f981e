#include "sim/scenario.h"

#include <algorithm>

#include "sim/stage.h"

namespace minato::sim {
namespace {

constexpr Duration kStartWithin = 30min;
// Pods of a first start crowd on the Nodes that were up first; a service that has been deployed
// since has them spread.
constexpr const char* kFirstImage = "v0";

SimOptions basic_world(const ScenarioOptions& options) {
  SimOptions out;
  out.seed = options.seed;
  out.log = options.log;
  out.profile = cluster::kRealistic;
  out.timings.boot = {out.profile.boot_delay * 3 / 4, out.profile.boot_delay * 3 / 2};
  out.roles = cluster::Roles::Presence::kByPods;
  out.work = {.time = 30ms, .cpu = 5ms};
  spec::Spec& spec = out.spec;
  spec.service = "shop";
  spec.image = "v1";
  spec.port = 8080;
  spec.region = "ap-northeast-1";
  spec.zones = {"a", "c", "d"};
  spec.cpu_milli = 250;
  spec.replicas = {.min = 6, .max = 24, .cpu_percent = 60};
  spec.stop = {.drain = 10s, .timeout = 20s};
  spec.master = {.types = {"t3.medium"}, .min = 2, .max = 2};
  spec.scaling = {.types = {"m6i.large", "m5.large"}, .min = 3, .max = 10, .spot_percent = 100};
  return out;
}

void add_images(Datacenter& datacenter) {
  Behaviour good;
  for (const char* image : {kFirstImage, "v1", "v2", "v3"}) datacenter.set_behaviour(image, good);
  Behaviour broken;
  broken.ready = false;
  datacenter.set_behaviour("broken", broken);
  Behaviour crashing;
  crashing.exits_after = 700ms;
  crashing.listen = {2s, 2s};
  datacenter.set_behaviour("crashing", crashing);
  Behaviour slow;
  slow.listen = {30s, 40s};
  slow.start_cpu_milli = 1000;
  datacenter.set_behaviour("slow", slow);
  // Its health path answers near the probes' timeout of a second, on either side of it.
  Behaviour wavering;
  wavering.answer = {600ms, 1050ms};
  datacenter.set_behaviour("wavering", wavering);
  // Room for sixty waiting requests in its 256 MiB.
  Behaviour hungry;
  hungry.memory_bytes = 136 << 20;
  hungry.memory_per_request_bytes = 2 << 20;
  datacenter.set_behaviour("hungry", hungry);
}

ScenarioReport report_on(const Scenario& scenario, SimWorld& world, Stage& stage) {
  ScenarioReport out;
  out.number = scenario.number;
  out.name = scenario.name;
  out.seed = world.options().seed;
  out.requests = world.requests();
  out.p50 = world.latency(50);
  out.p99 = world.latency(99);
  out.simulated = world.time().monotonic().time_since_epoch();
  out.recovery = stage.recovery();
  if (world.control_is_up()) {
    const cloudmodel::Costs costs = world.cluster().cloud().costs();
    out.on_demand_micro_usd = costs.on_demand.micro_usd();
    out.spot_micro_usd = costs.spot.micro_usd();
  }
  out.direction_changes = world.invariants().direction_changes();
  out.events = world.time().steps();
  out.writes = world.writes();
  out.trace_hash = world.trace_hash();
  out.story = world.story().lines();
  out.facts = stage.facts();
  out.failures = stage.failures();
  out.failures.insert(out.failures.end(), world.violations().begin(), world.violations().end());
  return out;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> kAll = [] {
    std::vector<Scenario> out;
    for (auto part : {autoscaling_scenarios, disruption_scenarios, cloud_scenarios, hard_scenarios, large_scenarios}) {
      for (Scenario& scenario : part()) out.push_back(std::move(scenario));
    }
    std::ranges::stable_sort(out, {}, &Scenario::number);
    return out;
  }();
  return kAll;
}

const Scenario* find_scenario(const std::string& name) {
  const auto& all = scenarios();
  const auto found = std::ranges::find_if(all, [&](const Scenario& each) {
    return each.name == name || std::to_string(each.number) == name;
  });
  return found == all.end() ? nullptr : &*found;
}

ScenarioReport run_scenario(const Scenario& scenario, const ScenarioOptions& options) {
  SimOptions sim = basic_world(options);
  if (scenario.world) scenario.world(sim);
  if (options.nodes > 0) sim.spec.scaling.max = options.nodes;
  if (options.replicas > 0) sim.spec.replicas.min = options.replicas;
  if (options.requests_per_second > 0) sim.requests_per_second = options.requests_per_second;
  sim.spec.scaling.min = std::min(sim.spec.scaling.min, sim.spec.scaling.max);
  sim.spec.replicas.max = std::max(sim.spec.replicas.max, sim.spec.replicas.min);
  const double rps = std::exchange(sim.requests_per_second, 0);
  const std::string image = std::exchange(sim.spec.image, kFirstImage);
  SimWorld world(std::move(sim));
  add_images(world.datacenter());
  Stage stage(world);
  if (const Status status = world.start(); !status) stage.expect(false, "it starts: " + status.error().message);
  stage.expect(world.run_until_converged(kStartWithin), "the service comes up");
  if (world.violations().empty()) stage.expect(world.deploy(image) && world.run_until_converged(kStartWithin), "it is deployed");
  if (world.violations().empty() && stage.failures().empty()) {
    stage.say(fmt::format("up: {} Pods on {} Nodes", stage.pods().size(), stage.nodes().size()));
    if (rps > 0) stage.load(rps);
    scenario.play(stage);
  }
  return report_on(scenario, world, stage);
}

}  // namespace minato::sim
