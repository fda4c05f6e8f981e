// apps/v1: Deployment, ReplicaSet, DaemonSet.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (apps/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct ReplicaSetSpec {
  std::optional<std::int32_t> replicas;
  std::int32_t min_ready_seconds = 0;
  Box<LabelSelector> selector;
  PodTemplateSpec template_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ReplicaSetSpec*);

struct ReplicaSetCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ReplicaSetCondition*);

struct ReplicaSetStatus {
  std::int32_t replicas = 0;
  std::int32_t fully_labeled_replicas = 0;
  std::int32_t ready_replicas = 0;
  std::int32_t available_replicas = 0;
  std::int64_t observed_generation = 0;
  std::vector<ReplicaSetCondition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ReplicaSetStatus*);

struct ReplicaSet final : ObjectOf<ReplicaSet> {
  DECLARE_SPECIAL_MEMBERS(ReplicaSet);
  static const Kind& static_kind();
  ReplicaSetSpec spec;
  ReplicaSetStatus status;
};
const TypeInfo& reflect(const ReplicaSet*);

struct RollingUpdateDeployment {
  std::optional<IntOrString> max_unavailable;
  std::optional<IntOrString> max_surge;
  UnknownFields unknown;
};
const TypeInfo& reflect(const RollingUpdateDeployment*);

struct DeploymentStrategy {
  std::string type;
  Box<RollingUpdateDeployment> rolling_update;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DeploymentStrategy*);

struct DeploymentSpec {
  std::optional<std::int32_t> replicas;
  Box<LabelSelector> selector;
  PodTemplateSpec template_;
  DeploymentStrategy strategy;
  std::int32_t min_ready_seconds = 0;
  std::optional<std::int32_t> revision_history_limit;
  bool paused = false;
  std::optional<std::int32_t> progress_deadline_seconds;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DeploymentSpec*);

struct DeploymentCondition {
  std::string type;
  std::string status;
  Time last_update_time;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DeploymentCondition*);

struct DeploymentStatus {
  std::int64_t observed_generation = 0;
  std::int32_t replicas = 0;
  std::int32_t updated_replicas = 0;
  std::int32_t ready_replicas = 0;
  std::int32_t available_replicas = 0;
  std::int32_t unavailable_replicas = 0;
  std::vector<DeploymentCondition> conditions;
  std::optional<std::int32_t> collision_count;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DeploymentStatus*);

struct Deployment final : ObjectOf<Deployment> {
  DECLARE_SPECIAL_MEMBERS(Deployment);
  static const Kind& static_kind();
  DeploymentSpec spec;
  DeploymentStatus status;
};
const TypeInfo& reflect(const Deployment*);

struct RollingUpdateDaemonSet {
  std::optional<IntOrString> max_unavailable;
  std::optional<IntOrString> max_surge;
  UnknownFields unknown;
};
const TypeInfo& reflect(const RollingUpdateDaemonSet*);

struct DaemonSetUpdateStrategy {
  std::string type;
  Box<RollingUpdateDaemonSet> rolling_update;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DaemonSetUpdateStrategy*);

struct DaemonSetSpec {
  Box<LabelSelector> selector;
  PodTemplateSpec template_;
  DaemonSetUpdateStrategy update_strategy;
  std::int32_t min_ready_seconds = 0;
  std::optional<std::int32_t> revision_history_limit;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DaemonSetSpec*);

struct DaemonSetCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DaemonSetCondition*);

struct DaemonSetStatus {
  std::int32_t current_number_scheduled = 0;
  std::int32_t number_misscheduled = 0;
  std::int32_t desired_number_scheduled = 0;
  std::int32_t number_ready = 0;
  std::int64_t observed_generation = 0;
  std::int32_t updated_number_scheduled = 0;
  std::int32_t number_available = 0;
  std::int32_t number_unavailable = 0;
  std::optional<std::int32_t> collision_count;
  std::vector<DaemonSetCondition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DaemonSetStatus*);

struct DaemonSet final : ObjectOf<DaemonSet> {
  DECLARE_SPECIAL_MEMBERS(DaemonSet);
  static const Kind& static_kind();
  DaemonSetSpec spec;
  DaemonSetStatus status;
};
const TypeInfo& reflect(const DaemonSet*);

}  // namespace minato::kube
