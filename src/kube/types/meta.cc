#include "kube/types/meta.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_ATOMIC_STRUCT(OwnerReference,
  FIELD(api_version, "apiVersion", 5, kAlways),
  FIELD(kind, "kind", 1, kAlways),
  FIELD(name, "name", 3, kAlways),
  FIELD(uid, "uid", 4, kAlways),
  FIELD(controller, "controller", 6),
  FIELD(block_owner_deletion, "blockOwnerDeletion", 7))

MINATO_STRUCT(ManagedFieldsEntry,
  FIELD(manager, "manager", 1),
  FIELD(operation, "operation", 2),
  FIELD(api_version, "apiVersion", 3),
  FIELD(time, "time", 4),
  FIELD(fields_type, "fieldsType", 6),
  FIELD(fields_v1, "fieldsV1", 7),
  FIELD(subresource, "subresource", 8))

DEFINE_SPECIAL_MEMBERS(ObjectMeta);
ObjectMeta::ObjectMeta(std::string its_name, std::string its_namespace)
    : name(std::move(its_name)), namespace_(std::move(its_namespace)) {}

MINATO_STRUCT(ObjectMeta,
  FIELD(name, "name", 1),
  FIELD(generate_name, "generateName", 2),
  FIELD(namespace_, "namespace", 3),
  FIELD(self_link, "selfLink", 4),
  FIELD(uid, "uid", 5),
  FIELD(resource_version, "resourceVersion", 6),
  FIELD(generation, "generation", 7),
  FIELD(creation_timestamp, "creationTimestamp", 8),
  FIELD(deletion_timestamp, "deletionTimestamp", 9),
  FIELD(deletion_grace_period_seconds, "deletionGracePeriodSeconds", 10),
  FIELD(labels, "labels", 11),
  FIELD(annotations, "annotations", 12),
  FIELD(owner_references, "ownerReferences", 13, kMerge, "uid"),
  FIELD(finalizers, "finalizers", 14, kMerge | kSet),
  FIELD(managed_fields, "managedFields", 17, kAtomic))

MINATO_STRUCT(LabelSelectorRequirement,
  FIELD(key, "key", 1, kAlways),
  FIELD(operator_, "operator", 2, kAlways),
  FIELD(values, "values", 3, kAtomic))

MINATO_ATOMIC_STRUCT(LabelSelector,
  FIELD(match_labels, "matchLabels", 1),
  FIELD(match_expressions, "matchExpressions", 2, kAtomic))

MINATO_STRUCT(Condition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(observed_generation, "observedGeneration", 3),
  FIELD(last_transition_time, "lastTransitionTime", 4, kAlways),
  FIELD(reason, "reason", 5, kAlways),
  FIELD(message, "message", 6, kAlways))

MINATO_STRUCT(Preconditions,
  FIELD(uid, "uid", 1),
  FIELD(resource_version, "resourceVersion", 2))

MINATO_STRUCT(DeleteOptions,
  FIELD(grace_period_seconds, "gracePeriodSeconds", 1),
  FIELD(preconditions, "preconditions", 2),
  FIELD(orphan_dependents, "orphanDependents", 3),
  FIELD(propagation_policy, "propagationPolicy", 4),
  FIELD(dry_run, "dryRun", 5, kAtomic),
  FIELD(ignore_store_read_error_with_cluster_breaking_potential, "ignoreStoreReadErrorWithClusterBreakingPotential", 6))

}  // namespace minato::kube
