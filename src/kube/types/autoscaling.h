// autoscaling/v2: HorizontalPodAutoscaler; autoscaling/v1: Scale.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (autoscaling/v2 and v1
// types.go); HPAScalingRules.tolerance is of v0.33.
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct CrossVersionObjectReference {
  std::string kind;
  std::string name;
  std::string api_version;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CrossVersionObjectReference*);

struct MetricTarget {
  std::string type;
  std::optional<Quantity> value;
  std::optional<Quantity> average_value;
  std::optional<std::int32_t> average_utilization;
  UnknownFields unknown;
};
const TypeInfo& reflect(const MetricTarget*);

struct MetricIdentifier {
  std::string name;
  Box<LabelSelector> selector;
  UnknownFields unknown;
};
const TypeInfo& reflect(const MetricIdentifier*);

struct ObjectMetricSource {
  CrossVersionObjectReference described_object;
  MetricTarget target;
  MetricIdentifier metric;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ObjectMetricSource*);

struct PodsMetricSource {
  MetricIdentifier metric;
  MetricTarget target;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodsMetricSource*);

struct ResourceMetricSource {
  std::string name;
  MetricTarget target;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceMetricSource*);

struct ContainerResourceMetricSource {
  std::string name;
  MetricTarget target;
  std::string container;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerResourceMetricSource*);

struct ExternalMetricSource {
  MetricIdentifier metric;
  MetricTarget target;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ExternalMetricSource*);

struct MetricSpec {
  std::string type;
  Box<ObjectMetricSource> object;
  Box<PodsMetricSource> pods;
  Box<ResourceMetricSource> resource;
  Box<ContainerResourceMetricSource> container_resource;
  Box<ExternalMetricSource> external;
  UnknownFields unknown;
};
const TypeInfo& reflect(const MetricSpec*);

struct HPAScalingPolicy {
  std::string type;
  std::int32_t value = 0;
  std::int32_t period_seconds = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HPAScalingPolicy*);

struct HPAScalingRules {
  std::optional<std::int32_t> stabilization_window_seconds;
  std::optional<std::string> select_policy;
  std::vector<HPAScalingPolicy> policies;
  std::optional<Quantity> tolerance;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HPAScalingRules*);

struct HorizontalPodAutoscalerBehavior {
  Box<HPAScalingRules> scale_up;
  Box<HPAScalingRules> scale_down;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerBehavior*);

struct HorizontalPodAutoscalerSpec {
  CrossVersionObjectReference scale_target_ref;
  std::optional<std::int32_t> min_replicas;
  std::int32_t max_replicas = 0;
  std::vector<MetricSpec> metrics;
  Box<HorizontalPodAutoscalerBehavior> behavior;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerSpec*);

struct MetricValueStatus {
  std::optional<Quantity> value;
  std::optional<Quantity> average_value;
  std::optional<std::int32_t> average_utilization;
  UnknownFields unknown;
};
const TypeInfo& reflect(const MetricValueStatus*);

struct ObjectMetricStatus {
  MetricIdentifier metric;
  MetricValueStatus current;
  CrossVersionObjectReference described_object;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ObjectMetricStatus*);

struct PodsMetricStatus {
  MetricIdentifier metric;
  MetricValueStatus current;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodsMetricStatus*);

struct ResourceMetricStatus {
  std::string name;
  MetricValueStatus current;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceMetricStatus*);

struct ContainerResourceMetricStatus {
  std::string name;
  MetricValueStatus current;
  std::string container;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerResourceMetricStatus*);

struct ExternalMetricStatus {
  MetricIdentifier metric;
  MetricValueStatus current;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ExternalMetricStatus*);

struct MetricStatus {
  std::string type;
  Box<ObjectMetricStatus> object;
  Box<PodsMetricStatus> pods;
  Box<ResourceMetricStatus> resource;
  Box<ContainerResourceMetricStatus> container_resource;
  Box<ExternalMetricStatus> external;
  UnknownFields unknown;
};
const TypeInfo& reflect(const MetricStatus*);

struct HorizontalPodAutoscalerCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerCondition*);

struct HorizontalPodAutoscalerStatus {
  std::optional<std::int64_t> observed_generation;
  Time last_scale_time;
  std::int32_t current_replicas = 0;
  std::int32_t desired_replicas = 0;
  std::vector<MetricStatus> current_metrics;
  std::vector<HorizontalPodAutoscalerCondition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerStatus*);

struct HorizontalPodAutoscaler final : ObjectOf<HorizontalPodAutoscaler> {
  DECLARE_SPECIAL_MEMBERS(HorizontalPodAutoscaler);
  static const Kind& static_kind();
  HorizontalPodAutoscalerSpec spec;
  HorizontalPodAutoscalerStatus status;
};
const TypeInfo& reflect(const HorizontalPodAutoscaler*);

struct ScaleSpec {
  std::int32_t replicas = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ScaleSpec*);

struct ScaleStatus {
  std::int32_t replicas = 0;
  std::string selector;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ScaleStatus*);

// A subresource: it has no place of its own in the store (kube/scale.h makes it).
struct Scale final : ObjectOf<Scale> {
  DECLARE_SPECIAL_MEMBERS(Scale);
  static const Kind& static_kind();
  ScaleSpec spec;
  ScaleStatus status;
};
const TypeInfo& reflect(const Scale*);

}  // namespace minato::kube
