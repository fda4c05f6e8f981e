// Kubernetes manifests as objects: YAML read strictly by minato's own types, kinds that it does not
// serve (custom resources, Kustomize files) kept as JSON.
//
// The only place of the module that touches yaml-cpp, which throws. Input is untrusted: size and
// depth are bounded. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/object.h"
#include "render/files.h"

namespace minato::lint {

// Every document of a YAML text. Errors: Invalid with line and column.
Result<std::vector<boost::json::value>> read_yaml(std::string_view text);

struct Manifest {
  std::string path;
  kube::ObjectPtr object;  // Null for a kind that minato does not serve.
  boost::json::value json;
};

struct Problem {
  std::string path;
  std::string message;
};

struct Manifests {
  std::vector<Manifest> all;  // By path.
  std::vector<Problem>
      problems;  // Texts that are no YAML, objects that do not decode or have unknown fields.

  template <class T>
  std::vector<std::pair<std::string, const T*>> of() const {
    std::vector<std::pair<std::string, const T*>> out;
    for (const Manifest& each : all) {
      if (each.object && each.object->kind() == T::static_kind())
        out.emplace_back(each.path, &kube::as<T>(*each.object));
    }
    return out;
  }
};

Manifests read_manifests(const render::Files& files);

}  // namespace minato::lint
