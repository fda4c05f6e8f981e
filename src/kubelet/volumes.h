// A Pod's volumes and a container's view of them as container::Mount. Pure.
//
// Rules: k8s.io/kubernetes pkg/volume/{configmap,secret,downwardapi,projected,emptydir,hostpath},
// pkg/volume/util FsUserFrom.
// Contents are those of the moment. Upstream shows a change within the kubelet's sync period plus
// the delay of its cache, about a minute; here PodFeed tells of it at once and PodWorker hands the
// new content to the runtime. Errors carry the text of the FailedMount Event.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "container/runtime.h"
#include "kubelet/environment.h"

namespace minato::kubelet {

// By volume name; container_path and sub_path are still empty.
using PodVolumes = std::map<std::string, container::Mount>;

Result<container::Mount> build_volume(const PodFacts& facts, const kube::Volume& volume,
                                      const ConfigSources& sources);
Result<PodVolumes> build_volumes(const PodFacts& facts, const ConfigSources& sources);

// Shows one object that says it never changes; should it be made anew, upstream does not look
// again.
bool shows_immutable(const kube::Volume& volume, const std::string& name_space,
                     const ConfigSources& sources);

// In the order of the container's volumeMounts. `environment` is for subPathExpr.
Result<std::vector<container::Mount>> build_mounts(const kube::Container& container,
                                                   const PodVolumes& volumes,
                                                   const Environment& environment);

}  // namespace minato::kubelet
