// rbac.authorization.k8s.io/v1: Role, ClusterRole and their bindings.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (rbac.authorization.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct PolicyRule {
  std::vector<std::string> verbs;
  std::vector<std::string> api_groups;
  std::vector<std::string> resources;
  std::vector<std::string> resource_names;
  std::vector<std::string> non_resource_urls;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PolicyRule*);

struct Role final : ObjectOf<Role> {
  DECLARE_SPECIAL_MEMBERS(Role);
  static const Kind& static_kind();
  std::vector<PolicyRule> rules;
};
const TypeInfo& reflect(const Role*);

struct AggregationRule {
  std::vector<LabelSelector> cluster_role_selectors;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AggregationRule*);

struct ClusterRole final : ObjectOf<ClusterRole> {
  DECLARE_SPECIAL_MEMBERS(ClusterRole);
  static const Kind& static_kind();
  std::vector<PolicyRule> rules;
  Box<AggregationRule> aggregation_rule;
};
const TypeInfo& reflect(const ClusterRole*);

struct Subject {
  std::string kind;
  std::string api_group;
  std::string name;
  std::string namespace_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Subject*);

struct RoleRef {
  std::string api_group;
  std::string kind;
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const RoleRef*);

struct RoleBinding final : ObjectOf<RoleBinding> {
  DECLARE_SPECIAL_MEMBERS(RoleBinding);
  static const Kind& static_kind();
  std::vector<Subject> subjects;
  RoleRef role_ref;
};
const TypeInfo& reflect(const RoleBinding*);

struct ClusterRoleBinding final : ObjectOf<ClusterRoleBinding> {
  DECLARE_SPECIAL_MEMBERS(ClusterRoleBinding);
  static const Kind& static_kind();
  std::vector<Subject> subjects;
  RoleRef role_ref;
};
const TypeInfo& reflect(const ClusterRoleBinding*);

}  // namespace minato::kube
