// A service that grows beyond its Nodes and back, on a Cluster: what the actions scale-out and
// scale-in do in every world. Loop thread only; the Cluster is the caller's.
#pragma once

#include <string>

#include "cluster/cluster.h"

namespace minato::drill {

// Wants so many replicas that all the room there is on the service's Nodes is taken and one Pod
// waits for another Node: through the HPA, whose minimum they become. The file's own limits hold
// again once its Blueprint is applied.
//
// Errors: Conflict (the group is at its maximum; Nodes have room for more Pods than a drill starts).
Status scale_out(cluster::Cluster& cluster, const std::string& service);

}  // namespace minato::drill
