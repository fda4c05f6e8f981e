// What of a request can be done before its turn comes, away from the loop: taking its target apart,
// and reading the object that it brings. Pure and thread-safe; input is untrusted, nobody has been
// asked yet whether its sender may send it.
#pragma once

#include <optional>

#include "apiserver/access.h"
#include "apiserver/http.h"
#include "apiserver/media.h"
#include "base/result.h"

namespace minato::apiserver {

struct Prepared {
  bool is_well_formed = false;  // The target is.
  Url url;
  RequestInfo info;
  // The body of a create of a built-in kind, served as it is stored, of a moderate size.
  // Nothing: it is read in its turn.
  const kube::Kind* kind = nullptr;
  std::optional<Result<ReadObject>> body;
};

// Sets request.prepared.
void prepare(HttpRequest& request);

}  // namespace minato::apiserver
