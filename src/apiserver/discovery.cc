#include "apiserver/discovery.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "apiserver/views.h"
#include "kube/custom_kind.h"
#include "kube/scale.h"
#include "kube/types/config.h"
#include "kube/types/pod.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

const std::vector<std::string_view> kAllVerbs{"create", "delete", "deletecollection", "get",
                                              "list",   "patch",  "update",           "watch"};
const std::vector<std::string_view> kPartVerbs{"get", "patch", "update"};
const std::vector<std::string_view> kCreate{"create"};
const std::vector<std::string_view> kRead{"get", "list"};

// The category "all": what `kubectl get all` shows.
bool is_in_all(std::string_view resource) {
  constexpr std::string_view kAll[] = {"pods",
                                       "services",
                                       "daemonsets",
                                       "deployments",
                                       "replicasets",
                                       "horizontalpodautoscalers",
                                       "replicationcontrollers",
                                       "statefulsets",
                                       "jobs",
                                       "cronjobs"};
  return std::ranges::find(kAll, resource) != std::end(kAll);
}

std::vector<ServedSubresource> subresources_of(const kube::Kind& kind) {
  std::vector<ServedSubresource> out;
  if (kind == kube::Pod::static_kind()) {
    out.push_back({"attach", "", "v1", "PodAttachOptions", {"create", "get"}});
    out.push_back({"binding", "", "v1", "Binding", kCreate});
    out.push_back({"ephemeralcontainers", "", "v1", "Pod", kPartVerbs});
    out.push_back({"eviction", "policy", "v1", "Eviction", kCreate});
    out.push_back({"exec", "", "v1", "PodExecOptions", {"create", "get"}});
    out.push_back({"log", "", "v1", "Pod", {"get"}});
    out.push_back({"portforward", "", "v1", "PodPortForwardOptions", {"create", "get"}});
  }
  if (kind == kube::ServiceAccount::static_kind()) {
    out.push_back({"token", "authentication.k8s.io", "v1", "TokenRequest", kCreate});
  }
  if (kind == kube::Namespace::static_kind()) {
    out.push_back({"finalize", "", "v1", "Namespace", {"update"}});
  }
  if (kube::has_scale(kind)) out.push_back({"scale", "autoscaling", "v1", "Scale", kPartVerbs});
  if (kind.has_status) out.push_back({"status", kind.group, kind.version, kind.kind, kPartVerbs});
  return out;
}

ServedResource stored_resource(const kube::Kind& kind) {
  ServedResource out{kind.group, kind.version, kind.kind, kind.resource, kind.singular};
  out.namespaced = kind.scope == kube::Scope::kNamespaced;
  out.verbs = kAllVerbs;
  // A namespace goes with what is in it, one at a time.
  if (kind == kube::Namespace::static_kind()) std::erase(out.verbs, "deletecollection");
  out.short_names = kind.short_names;
  if (kind.custom) out.categories = kind.custom->categories;
  if (!kind.custom && is_in_all(kind.resource)) out.categories.emplace_back("all");
  out.subresources = subresources_of(kind);
  out.stored = &kind;
  out.shown = &kind;
  return out;
}

ServedResource question(std::string_view group, std::string_view kind, std::string_view resource,
                        std::string_view singular, bool namespaced = false) {
  return {group, "v1", kind, resource, singular, namespaced, kCreate, {}, {}, {}, nullptr};
}

