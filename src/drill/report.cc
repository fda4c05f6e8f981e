#include "drill/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::drill {
namespace {

template <class T>
T percentile(std::vector<T> values, std::size_t percent) {
  if (values.empty()) return T{};
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, values.size() * percent / 100)];
}

}  // namespace

Simulated summarise(const std::vector<Outcome>& runs, const bounds::Bound& bound, double scale) {
  Simulated out;
  out.runs = static_cast<std::int32_t>(runs.size());
  std::vector<Duration> recoveries;
  std::vector<std::uint64_t> failures;
  std::map<Phase, std::vector<Duration>> phases;
  for (const Outcome& run : runs) {
    failures.push_back(static_cast<std::uint64_t>(run.requests().failures() * scale + 0.5));
    if (!run.is_recovered()) continue;
    ++out.recovered;
    recoveries.push_back(run.recovery());
    out.within_bound += run.recovery() <= bound.total();
    for (const auto& [phase, at] : run.at) phases[phase].push_back(run.length_of(phase));
  }
  out.p50 = percentile(recoveries, 50);
  out.p95 = percentile(recoveries, 95);
  out.failed_p50 = percentile(failures, 50);
  out.failed_p95 = percentile(failures, 95);
  for (const auto& [phase, lengths] : phases) out.phases[phase] = percentile(lengths, 50);
  return out;
}

Row judge(Outcome outcome, bounds::Bound bound, std::optional<Simulated> simulated) {
  Row out;
  out.failed_allowed = outcome.drill.is_planned ? 0 : bound.failed_at(outcome.rate);
  const Slice requests = outcome.requests();
  if (!outcome.status) out.faults.push_back(outcome.status.error().message);
  if (outcome.status && !outcome.is_recovered()) out.faults.emplace_back("the SLO was not held afterwards");
  if (outcome.is_recovered() && outcome.recovery() > bound.total()) {
    out.faults.push_back(fmt::format("recovery took {}, its bound is {}", minutes(outcome.recovery()), minutes(bound.total())));
  }
  if (requests.failures() > out.failed_allowed) {
    out.faults.push_back(fmt::format("{} requests failed, {} may", requests.failures(), out.failed_allowed));
  }
  if (outcome.latency.generator_late > 20ms) {
    out.remarks.push_back(fmt::format("the generator itself was late by {} (p99): latencies are partly its own",
                                      seconds(outcome.latency.generator_late)));
  }
  if (simulated && outcome.is_recovered() && simulated->recovered > 0) {
    const double ratio = std::chrono::duration<double>(simulated->p50) / outcome.recovery();
    if (ratio < 0.8 || ratio > 1.2) {
      out.remarks.push_back(fmt::format("simulated p50 is {:.0f}% of the measured time", ratio * 100));
    }
  }
  out.outcome = std::move(outcome);
  out.bound = std::move(bound);
  out.simulated = std::move(simulated);
  return out;
}

bool Report::passed() const { return std::ranges::all_of(rows, &Row::passed); }

std::string causes_of(const Slice& requests) {
  std::string out;
  for (std::size_t cause = 0; cause < kCauses; ++cause) {
    if (requests.failed[cause] == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", requests.failed[cause], to_string(static_cast<Cause>(cause)));
  }
  return out;
}

std::string minutes(Duration duration) {
  const std::int64_t tenths = std::chrono::round<std::chrono::milliseconds>(duration).count() / 100;
  if (tenths >= 600) return format_minutes(duration);
  return fmt::format("0:{:02}.{}", tenths / 10, tenths % 10);
}

std::string seconds(Duration duration) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
}

}  // namespace minato::drill
