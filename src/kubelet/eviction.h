// Which Pod goes when the Node runs out of memory. Pure.
//
// Rule: k8s.io/kubernetes pkg/kubelet/eviction/helpers.go (rankMemoryPressure): Pods that use more
// than they asked for first, then lower priority, then the larger excess. Critical Pods stay.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/types/pod.h"
#include "kubelet/options.h"

namespace minato::kubelet {

struct Victim {
  std::string pod_uid;
  std::string message;
};

// `memory_bytes` by Pod uid. Nothing when no Pod may be evicted.
std::optional<Victim> choose_victim(const std::vector<const kube::Pod*>& pods,
                                    const std::map<std::string, std::int64_t>& memory_bytes,
                                    std::int64_t available_bytes, const Options& options);

}  // namespace minato::kubelet
