// Validation of what a Pod spec says beside its containers and volumes: DNS, names of hosts,
// security, gates. Pure; thread-safe.
// Rules: k8s.io/kubernetes pkg/apis/core/validation/validation.go.
#pragma once

#include "kube/types/pod.h"
#include "kube/validation.h"

namespace minato::registry {

void validate_pod_settings(const kube::PodSpec& spec, const kube::FieldPath& path,
                           kube::FieldErrors& errors);
void validate_security(const kube::SecurityContext& security, const kube::FieldPath& path,
                       kube::FieldErrors& errors);

}  // namespace minato::registry
