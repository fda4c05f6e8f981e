// What a DaemonSet wants on a Node, and which of its Pods to make and remove. Pure.
//
// Rules: k8s.io/kubernetes pkg/controller/daemon (daemon_controller.go NodeShouldRunDaemonPod,
// podsShouldBeOnNode; update.go rollingUpdate) and daemon/util (AddOrUpdateDaemonPodTolerations,
// ReplaceDaemonSetPodNodeNameNodeAffinity).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kube/types/apps.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::controllers {

using NodePtr = std::shared_ptr<const kube::Node>;
using PodPtr = std::shared_ptr<const kube::Pod>;
// The DaemonSet's Pods by the Node they are on or meant for, oldest first.
using PodsByNode = std::map<std::string, std::vector<PodPtr>>;

enum class Placement {
  kForbidden,  // Neither start nor keep.
  kKeepOnly,   // A NoSchedule taint came later: what runs may stay.
  kWanted,
};

// The Pod that belongs on `node`: bound there by affinity to metadata.name, with the tolerations
// that every daemon has.
kube::Pod make_daemon_pod(const kube::DaemonSet& daemon_set, const std::string& node,
                          const std::string& hash);
Placement placement(const kube::DaemonSet& daemon_set, const kube::Node& node);
// The Node that a Pod is bound to or asks for by name; "" for none.
std::string target_node(const kube::Pod& pod);
PodsByNode group_by_node(const std::vector<PodPtr>& pods);
bool has_hash(const kube::Pod& pod, const std::string& hash);

struct DaemonPlan {
  std::vector<std::string> create_on;  // Nodes.
  std::vector<PodPtr> remove;          // Surplus, forbidden or outdated.
  std::vector<PodPtr> failed;          // Finished Pods to be replaced, with back-off when Failed.
};
// What is missing or too much, whatever the revision.
DaemonPlan plan_presence(const kube::DaemonSet& daemon_set, const std::vector<NodePtr>& nodes,
                         const PodsByNode& pods, const std::string& hash, WallTime now);
// The next step of a RollingUpdate. Requires: plan_presence has nothing left to create.
DaemonPlan plan_update(const kube::DaemonSet& daemon_set, const std::vector<NodePtr>& nodes,
                       const PodsByNode& pods, const std::string& hash, WallTime now);

kube::DaemonSetStatus daemon_status(const kube::DaemonSet& daemon_set,
                                    const std::vector<NodePtr>& nodes, const PodsByNode& pods,
                                    const std::string& hash, WallTime now);

}  // namespace minato::controllers
