// For a cluster with an operator of Prometheus (eks.prometheus): a PrometheusRule with what wakes
// people up, by metrics of kube-state-metrics, the kubelet and the autoscaler; and who is told.
// Thresholds are the file's. Rules that cannot fire on EKS, such as those of a control plane that
// one does not run, are not among them.
//
// Pure. Metrics: kube-state-metrics docs/metrics; kubelet prober_probe_total.
#pragma once

#include <string>

#include "spec/spec.h"

namespace minato::render {

std::string prometheus_rule_yaml(const spec::Spec& spec);

// An AlertmanagerConfig that sends the rules' alerts to `alerts` of the file; "" where nobody of
// them listens to Alertmanager. Their addresses are in a Secret that is made by hand.
std::string alertmanager_config_yaml(const spec::Spec& spec);
// Name of that Secret; its keys are the kinds of `alerts`.
std::string alerts_secret_name(const spec::Spec& spec);

}  // namespace minato::render
