// Validation of where a Pod may go: node selectors, affinity, tolerations, topology spread. Pure;
// thread-safe.
// Rules: k8s.io/kubernetes pkg/apis/core/validation/validation.go.
#pragma once

#include "kube/types/pod.h"
#include "kube/validation.h"

namespace minato::registry {

void validate_placement(const kube::PodSpec& spec, const kube::FieldPath& path,
                        kube::FieldErrors& errors);

}  // namespace minato::registry
