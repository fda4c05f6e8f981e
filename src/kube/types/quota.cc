#include "kube/types/quota.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(ScopedResourceSelectorRequirement,
  FIELD(scope_name, "scopeName", 1, kAlways),
  FIELD(operator_, "operator", 2, kAlways),
  FIELD(values, "values", 3, kAtomic))

MINATO_ATOMIC_STRUCT(ScopeSelector,
  FIELD(match_expressions, "matchExpressions", 1, kAtomic))

MINATO_STRUCT(ResourceQuotaSpec,
  FIELD(hard, "hard", 1),
  FIELD(scopes, "scopes", 2, kAtomic),
  FIELD(scope_selector, "scopeSelector", 3))

MINATO_STRUCT(ResourceQuotaStatus,
  FIELD(hard, "hard", 1),
  FIELD(used, "used", 2))

DEFINE_SPECIAL_MEMBERS(ResourceQuota);
MINATO_STRUCT(ResourceQuota,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(LimitRangeItem,
  FIELD(type, "type", 1, kAlways),
  FIELD(max, "max", 2),
  FIELD(min, "min", 3),
  FIELD(default_, "default", 4),
  FIELD(default_request, "defaultRequest", 5),
  FIELD(max_limit_request_ratio, "maxLimitRequestRatio", 6))

MINATO_STRUCT(LimitRangeSpec,
  FIELD(limits, "limits", 1, kAtomic))

DEFINE_SPECIAL_MEMBERS(LimitRange);
MINATO_STRUCT(LimitRange,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2))

MINATO_STRUCT(ReplicationControllerSpec,
  FIELD(replicas, "replicas", 1),
  FIELD(min_ready_seconds, "minReadySeconds", 4),
  FIELD(selector, "selector", 2, kAtomic),
  FIELD(template_, "template", 3))

MINATO_STRUCT(ReplicationControllerCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 3),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(ReplicationControllerStatus,
  FIELD(replicas, "replicas", 1, kAlways),
  FIELD(fully_labeled_replicas, "fullyLabeledReplicas", 2),
  FIELD(ready_replicas, "readyReplicas", 4),
  FIELD(available_replicas, "availableReplicas", 5),
  FIELD(observed_generation, "observedGeneration", 3),
  FIELD(conditions, "conditions", 6, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(ReplicationController);
MINATO_STRUCT(ReplicationController,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
