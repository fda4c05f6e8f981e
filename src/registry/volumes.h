// Validation of the volumes of a Pod spec. Pure; thread-safe.
// Rules: k8s.io/kubernetes pkg/apis/core/validation/validation.go ValidateVolumes.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "kube/types/volume.h"
#include "kube/validation.h"

namespace minato::registry {

// Gives their names, for the mounts.
std::set<std::string> validate_volumes(const std::vector<kube::Volume>& volumes,
                                       const kube::FieldPath& path, kube::FieldErrors& errors);
// "" when `path` stays below where it begins.
std::string_view check_local_path(std::string_view path);
// Exactly one of two ways to say something about the Pod itself.
template <class Source>
void validate_downward_source(const Source& source, const kube::FieldPath& path,
                              kube::FieldErrors& errors) {
  if (!source.field_ref && !source.resource_field_ref)
    errors.required(path, "one of fieldRef and resourceFieldRef is required");
  if (source.field_ref && source.resource_field_ref)
    errors.invalid(path, "", "fieldRef and resourceFieldRef can not be specified simultaneously");
}

}  // namespace minato::registry
