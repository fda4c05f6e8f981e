#include "kube/types/rbac.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(PolicyRule,
  FIELD(verbs, "verbs", 1, kAtomic),
  FIELD(api_groups, "apiGroups", 2, kAtomic),
  FIELD(resources, "resources", 3, kAtomic),
  FIELD(resource_names, "resourceNames", 4, kAtomic),
  FIELD(non_resource_urls, "nonResourceURLs", 5, kAtomic))

DEFINE_SPECIAL_MEMBERS(Role);
MINATO_STRUCT(Role,
  FIELD(metadata, "metadata", 1),
  FIELD(rules, "rules", 2, kAtomic))

MINATO_STRUCT(AggregationRule,
  FIELD(cluster_role_selectors, "clusterRoleSelectors", 1, kAtomic))

DEFINE_SPECIAL_MEMBERS(ClusterRole);
MINATO_STRUCT(ClusterRole,
  FIELD(metadata, "metadata", 1),
  FIELD(rules, "rules", 2, kAtomic),
  FIELD(aggregation_rule, "aggregationRule", 3))

MINATO_ATOMIC_STRUCT(Subject,
  FIELD(kind, "kind", 1, kAlways),
  FIELD(api_group, "apiGroup", 2),
  FIELD(name, "name", 3, kAlways),
  FIELD(namespace_, "namespace", 4))

MINATO_ATOMIC_STRUCT(RoleRef,
  FIELD(api_group, "apiGroup", 1, kAlways),
  FIELD(kind, "kind", 2, kAlways),
  FIELD(name, "name", 3, kAlways))

DEFINE_SPECIAL_MEMBERS(RoleBinding);
MINATO_STRUCT(RoleBinding,
  FIELD(metadata, "metadata", 1),
  FIELD(subjects, "subjects", 2, kAtomic),
  FIELD(role_ref, "roleRef", 3, kAlways))

DEFINE_SPECIAL_MEMBERS(ClusterRoleBinding);
MINATO_STRUCT(ClusterRoleBinding,
  FIELD(metadata, "metadata", 1),
  FIELD(subjects, "subjects", 2, kAtomic),
  FIELD(role_ref, "roleRef", 3, kAlways))

}  // namespace minato::kube
