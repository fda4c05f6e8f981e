// autoscaling: HorizontalPodAutoscaler.
// Rules: k8s.io/kubernetes pkg/apis/autoscaling/validation/validation.go. Generation counts changes
// of spec, as upstream does since it has the HPAGeneration feature.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kube/defaults.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

constexpr std::int32_t kMaxPeriodSeconds = 1800;
constexpr std::int32_t kMaxStabilizationWindowSeconds = 3600;

void require(const FieldPath& path, std::string_view value, std::string_view detail,
             FieldErrors& errors) {
  if (value.empty()) errors.required(path, detail);
}

// What may stand in the path of a URL (IsValidPathSegmentName).
void validate_segment(const FieldPath& path, std::string_view value, FieldErrors& errors) {
  for (const std::string_view whole : {".", ".."}) {
    if (value == whole) errors.invalid(path, value, fmt::format("may not be '{}'", whole));
  }
  for (const std::string_view part : {"/", "%"}) {
    if (value.find(part) == std::string_view::npos) continue;
    errors.invalid(path, value, fmt::format("may not contain '{}'", part));
  }
}

void validate_reference(const kube::CrossVersionObjectReference& reference, const FieldPath& path,
                        FieldErrors& errors) {
  require(path.child("kind"), reference.kind, {}, errors);
  validate_segment(path.child("kind"), reference.kind, errors);
  require(path.child("name"), reference.name, {}, errors);
  validate_segment(path.child("name"), reference.name, errors);
}

void validate_identifier(const kube::MetricIdentifier& metric, const FieldPath& source,
                         FieldErrors& errors) {
  const FieldPath path = source.child("metric");
  require(path.child("name"), metric.name, "must specify a metric name", errors);
  validate_segment(path.child("name"), metric.name, errors);
}

void validate_positive(const std::optional<kube::Quantity>& amount, const FieldPath& path,
                       FieldErrors& errors) {
  if (amount && *amount <= kube::Quantity()) {
    errors.invalid(path, amount->to_string(), "must be positive");
  }
}

void validate_target(const kube::MetricTarget& target, const FieldPath& source,
                     FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> kTypes{"AverageValue", "Utilization", "Value"};
  const FieldPath path = source.child("target");
  require(path.child("type"), target.type, "must specify a metric target type", errors);
  if (std::ranges::find(kTypes, target.type) == kTypes.end()) {
    errors.invalid(path.child("type"), target.type,
                   "must be either Utilization, Value, or AverageValue");
  }
  validate_positive(target.value, path.child("value"), errors);
  validate_positive(target.average_value, path.child("averageValue"), errors);
  if (target.average_utilization.value_or(1) < 1) {
    errors.invalid(path.child("averageUtilization"), *target.average_utilization,
                   "must be greater than 0");
  }
}

// Resource and ContainerResource alike: one of utilization and average value.
void validate_resource_target(const kube::MetricTarget& target, const FieldPath& source,
                              FieldErrors& errors) {
  validate_target(target, source, errors);
  const FieldPath path = source.child("target");
  if (!target.average_utilization && !target.average_value) {
    errors.required(path.child("averageUtilization"),
                    "must set either a target raw value or a target utilization");
  }
  if (target.average_utilization && target.average_value) {
    errors.forbidden(path.child("averageValue"),
                     "may not set both a target raw value and a target utilization");
  }
}

void validate_source(const kube::ObjectMetricSource& source, const FieldPath& path,
                     FieldErrors& errors) {
  validate_reference(source.described_object, path.child("describedObject"), errors);
  validate_identifier(source.metric, path, errors);
  validate_target(source.target, path, errors);
  if (source.target.value || source.target.average_value) return;
  const FieldPath target = path.child("target");
  errors.required(target.child("averageValue"),
                  "must set either a target value or averageValue");
}

void validate_source(const kube::ExternalMetricSource& source, const FieldPath& path,
                     FieldErrors& errors) {
  validate_identifier(source.metric, path, errors);
  validate_target(source.target, path, errors);
  const FieldPath target = path.child("target");
  if (!source.target.value && !source.target.average_value) {
    errors.required(target.child("averageValue"),
                    "must set either a target value for metric or a per-pod target");
  }
  if (source.target.value && source.target.average_value) {
    errors.forbidden(target.child("value"),
                     "may not set both a target value for metric and a per-pod target");
  }
}

void validate_source(const kube::PodsMetricSource& source, const FieldPath& path,
                     FieldErrors& errors) {
  validate_identifier(source.metric, path, errors);
  validate_target(source.target, path, errors);
  if (source.target.average_value) return;
  const FieldPath target = path.child("target");
  errors.required(target.child("averageValue"), "must specify a positive target averageValue");
}

void validate_source(const kube::ResourceMetricSource& source, const FieldPath& path,
                     FieldErrors& errors) {
  require(path.child("name"), source.name, "must specify a resource name", errors);
  validate_resource_target(source.target, path, errors);
}

void validate_source(const kube::ContainerResourceMetricSource& source, const FieldPath& path,
                     FieldErrors& errors) {
  require(path.child("name"), source.name, "must specify a resource name", errors);
  if (source.container.empty()) {
    errors.required(path.child("container"), "must specify a container");
  } else {
    errors.grammar(path.child("container"), source.container,
                   kube::check_dns1123_label(source.container));
  }
  validate_resource_target(source.target, path, errors);
}

