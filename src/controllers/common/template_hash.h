// The short name of a Pod template's content: the pod-template-hash and controller-revision-hash
// labels.
//
// Form as upstream (k8s.io/kubernetes pkg/controller/controller_utils.go ComputeHash: FNV-1a, 32
// bits, in a vowel-free alphabet); the digits differ, since upstream hashes a Go-specific dump and
// this the template's JSON. Nothing may depend on more than equality of two hashes.
#pragma once

#include <optional>
#include <string>

#include "kube/types/pod.h"

namespace minato::controllers {

std::string template_hash(const kube::PodTemplateSpec& template_,
                          std::optional<std::int32_t> collision_count);

// Equal but for the pod-template-hash label.
bool same_template(const kube::PodTemplateSpec& a, const kube::PodTemplateSpec& b);

}  // namespace minato::controllers
