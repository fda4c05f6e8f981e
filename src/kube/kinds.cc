#include <algorithm>

#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/coordination.h"
#include "kube/types/discovery.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "kube/types/policy.h"
#include "kube/types/scheduling.h"
#include "kube/types/service.h"

namespace minato::kube {
namespace {

enum class StatusSubresource { kNone, kServed };

template <class T>
Kind make_kind(std::string_view group, std::string_view version, std::string_view name,
               std::string_view resource, std::string_view singular,
               std::vector<std::string_view> short_names, Scope scope, StatusSubresource status) {
  return Kind{group,
              version,
              name,
              resource,
              singular,
              std::move(short_names),
              scope,
              status == StatusSubresource::kServed,
              [] () -> std::unique_ptr<Object> { return std::make_unique<T>(); },
              &type_of<T>};
}

}  // namespace

#define MINATO_KIND(Type, group, version, resource, singular, scope, status, ...)             \
  const Kind& Type::static_kind() {                                                           \
    static const Kind kind = make_kind<Type>(group, version, #Type, resource, singular,       \
                                             {__VA_ARGS__}, Scope::scope,                     \
                                             StatusSubresource::status);                      \
    return kind;                                                                              \
  }

MINATO_KIND(ConfigMap, "", "v1", "configmaps", "configmap", kNamespaced, kNone, "cm")
MINATO_KIND(Event, "", "v1", "events", "event", kNamespaced, kNone, "ev")
MINATO_KIND(Namespace, "", "v1", "namespaces", "namespace", kCluster, kServed, "ns")
MINATO_KIND(Node, "", "v1", "nodes", "node", kCluster, kServed, "no")
MINATO_KIND(Pod, "", "v1", "pods", "pod", kNamespaced, kServed, "po")
MINATO_KIND(Secret, "", "v1", "secrets", "secret", kNamespaced, kNone)
MINATO_KIND(Service, "", "v1", "services", "service", kNamespaced, kServed, "svc")
MINATO_KIND(ServiceAccount, "", "v1", "serviceaccounts", "serviceaccount", kNamespaced, kNone, "sa")
MINATO_KIND(DaemonSet, "apps", "v1", "daemonsets", "daemonset", kNamespaced, kServed, "ds")
MINATO_KIND(Deployment, "apps", "v1", "deployments", "deployment", kNamespaced, kServed, "deploy")
MINATO_KIND(ReplicaSet, "apps", "v1", "replicasets", "replicaset", kNamespaced, kServed, "rs")
MINATO_KIND(HorizontalPodAutoscaler, "autoscaling", "v2", "horizontalpodautoscalers",
            "horizontalpodautoscaler", kNamespaced, kServed, "hpa")
MINATO_KIND(Scale, "autoscaling", "v1", "scales", "scale", kNamespaced, kNone)
MINATO_KIND(Lease, "coordination.k8s.io", "v1", "leases", "lease", kNamespaced, kNone)
MINATO_KIND(EndpointSlice, "discovery.k8s.io", "v1", "endpointslices", "endpointslice", kNamespaced,
            kNone)
MINATO_KIND(Eviction, "policy", "v1", "evictions", "eviction", kNamespaced, kNone)
MINATO_KIND(PodDisruptionBudget, "policy", "v1", "poddisruptionbudgets", "poddisruptionbudget",
            kNamespaced, kServed, "pdb")
MINATO_KIND(PriorityClass, "scheduling.k8s.io", "v1", "priorityclasses", "priorityclass", kCluster,
            kNone, "pc")

#undef MINATO_KIND

std::string Kind::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::string Kind::group_resource() const {
  return group.empty() ? std::string(resource) : std::string(resource) + "." + std::string(group);
}

const std::vector<const Kind*>& all_kinds() {
  // Eviction and Scale are subresources: they have a kind, but no place of their own.
  static const std::vector<const Kind*> kinds{
      &ConfigMap::static_kind(),     &Event::static_kind(),
      &Namespace::static_kind(),     &Node::static_kind(),
      &Pod::static_kind(),           &Secret::static_kind(),
      &Service::static_kind(),       &ServiceAccount::static_kind(),
      &DaemonSet::static_kind(),     &Deployment::static_kind(),
      &ReplicaSet::static_kind(),    &HorizontalPodAutoscaler::static_kind(),
      &Lease::static_kind(),         &EndpointSlice::static_kind(),
      &PodDisruptionBudget::static_kind(), &PriorityClass::static_kind()};
  return kinds;
}

const Kind* find_kind(std::string_view api_version, std::string_view kind) {
  const auto found = std::ranges::find_if(all_kinds(), [&](const Kind* candidate) {
    return candidate->kind == kind && candidate->api_version() == api_version;
  });
  return found == all_kinds().end() ? nullptr : *found;
}

const Kind* find_resource(std::string_view group, std::string_view version,
                          std::string_view resource) {
  const auto found = std::ranges::find_if(all_kinds(), [&](const Kind* candidate) {
    return candidate->group == group && candidate->version == version &&
           candidate->resource == resource;
  });
  return found == all_kinds().end() ? nullptr : *found;
}

}  // namespace minato::kube
