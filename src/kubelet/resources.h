// Arithmetic over what Pods ask for. Pure.
//
// Rules: k8s.io/component-helpers resource/helpers.go (PodRequests with restartable init
// containers), k8s.io/kubernetes pkg/apis/core/helper/qos (GetPodQOS).
#pragma once

#include <cstdint>
#include <string>

#include "container/runtime.h"
#include "kube/types/pod.h"

namespace minato::kubelet {

struct Amounts {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};

// What the Pod needs at its peak: mains and sidecars together, or one init container with the
// sidecars started before it, whichever is more; plus overhead.
Amounts pod_requests(const kube::Pod& pod);
// "Guaranteed", "Burstable" or "BestEffort".
std::string qos_class(const kube::Pod& pod);
container::Resources container_resources(const kube::Container& container);
// Bounds of the whole Pod: a limit applies only when every container has one.
container::Resources sandbox_resources(const kube::Pod& pod);
bool is_sidecar(const kube::Container& init_container);

}  // namespace minato::kubelet
