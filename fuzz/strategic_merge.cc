// A strategic merge patch of a Deployment: the document, then the patch.
#include "fuzz/input.h"
#include "kube/json.h"
#include "kube/patch.h"
#include "kube/types/apps.h"

namespace minato {

void fuzz_one(std::string_view input) {
  fuzz::Parts parts(input);
  auto document = kube::parse_json(parts.next());
  const auto patch = kube::parse_json(parts.next());
  if (!document || !patch) return;
  (void)kube::apply_strategic_merge_patch(std::move(*document), *patch,
                                          kube::type_of<kube::Deployment>());
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
