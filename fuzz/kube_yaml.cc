// A body in YAML, up to the object that it describes.
#include "apiserver/yaml.h"
#include "fuzz/input.h"
#include "kube/json.h"

namespace minato {

void fuzz_one(std::string_view input) {
  const auto tree = apiserver::parse_yaml(input);
  if (tree) (void)kube::object_from_json(*tree);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
