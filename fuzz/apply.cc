// Server-side apply of a Deployment: three configurations by two managers, one after the other.
#include "fuzz/input.h"
#include "kube/json.h"
#include "kube/types/apps.h"
#include "registry/managed_fields.h"

namespace minato {

void fuzz_one(std::string_view input) {
  fuzz::Parts parts(input);
  const kube::Kind& kind = kube::Deployment::static_kind();
  std::unique_ptr<kube::Object> live;
  for (const char* manager : {"first", "second", "first"}) {
    auto config = kube::parse_json(parts.next());
    if (!config) return;
    auto applied =
        registry::apply_config(kind, live.get(), std::move(*config), {manager, true}, kube::Time());
    if (applied) live = std::move(*applied);
  }
  if (live) (void)kube::to_json(*live);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
