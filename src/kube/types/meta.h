// metav1: what every object carries, and selectors.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (k8s.io/apimachinery meta/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/types/scalars.h"

namespace minato::kube {

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  std::optional<bool> controller;
  std::optional<bool> block_owner_deletion;
  UnknownFields unknown;
};
const TypeInfo& reflect(const OwnerReference*);

struct ManagedFieldsEntry {
  std::string manager;
  std::string operation;
  std::string api_version;
  Time time;
  std::string fields_type;
  std::optional<RawJson> fields_v1;
  std::string subresource;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ManagedFieldsEntry*);

struct ObjectMeta {
  DECLARE_SPECIAL_MEMBERS(ObjectMeta);
  ObjectMeta(std::string its_name, std::string its_namespace);
  std::string name;
  std::string generate_name;
  std::string namespace_;
  std::string self_link;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  Time creation_timestamp;
  Time deletion_timestamp;
  std::optional<std::int64_t> deletion_grace_period_seconds;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> owner_references;
  std::vector<std::string> finalizers;
  std::vector<ManagedFieldsEntry> managed_fields;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ObjectMeta*);

struct LabelSelectorRequirement {
  std::string key;
  std::string operator_;
  std::vector<std::string> values;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LabelSelectorRequirement*);

struct LabelSelector {
  std::map<std::string, std::string> match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LabelSelector*);

struct Condition {
  std::string type;
  std::string status;
  std::int64_t observed_generation = 0;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Condition*);

struct Preconditions {
  std::optional<std::string> uid;
  std::optional<std::string> resource_version;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Preconditions*);

struct DeleteOptions {
  std::optional<std::int64_t> grace_period_seconds;
  Box<Preconditions> preconditions;
  std::optional<bool> orphan_dependents;
  std::optional<std::string> propagation_policy;
  std::vector<std::string> dry_run;
  std::optional<bool> ignore_store_read_error_with_cluster_breaking_potential;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DeleteOptions*);

}  // namespace minato::kube
