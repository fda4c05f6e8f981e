#include "kube/types/autoscaling.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(CrossVersionObjectReference,
  FIELD(kind, "kind", 1, kAlways),
  FIELD(name, "name", 2, kAlways),
  FIELD(api_version, "apiVersion", 3))

MINATO_STRUCT(MetricTarget,
  FIELD(type, "type", 1, kAlways),
  FIELD(value, "value", 2),
  FIELD(average_value, "averageValue", 3),
  FIELD(average_utilization, "averageUtilization", 4))

MINATO_STRUCT(MetricIdentifier,
  FIELD(name, "name", 1, kAlways),
  FIELD(selector, "selector", 2))

MINATO_STRUCT(ObjectMetricSource,
  FIELD(described_object, "describedObject", 1, kAlways),
  FIELD(target, "target", 2, kAlways),
  FIELD(metric, "metric", 3, kAlways))

MINATO_STRUCT(PodsMetricSource,
  FIELD(metric, "metric", 1, kAlways),
  FIELD(target, "target", 2, kAlways))

MINATO_STRUCT(ResourceMetricSource,
  FIELD(name, "name", 1, kAlways),
  FIELD(target, "target", 2, kAlways))

MINATO_STRUCT(ContainerResourceMetricSource,
  FIELD(name, "name", 1, kAlways),
  FIELD(target, "target", 2, kAlways),
  FIELD(container, "container", 3, kAlways))

MINATO_STRUCT(ExternalMetricSource,
  FIELD(metric, "metric", 1, kAlways),
  FIELD(target, "target", 2, kAlways))

MINATO_STRUCT(MetricSpec,
  FIELD(type, "type", 1, kAlways),
  FIELD(object, "object", 2),
  FIELD(pods, "pods", 3),
  FIELD(resource, "resource", 4),
  FIELD(container_resource, "containerResource", 7),
  FIELD(external, "external", 5))

MINATO_STRUCT(HPAScalingPolicy,
  FIELD(type, "type", 1, kAlways),
  FIELD(value, "value", 2, kAlways),
  FIELD(period_seconds, "periodSeconds", 3, kAlways))

MINATO_STRUCT(HPAScalingRules,
  FIELD(stabilization_window_seconds, "stabilizationWindowSeconds", 3),
  FIELD(select_policy, "selectPolicy", 1),
  FIELD(policies, "policies", 2, kAtomic),
  FIELD(tolerance, "tolerance", 4))

MINATO_STRUCT(HorizontalPodAutoscalerBehavior,
  FIELD(scale_up, "scaleUp", 1),
  FIELD(scale_down, "scaleDown", 2))

MINATO_STRUCT(HorizontalPodAutoscalerSpec,
  FIELD(scale_target_ref, "scaleTargetRef", 1, kAlways),
  FIELD(min_replicas, "minReplicas", 2),
  FIELD(max_replicas, "maxReplicas", 3, kAlways),
  FIELD(metrics, "metrics", 4, kAtomic),
  FIELD(behavior, "behavior", 5))

MINATO_STRUCT(MetricValueStatus,
  FIELD(value, "value", 1),
  FIELD(average_value, "averageValue", 2),
  FIELD(average_utilization, "averageUtilization", 3))

MINATO_STRUCT(ObjectMetricStatus,
  FIELD(metric, "metric", 1, kAlways),
  FIELD(current, "current", 2, kAlways),
  FIELD(described_object, "describedObject", 3, kAlways))

MINATO_STRUCT(PodsMetricStatus,
  FIELD(metric, "metric", 1, kAlways),
  FIELD(current, "current", 2, kAlways))

MINATO_STRUCT(ResourceMetricStatus,
  FIELD(name, "name", 1, kAlways),
  FIELD(current, "current", 2, kAlways))

MINATO_STRUCT(ContainerResourceMetricStatus,
  FIELD(name, "name", 1, kAlways),
  FIELD(current, "current", 2, kAlways),
  FIELD(container, "container", 3, kAlways))

MINATO_STRUCT(ExternalMetricStatus,
  FIELD(metric, "metric", 1, kAlways),
  FIELD(current, "current", 2, kAlways))

MINATO_STRUCT(MetricStatus,
  FIELD(type, "type", 1, kAlways),
  FIELD(object, "object", 2),
  FIELD(pods, "pods", 3),
  FIELD(resource, "resource", 4),
  FIELD(container_resource, "containerResource", 7),
  FIELD(external, "external", 5))

MINATO_STRUCT(HorizontalPodAutoscalerCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 3),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(HorizontalPodAutoscalerStatus,
  FIELD(observed_generation, "observedGeneration", 1),
  FIELD(last_scale_time, "lastScaleTime", 2),
  FIELD(current_replicas, "currentReplicas", 3),
  FIELD(desired_replicas, "desiredReplicas", 4, kAlways),
  FIELD(current_metrics, "currentMetrics", 5, kAlways | kAtomic),
  FIELD(conditions, "conditions", 6, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(HorizontalPodAutoscaler);
MINATO_STRUCT(HorizontalPodAutoscaler,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(ScaleSpec,
  FIELD(replicas, "replicas", 1))

MINATO_STRUCT(ScaleStatus,
  FIELD(replicas, "replicas", 1, kAlways),
  FIELD(selector, "selector", 2))

DEFINE_SPECIAL_MEMBERS(Scale);
MINATO_STRUCT(Scale,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
