#include "controllers/podautoscaler/metric_evaluation.h"

#include <fmt/format.h>

#include "controllers/podautoscaler/metric_values.h"

namespace minato::controllers {
namespace {

using kube::Quantity;

// Value and name of a metric that could be had.
struct Measured {
  std::string name;
  Proposal proposal;
  kube::MetricValueStatus current;
};

std::string milli_text(std::int64_t value) { return Quantity::milli(value).to_string(); }

std::string target_text(const kube::MetricTarget& target) {
  if (target.average_utilization) return fmt::format("{}%", *target.average_utilization);
  if (target.average_value) return target.average_value->to_string() + " a Pod";
  return target.value ? target.value->to_string() : std::string();
}

std::string current_text(const Proposal& proposal) {
  const std::string value = milli_text(proposal.usage_milli);
  return proposal.utilization ? fmt::format("{}% ({})", *proposal.utilization, value) : value;
}

std::unexpected<Error> prefixed(const std::string& prefix, const Error& error) {
  return fail(error.reason, fmt::format("{}: {}", prefix, error.message));
}

kube::MetricValueStatus average_status(const Proposal& proposal) {
  kube::MetricValueStatus out;
  out.average_value = Quantity::milli(proposal.usage_milli);
  out.average_utilization = proposal.utilization;
  return out;
}
kube::MetricValueStatus value_status(const Proposal& proposal) {
  kube::MetricValueStatus out;
  out.value = Quantity::milli(proposal.usage_milli);
  return out;
}

// Resource and ContainerResource.
Result<Measured> measure_resource(const std::string& resource, const std::string& container,
                                  const kube::MetricTarget& target, const EvaluationInput& input) {
  const bool by_value = target.average_value.has_value();
  if (!by_value && !target.average_utilization) {
    return fail(Reason::kInvalid,
                "invalid resource metric source: neither an average utilization target nor an "
                "average value (usage) target was set");
  }
  const std::string prefix =
      fmt::format("failed to get {} {}", resource, by_value ? "usage" : "utilization");
  Result<PodSamples> samples =
      resource_samples(input.sources, resource, input.namespace_, input.selector, container);
  if (!samples) {
    return prefixed(prefix + ": unable to get metrics for resource " + resource, samples.error());
  }
  Result<Proposal> proposal =
      by_value ? replicas_by_average(input.calculator, std::move(*samples), resource,
                                     target.average_value->milli_value())
               : replicas_by_utilization(input.calculator, std::move(*samples), resource,
                                         container, *target.average_utilization);
  if (!proposal) return prefixed(prefix, proposal.error());
  std::string name = fmt::format("{} resource", resource);
  if (!by_value) {
    name = fmt::format("{} {}resource utilization (percentage of request)", resource,
                       container.empty() ? "" : "container ");
  }
  return Measured{std::move(name), *proposal, average_status(*proposal)};
}

Result<Measured> measure_pods(const kube::PodsMetricSource& source, const EvaluationInput& input) {
  if (!source.target.average_value) {
    return fail(Reason::kInvalid,
                "invalid pods metric source: no average value target was set");
  }
  Result<PodSamples> samples =
      custom_samples(input.sources, source.metric, input.namespace_, input.selector);
  if (!samples) return prefixed("unable to get metric " + source.metric.name, samples.error());
  ASSIGN_OR_RETURN(const Proposal proposal,
                   replicas_by_average(input.calculator, std::move(*samples), "",
                                       source.target.average_value->milli_value()));
  return Measured{"pods metric " + source.metric.name, proposal, average_status(proposal)};
}

// Upstream's name for a share of an Object's metric too.
std::string series_name(const kube::MetricIdentifier& metric) {
  return fmt::format("external metric {}({})", metric.name, go_text(metric.selector));
}

Result<Measured> measure_object(const kube::ObjectMetricSource& source,
                                const EvaluationInput& input) {
  const kube::MetricTarget& target = source.target;
  const bool by_value = target.type == "Value" && target.value;
  if (!by_value && !(target.type == "AverageValue" && target.average_value)) {
    return fail(Reason::kInvalid,
                "invalid object metric source: neither a value target nor an average value target "
                "was set");
  }
  const auto usage =
      object_value(input.sources, source.metric, input.namespace_, source.described_object);
  if (!usage) {
    const std::string message = fmt::format(
        "unable to get metric {}: {} on {} {}/{}", source.metric.name,
        source.described_object.kind, input.namespace_, source.described_object.name,
        usage.error().message);
    return fail(usage.error().reason,
                by_value ? message
                         : fmt::format("failed to get {} object metric: {}", source.metric.name,
                                       message));
  }
  if (!by_value) {
    const Proposal proposal =
        replicas_by_share(input.calculator, *usage, target.average_value->milli_value());
    return Measured{series_name(source.metric), proposal, average_status(proposal)};
  }
  ASSIGN_OR_RETURN(const Proposal proposal,
                   replicas_by_value(input.calculator, *usage, target.value->milli_value()));
  return Measured{
      fmt::format("{} metric {}", source.described_object.kind, source.metric.name), proposal,
      value_status(proposal)};
}

Result<Measured> measure_external(const kube::ExternalMetricSource& source,
                                  const EvaluationInput& input) {
  const kube::MetricTarget& target = source.target;
  if (!target.average_value && !target.value) {
    return fail(Reason::kInvalid,
                "invalid external metric source: neither a value target nor an average value "
                "target was set");
  }
  const bool by_value = !target.average_value;
  const std::string& name = source.metric.name;
  const std::string prefix = by_value ? "failed to get external metric " + name
                                      : fmt::format("failed to get {} external metric", name);
  const auto usage = external_value(input.sources, source.metric, input.namespace_);
  if (!usage) {
    return prefixed(fmt::format("{}: unable to get external metric {}/{}/{}", prefix,
                                input.namespace_, name, go_text(source.metric.selector)),
                    usage.error());
  }
  if (!by_value) {
    const Proposal proposal =
        replicas_by_share(input.calculator, *usage, target.average_value->milli_value());
    return Measured{series_name(source.metric), proposal, average_status(proposal)};
  }
  const auto proposal =
      replicas_by_value(input.calculator, *usage, target.value->milli_value());
  if (!proposal) return prefixed(prefix, proposal.error());
  return Measured{series_name(source.metric), *proposal, value_status(*proposal)};
}

// What is left of `measured` for the status and the messages; `fill` writes the status' own part.
template <class Fill>
MetricEvaluation finish(Result<Measured> measured, const kube::MetricTarget& target,
                        std::string_view fallback_name, std::string_view reason,
                        std::string_view what, Fill fill) {
  MetricEvaluation out;
  out.explanation.target = target_text(target);
  if (!measured) {
    const std::string& message = measured.error().message;
    out.name = fallback_name;
    out.failure = {std::string(reason), message,
                   fmt::format("failed to get {} value: {}", what, message)};
    out.explanation.name = out.name;
    out.explanation.error = message;
    return out;
  }
  out.name = std::move(measured->name);
  out.explanation.name = out.name;
  out.explanation.current = current_text(measured->proposal);
  out.explanation.proposal = measured->proposal;
  fill(out.status, std::move(measured->current));
  out.proposal = std::move(measured->proposal);
  return out;
}

MetricEvaluation evaluate_object(const kube::ObjectMetricSource& source,
                                 const EvaluationInput& input) {
  return finish(measure_object(source, input), source.target, source.metric.name,
                "FailedGetObjectMetric", "object metric",
                [&](kube::MetricStatus& status, kube::MetricValueStatus current) {
                  status.type = "Object";
                  status.object.emplace().metric = source.metric;
                  status.object->described_object = source.described_object;
                  status.object->current = std::move(current);
                });
}

MetricEvaluation evaluate_pods(const kube::PodsMetricSource& source,
                               const EvaluationInput& input) {
  return finish(measure_pods(source, input), source.target, source.metric.name,
                "FailedGetPodsMetric", "pods metric",
                [&](kube::MetricStatus& status, kube::MetricValueStatus current) {
                  status.type = "Pods";
                  status.pods.emplace().metric = source.metric;
                  status.pods->current = std::move(current);
                });
}

MetricEvaluation evaluate_resource(const kube::ResourceMetricSource& source,
                                   const EvaluationInput& input) {
  return finish(measure_resource(source.name, "", source.target, input), source.target,
                source.name + " resource", "FailedGetResourceMetric",
                source.name + " resource metric",
                [&](kube::MetricStatus& status, kube::MetricValueStatus current) {
                  status.type = "Resource";
                  status.resource.emplace().name = source.name;
                  status.resource->current = std::move(current);
                });
}

MetricEvaluation evaluate_container(const kube::ContainerResourceMetricSource& source,
                                    const EvaluationInput& input) {
  return finish(measure_resource(source.name, source.container, source.target, input),
                source.target, source.name + " of container " + source.container,
                "FailedGetContainerResourceMetric", source.container + " container metric",
                [&](kube::MetricStatus& status, kube::MetricValueStatus current) {
                  status.type = "ContainerResource";
                  status.container_resource.emplace().name = source.name;
                  status.container_resource->container = source.container;
                  status.container_resource->current = std::move(current);
                });
}

MetricEvaluation evaluate_external(const kube::ExternalMetricSource& source,
                                   const EvaluationInput& input) {
  return finish(measure_external(source, input), source.target, source.metric.name,
                "FailedGetExternalMetric", source.metric.name + " external metric",
                [&](kube::MetricStatus& status, kube::MetricValueStatus current) {
                  status.type = "External";
                  status.external.emplace().metric = source.metric;
                  status.external->current = std::move(current);
                });
}

}  // namespace

MetricEvaluation evaluate(const kube::MetricSpec& metric, const EvaluationInput& input) {
  if (metric.type == "Object" && metric.object) return evaluate_object(*metric.object, input);
  if (metric.type == "Pods" && metric.pods) return evaluate_pods(*metric.pods, input);
  if (metric.type == "Resource" && metric.resource) {
    return evaluate_resource(*metric.resource, input);
  }
  if (metric.type == "ContainerResource" && metric.container_resource) {
    return evaluate_container(*metric.container_resource, input);
  }
  if (metric.type == "External" && metric.external) {
    return evaluate_external(*metric.external, input);
  }
  // The API refuses it; an object of another server may still have it.
  MetricEvaluation out;
  const std::string message = fmt::format("unknown metric source type \"{}\"", metric.type);
  out.name = metric.type;
  out.failure = {"InvalidMetricSourceType", message, message};
  out.explanation.name = metric.type;
  out.explanation.error = message;
  return out;
}

}  // namespace minato::controllers
