// minato's own controller and agent on EKS (eks.controller_image), in the place of cluster-autoscaler
// and the termination handler, as manifests. Pure.
#pragma once

#include <string>
#include <vector>

#include "kube/object.h"
#include "render/files.h"
#include "render/manifest.h"
#include "spec/spec.h"

namespace minato::render {

inline bool uses_own_controllers(const spec::Spec& spec) { return !spec.eks.controller_image.empty(); }

// Where the file names one. Errors: Invalid (an image of this machine; one without a version).
Result<Image> controller_image_of(const spec::Spec& spec);

std::vector<kube::ObjectPtr> controller_objects(const spec::Spec& spec);
void add_controller_files(const spec::Spec& spec, const Image& image, const std::string& directory,
                          Files& files);

}  // namespace minato::render
