#include "controllers/podautoscaler/metric_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/int128.h"
#include "base/strings.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr Duration kDefaultWindow = 1min;  // Of a custom metric that does not say.

std::unexpected<Error> unable(std::string_view api, const Error& error) {
  return fail(error.reason,
              fmt::format("unable to fetch metrics from {} metrics API: {}", api, error.message));
}
std::unexpected<Error> none_returned(std::string_view api) {
  return fail(Reason::kNotFound, fmt::format("no metrics returned from {} metrics API", api));
}
Error not_registered(std::string_view message) {
  return {Reason::kNotFound, std::string(message)};
}
Error no_custom_api() {
  return not_registered("no custom metrics API (custom.metrics.k8s.io) registered");
}

// No selector in the metric's name means all of its series, unlike elsewhere.
Result<kube::Selector> selector_of(const kube::MetricIdentifier& metric) {
  if (!metric.selector) return kube::Selector();
  return kube::Selector::from(*metric.selector);
}

std::optional<std::int64_t> value_of(const metrics::ContainerMetrics& container,
                                     std::string_view resource) {
  if (resource == kube::kCpu) return container.cpu_milli;
  if (resource == kube::kMemory) return container.memory_bytes * 1000;
  return std::nullopt;
}

// Of all containers, or of the one that is named.
std::optional<std::int64_t> value_of(const metrics::PodMetrics& pod, std::string_view resource,
                                     const std::string& container) {
  std::optional<std::int64_t> out;
  for (const metrics::ContainerMetrics& each : pod.containers) {
    if (!container.empty() && each.name != container) continue;
    const std::optional<std::int64_t> value = value_of(each, resource);
    if (!value) return std::nullopt;
    out = out.value_or(0) + *value;
  }
  return out;
}

std::int64_t saturated_sum(const std::vector<metrics::MetricValue>& values) {
  constexpr Int128 kMax = std::numeric_limits<std::int64_t>::max();
  Int128 out = 0;
  for (const metrics::MetricValue& value : values) out += value.value_milli;
  return static_cast<std::int64_t>(std::clamp(out, -kMax, kMax));
}

}  // namespace

Result<PodSamples> resource_samples(const metrics::Sources& sources, std::string_view resource,
                                    const std::string& namespace_, const kube::Selector& pods,
                                    const std::string& container) {
  if (sources.resource == nullptr) {
    return unable("resource",
                  not_registered("the server could not find the requested resource "
                                 "(get pods.metrics.k8s.io)"));
  }
  const auto found = sources.resource->pod_metrics(namespace_, pods);
  if (!found) return unable("resource", found.error());
  if (found->empty()) return none_returned("resource");
  PodSamples out;
  for (const metrics::PodMetrics& pod : *found) {
    if (!container.empty() &&
        std::ranges::find(pod.containers, container, &metrics::ContainerMetrics::name) ==
            pod.containers.end()) {
      return fail(Reason::kNotFound,
                  fmt::format("failed to get container metrics: container {} not present in "
                              "metrics for pod {}/{}", container, pod.namespace_, pod.name));
    }
    if (const auto value = value_of(pod, resource, container)) {
      out[pod.name] = {pod.timestamp, pod.window, *value};
    }
  }
  return out;
}

Result<PodSamples> custom_samples(const metrics::Sources& sources,
                                  const kube::MetricIdentifier& metric,
                                  const std::string& namespace_, const kube::Selector& pods) {
  ASSIGN_OR_RETURN(const kube::Selector selector, selector_of(metric));
  if (sources.custom == nullptr) return unable("custom", no_custom_api());
  const auto found = sources.custom->pods_metric(namespace_, pods, metric.name, selector);
  if (!found) return unable("custom", found.error());
  if (found->empty()) return none_returned("custom");
  PodSamples out;
  for (const metrics::MetricValue& value : *found) {
    out[value.object] = {value.timestamp, value.window.value_or(kDefaultWindow),
                         value.value_milli};
  }
  return out;
}

Result<std::int64_t> object_value(const metrics::Sources& sources,
                                  const kube::MetricIdentifier& metric,
                                  const std::string& namespace_,
                                  const kube::CrossVersionObjectReference& object) {
  ASSIGN_OR_RETURN(const kube::Selector selector, selector_of(metric));
  if (sources.custom == nullptr) return unable("custom", no_custom_api());
  metrics::ObjectReference reference{object.api_version, object.kind, {namespace_, object.name}};
  // A reference cannot leave its namespace, so the only Namespace it can mean is its own.
  const bool is_core = object.api_version.find('/') == std::string::npos;
  if (object.kind == "Namespace" && is_core) reference.key = {"", namespace_};
  const auto found = sources.custom->object_metric(reference, metric.name, selector);
  if (!found) return unable("custom", found.error());
  return found->value_milli;
}

Result<std::int64_t> external_value(const metrics::Sources& sources,
                                    const kube::MetricIdentifier& metric,
                                    const std::string& namespace_) {
  ASSIGN_OR_RETURN(const kube::Selector selector, selector_of(metric));
  if (sources.external == nullptr) {
    return unable("external",
                  not_registered(fmt::format("the server could not find the requested resource "
                                             "(get {}.external.metrics.k8s.io)", metric.name)));
  }
  const auto found = sources.external->external_metric(namespace_, metric.name, selector);
  if (!found) return unable("external", found.error());
  if (found->empty()) return none_returned("external");
  return saturated_sum(*found);
}

std::string go_text(const kube::Box<kube::LabelSelector>& selector) {
  if (!selector) return "nil";
  std::string labels, expressions;
  for (const auto& [key, value] : selector->match_labels) {
    labels += fmt::format("{}: {},", key, value);
  }
  for (const kube::LabelSelectorRequirement& each : selector->match_expressions) {
    expressions += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
                               each.key, each.operator_, join(each.values, " "));
  }
  return fmt::format("&LabelSelector{{MatchLabels:map[string]string{{{}}},"
                     "MatchExpressions:[]LabelSelectorRequirement{{{}}},}}", labels, expressions);
}

}  // namespace minato::controllers
