// How long machines and containers took in runs that were measured, for the model to draw from.
// Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>
#include <vector>

#include "cluster/profile.h"
#include "drill/runner.h"

namespace minato::drill {

struct Calibration {
  Duration boot{};   // From the order of an instance until it runs.
  Duration start{};  // From a bound Pod to a process that runs, sandbox and image included.
  Duration restart{};  // From the end of a process to the next one, where nothing holds it back.
  std::int32_t boots = 0;  // As many were measured.
  std::int32_t starts = 0;
  std::int32_t restarts = 0;
};

// Where nothing was measured: this machine's usual figures, or documented ones of EC2.
Calibration default_calibration(const cluster::Profile& profile);
// Medians of what was seen; the rest from `base`.
Calibration calibrate(const std::vector<const Outcome*>& measured, Calibration base);
// The same of a report.json. Errors: Invalid.
Result<Calibration> calibrate_from_report(std::string_view json, Calibration base);

boost::json::value to_json(const Calibration& calibration);
// Errors: Invalid.
Result<Calibration> read_calibration(std::string_view json);

}  // namespace minato::drill
