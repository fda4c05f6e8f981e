// One entry of spec.metrics: its value, what that asks for, what the status says of it, and what to
// tell when it cannot be had.
//
// Reads the sources it is given and nothing else. Loop thread only.
// Rules: k8s.io/kubernetes pkg/controller/podautoscaler/horizontal.go (computeReplicasForMetric,
// computeStatusFor…).
#pragma once

#include <string>

#include "controllers/podautoscaler/explanation.h"
#include "controllers/podautoscaler/replica_calculator.h"
#include "kube/selector.h"
#include "kube/types/autoscaling.h"
#include "metrics/source.h"

namespace minato::controllers {

struct MetricFailure {
  std::string reason;   // Of the Event and of condition ScalingActive.
  std::string message;  // Of the Event.
  std::string summary;  // Of the Event about all metrics: says in front which one it was.
};

struct MetricEvaluation {
  std::string name;           // As messages call it.
  kube::MetricStatus status;  // Empty when it failed: statuses stand in the order of the spec.
  std::optional<Proposal> proposal;
  MetricFailure failure;  // When there is no proposal.
  MetricExplanation explanation;
};

struct EvaluationInput {
  const metrics::Sources& sources;
  const std::string& namespace_;
  const kube::Selector& selector;  // Of the target's Pods.
  const CalculatorInput& calculator;
};

MetricEvaluation evaluate(const kube::MetricSpec& metric, const EvaluationInput& input);

}  // namespace minato::controllers
