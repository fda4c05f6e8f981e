// A body in JSON: what is read is written and read again as the same.
#include "fuzz/input.h"
#include "kube/json.h"

namespace minato {

void fuzz_one(std::string_view input) {
  const auto object = kube::object_from_json(input);
  if (!object) return;
  const std::string text = kube::to_json(**object);
  const auto again = kube::object_from_json(text);
  CHECK(again, "{}", text);
  // Members that no table knows come in any order.
  CHECK(*kube::parse_json(kube::to_json(**again)) == *kube::parse_json(text), "{}", text);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
