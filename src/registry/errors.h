// Failures as the API words them (k8s.io/apimachinery pkg/api/errors/errors.go). Clients match on
// the reason, people and scripts on the text.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "kube/client.h"

namespace minato::registry {

inline std::unexpected<Error> not_found(const kube::Kind& kind, std::string_view name) {
  return fail(Reason::kNotFound, fmt::format("{} \"{}\" not found", kind.group_resource(), name));
}

inline std::unexpected<Error> already_exists(const kube::Kind& kind, std::string_view name) {
  return fail(Reason::kAlreadyExists,
              fmt::format("{} \"{}\" already exists", kind.group_resource(), name));
}

inline std::unexpected<Error> conflict(std::string_view resource, std::string_view name,
                                       std::string_view why) {
  return fail(Reason::kConflict,
              fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", resource, name, why));
}

inline std::unexpected<Error> modified(const kube::Kind& kind, std::string_view name) {
  return conflict(kind.group_resource(), name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

inline std::unexpected<Error> forbidden(const kube::Kind& kind, std::string_view name,
                                        std::string_view why) {
  return fail(Reason::kForbidden,
              fmt::format("{} \"{}\" is forbidden: {}", kind.group_resource(), name, why));
}

// Conflict when the object is not the one that the caller has in mind.
Status check_preconditions(const kube::Object& object, const kube::RemoveOptions& options);

}  // namespace minato::registry
