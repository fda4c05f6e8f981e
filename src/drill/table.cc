#include "drill/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::drill {
namespace {

constexpr std::string_view kNothing = "-";

std::string short_seconds(Duration duration) {
  if (duration <= Duration{}) return std::string(kNothing);
  const double value = to_seconds(duration);
  return value >= 60 ? format_minutes(duration) : fmt::format("{:.1f}", value);
}

std::uint64_t most_failed(const Row& row) {
  std::uint64_t out = 0;
  for (const Measured& run : row.measured) out = std::max(out, run.failed);
  return out;
}

void add_phase_names(std::vector<std::string>& header, std::size_t count) {
  constexpr std::string_view kNames[kPhases] = {"DETECT", "DECIDE", "PROVIS.", "BOOT", "START", "READY", "SERVE", "RECOVER"};
  for (std::size_t i = 0; i < count; ++i) header.emplace_back(kNames[i]);
}

}  // namespace

Cells recovery_cells(const Report& report) {
  Cells out = {{"DRILL", "BOUND", "SIM P50", "SIM P95", "MEASURED"}};
  add_phase_names(out[0], kPhases);
  for (const char* name : {"FAILED", "MAY FAIL", "VERDICT"}) out[0].emplace_back(name);
  for (const Row& row : report.rows) {
    const Outcome& outcome = row.outcome;
    std::vector<std::string> cells = {outcome.drill.kind, minutes(row.bound.total()),
                                      row.simulated ? minutes(row.simulated->p50) : std::string(kNothing),
                                      row.simulated ? minutes(row.simulated->p95) : std::string(kNothing),
                                      outcome.is_recovered() ? minutes(outcome.recovery()) : std::string(kNothing)};
    for (std::size_t i = 0; i < kPhases; ++i) cells.push_back(short_seconds(outcome.length_of(static_cast<Phase>(i))));
    cells.push_back(std::to_string(most_failed(row)));
    cells.push_back(std::to_string(row.failed_allowed));
    cells.emplace_back(row.passed() ? "kept" : "NOT KEPT");
    out.push_back(std::move(cells));
  }
  return out;
}

Cells comparison_cells(const Report& report, const std::map<std::string, Earlier>& earlier) {
  Cells out = {{"DRILL", "BEFORE", "NOW", "CHANGE", "FAILED BEFORE", "NOW", "VERDICT"}};
  for (const Row& row : report.rows) {
    const auto found = earlier.find(row.outcome.drill.kind);
    if (found == earlier.end()) continue;
    const Earlier& then = found->second;
    const Duration now = row.outcome.recovery();
    const bool both = then.recovery > Duration{} && now > Duration{};
    const double change = both ? (std::chrono::duration<double>(now) / std::chrono::duration<double>(then.recovery) - 1) * 100 : 0;
    const std::string verdict = row.passed() == then.passed ? "" : row.passed() ? "kept now" : "NOT KEPT any more";
    out.push_back({row.outcome.drill.kind, minutes(then.recovery), minutes(now),
                   both ? fmt::format("{:+.0f}%", change) : std::string(kNothing), std::to_string(then.failed),
                   std::to_string(row.outcome.requests().failures()), verdict});
  }
  return out;
}

Cells bound_cells(const std::vector<bounds::Bound>& bounds, double rate) {
  Cells out = {{"FAILURE", "AT MOST"}};
  add_phase_names(out[0], kPhases - 1);
  for (const char* name : {"FAILED", "WITHIN", "DOMINATED BY"}) out[0].emplace_back(name);
  for (const bounds::Bound& bound : bounds) {
    std::vector<std::string> cells = {bound.kind, minutes(bound.total())};
    for (std::size_t i = 0; i + 1 < kPhases; ++i) cells.push_back(short_seconds(bound.length_of(static_cast<Phase>(i))));
    cells.push_back(std::to_string(bound.failed_at(rate)));
    cells.push_back(short_seconds(bound.loss_window()));
    cells.push_back(bound.dominating);
    out.push_back(std::move(cells));
  }
  return out;
}

Cells term_cells(const bounds::Bound& bound) {
  Cells out = {{"PHASE", "WAIT", "SETTING", "HOW", "AT MOST"}};
  for (const bounds::Term& term : bound.terms) {
    out.push_back({std::string(to_string(term.phase)), term.what, term.setting, term.formula, minutes(term.duration)});
  }
  return out;
}

}  // namespace minato::drill
