// What the server offers, as clients ask for it: legacy group lists, resource lists, and the
// aggregated form that newer clients need only two requests for. Built-in kinds are the same for the
// life of the process; custom ones come and go with their definitions. Loop thread only.
// Rules: k8s.io/apimachinery pkg/apis/meta/v1 (APIGroupList, APIResourceList);
// k8s.io/api/apidiscovery/v2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/kinds.h"

namespace minato::apiserver {

struct ServedSubresource {
  std::string_view name;
  std::string_view group, version, kind;
  std::vector<std::string_view> verbs;
};

struct ServedResource {
  std::string_view group, version, kind, resource, singular;
  bool namespaced = true;
  std::vector<std::string_view> verbs;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<ServedSubresource> subresources;
  const kube::Kind* stored =
      nullptr;  // Null: a question (SubjectAccessReview) or made up (metrics).
  const kube::Kind* shown = nullptr;  // What clients see of it: `stored`, or another version.
};

using ServedPtr = std::shared_ptr<const ServedResource>;

// All of the built-in kinds.
const std::vector<ServedResource>& built_in_resources();

std::string legacy_versions(std::string_view address);  // /api
enum class Part { kCore, kGroups };

class Catalogue {
 public:
  // `kinds` outlives the catalogue.
  explicit Catalogue(const kube::Kinds& kinds) : kinds_(kinds) {}

  // Ordered by group and version as kubectl is to prefer them, core first. Valid until the kinds
  // change; entries that are still held stay.
  const std::vector<ServedPtr>& resources() const;
  // Null: nothing of this name is served.
  ServedPtr find(std::string_view group, std::string_view version, std::string_view resource) const;
  std::uint64_t generation() const { return kinds_.generation(); }

  std::string group_list() const;                  // /apis
  std::string group(std::string_view name) const;  // /apis/G; "": no such.
  std::string resource_list(std::string_view group, std::string_view version) const;  // "": none.
  std::string aggregated(Part part, std::string_view version) const;  // "v2" or "v2beta1"

 private:
  using GroupVersions = std::vector<std::pair<std::string_view, std::string_view>>;
  GroupVersions group_versions() const;

  const kube::Kinds& kinds_;
  mutable std::vector<ServedPtr> resources_;
  mutable std::uint64_t made_of_ = 0;  // The generation of kinds that `resources_` is of.
};

}  // namespace minato::apiserver
