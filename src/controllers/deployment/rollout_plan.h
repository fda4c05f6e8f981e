// Which sizes the ReplicaSets of a Deployment take next. Pure: no clock, no client.
//
// Rules: k8s.io/kubernetes pkg/controller/deployment (rolling.go, recreate.go, sync.go) and
// util/deployment_util.go (ResolveFenceposts, NewRSNewReplicas, GetReplicaSetProportion). Two
// differences, both on the safe side of a status that does not show the last scale-down yet: a
// ReplicaSet counts for no more available Pods than it is told to have, and takes up room until its
// Pods are really going.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kube/types/apps.h"

namespace minato::controllers {

using ReplicaSetPtr = std::shared_ptr<const kube::ReplicaSet>;
using ReplicaSetList = std::vector<ReplicaSetPtr>;

// All ReplicaSets of one Deployment, told apart by template.
struct ReplicaSets {
  ReplicaSetPtr current;  // Has the Deployment's template; null before it is made.
  ReplicaSetList old;     // Oldest first.
  ReplicaSetList all() const;
};

struct Resize {
  ReplicaSetPtr replica_set;
  std::int32_t replicas = 0;
};

std::int32_t replicas_of(const kube::ReplicaSet& replica_set);
std::int32_t replicas_of(const kube::Deployment& deployment);
std::int32_t total_replicas(const ReplicaSetList& replica_sets);
bool is_rolling_update(const kube::Deployment& deployment);

// maxSurge and maxUnavailable in Pods. Both zero would be a standstill: then maxUnavailable is 1.
struct Fenceposts {
  std::int32_t surge = 0;
  std::int32_t unavailable = 0;
};
Fenceposts fenceposts(const kube::Deployment& deployment);

// The size that the current ReplicaSet (made or not) may take now.
std::int32_t next_current_size(const kube::Deployment& deployment, const ReplicaSets& sets);

// spec.replicas changed: spread the difference over the ReplicaSets by their sizes.
std::vector<Resize> plan_scaling(const kube::Deployment& deployment, const ReplicaSets& sets);
// The next step of a RollingUpdate; empty when there is nothing to resize at the moment.
std::vector<Resize> plan_rolling_step(const kube::Deployment& deployment, const ReplicaSets& sets);
// Recreate, first half: all old ones to zero.
std::vector<Resize> plan_removal_of_old(const ReplicaSets& sets);

}  // namespace minato::controllers
