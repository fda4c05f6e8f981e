// A body in JSON: what is read is written and read again as the same, and no member stands twice in
// what is written.
#include "fuzz/input.h"
#include "kube/json.h"
#include "kube/json_duplicates.h"

namespace minato {

void fuzz_one(std::string_view input) {
  if (kube::parse_json(input)) static_cast<void>(kube::duplicate_members(input));
  const auto object = kube::object_from_json(input);
  if (!object) return;
  const std::string text = kube::to_json(**object);
  CHECK(kube::duplicate_members(text).empty(), "{}", text);
  const auto again = kube::object_from_json(text);
  CHECK(again, "{}", text);
  // Members that no table knows come in any order.
  CHECK(*kube::parse_json(kube::to_json(**again)) == *kube::parse_json(text), "{}", text);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
