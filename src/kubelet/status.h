// PodStatus from what a kubelet knows of a Pod. Pure: same view, same status.
//
// Rules: k8s.io/kubernetes pkg/kubelet/kubelet_pods.go (getPhase, generateAPIPodStatus) and
// pkg/kubelet/status/generate.go (conditions). What others own in the status is kept.
#pragma once

#include <string>
#include <vector>

#include "kubelet/container_state.h"

namespace minato::kubelet {

// Why a Pod as a whole failed: rejected, over its deadline, evicted.
struct Verdict {
  enum class Kind { kRejected, kDeadline, kEvicted };
  Kind kind = Kind::kRejected;
  std::string reason;
  std::string message;
};

struct PodView {
  const kube::Pod& pod;
  std::vector<ContainerView> init_containers;
  std::vector<ContainerView> containers;
  std::vector<ContainerView> ephemeral_containers;
  std::string pod_ip;
  std::string host_ip;
  WallTime start_time{};
  WallTime now{};
  bool sandbox_ready = false;
  bool ended = false;  // Nothing of it runs any more.
  const Verdict* verdict = nullptr;
};

kube::PodStatus build_pod_status(const PodView& view);

bool is_terminal(const kube::Pod& pod);  // Its phase is Succeeded or Failed.

}  // namespace minato::kubelet
