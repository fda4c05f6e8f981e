// Why an autoscaler did what it did, step by step: kept for the newest decision of each.
//
// Values; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controllers/podautoscaler/replica_calculator.h"

namespace minato::controllers {

struct MetricExplanation {
  std::string name;     // "cpu resource utilization (percentage of request)"
  std::string current;  // "75% (150m)"; "" when it could not be had.
  std::string target;   // "60%"
  std::string error;    // Why it could not be had; then there is no proposal.
  std::optional<Proposal> proposal;
};

struct ScalingExplanation {
  WallTime at{};
  std::string target;  // "Deployment/web"
  std::int32_t min_replicas = 0;
  std::int32_t max_replicas = 0;
  std::int32_t current_replicas = 0;
  std::vector<MetricExplanation> metrics;  // As in spec.metrics; empty when they were not asked.
  std::string decisive_metric;             // Whose proposal is the greatest.
  std::optional<std::int32_t> proposed_replicas;    // By the metrics.
  std::optional<std::int32_t> stabilized_replicas;  // Within the windows.
  std::int32_t desired_replicas = 0;                // After policies and limits.
  std::string stabilization;  // Reason and sentence of condition AbleToScale.
  std::string limit;          // The same of ScalingLimited.
  std::string outcome;        // "New size: 5; reason: …", or why nothing was done.
};

// Some lines for people.
std::string to_text(const ScalingExplanation& explanation);

}  // namespace minato::controllers
