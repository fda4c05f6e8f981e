#include "sim/chaos.h"

#include <fmt/format.h>

namespace minato::sim {
namespace {

constexpr Duration kRestWithin = 15min;

class Chaos {
 public:
  Chaos(SimWorld& world, spec::Spec spec, std::uint64_t seed)
      : world_(world), spec_(std::move(spec)), rng_(env::Rng(seed).fork("chaos")) {}

  void step() {
    act();
    world_.run_for(rng_.between(50ms, 5s));
  }

  // Ends all faults and asks for a version that works.
  void calm() {
    for (const std::string& zone : spec_.zones) world_.set_zone_capacity(spec_.region + zone, true);
    if (!world_.control_is_up()) (void)world_.start_control();
    (void)world_.deploy("v1");
  }

 private:
  void act() {
    switch (rng_.below(12)) {
      case 0: (void)world_.deploy("v1"); return;
      case 1: (void)world_.deploy("v2"); return;
      case 2: (void)world_.deploy("broken"); return;
      case 3: (void)world_.deploy("crashing"); return;
      case 4: (void)world_.rollback(); return;
      case 5:
      case 6: world_.crash_container(rng_.next()); return;
      case 7: world_.kill_machine(rng_.next()); return;
      case 8: (void)world_.delete_pod(rng_.next()); return;
      case 9:
        if (world_.control_is_up()) world_.kill_control();
        return;
      case 10:
        world_.set_zone_capacity(spec_.region + spec_.zones[rng_.below(spec_.zones.size())], rng_.chance(1, 2));
        return;
      case 11:
        if (world_.control_is_up()) {
          world_.stop_control();
        } else {
          (void)world_.start_control();
        }
        return;
    }
  }

  SimWorld& world_;
  spec::Spec spec_;
  env::Rng rng_;
};

void add_images(Datacenter& datacenter, const std::string& image) {
  Behaviour good;
  datacenter.set_behaviour(image, good);
  datacenter.set_behaviour("v1", good);
  datacenter.set_behaviour("v2", good);
  Behaviour broken;
  broken.ready = false;
  datacenter.set_behaviour("broken", broken);
  Behaviour crashing;
  crashing.exits_after = 700ms;
  datacenter.set_behaviour("crashing", crashing);
}

}  // namespace

ChaosReport run_chaos(spec::Spec spec, const ChaosOptions& options) {
  SimOptions sim;
  sim.seed = options.seed;
  sim.spec = spec;
  sim.requests_per_second = options.requests_per_second;
  sim.catalogue = options.catalogue;
  sim.log = options.log;
  SimWorld world(std::move(sim));
  add_images(world.datacenter(), spec.image);
  ChaosReport report;
  report.seed = options.seed;
  if (const Status status = world.start(); !status) report.violations.push_back(status.error().message);
  Chaos chaos(world, spec, options.seed);
  for (int i = 0; i < options.steps && world.violations().empty() && report.violations.empty(); ++i) chaos.step();
  chaos.calm();
  const MonoTime calm_since = world.time().monotonic();
  if (world.violations().empty() && !world.run_until_converged(kRestWithin)) {
    report.violations.push_back(fmt::format("I8: not at rest {} after the last fault (seed {})",
                                            format_duration(kRestWithin), options.seed));
  }
  report.convergence = world.time().monotonic() - calm_since;
  report.violations.insert(report.violations.end(), world.violations().begin(), world.violations().end());
  report.trace_hash = world.trace_hash();
  report.events = world.time().steps();
  report.writes = world.writes();
  report.simulated = world.time().monotonic().time_since_epoch();
  report.requests = world.requests();
  return report;
}

}  // namespace minato::sim
