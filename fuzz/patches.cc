// A JSON patch and a merge patch: the document, then the patch.
#include "fuzz/input.h"
#include "kube/json.h"
#include "kube/patch.h"

namespace minato {

void fuzz_one(std::string_view input) {
  fuzz::Parts parts(input);
  const auto document = kube::parse_json(parts.next());
  const auto patch = kube::parse_json(parts.next());
  if (!document || !patch) return;
  (void)kube::apply_json_patch(*document, *patch);
  (void)kube::apply_merge_patch(*document, *patch);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
