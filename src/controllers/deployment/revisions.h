// What a Deployment writes on its ReplicaSets: revision numbers and history, the sizes it wanted,
// its own annotations; and how one finds and makes the ReplicaSet of a template.
//
// Pure. Rules: k8s.io/kubernetes pkg/controller/deployment/util/deployment_util.go
// (SetNewReplicaSetAnnotations, FindNewReplicaSet, SetReplicasAnnotations).
#pragma once

#include <cstdint>
#include <string_view>

#include "controllers/deployment/rollout_plan.h"
#include "kube/types/apps.h"

namespace minato::controllers {

// By creation, then name.
bool is_older(const ReplicaSetPtr& a, const ReplicaSetPtr& b);
// 0 when there is no number.
std::int64_t revision_of(const kube::ObjectMeta& meta);
std::int32_t desired_replicas_annotation(const kube::ReplicaSet& replica_set);  // -1: none.
std::int32_t max_replicas_annotation(const kube::ReplicaSet& replica_set);      // -1: none.

// Oldest ReplicaSet with the Deployment's template is the current one; all others are old.
ReplicaSets sort_out(const kube::Deployment& deployment, ReplicaSetList replica_sets);
// One more than any old ReplicaSet has.
std::int64_t next_revision(const ReplicaSets& sets);

// Notes the wanted sizes, by which a later change of spec.replicas is recognised.
void set_size_annotations(const kube::Deployment& deployment, kube::ReplicaSet& replica_set);
void set_revision(kube::ReplicaSet& replica_set, std::int64_t revision);
// Annotations that belong to one object only are not copied between Deployment and ReplicaSet.
bool is_private_annotation(std::string_view name);
void copy_annotations(const kube::Deployment& deployment, kube::ReplicaSet& replica_set);

// The ReplicaSet "<deployment>-<hash>" for the present template, with no size yet.
kube::ReplicaSet make_replica_set(const kube::Deployment& deployment);

}  // namespace minato::controllers
