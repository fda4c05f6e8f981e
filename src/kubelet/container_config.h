// What the runtime is told to make of a Pod and its containers. Pure.
//
// Rules: k8s.io/kubernetes pkg/kubelet/kuberuntime (generatePodSandboxConfig,
// generateContainerConfig) and pkg/kubelet/network/dns.
#pragma once

#include "container/runtime.h"
#include "kubelet/environment.h"
#include "kubelet/volumes.h"

namespace minato::kubelet {

container::SandboxConfig build_sandbox_config(const kube::Pod& pod, const Options& options);

// An ephemeral container in the words of all others; `processes_of` is its target.
kube::Container as_container(const kube::EphemeralContainer& ephemeral);

// Errors: what CreateContainerConfigError says.
Result<container::ContainerConfig> build_container_config(const PodFacts& facts,
                                                          const kube::Container& container,
                                                          std::uint32_t attempt,
                                                          const PodVolumes& volumes,
                                                          const ConfigSources& sources);

}  // namespace minato::kubelet
