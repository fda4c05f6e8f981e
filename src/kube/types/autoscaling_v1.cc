#include "kube/types/autoscaling_v1.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(HorizontalPodAutoscalerSpecV1,
  FIELD(scale_target_ref, "scaleTargetRef", 1, kAlways),
  FIELD(min_replicas, "minReplicas", 2),
  FIELD(max_replicas, "maxReplicas", 3, kAlways),
  FIELD(target_cpu_utilization_percentage, "targetCPUUtilizationPercentage", 4))

MINATO_STRUCT(HorizontalPodAutoscalerStatusV1,
  FIELD(observed_generation, "observedGeneration", 1),
  FIELD(last_scale_time, "lastScaleTime", 2),
  FIELD(current_replicas, "currentReplicas", 3, kAlways),
  FIELD(desired_replicas, "desiredReplicas", 4, kAlways),
  FIELD(current_cpu_utilization_percentage, "currentCPUUtilizationPercentage", 5))

DEFINE_SPECIAL_MEMBERS(HorizontalPodAutoscalerV1);
MINATO_STRUCT(HorizontalPodAutoscalerV1,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
