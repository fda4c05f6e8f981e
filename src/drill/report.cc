#include "drill/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::drill {
namespace {

constexpr Duration kLate = 20ms;
constexpr std::size_t kEnoughRuns = 5;  // For a median to be compared with the model's.
constexpr double kAgreement = 0.2;

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
  out.p05 = percentile(recoveries, 5);
  out.p50 = percentile(recoveries, 50);
  out.p95 = percentile(recoveries, 95);
  out.failed_p50 = percentile(failures, 50);
  out.failed_p95 = percentile(failures, 95);
  for (const auto& [phase, lengths] : phases) out.phases[phase] = percentile(lengths, 50);
  return out;
}

namespace {

void judge_run(const Outcome& run, const bounds::Bound& bound, std::uint64_t allowed, const std::string& prefix, Row& out) {
  const auto fault = [&](const std::string& what) { out.faults.push_back(prefix + what); };
  const Slice requests = run.requests();
  if (!run.status) fault(run.status.error().message);
  if (run.status && !run.is_recovered()) fault("the SLO was not held afterwards");
  if (run.is_recovered() && run.recovery() > bound.total()) {
    fault(fmt::format("recovery took {}, its bound is {}", minutes(run.recovery()), minutes(bound.total())));
  }
  if (requests.failures() > allowed) fault(fmt::format("{} requests failed, {} may", requests.failures(), allowed));
  const auto hit = static_cast<std::int32_t>(run.victims.pods.size());
  if (bound.pods_hit > 0 && hit > bound.pods_hit) {
    out.remarks.push_back(fmt::format("{}{} of {} Pods stood on what was lost, and the bound is for {} at most: a deploy spreads them",
                                      prefix, hit, run.before.ready_pods, bound.pods_hit));
  }
  if (run.latency.generator_late > kLate) {
    out.remarks.push_back(fmt::format("{}the generator itself was late by {:.0f} ms (p99): latencies are partly its own", prefix,
                                      std::chrono::duration<double, std::milli>(run.latency.generator_late).count()));
  }
}

// A single run says little of a time that is spread: it has only to lie where the model's runs do.
void compare_with_model(const Simulated& simulated, Duration median, std::size_t runs, Row& out) {
  const double ratio = std::chrono::duration<double>(simulated.p50) / median;
  const bool is_apart = runs >= kEnoughRuns ? ratio < 1 - kAgreement || ratio > 1 + kAgreement
                                            : median < simulated.p05 * 8 / 10 || median > simulated.p95 * 12 / 10;
  if (!is_apart) return;
  out.remarks.push_back(fmt::format("the model says {} to {} (p5 to p95), its p50 is {:.0f}% of what was measured",
                                    minutes(simulated.p05), minutes(simulated.p95), ratio * 100));
}

}  // namespace

Row judge(std::vector<Outcome> runs, bounds::Bound bound, std::optional<Simulated> simulated) {
  Row out;
  const Drill& drill = runs.front().drill;
  out.failed_allowed = drill.is_planned ? 0 : bound.failed_at(runs.front().rate);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::string prefix = runs.size() == 1 ? "" : fmt::format("run {}: ", i + 1);
    judge_run(runs[i], bound, out.failed_allowed, prefix, out);
    out.measured.push_back({runs[i].recovery(), runs[i].requests().failures()});
  }
  if (runs.size() > 1) {
    const auto [least, most] = std::ranges::minmax(out.measured, {}, &Measured::recovery);
    out.remarks.push_back(fmt::format("measured {} times: {} to {}", runs.size(), minutes(least.recovery), minutes(most.recovery)));
  }
  // Those that did not recover come first, so that one of them is only shown when most are.
  std::ranges::stable_sort(runs, {}, &Outcome::recovery);
  out.outcome = std::move(runs[runs.size() / 2]);
  if (simulated && simulated->recovered > 0 && out.outcome.is_recovered()) {
    compare_with_model(*simulated, out.outcome.recovery(), runs.size(), out);
  }
  out.bound = std::move(bound);
  out.simulated = std::move(simulated);
  return out;
}

bool Report::passed() const { return std::ranges::all_of(rows, &Row::passed); }

std::string causes_of(const Slice& requests) {
  std::string out;
  for (std::size_t cause = 0; cause < kCauses; ++cause) {
    if (requests.failed[cause] == 0) continue;
    out += fmt::format("{}{}× {}", out.empty() ? "" : ", ", requests.failed[cause], to_string(static_cast<Cause>(cause)));
  }
  return out;
}

std::string minutes(Duration duration) {
  using Tenths = std::chrono::duration<std::int64_t, std::deci>;
  const std::int64_t tenths = std::chrono::round<Tenths>(duration).count();
  if (tenths >= 600) return format_minutes(std::chrono::round<std::chrono::seconds>(duration));
  return fmt::format("0:{:02}.{}", tenths / 10, tenths % 10);
}

std::string seconds(Duration duration) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
}

}  // namespace minato::drill
