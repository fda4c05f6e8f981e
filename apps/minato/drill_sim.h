// Drills in virtual time, over many seeds.
#pragma once

#include <optional>

#include "drill/calibration.h"
#include "drill/report.h"

namespace minato::app {

struct SimulatedDrills {
  const spec::Spec& spec;
  const cluster::Profile& profile;
  drill::RunOptions options;
  drill::Calibration calibration;
  int seeds = 1;
};

// Runs on several threads, a world each. Nothing when the model cannot do this drill.
std::optional<drill::Simulated> simulate_drill(const SimulatedDrills& how, const drill::Drill& drill,
                                               const bounds::Bound& bound);

}  // namespace minato::app
