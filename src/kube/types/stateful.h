// apps/v1: StatefulSet, ControllerRevision.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (apps/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/persistent.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct RollingUpdateStatefulSetStrategy {
  std::optional<std::int32_t> partition;
  std::optional<IntOrString> max_unavailable;
  UnknownFields unknown;
};
const TypeInfo& reflect(const RollingUpdateStatefulSetStrategy*);

struct StatefulSetUpdateStrategy {
  std::string type;
  Box<RollingUpdateStatefulSetStrategy> rolling_update;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StatefulSetUpdateStrategy*);

struct StatefulSetPersistentVolumeClaimRetentionPolicy {
  std::string when_deleted;
  std::string when_scaled;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StatefulSetPersistentVolumeClaimRetentionPolicy*);

struct StatefulSetOrdinals {
  std::int32_t start = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StatefulSetOrdinals*);

struct StatefulSetSpec {
  std::optional<std::int32_t> replicas;
  Box<LabelSelector> selector;
  PodTemplateSpec template_;
  std::vector<PersistentVolumeClaim> volume_claim_templates;
  std::string service_name;
  std::string pod_management_policy;
  StatefulSetUpdateStrategy update_strategy;
  std::optional<std::int32_t> revision_history_limit;
  std::int32_t min_ready_seconds = 0;
  Box<StatefulSetPersistentVolumeClaimRetentionPolicy> persistent_volume_claim_retention_policy;
  Box<StatefulSetOrdinals> ordinals;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StatefulSetSpec*);

struct StatefulSetCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StatefulSetCondition*);

struct StatefulSetStatus {
  std::int64_t observed_generation = 0;
  std::int32_t replicas = 0;
  std::int32_t ready_replicas = 0;
  std::int32_t current_replicas = 0;
  std::int32_t updated_replicas = 0;
  std::string current_revision;
  std::string update_revision;
  std::optional<std::int32_t> collision_count;
  std::vector<StatefulSetCondition> conditions;
  std::int32_t available_replicas = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StatefulSetStatus*);

struct StatefulSet final : ObjectOf<StatefulSet> {
  DECLARE_SPECIAL_MEMBERS(StatefulSet);
  static const Kind& static_kind();
  StatefulSetSpec spec;
  StatefulSetStatus status;
};
const TypeInfo& reflect(const StatefulSet*);

struct ControllerRevision final : ObjectOf<ControllerRevision> {
  DECLARE_SPECIAL_MEMBERS(ControllerRevision);
  static const Kind& static_kind();
  std::optional<RawJson> data;
  std::int64_t revision = 0;
};
const TypeInfo& reflect(const ControllerRevision*);

}  // namespace minato::kube
