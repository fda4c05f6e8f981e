// Members that stand more than once in one object of a JSON text. Readers take the last one; what
// else is made of them is for fieldValidation to say.
// Rules: sigs.k8s.io/json, UnmarshalStrict. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace minato::kube {

// Their paths, each once and at most 100: "spec.containers[0].name". `text` has been parsed already,
// with a bounded depth. Names are compared as they are written.
std::vector<std::string> duplicate_members(std::string_view text);

}  // namespace minato::kube
