#include "drill_sim.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "sim/drill_world.h"
#include "table.h"

namespace minato::app {

std::optional<drill::Simulated> simulate_drill(const SimulatedDrills& how, const drill::Drill& drill,
                                               const bounds::Bound& bound) {
  sim::DrillSetup setup;
  setup.spec = how.spec;
  setup.profile = how.profile;
  setup.options = how.options;
  setup.calibration = how.calibration;
  setup.catalogue = how.catalogue;
  const int seeds = how.seeds;
  std::vector<drill::Outcome> runs(static_cast<std::size_t>(seeds));
  std::atomic<int> next = 0;
  const auto work = [&] {
    for (int seed = next++; seed < seeds; seed = next++) {
      runs[static_cast<std::size_t>(seed)] = sim::run_drill(setup, drill, static_cast<std::uint64_t>(seed) + 1);
    }
  };
  std::vector<std::thread> threads;
  const auto count = std::min<unsigned>(std::max(1U, std::thread::hardware_concurrency()), 4U);
  for (unsigned i = 0; i < count; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  std::erase_if(runs, [](const drill::Outcome& run) { return run.was_refused; });
  if (runs.empty()) return {};
  return drill::summarise(runs, bound, 1.0);
}

int simulate_only(const SimulatedDrills& how, const std::vector<drill::Drill>& drills, const std::vector<bounds::Bound>& bounds,
                  const Common& common) {
  Table table({"DRILL", "BOUND", "SIM P50", "SIM P95", "WITHIN", "FAILED P50", "FAILED P95", "MAY FAIL"});
  boost::json::array rows;
  bool passed = true;
  for (const drill::Drill& each : drills) {
    const bounds::Bound* bound = bounds::find(bounds, each.bound);
    const auto simulated = bound == nullptr ? std::nullopt : simulate_drill(how, each, *bound);
    if (!simulated) {
      fmt::print(stderr, "minato: {} is left out: the model cannot do it\n", each.kind);
      continue;
    }
    passed = passed && simulated->within_bound == simulated->runs;
    const std::uint64_t may_fail = each.is_planned ? 0 : bound->failed_at(how.options.rate);
    table.add({each.kind, drill::minutes(bound->total()), drill::minutes(simulated->p50), drill::minutes(simulated->p95),
               fmt::format("{} of {}", simulated->within_bound, simulated->runs), std::to_string(simulated->failed_p50),
               std::to_string(simulated->failed_p95), std::to_string(may_fail)});
    boost::json::object row = drill::to_json(*simulated);
    row["kind"] = each.kind;
    row["boundSeconds"] = std::chrono::duration<double>(bound->total()).count();
    row["failedAllowed"] = may_fail;
    rows.push_back(std::move(row));
  }
  if (common.json()) {
    fmt::print("{}\n", drill::plain_json(boost::json::object{{"profile", how.profile.name}, {"rate", how.options.rate},
                                                             {"passed", passed}, {"drills", std::move(rows)}}));
  } else {
    fmt::print("Recovery in virtual time: {} profile, {:.0f} requests per second; m:ss\n\n{}", how.profile.name, how.options.rate,
               table.render());
  }
  return passed ? kDone : kFailed;
}

}  // namespace minato::app
