#include "kube/types/stateful.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(RollingUpdateStatefulSetStrategy,
  FIELD(partition, "partition", 1),
  FIELD(max_unavailable, "maxUnavailable", 2))

MINATO_STRUCT(StatefulSetUpdateStrategy,
  FIELD(type, "type", 1),
  FIELD(rolling_update, "rollingUpdate", 2))

MINATO_STRUCT(StatefulSetPersistentVolumeClaimRetentionPolicy,
  FIELD(when_deleted, "whenDeleted", 1),
  FIELD(when_scaled, "whenScaled", 2))

MINATO_STRUCT(StatefulSetOrdinals,
  FIELD(start, "start", 1, kAlways))

MINATO_STRUCT(StatefulSetSpec,
  FIELD(replicas, "replicas", 1),
  FIELD(selector, "selector", 2, kAlways),
  FIELD(template_, "template", 3, kAlways),
  FIELD(volume_claim_templates, "volumeClaimTemplates", 4, kAtomic),
  FIELD(service_name, "serviceName", 5, kAlways),
  FIELD(pod_management_policy, "podManagementPolicy", 6),
  FIELD(update_strategy, "updateStrategy", 7),
  FIELD(revision_history_limit, "revisionHistoryLimit", 8),
  FIELD(min_ready_seconds, "minReadySeconds", 9),
  FIELD(persistent_volume_claim_retention_policy, "persistentVolumeClaimRetentionPolicy", 10),
  FIELD(ordinals, "ordinals", 11))

MINATO_STRUCT(StatefulSetCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 3),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(StatefulSetStatus,
  FIELD(observed_generation, "observedGeneration", 1),
  FIELD(replicas, "replicas", 2, kAlways),
  FIELD(ready_replicas, "readyReplicas", 3),
  FIELD(current_replicas, "currentReplicas", 4),
  FIELD(updated_replicas, "updatedReplicas", 5),
  FIELD(current_revision, "currentRevision", 6),
  FIELD(update_revision, "updateRevision", 7),
  FIELD(collision_count, "collisionCount", 9),
  FIELD(conditions, "conditions", 10, kMerge, "type"),
  FIELD(available_replicas, "availableReplicas", 11, kAlways))

DEFINE_SPECIAL_MEMBERS(StatefulSet);
MINATO_STRUCT(StatefulSet,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

DEFINE_SPECIAL_MEMBERS(ControllerRevision);
MINATO_STRUCT(ControllerRevision,
  FIELD(metadata, "metadata", 1),
  FIELD(data, "data", 2),
  FIELD(revision, "revision", 3, kAlways))

}  // namespace minato::kube
