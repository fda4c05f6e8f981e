// Validation of Pod specs, which Pods and the templates of workloads share. Pure; thread-safe.
// Rules: k8s.io/kubernetes pkg/apis/core/validation/validation.go.
#pragma once

#include "kube/types/apps.h"
#include "kube/types/pod.h"
#include "kube/validation.h"

namespace minato::registry {

void validate_pod_spec(const kube::PodSpec& spec, const kube::FieldPath& path,
                       kube::FieldErrors& errors);
// A workload's selector and template: the selector selects something, and the template is part of
// it.
void validate_template(const kube::Box<kube::LabelSelector>& selector,
                       const kube::PodTemplateSpec& pod_template, const kube::FieldPath& spec,
                       kube::FieldErrors& errors);

}  // namespace minato::registry
