// The values of one metric, fetched from the metrics APIs in the form the calculator takes.
//
// Answers at once from what the sources know. Errors: upstream's sentences, so that an Event reads
// as on any cluster; a source that the world leaves out fails as an API that is not registered.
// Rules: k8s.io/kubernetes pkg/controller/podautoscaler/metrics/client.go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controllers/podautoscaler/replica_calculator.h"
#include "kube/selector.h"
#include "kube/types/autoscaling.h"
#include "metrics/source.h"

namespace minato::controllers {

// "cpu" or "memory" of Pods, or of their one container if that is named. A Pod without a value is
// left out; other resources have none anywhere.
Result<PodSamples> resource_samples(const metrics::Sources& sources, std::string_view resource,
                                    const std::string& namespace_, const kube::Selector& pods,
                                    const std::string& container);

Result<PodSamples> custom_samples(const metrics::Sources& sources,
                                  const kube::MetricIdentifier& metric,
                                  const std::string& namespace_, const kube::Selector& pods);

Result<std::int64_t> object_value(const metrics::Sources& sources,
                                  const kube::MetricIdentifier& metric,
                                  const std::string& namespace_,
                                  const kube::CrossVersionObjectReference& object);

// The sum of all series.
Result<std::int64_t> external_value(const metrics::Sources& sources,
                                    const kube::MetricIdentifier& metric,
                                    const std::string& namespace_);

// As Go prints a LabelSelector with %+v; "nil" for none.
std::string go_text(const kube::Box<kube::LabelSelector>& selector);

}  // namespace minato::controllers
