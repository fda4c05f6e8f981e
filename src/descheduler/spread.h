// Which Pod of a workload should move so that its Pods are spread again as they ask to be.
//
// The scheduler looks at topologySpreadConstraints only when a Pod comes. After a Node or a zone was
// lost and has come back, the Pods stand where there was room then, and the next loss may take all
// of them. One that leaves is made anew by its ReplicaSet and placed by the constraints.
//
// A move is proposed only if the scheduler, asked beforehand with the Pod on its way out, would put
// its successor where fewer Pods are, and if no constraint gets worse: what is uneven shrinks with
// every move that goes as foreseen, so moves come to an end. Both kinds of constraint count,
// ScheduleAnyway too, and a skew of one is never worth a move.
//
// Pure. Rules: sigs.k8s.io/descheduler RemovePodsViolatingTopologySpreadConstraint (all constraints,
// topologyBalanceNodeFit), which counts by label selector; here a workload is the Pods of one
// ReplicaSet, and one that is being rolled out is left alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/types/apps.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "scheduling/placer.h"

namespace minato::descheduler {

struct Workload {
  std::shared_ptr<const kube::ReplicaSet> replica_set;
  std::vector<std::shared_ptr<const kube::Pod>> pods;  // That it controls, not finished; by key.
};
using Nodes = std::vector<std::shared_ptr<const kube::Node>>;

// All replicas are there, on Nodes and ready, and none is leaving.
bool is_at_rest(const Workload& workload);

// The sum over constraints and domains of the squared number of Pods: smaller is more even.
std::int64_t unevenness(const Workload& workload, const Nodes& nodes);
// Whether two domains of a constraint, both with a Node for such Pods, differ by more than its
// maxSkew. Cheap, and no promise that a move helps.
bool is_crowded(const Workload& workload, const Nodes& nodes);

struct Move {
  std::shared_ptr<const kube::Pod> pod;
  std::string topology_key;
  std::string from;
  std::string to;  // Where the scheduler would put its successor.
  std::int64_t pods_from = 0;
  std::int64_t pods_to = 0;
};
// Nothing: no move helps. The Placer's Snapshot has all Nodes and their Pods, and is as before
// afterwards.
std::optional<Move> find_move(const Workload& workload, const Nodes& nodes, scheduling::Placer& placer,
                              scheduling::TemplateTable& templates);

}  // namespace minato::descheduler
