// May this Pod run on this Node? Asked once, when the kubelet first sees it. Pure.
//
// Rules: k8s.io/kubernetes pkg/kubelet/lifecycle/predicate.go: the scheduler may have raced with
// another binding, so the Node checks again, and a Pod that does not fit ends as Failed. Taints are
// left to the taint manager (NoExecute) and the scheduler.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/types/pod.h"
#include "kubelet/options.h"

namespace minato::kubelet {

struct Rejection {
  std::string reason;  // "OutOfcpu", "NodePorts", "NodeAffinity"
  std::string message;
};

// `running`: the Pods that hold resources of the Node already.
std::optional<Rejection> admit(const kube::Pod& pod, const std::vector<const kube::Pod*>& running,
                               const Options& options);

}  // namespace minato::kubelet
