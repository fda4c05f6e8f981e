// Which key of the file each rendered field comes from. Pure.
#pragma once

#include "kube/object.h"
#include "render/yaml.h"
#include "spec/spec.h"

namespace minato::render {

Comments comments_of(const spec::Spec& spec, const kube::Object& object);

}  // namespace minato::render
