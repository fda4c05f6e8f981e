// Who owns which fields of an object (metadata.managedFields), and server-side apply.
//
// Pure functions on objects; thread-safe. Loop-independent. What controllers in this process write
// is not tracked: it changes values and leaves owners as they are.
// Rules: k8s.io/apimachinery pkg/util/managedfields; KEP-555.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "kube/object.h"

namespace minato::registry {

struct Owner {
  std::string manager;
  std::string subresource;  // Empty: of the object itself.
};
// After a create or an update by `owner`: what it set or changed is its own, and nobody else's.
// `before` is null for a create. `after` keeps the entries of `before` when it brings none. By way
// of "status" that is the status, else everything but it.
void track_update(const kube::Object* before, kube::Object& after, const Owner& owner,
                  kube::Time now);

// The same of a create, where `fields_v1` is known already: kube::fields_v1_of(object).
void track_creation(kube::Object& object, std::string fields_v1, const Owner& owner, kube::Time now);

struct ApplyOptions {
  std::string manager;
  bool force = false;  // Takes fields from other managers instead of failing.
  std::string subresource = {};
};
// The object that applying `config` to `live` gives; `live` null: it is to be created.
// Errors: Conflict with a cause per field and manager, BadRequest, Invalid.
Result<std::unique_ptr<kube::Object>> apply_config(const kube::Kind& kind, const kube::Object* live,
                                                   boost::json::value config,
                                                   const ApplyOptions& options, kube::Time now);

}  // namespace minato::registry
