// A measured drill again in virtual time, over many seeds.
#pragma once

#include <optional>

#include "drill/report.h"

namespace minato::app {

// Runs on several threads, a world each. Nothing when the model cannot do this drill.
std::optional<drill::Simulated> simulate_drill(const spec::Spec& spec, const cluster::Profile& profile, const drill::Row& row,
                                               int seeds, const drill::RunOptions& options);

}  // namespace minato::app
