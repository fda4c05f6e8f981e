#include "kubelet/probes.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::kubelet {

std::string_view to_string(ProbeType type) {
  switch (type) {
    case ProbeType::kStartup: return "Startup";
    case ProbeType::kReadiness: return "Readiness";
    case ProbeType::kLiveness: return "Liveness";
  }
  return "";
}

ProbeWorker::ProbeWorker(NodeContext& node, const PodScope& scope,
                         const kube::Container& container, container::ContainerRef ref,
                         ProbeType type, const kube::Probe& spec, MonoTime container_started,
                         Sink sink)
    : node_(node),
      scope_(scope),
      container_name_(container.name),
      type_(type),
      spec_(spec),
      sink_(std::move(sink)),
      action_(node, scope, container, std::move(ref)),
      origin_(scope.created) {
  if (period() > scope.created - node.started) {
    env::Rng rng = node.env.rng.fork(
        fmt::format("probe/{}/{}/{}", scope.uid(), container.name, to_string(type)));
    origin_ += rng.between(Duration{}, period());
  }
  const MonoTime earliest = container_started + std::chrono::seconds(spec.initial_delay_seconds);
  const bool at_once = type == ProbeType::kReadiness && earliest <= node.now();
  schedule(at_once ? node.now() : next_tick(std::max(earliest, node.now())));
}

Duration ProbeWorker::period() const {
  return std::chrono::seconds(std::max(spec_.period_seconds, 1));
}

MonoTime ProbeWorker::next_tick(MonoTime not_before) const {
  if (not_before <= origin_) return origin_;
  const auto ticks = (not_before - origin_ + period() - 1ns) / period();
  return origin_ + ticks * period();
}

void ProbeWorker::schedule(MonoTime at) {
  timer_ = node_.env.executor.after(at - node_.now(), [this] { ask(); });
}

void ProbeWorker::ask() {
  const Duration timeout = std::chrono::seconds(std::max(spec_.timeout_seconds, 1));
  action_.probe(spec_.probe_handler, timeout,
                [this](const Outcome& outcome) { answered(outcome); });
}

void ProbeWorker::answered(const Outcome& outcome) {
  // A tick that fell due meanwhile is dropped, as a Go ticker does.
  schedule(next_tick(node_.now() + 1ns));
  if (outcome.verdict == Outcome::Verdict::kError) {
    node_.warning(*scope_.pod, "ProbeWarning",
                  fmt::format("{} probe errored: {}", to_string(type_), outcome.output),
                  container_name_);
    return;
  }
  const bool passed = outcome.verdict == Outcome::Verdict::kSuccess;
  if (!passed) {
    node_.warning(*scope_.pod, "Unhealthy",
                  fmt::format("{} probe failed: {}", to_string(type_), outcome.output),
                  container_name_);
  }
  const ProbeResult result = passed ? ProbeResult::kSuccess : ProbeResult::kFailure;
  run_ = result == last_ ? run_ + 1 : 1;
  last_ = result;
  const int threshold = passed ? spec_.success_threshold
                        : spec_.failure_threshold > 0 ? spec_.failure_threshold : 3;
  if (run_ < threshold) return;
  if (passed && rests()) timer_.cancel();
  // The sink may end this probe, so nothing of it is touched afterwards.
  const Sink sink = sink_;
  sink(result);
}

// Until the runtime says that the answer may be another one.
bool ProbeWorker::rests() {
  return node_.runtime.will_tell_change(scope_.uid(), guard_.wrap([this] { schedule(next_tick(node_.now())); }));
}

}  // namespace minato::kubelet
