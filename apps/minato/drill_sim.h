// Drills in virtual time, over many seeds.
#pragma once

#include <optional>

#include "cloud/catalogue_file.h"
#include "commands.h"
#include "drill/calibration.h"
#include "drill/report.h"

namespace minato::app {

struct SimulatedDrills {
  const spec::Spec& spec;
  const cluster::Profile& profile;
  drill::RunOptions options;
  drill::Calibration calibration;
  int seeds = 1;
  const cloud::Catalogue* catalogue = nullptr;
};

// Runs on several threads, a world each. Nothing when the model cannot do this drill.
std::optional<drill::Simulated> simulate_drill(const SimulatedDrills& how, const drill::Drill& drill,
                                               const bounds::Bound& bound);

// `minato drill --simulate FILE`: nothing is measured. Fails when a run leaves its bound.
int simulate_only(const SimulatedDrills& how, const std::vector<drill::Drill>& drills, const std::vector<bounds::Bound>& bounds,
                  const Common& common);

}  // namespace minato::app
