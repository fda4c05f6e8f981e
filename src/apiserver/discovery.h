// What the server offers, as clients ask for it: legacy group lists, resource lists, and the
// aggregated form that newer clients need only two requests for. Pure and the same for the life of
// the process.
// Rules: k8s.io/apimachinery pkg/apis/meta/v1 (APIGroupList, APIResourceList);
// k8s.io/api/apidiscovery/v2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

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
  std::vector<std::string_view> short_names;
  std::vector<std::string_view> categories;
  std::vector<ServedSubresource> subresources;
  const kube::Kind* stored =
      nullptr;  // Null: a question (SubjectAccessReview) or made up (metrics).
  const kube::Kind* shown = nullptr;  // What clients see of it: `stored`, or another version.
};

// Ordered by group as kubectl is to prefer them, core first.
const std::vector<ServedResource>& served_resources();
const ServedResource* find_served(std::string_view group, std::string_view version,
                                  std::string_view resource);

std::string legacy_versions(std::string_view address);  // /api
std::string group_list();                               // /apis
std::string group(std::string_view name);               // /apis/G; "": no such.
std::string resource_list(std::string_view group, std::string_view version);  // "": no such.
enum class Part { kCore, kGroups };
std::string aggregated(Part part, std::string_view version);  // "v2" or "v2beta1"

}  // namespace minato::apiserver
