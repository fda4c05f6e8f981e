// Who owns which fields of an object (metadata.managedFields), and server-side apply.
//
// Pure functions on objects; thread-safe. Loop-independent. What controllers in this process write
// is not tracked: it changes values and leaves owners as they are.
// Rules: k8s.io/apimachinery pkg/util/managedfields; KEP-555. Owners of status are not tracked.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "kube/object.h"

namespace minato::registry {

// After a create or an update by `manager`: what it set or changed is its own, and nobody else's.
// `before` is null for a create. `after` keeps the entries of `before` when it brings none.
void track_update(const kube::Object* before, kube::Object& after, const std::string& manager,
                  kube::Time now);

struct ApplyOptions {
  std::string manager;
  bool force = false;  // Takes fields from other managers instead of failing.
};
// The object that applying `config` to `live` gives; `live` null: it is to be created.
// Errors: Conflict with a cause per field and manager, BadRequest, Invalid.
Result<std::unique_ptr<kube::Object>> apply_config(const kube::Kind& kind, const kube::Object* live,
                                                   boost::json::value config,
                                                   const ApplyOptions& options, kube::Time now);

}  // namespace minato::registry
