#include "kube/types/apps.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(ReplicaSetSpec,
  FIELD(replicas, "replicas", 1),
  FIELD(min_ready_seconds, "minReadySeconds", 4),
  FIELD(selector, "selector", 2, kAlways),
  FIELD(template_, "template", 3))

MINATO_STRUCT(ReplicaSetCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 3),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(ReplicaSetStatus,
  FIELD(replicas, "replicas", 1, kAlways),
  FIELD(fully_labeled_replicas, "fullyLabeledReplicas", 2),
  FIELD(ready_replicas, "readyReplicas", 4),
  FIELD(available_replicas, "availableReplicas", 5),
  FIELD(observed_generation, "observedGeneration", 3),
  FIELD(conditions, "conditions", 6, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(ReplicaSet);
MINATO_STRUCT(ReplicaSet,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(RollingUpdateDeployment,
  FIELD(max_unavailable, "maxUnavailable", 1),
  FIELD(max_surge, "maxSurge", 2))

MINATO_STRUCT(DeploymentStrategy,
  FIELD(type, "type", 1),
  FIELD(rolling_update, "rollingUpdate", 2))

MINATO_STRUCT(DeploymentSpec,
  FIELD(replicas, "replicas", 1),
  FIELD(selector, "selector", 2, kAlways),
  FIELD(template_, "template", 3, kAlways),
  FIELD(strategy, "strategy", 4, kRetainKeys),
  FIELD(min_ready_seconds, "minReadySeconds", 5),
  FIELD(revision_history_limit, "revisionHistoryLimit", 6),
  FIELD(paused, "paused", 7),
  FIELD(progress_deadline_seconds, "progressDeadlineSeconds", 9))

MINATO_STRUCT(DeploymentCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_update_time, "lastUpdateTime", 6),
  FIELD(last_transition_time, "lastTransitionTime", 7),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(DeploymentStatus,
  FIELD(observed_generation, "observedGeneration", 1),
  FIELD(replicas, "replicas", 2),
  FIELD(updated_replicas, "updatedReplicas", 3),
  FIELD(ready_replicas, "readyReplicas", 7),
  FIELD(available_replicas, "availableReplicas", 4),
  FIELD(unavailable_replicas, "unavailableReplicas", 5),
  FIELD(conditions, "conditions", 6, kMerge, "type"),
  FIELD(collision_count, "collisionCount", 8))

DEFINE_SPECIAL_MEMBERS(Deployment);
MINATO_STRUCT(Deployment,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(RollingUpdateDaemonSet,
  FIELD(max_unavailable, "maxUnavailable", 1),
  FIELD(max_surge, "maxSurge", 2))

MINATO_STRUCT(DaemonSetUpdateStrategy,
  FIELD(type, "type", 1),
  FIELD(rolling_update, "rollingUpdate", 2))

MINATO_STRUCT(DaemonSetSpec,
  FIELD(selector, "selector", 1, kAlways),
  FIELD(template_, "template", 2, kAlways),
  FIELD(update_strategy, "updateStrategy", 3),
  FIELD(min_ready_seconds, "minReadySeconds", 4),
  FIELD(revision_history_limit, "revisionHistoryLimit", 6))

MINATO_STRUCT(DaemonSetCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 3),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(DaemonSetStatus,
  FIELD(current_number_scheduled, "currentNumberScheduled", 1, kAlways),
  FIELD(number_misscheduled, "numberMisscheduled", 2, kAlways),
  FIELD(desired_number_scheduled, "desiredNumberScheduled", 3, kAlways),
  FIELD(number_ready, "numberReady", 4, kAlways),
  FIELD(observed_generation, "observedGeneration", 5),
  FIELD(updated_number_scheduled, "updatedNumberScheduled", 6),
  FIELD(number_available, "numberAvailable", 7),
  FIELD(number_unavailable, "numberUnavailable", 8),
  FIELD(collision_count, "collisionCount", 9),
  FIELD(conditions, "conditions", 10, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(DaemonSet);
MINATO_STRUCT(DaemonSet,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
