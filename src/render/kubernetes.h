// The Kubernetes half: the objects of the Blueprint as a Kustomize base, what only EKS needs as an
// overlay over it, and the cluster's add-ons.
//
// The objects are those of the local world but for differences(), which a test holds this module
// to. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "blueprint/blueprint.h"
#include "kube/object.h"
#include "render/files.h"
#include "render/manifest.h"
#include "spec/spec.h"

namespace minato::render {

// One way in which the objects on EKS differ from those applied locally.
struct Difference {
  std::string_view kind;
  std::string_view path;  // Below the object; "" for the whole object. Lists are written "[]".
  std::string_view why;
};
std::span<const Difference> differences();

// Of the service.
Result<Image> image_of(const spec::Spec& spec);
// Invalid when one of them is nowhere that a cluster could pull it from.
Status check_sidecar_images(const spec::Spec& spec);
// Of an Amazon ECR address, the repository in the registry of this region; "" for any other.
std::string ecr_repository(const Image& image, const spec::Spec& spec);

// The objects of the base, in the order of the kustomization.
std::vector<kube::ObjectPtr> base_objects(const spec::Spec& spec);

// `controller_image` is read where the file asks for minato's own controller.
Files render_kubernetes(const spec::Spec& spec, const Image& image, const Image& controller_image);

}  // namespace minato::render