void validate_metric(const kube::MetricSpec& metric, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 5> kTypes{"ContainerResource", "External", "Object",
                                                   "Pods", "Resource"};
  const FieldPath type = path.child("type");
  require(type, metric.type, "must specify a metric source type", errors);
  const bool known = std::ranges::find(kTypes, metric.type) != kTypes.end();
  if (!known) errors.not_supported(type, metric.type, kTypes);
  // As upstream: the first source that is there is looked into, others are one too many.
  int present = 0;
  const auto check = [&](const auto& source, std::string_view field, std::string_view of_type) {
    const bool wanted = metric.type == of_type;
    if (!source) {
      if (wanted) {
        errors.required(path.child(field), "must populate information for the given metric source");
      }
      return;
    }
    if (++present == 1) validate_source(*source, path.child(field), errors);
    if (!wanted && known) {
      errors.forbidden(path.child(field), "must populate the given metric source only");
    }
  };
  check(metric.object, "object", "Object");
  check(metric.external, "external", "External");
  check(metric.pods, "pods", "Pods");
  check(metric.resource, "resource", "Resource");
  check(metric.container_resource, "containerResource", "ContainerResource");
}

void validate_policy(const kube::HPAScalingPolicy& policy, const FieldPath& path,
                     FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> kTypes{"Percent", "Pods"};
  const FieldPath period = path.child("periodSeconds");
  if (std::ranges::find(kTypes, policy.type) == kTypes.end()) {
    errors.not_supported(path.child("type"), policy.type, kTypes);
  }
  if (policy.value <= 0) {
    errors.invalid(path.child("value"), policy.value, "must be greater than zero");
  }
  if (policy.period_seconds <= 0) {
    errors.invalid(period, policy.period_seconds, "must be greater than zero");
  } else if (policy.period_seconds > kMaxPeriodSeconds) {
    errors.invalid(period, policy.period_seconds,
                   fmt::format("must be less than or equal to {}", kMaxPeriodSeconds));
  }
}

void validate_rules(const kube::Box<kube::HPAScalingRules>& rules, const FieldPath& path,
                    FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> kSelects{"Disabled", "Max", "Min"};
  if (!rules) return;
  const std::int32_t window = rules->stabilization_window_seconds.value_or(0);
  if (window < 0) {
    errors.invalid(path.child("stabilizationWindowSeconds"), window,
                   "must be greater than or equal to zero");
  } else if (window > kMaxStabilizationWindowSeconds) {
    errors.invalid(path.child("stabilizationWindowSeconds"), window,
                   fmt::format("must be less than or equal to {}", kMaxStabilizationWindowSeconds));
  }
  if (rules->select_policy &&
      std::ranges::find(kSelects, *rules->select_policy) == kSelects.end()) {
    errors.not_supported(path.child("selectPolicy"), *rules->select_policy, kSelects);
  }
  if (rules->tolerance && *rules->tolerance < kube::Quantity()) {
    errors.invalid(path.child("tolerance"), rules->tolerance->to_string(),
                   "must be greater than or equal to zero");
  }
  const FieldPath policies = path.child("policies");
  if (rules->policies.empty()) errors.required(policies, "must specify at least one Policy");
  for (std::size_t i = 0; i < rules->policies.size(); ++i) {
    validate_policy(rules->policies[i], policies.index(i), errors);
  }
}

void validate_autoscaler(const Object& object, FieldErrors& errors) {
  const kube::HorizontalPodAutoscalerSpec& autoscaler =
      kube::as<kube::HorizontalPodAutoscaler>(object).spec;
  const FieldPath spec("spec");
  if (autoscaler.min_replicas.value_or(1) < 1) {
    errors.invalid(spec.child("minReplicas"), *autoscaler.min_replicas,
                   "must be greater than or equal to 1");
  }
  if (autoscaler.max_replicas < 1) {
    errors.invalid(spec.child("maxReplicas"), autoscaler.max_replicas, "must be greater than 0");
  }
  if (autoscaler.min_replicas && autoscaler.max_replicas < *autoscaler.min_replicas) {
    errors.invalid(spec.child("maxReplicas"), autoscaler.max_replicas,
                   "must be greater than or equal to `minReplicas`");
  }
  validate_reference(autoscaler.scale_target_ref, spec.child("scaleTargetRef"), errors);
  const FieldPath metrics = spec.child("metrics");
  for (std::size_t i = 0; i < autoscaler.metrics.size(); ++i) {
    validate_metric(autoscaler.metrics[i], metrics.index(i), errors);
  }
  if (!autoscaler.behavior) return;
  const FieldPath behavior = spec.child("behavior");
  validate_rules(autoscaler.behavior->scale_up, behavior.child("scaleUp"), errors);
  validate_rules(autoscaler.behavior->scale_down, behavior.child("scaleDown"), errors);
}

void validate_autoscaler_status(const Object&, const Object& after, FieldErrors& errors) {
  const auto& status = kube::as<kube::HorizontalPodAutoscaler>(after).status;
  const FieldPath path("status");
  errors.non_negative(path.child("currentReplicas"), status.current_replicas);
  errors.non_negative(path.child("desiredReplicas"), status.desired_replicas);
}

}  // namespace

Strategy horizontal_pod_autoscaler_strategy() {
  Strategy out = make_strategy<kube::HorizontalPodAutoscaler>();
  out.changes_generation = &spec_changed<kube::HorizontalPodAutoscaler>;
  out.set_defaults = [](Object& object) {
    kube::set_defaults(mutable_as<kube::HorizontalPodAutoscaler>(object));
  };
  out.validate = &validate_autoscaler;
  out.validate_status = &validate_autoscaler_status;
  return out;
}

}  // namespace minato::registry
