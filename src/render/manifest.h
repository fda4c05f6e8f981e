// Pieces of Kustomize directories: an object as YAML, the list of files, the image that is pinned. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"
#include "render/yaml.h"

namespace minato::render {

// Where an image is on EKS: "registry/name" and "tag" or "sha256:…".
struct Image {
  std::string name;
  std::string tag;
  std::string digest;
};

// As the file names it under `key`. Errors: Invalid (an image of this machine, with `fix` as the way
// out; one without a version).
Result<Image> parse_image(const std::string& key, std::string text, std::string_view fix);
// Errors: Invalid (an image of this machine).
Status check_remote(const std::string& text, const std::string& key, std::string_view fix);

// "HorizontalPodAutoscaler" → "horizontal-pod-autoscaler".
std::string dashed(std::string_view kind);
std::string object_yaml(const kube::Object& object, const Comments& comments);
std::string kustomization(const std::vector<std::string>& resources);
// The member of a kustomization that replaces an image's name by where it is.
std::string pinned_image(std::string_view name, const Image& image, const std::string& key);

}  // namespace minato::render
