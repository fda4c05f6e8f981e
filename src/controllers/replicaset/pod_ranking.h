// Which Pods of a ReplicaSet go first when there are too many.
//
// Pure. Rules: k8s.io/kubernetes pkg/controller/controller_utils.go ActivePodsWithRanks; ages are
// compared on a logarithmic scale (KEP-2185), ties by uid, so that the order is total. One rule is
// added after readiness: a Pod that is ready but not yet available (minReadySeconds) goes before
// one that is, so that removing surplus never costs availability that a rolling update counted on.
#pragma once

#include <memory>
#include <vector>

#include "kube/types/pod.h"

namespace minato::controllers {

using PodList = std::vector<std::shared_ptr<const kube::Pod>>;

// `related` are all Pods of the same higher owner: a node with more of them gives one up first.
PodList in_deletion_order(PodList pods, const PodList& related, std::int32_t min_ready_seconds,
                          WallTime now);

}  // namespace minato::controllers
