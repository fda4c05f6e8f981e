// What may be said of a Pod's ephemeral containers: nothing when it is made, then one after the
// other, and none of them is ever changed or taken away. Pure; thread-safe.
// Rules: k8s.io/kubernetes pkg/apis/core/validation (validateEphemeralContainers,
// ValidatePodEphemeralContainersUpdate).
#pragma once

#include "kube/types/pod.h"
#include "kube/validation.h"

namespace minato::registry {

// `path` is that of the spec.
void refuse_ephemeral_containers(const kube::PodSpec& spec, const kube::FieldPath& path,
                                 std::string_view why, kube::FieldErrors& errors);
void validate_ephemeral_containers(const kube::PodSpec& before, const kube::PodSpec& after,
                                   const kube::FieldPath& path, kube::FieldErrors& errors);

}  // namespace minato::registry
