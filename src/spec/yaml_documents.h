// All documents of a YAML text. In place of YAML::LoadAll, which at a ',' where a document should
// start (yaml-cpp 0.7) makes empty documents until memory ends.
//
// Pure; thread-safe. Throws what yaml-cpp throws, for the adapters that call it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

namespace minato::spec {

std::vector<YAML::Node> load_documents(const std::string& text);

}  // namespace minato::spec
