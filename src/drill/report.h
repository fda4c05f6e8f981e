// What a set of drills has shown: bound, simulated and measured side by side, and a verdict each.
//
// Values; writing them out is report_json.cc and report_html.cc. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bounds/bounds.h"
#include "drill/runner.h"

namespace minato::drill {

// The same drill in virtual time, over many seeds.
struct Simulated {
  std::int32_t runs = 0;
  std::int32_t recovered = 0;  // The others did not get so far.
  Duration p05{};
  Duration p50{};
  Duration p95{};
  std::map<Phase, Duration> phases;  // Median length of each.
  std::int32_t within_bound = 0;
  std::uint64_t failed_p50 = 0;  // At the rate of the measurement.
  std::uint64_t failed_p95 = 0;
};
Simulated summarise(const std::vector<Outcome>& runs, const bounds::Bound& bound, double scale);

// One of the measured runs.
struct Measured {
  Duration recovery{};  // 0: it did not recover.
  std::uint64_t failed = 0;
};

struct Row {
  Outcome outcome;  // Of the run with the median recovery.
  std::vector<Measured> measured;
  bounds::Bound bound;
  std::optional<Simulated> simulated;
  std::uint64_t failed_allowed = 0;  // As the bound predicts for the rate.
  std::vector<std::string> faults;   // Why it did not pass; empty: it did.
  std::vector<std::string> remarks;
  bool passed() const { return faults.empty(); }
};
// Judges every run: recovered, within the bound, no more requests failed than predicted, SLO kept.
// `runs` has at least one.
Row judge(std::vector<Outcome> runs, bounds::Bound bound, std::optional<Simulated> simulated);

struct Report {
  std::string service;
  std::string world;    // "local", "simulated"
  std::string profile;  // "fast", "realistic"
  std::string at;       // RFC 3339.
  double rate = 0;
  std::string slo;  // For people.
  std::vector<Row> rows;
  bool passed() const;
};

boost::json::value to_json(const Report& report);
boost::json::object to_json(const Simulated& simulated);
// A page of its own: no script, nothing from a network; follows the reader's light or dark.
std::string to_html(const Report& report);

// What an earlier report.json says of one drill.
struct Earlier {
  Duration recovery{};
  std::uint64_t failed = 0;
  bool passed = false;
};
// Errors: Invalid.
Result<std::map<std::string, Earlier>> read_earlier(std::string_view json);

// JSON as people and all parsers like it: numbers without exponent.
std::string plain_json(const boost::json::value& value);
// "3× refused, 12× timeout"; "" when none failed.
std::string causes_of(const Slice& requests);
// "0:07", with tenths below a minute: "0:07.4".
std::string minutes(Duration duration);
std::string seconds(Duration duration);  // "7.4 s"

}  // namespace minato::drill
