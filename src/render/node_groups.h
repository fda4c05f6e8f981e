// The Auto Scaling groups and launch templates of nodes.tf, one of each for every group of nodes.
//
// Pure.
#pragma once

#include <string>

#include "blueprint/blueprint.h"
#include "cloud/catalogue_file.h"
#include "render/template.h"
#include "spec/spec.h"

namespace minato::render {

// `values` are those that all files share.
std::string node_groups(const spec::Spec& spec, const blueprint::Blueprint& blueprint,
                        const cloud::Catalogue& catalogue, const Values& values);

}  // namespace minato::render
