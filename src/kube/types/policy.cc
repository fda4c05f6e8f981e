#include "kube/types/policy.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(PodDisruptionBudgetSpec,
  FIELD(min_available, "minAvailable", 1),
  FIELD(selector, "selector", 2, kReplace),
  FIELD(max_unavailable, "maxUnavailable", 3),
  FIELD(unhealthy_pod_eviction_policy, "unhealthyPodEvictionPolicy", 4))

MINATO_STRUCT(PodDisruptionBudgetStatus,
  FIELD(observed_generation, "observedGeneration", 1),
  FIELD(disrupted_pods, "disruptedPods", 2),
  FIELD(disruptions_allowed, "disruptionsAllowed", 3, kAlways),
  FIELD(current_healthy, "currentHealthy", 4, kAlways),
  FIELD(desired_healthy, "desiredHealthy", 5, kAlways),
  FIELD(expected_pods, "expectedPods", 6, kAlways),
  FIELD(conditions, "conditions", 7, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(PodDisruptionBudget);
MINATO_STRUCT(PodDisruptionBudget,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

DEFINE_SPECIAL_MEMBERS(Eviction);
MINATO_STRUCT(Eviction,
  FIELD(metadata, "metadata", 1),
  FIELD(delete_options, "deleteOptions", 2))

}  // namespace minato::kube
