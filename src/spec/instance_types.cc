#include "spec/instance_types.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace minato::spec {

std::string unknown_type(const std::string& type, const Spec& spec) {
  return fmt::format(
      "instance type '{}' is not in the catalogue; have it from AWS with: minato cloud catalogue "
      "--refresh --region {}",
      type, spec.region);
}

Status check_instance_types(const Spec& spec, const cloud::Catalogue& catalogue) {
  std::vector<Cause> causes;
  std::vector<std::string> lines;
  const auto check = [&](const std::string& key, const NodeGroup& group) {
    for (const std::string& type : group.types) {
      if (catalogue.find(type) != nullptr) continue;
      causes.push_back({key, unknown_type(type, spec)});
      lines.push_back(fmt::format("'{}': {}", key, causes.back().message));
    }
  };
  check("nodes.master.types", spec.master);
  check("nodes.scaling.types", spec.scaling);
  if (causes.empty()) return {};
  return std::unexpected(Error{Reason::kInvalid, join(lines, "\n"), std::move(causes)});
}

}  // namespace minato::spec
