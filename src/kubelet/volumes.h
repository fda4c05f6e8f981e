// A Pod's volumes and a container's view of them as container::Mount. Pure.
//
// Rules: k8s.io/kubernetes pkg/volume/{configmap,secret,downwardapi,projected,emptydir,hostpath}.
// Contents are those of the moment a container starts; a running container does not see later
// changes of a ConfigMap or Secret. Errors carry the text of the FailedMount Event.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "container/runtime.h"
#include "kubelet/environment.h"

namespace minato::kubelet {

// By volume name; container_path and sub_path are still empty.
using PodVolumes = std::map<std::string, container::Mount>;

Result<PodVolumes> build_volumes(const PodFacts& facts, const ConfigSources& sources);

// In the order of the container's volumeMounts. `environment` is for subPathExpr.
Result<std::vector<container::Mount>> build_mounts(const kube::Container& container,
                                                   const PodVolumes& volumes,
                                                   const Environment& environment);

}  // namespace minato::kubelet
