// The roles and bindings that every cluster has. admin, edit and view are made from the kinds that
// are served, so that a new kind is in them.
// Rules: k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apiserver/rbac.h"
#include "kube/types/config.h"

namespace minato::apiserver {
namespace {

using kube::PolicyRule;
using Texts = std::vector<std::string>;

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

enum class Level { kView, kEdit, kAdmin };

// Only whoever runs a namespace hands out rights in it; limits are set from above.
bool is_for_admins(const kube::Kind& kind) { return kind.group == kGroup; }
bool is_set_from_above(std::string_view resource) {
  return resource == "resourcequotas" || resource == "limitranges" || resource == "events" ||
         resource == "endpointslices" || resource == "controllerrevisions" ||
         resource == "leases" || resource == "csistoragecapacities";
}

std::vector<PolicyRule> rules_of(Level level) {
  std::map<std::string, std::pair<Texts, Texts>> by_group;  // Those to read, those to write.
  for (const kube::Kind* kind : kube::all_kinds()) {
    const std::string resource(kind->resource);
    if (kind->scope != kube::Scope::kNamespaced) continue;
    if (is_for_admins(*kind) && level != Level::kAdmin) continue;
    if (resource == "secrets" && level == Level::kView) continue;
    auto& [read, write] = by_group[std::string(kind->group)];
    read.push_back(resource);
    if (kind->has_status) read.push_back(resource + "/status");
    if (!is_set_from_above(resource)) write.push_back(resource);
  }
  std::vector<PolicyRule> out;
  for (const auto& [group, resources] : by_group) {
    out.push_back({{"get", "list", "watch"}, {group}, resources.first, {}, {}});
    if (level == Level::kView || resources.second.empty()) continue;
    out.push_back({{"create", "delete", "deletecollection", "patch", "update"},
                   {group}, resources.second, {}, {}});
  }
  out.push_back({{"get", "list", "watch"}, {""}, {"pods/log", "namespaces"}, {}, {}});
  out.push_back({{"get", "list", "watch"},
                 {"apps", ""},
                 {"deployments/scale", "replicasets/scale"}, {}, {}});
  out.push_back({{"get", "list", "watch"}, {"metrics.k8s.io", "events.k8s.io"},
                 {"pods", "events"}, {}, {}});
  if (level == Level::kView) return out;
  out.push_back({{"create", "get"}, {""}, {"pods/attach", "pods/exec", "pods/portforward"}, {}, {}});
  out.push_back({{"create"}, {""}, {"pods/eviction", "serviceaccounts/token"}, {}, {}});
  out.push_back({{"impersonate"}, {""}, {"serviceaccounts"}, {}, {}});
  out.push_back({{"patch", "update"}, {"apps"}, {"deployments/scale", "replicasets/scale"}, {}, {}});
  if (level == Level::kAdmin)
    out.push_back({{"create"}, {"authorization.k8s.io"}, {"localsubjectaccessreviews"}, {}, {}});
  return out;
}

std::unique_ptr<kube::ClusterRole> cluster_role(std::string_view name,
                                                std::vector<PolicyRule> rules) {
  auto out = std::make_unique<kube::ClusterRole>();
  out->metadata.name = name;
  out->metadata.labels = {{"kubernetes.io/bootstrapping", "rbac-defaults"}};
  out->rules = std::move(rules);
  return out;
}

// Others (those of CustomResourceDefinitions) add to it by their label.
std::unique_ptr<kube::ClusterRole> aggregated_role(std::string_view name, Level level) {
  auto out = cluster_role(name, rules_of(level));
  out->aggregation_rule.emplace().cluster_role_selectors.push_back(
      {{{fmt::format("{}/aggregate-to-{}", kGroup, name), "true"}}, {}, {}});
  return out;
}

std::unique_ptr<kube::ClusterRoleBinding> binding(std::string_view role, std::string_view group) {
  auto out = std::make_unique<kube::ClusterRoleBinding>();
  out->metadata.name = role;
  out->metadata.labels = {{"kubernetes.io/bootstrapping", "rbac-defaults"}};
  out->role_ref = {std::string(kGroup), "ClusterRole", std::string(role), {}};
  out->subjects.push_back({"Group", std::string(kGroup), std::string(group), "", {}});
  return out;
}

}  // namespace

Status bootstrap_roles(registry::Registry& registry) {
  const Texts public_paths{"/healthz", "/livez", "/readyz", "/version", "/version/"};
  std::vector<std::unique_ptr<kube::Object>> all;
  all.push_back(cluster_role("cluster-admin", {{{"*"}, {"*"}, {"*"}, {}, {}},
                                               {{"*"}, {}, {}, {}, {"*"}}}));
  all.push_back(aggregated_role("admin", Level::kAdmin));
  all.push_back(aggregated_role("edit", Level::kEdit));
  all.push_back(aggregated_role("view", Level::kView));
  all.push_back(cluster_role(
      "system:basic-user",
      {{{"create"}, {"authorization.k8s.io"},
        {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}, {}, {}},
       {{"create"}, {"authentication.k8s.io"}, {"selfsubjectreviews"}, {}, {}}}));
  all.push_back(cluster_role(
      "system:discovery",
      {{{"get"}, {}, {}, {}, {"/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"}},
       {{"get"}, {}, {}, {}, public_paths}}));
  all.push_back(cluster_role("system:public-info-viewer", {{{"get"}, {}, {}, {}, public_paths}}));
  all.push_back(cluster_role(
      "system:auth-delegator",
      {{{"create"}, {"authentication.k8s.io"}, {"tokenreviews"}, {}, {}},
       {{"create"}, {"authorization.k8s.io"}, {"subjectaccessreviews"}, {}, {}}}));
  all.push_back(binding("cluster-admin", kMasters));
  all.push_back(binding("system:basic-user", kAuthenticated));
  all.push_back(binding("system:discovery", kAuthenticated));
  all.push_back(binding("system:public-info-viewer", kUnauthenticated));
  for (auto& object : all) {
    const auto created = registry.create(std::move(object));
    if (!created && created.error().reason != Reason::kAlreadyExists)
      return std::unexpected(created.error());
  }
  return {};
}

}  // namespace minato::apiserver
