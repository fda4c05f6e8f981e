// Images of registries, brought to this machine before a world asks for them.
//
// A world has a network of its own that leads nowhere else, so what runs in it finds registry
// images in the store that all Nodes share, and the commands fill that store from outside.
// Blocking, seconds to minutes; says on stderr what it does.
#pragma once

#include <string>
#include <vector>

#include "spec/spec.h"

namespace minato::app {

// The service's image and those of its sidecars.
std::vector<std::string> images_of(const spec::Spec& spec);

// Registry references only; others are passed over. What a tag means is asked anew; where the
// registry cannot be reached, what was pulled before serves, with a note.
// Errors: as image::ImageStore::pull; each names the image.
Status pull_images(const std::vector<std::string>& references);

}  // namespace minato::app