std::vector<ServedResource> make_served() {
  std::vector<ServedResource> out;
  for (const kube::Kind* kind : kube::all_kinds()) out.push_back(stored_resource(*kind));
  for (const VersionView& view : views()) {
    ServedResource seen = stored_resource(*view.seen);
    seen.stored = view.stored;
    seen.shown = view.seen;
    out.push_back(std::move(seen));
  }
  constexpr std::string_view kAuthorization = "authorization.k8s.io";
  out.push_back(question("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews",
                         "selfsubjectreview"));
  out.push_back(question("authentication.k8s.io", "TokenReview", "tokenreviews", "tokenreview"));
  out.push_back(question(kAuthorization, "LocalSubjectAccessReview", "localsubjectaccessreviews",
                         "localsubjectaccessreview", true));
  out.push_back(question(kAuthorization, "SelfSubjectAccessReview", "selfsubjectaccessreviews",
                         "selfsubjectaccessreview"));
  out.push_back(question(kAuthorization, "SelfSubjectRulesReview", "selfsubjectrulesreviews",
                         "selfsubjectrulesreview"));
  out.push_back(question(kAuthorization, "SubjectAccessReview", "subjectaccessreviews",
                         "subjectaccessreview"));
  out.push_back(
      {"metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", "", false, kRead, {}, {}, {}, nullptr});
  out.push_back(
      {"metrics.k8s.io", "v1beta1", "PodMetrics", "pods", "", true, kRead, {}, {}, {}, nullptr});
  return out;
}

bool is_preferred(const ServedPtr& a, const ServedPtr& b) {
  // Clients take the first group that has a resource of the name: metrics must not win "pods".
  const auto key = [](const ServedPtr& entry) {
    return std::pair(entry->group == "metrics.k8s.io", entry->group);
  };
  if (key(a) != key(b)) return key(a) < key(b);
  return a->version != b->version && kube::is_newer_version(a->version, b->version);
}

template <class Text>
json::array texts(const std::vector<Text>& values) {
  json::array out;
  for (const std::string_view value : values) out.emplace_back(value);
  return out;
}

std::string group_version(std::string_view name, std::string_view version) {
  return name.empty() ? std::string(version) : std::string(name) + "/" + std::string(version);
}

json::object group_object(const std::vector<std::pair<std::string_view, std::string_view>>& all,
                          std::string_view name) {
  json::array versions;
  for (const auto& [group, version] : all) {
    if (group != name) continue;
    versions.push_back({{"groupVersion", group_version(group, version)}, {"version", version}});
  }
  if (versions.empty()) return {};
  json::value preferred = versions.front();
  return {{"name", name},
          {"versions", std::move(versions)},
          {"preferredVersion", std::move(preferred)}};
}

json::object response_kind(std::string_view group, std::string_view version,
                           std::string_view kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

json::object aggregated_resource(const ServedResource& entry) {
  json::object out{{"resource", entry.resource},
                   {"responseKind", response_kind(entry.group, entry.version, entry.kind)},
                   {"scope", entry.namespaced ? "Namespaced" : "Cluster"},
                   {"singularResource", entry.singular},
                   {"verbs", texts(entry.verbs)}};
  if (!entry.short_names.empty()) out["shortNames"] = texts(entry.short_names);
  if (!entry.categories.empty()) out["categories"] = texts(entry.categories);
  json::array parts;
  for (const ServedSubresource& part : entry.subresources) {
    parts.push_back({{"subresource", part.name},
                     {"responseKind", response_kind(part.group, part.version, part.kind)},
                     {"verbs", texts(part.verbs)}});
  }
  if (!parts.empty()) out["subresources"] = std::move(parts);
  return out;
}

}  // namespace

const std::vector<ServedResource>& built_in_resources() {
  static const std::vector<ServedResource> served = make_served();
  return served;
}

const std::vector<ServedPtr>& Catalogue::resources() const {
  if (made_of_ == kinds_.generation()) return resources_;
  resources_.clear();
  for (const ServedResource& entry : built_in_resources()) {
    resources_.push_back(ServedPtr(ServedPtr(), &entry));  // It lives as long as the process.
  }
  for (const kube::Kind* kind : kinds_.custom_versions()) {
    resources_.push_back(std::make_shared<const ServedResource>(stored_resource(*kind)));
  }
  std::ranges::stable_sort(resources_, is_preferred);
  made_of_ = kinds_.generation();
  return resources_;
}

ServedPtr Catalogue::find(std::string_view group, std::string_view version,
                          std::string_view resource) const {
  for (const ServedPtr& entry : resources()) {
    if (entry->group == group && entry->version == version && entry->resource == resource)
      return entry;
  }
  return nullptr;
}

