// Rules for Prometheus, for clusters whose own Prometheus operator reads PrometheusRule objects: what
// wakes people up, with the thresholds of the file. Metrics are those of kube-state-metrics.
//
// Tighter than the rules people know, which wait a quarter of an hour: an objective of 99.9 % has
// 43 minutes a month to lose. Pure.
// Rule: kubernetes-monitoring/kubernetes-mixin alerts/apps_alerts.libsonnet, for names and metrics.
#pragma once

#include <string>

#include "spec/spec.h"

namespace minato::render {

std::string prometheus_rule_yaml(const spec::Spec& spec);

}  // namespace minato::render
