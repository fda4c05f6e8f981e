// The Node object as its kubelet writes it. Pure.
//
// Rules: k8s.io/kubernetes pkg/kubelet/nodestatus/setters.go and kubelet_node_status.go.
#pragma once

#include "kube/types/node.h"
#include "kubelet/options.h"

namespace minato::kubelet {

struct NodeHealth {
  bool ready = true;
  bool memory_pressure = false;
  bool operator==(const NodeHealth&) const = default;
};

// A new Node: labels, taints and provider id of `options`, its status filled.
kube::Node build_node(const Options& options, const NodeHealth& health, WallTime now);
// Brings labels and provider id up to date, keeps what others added. Taints are left alone: a
// controller may have removed a start-up taint for good. True when something changed.
bool merge_node(kube::Node& node, const Options& options);
// Overwrites what the kubelet owns of the status; conditions of others stay.
void fill_node_status(kube::NodeStatus& status, const Options& options, const NodeHealth& health,
                      WallTime now);

}  // namespace minato::kubelet
