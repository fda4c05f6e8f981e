// What of a request can be done before its turn comes, away from the loop: taking its target apart,
// and reading the object that it brings. Pure and thread-safe; input is untrusted, nobody has been
// asked yet whether its sender may send it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/http.h"
#include "base/result.h"
#include "kube/object.h"

namespace minato::apiserver {

struct ReadObject {
  std::unique_ptr<kube::Object> object;
  std::vector<std::string> unknown;  // unknown_fields() of it.
  // Of a new object: it has its defaults, and this is what its maker owns of it. Else "".
  std::string fields_v1 = {};
};

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
