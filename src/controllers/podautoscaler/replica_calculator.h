// How many replicas one metric asks for: the arithmetic of the HorizontalPodAutoscaler.
//
// Pure functions over values; thread-safe. All amounts are in thousandths. Errors: what upstream
// says when a metric cannot be computed with; the caller leaves the number of replicas as it is.
// Rules: k8s.io/kubernetes pkg/controller/podautoscaler/replica_calculator.go and
// metrics/utilization.go (v1.32; tolerance by direction as v1.33).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/types/pod.h"

namespace minato::controllers {

// How far usage over target may be from 1 without anything happening; the bounds are inside.
struct Tolerances {
  double down = 0.1;
  double up = 0.1;
  bool within(double ratio) const { return 1.0 - down <= ratio && ratio <= 1.0 + up; }
};

struct PodSample {
  WallTime timestamp{};
  Duration window{};
  std::int64_t value_milli = 0;
};
using PodSamples = std::map<std::string, PodSample>;  // By name, in one namespace.

using ScaledPods = std::vector<std::shared_ptr<const kube::Pod>>;

// What every calculation is told.
struct CalculatorInput {
  std::int32_t current_replicas = 0;  // The target's spec.replicas.
  std::int32_t status_replicas = 0;   // The target's status.replicas.
  const ScaledPods& pods;             // Those that the target selects.
  Tolerances tolerances;
  WallTime now{};
  // A Pod this young counts only by CPU samples that began after it became ready.
  Duration cpu_initialization_period = 5min;
  // A Pod that turned unready this soon after its start has never been ready.
  Duration initial_readiness_delay = 30s;
};

struct PodCounts {
  std::int32_t ready = 0;    // Their samples count.
  std::int32_t unready = 0;  // Pending, or not ready yet: nothing used on the way up.
  std::int32_t missing = 0;  // No sample: the cautious guess for either direction.
  std::int32_t ignored = 0;  // Failed or being deleted: as if they were not there.
};

// Why a proposal is what it is.
enum class Verdict {
  kProportional,     // Usage over target times the Pods.
  kWithinTolerance,  // Near enough: the current number.
  kWouldTurn,        // With unready and missing Pods it would go the other way: the current number.
};

struct Proposal {
  std::int32_t replicas = 0;
  std::int64_t usage_milli = 0;              // Mean of the Pods, or the metric's own value.
  std::optional<std::int32_t> utilization;   // Percent of the requests.
  double ratio = 0;                          // Usage over target, of ready Pods.
  std::optional<double> adjusted_ratio;      // With the guesses for unready and missing Pods.
  std::int32_t raw_replicas = 0;             // Before tolerance and direction were looked at.
  Verdict verdict = Verdict::kProportional;
  PodCounts pods;
};

// A resource against a percentage of what Pods (or one container of each) request.
Result<Proposal> replicas_by_utilization(const CalculatorInput& input, PodSamples samples,
                                         std::string_view resource, std::string_view container,
                                         std::int32_t target_percent);

// A resource or a custom metric ("" as resource) against an average per Pod. Requires: target > 0.
Result<Proposal> replicas_by_average(const CalculatorInput& input, PodSamples samples,
                                     std::string_view resource, std::int64_t target_milli);

// One value (Object, External) against a target for all of it. Requires: target > 0.
Result<Proposal> replicas_by_value(const CalculatorInput& input, std::int64_t usage_milli,
                                   std::int64_t target_milli);

// One value (Object, External) against what each Pod may take of it. Requires: target > 0.
Proposal replicas_by_share(const CalculatorInput& input, std::int64_t usage_milli,
                           std::int64_t target_milli);

}  // namespace minato::controllers
