// The Terraform half: plain `aws` resources, one file per concern, no hidden module and no other
// provider. What is attached to what comes from the Blueprint. Pure.
#pragma once

#include "cloud/catalogue_file.h"
#include "render/files.h"
#include "render/kubernetes.h"
#include "spec/spec.h"

namespace minato::render {

Files render_terraform(const spec::Spec& spec, const Image& image,
                       const cloud::Catalogue& catalogue);
std::string render_readme(const spec::Spec& spec, const Image& image);

// The longest a node takes to leave, which the groups' hook waits for: its Pods' time, then its
// connections', and some to notice it.
Duration drain_time(const spec::Spec& spec);
// Of load balancer and target group, at most 32 characters.
std::string short_name(const spec::Spec& spec);

}  // namespace minato::render
