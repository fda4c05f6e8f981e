// core/v1: ResourceQuota, LimitRange, ReplicationController.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct ScopedResourceSelectorRequirement {
  std::string scope_name;
  std::string operator_;
  std::vector<std::string> values;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ScopedResourceSelectorRequirement*);

struct ScopeSelector {
  std::vector<ScopedResourceSelectorRequirement> match_expressions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ScopeSelector*);

struct ResourceQuotaSpec {
  std::map<std::string, Quantity> hard;
  std::vector<std::string> scopes;
  Box<ScopeSelector> scope_selector;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceQuotaSpec*);

struct ResourceQuotaStatus {
  std::map<std::string, Quantity> hard;
  std::map<std::string, Quantity> used;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceQuotaStatus*);

struct ResourceQuota final : ObjectOf<ResourceQuota> {
  DECLARE_SPECIAL_MEMBERS(ResourceQuota);
  static const Kind& static_kind();
  ResourceQuotaSpec spec;
  ResourceQuotaStatus status;
};
const TypeInfo& reflect(const ResourceQuota*);

struct LimitRangeItem {
  std::string type;
  std::map<std::string, Quantity> max;
  std::map<std::string, Quantity> min;
  std::map<std::string, Quantity> default_;
  std::map<std::string, Quantity> default_request;
  std::map<std::string, Quantity> max_limit_request_ratio;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LimitRangeItem*);

struct LimitRangeSpec {
  std::vector<LimitRangeItem> limits;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LimitRangeSpec*);

struct LimitRange final : ObjectOf<LimitRange> {
  DECLARE_SPECIAL_MEMBERS(LimitRange);
  static const Kind& static_kind();
  LimitRangeSpec spec;
};
const TypeInfo& reflect(const LimitRange*);

struct ReplicationControllerSpec {
  std::optional<std::int32_t> replicas;
  std::int32_t min_ready_seconds = 0;
  std::map<std::string, std::string> selector;
  Box<PodTemplateSpec> template_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ReplicationControllerSpec*);

struct ReplicationControllerCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ReplicationControllerCondition*);

struct ReplicationControllerStatus {
  std::int32_t replicas = 0;
  std::int32_t fully_labeled_replicas = 0;
  std::int32_t ready_replicas = 0;
  std::int32_t available_replicas = 0;
  std::int64_t observed_generation = 0;
  std::vector<ReplicationControllerCondition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ReplicationControllerStatus*);

struct ReplicationController final : ObjectOf<ReplicationController> {
  DECLARE_SPECIAL_MEMBERS(ReplicationController);
  static const Kind& static_kind();
  ReplicationControllerSpec spec;
  ReplicationControllerStatus status;
};
const TypeInfo& reflect(const ReplicationController*);

}  // namespace minato::kube