// Each once, in order.
Catalogue::GroupVersions Catalogue::group_versions() const {
  GroupVersions out;
  for (const ServedPtr& entry : resources()) {
    const std::pair key{entry->group, entry->version};
    if (std::ranges::find(out, key) == out.end()) out.push_back(key);
  }
  return out;
}

std::string legacy_versions(std::string_view address) {
  const json::object out{
      {"kind", "APIVersions"},
      {"versions", json::array{"v1"}},
      {"serverAddressByClientCIDRs",
       json::array{json::object{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", address}}}}};
  return json::serialize(out);
}

std::string Catalogue::group_list() const {
  json::array groups;
  std::string_view last;
  const GroupVersions all = group_versions();
  for (const auto& [name, version] : all) {
    if (name.empty() || name == last) continue;
    groups.push_back(group_object(all, name));
    last = name;
  }
  const json::object out{
      {"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
  return json::serialize(out);
}

std::string Catalogue::group(std::string_view name) const {
  json::object found = name.empty() ? json::object() : group_object(group_versions(), name);
  if (found.empty()) return {};
  json::object out{{"kind", "APIGroup"}, {"apiVersion", "v1"}};
  for (auto& [key, value] : found) out[key] = std::move(value);
  return json::serialize(out);
}

std::string Catalogue::resource_list(std::string_view name, std::string_view version) const {
  json::array listed;
  for (const ServedPtr& found : resources()) {
    const ServedResource& entry = *found;
    if (entry.group != name || entry.version != version) continue;
    json::object resource{{"name", entry.resource},
                          {"singularName", entry.singular},
                          {"namespaced", entry.namespaced},
                          {"kind", entry.kind},
                          {"verbs", texts(entry.verbs)}};
    if (!entry.short_names.empty()) resource["shortNames"] = texts(entry.short_names);
    if (!entry.categories.empty()) resource["categories"] = texts(entry.categories);
    listed.push_back(std::move(resource));
    for (const ServedSubresource& part : entry.subresources) {
      json::object row{{"name", std::string(entry.resource) + "/" + std::string(part.name)},
                       {"singularName", ""},
                       {"namespaced", entry.namespaced},
                       {"kind", part.kind},
                       {"verbs", texts(part.verbs)}};
      if (part.group != entry.group) row["group"] = part.group;
      if (part.group != entry.group) row["version"] = part.version;
      listed.push_back(std::move(row));
    }
  }
  if (listed.empty()) return {};
  const json::object out{{"kind", "APIResourceList"},
                         {"apiVersion", "v1"},
                         {"groupVersion", group_version(name, version)},
                         {"resources", std::move(listed)}};
  return json::serialize(out);
}

std::string Catalogue::aggregated(Part part, std::string_view api_version) const {
  json::array items;
  std::string_view last = "-";
  for (const auto& [name, version] : group_versions()) {
    if (name.empty() != (part == Part::kCore)) continue;
    json::array listed;
    for (const ServedPtr& entry : resources()) {
      if (entry->group == name && entry->version == version)
        listed.push_back(aggregated_resource(*entry));
    }
    json::object served{
        {"version", version}, {"resources", std::move(listed)}, {"freshness", "Current"}};
    if (name == last) {
      items.back().at("versions").as_array().push_back(std::move(served));
      continue;
    }
    last = name;
    json::object metadata{{"creationTimestamp", nullptr}};
    if (!name.empty()) metadata["name"] = name;
    items.push_back(
        {{"metadata", std::move(metadata)}, {"versions", json::array{std::move(served)}}});
  }
  const json::object out{{"kind", "APIGroupDiscoveryList"},
                         {"apiVersion", "apidiscovery.k8s.io/" + std::string(api_version)},
                         {"metadata", json::object()},
                         {"items", std::move(items)}};
  return json::serialize(out);
}

}  // namespace minato::apiserver
