// CustomResourceDefinitions in protobuf, which Go's typed client sends: the tables read all of one
// but its schemas, which are JSON here and messages there. Pure; input is untrusted.
// Rules: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/v1/marshal.go (the two forms of
// items and additionalProperties).
#pragma once

#include <string_view>

#include "kube/types/custom_resource.h"

namespace minato::kube {

// `raw` is the versioned message of the envelope. Errors: BadRequest; Invalid (a conversion webhook,
// which has to come as JSON).
Status read_definition(std::string_view raw, CustomResourceDefinition& out);

}  // namespace minato::kube
