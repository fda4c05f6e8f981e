#include "drill_sim.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "sim/drill_world.h"

namespace minato::app {

std::optional<drill::Simulated> simulate_drill(const SimulatedDrills& how, const drill::Drill& drill,
                                               const bounds::Bound& bound) {
  sim::DrillSetup setup;
  setup.spec = how.spec;
  setup.profile = how.profile;
  setup.options = how.options;
  setup.calibration = how.calibration;
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

}  // namespace minato::app
