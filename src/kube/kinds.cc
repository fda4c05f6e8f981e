#include <algorithm>

#include "kube/custom_kind.h"
#include "kube/types/apps.h"
#include "kube/types/autoscaling_v1.h"
#include "kube/types/batch.h"
#include "kube/types/certificates.h"
#include "kube/types/custom_resource.h"
#include "kube/types/events_v1.h"
#include "kube/types/networking.h"
#include "kube/types/persistent.h"
#include "kube/types/quota.h"
#include "kube/types/rbac.h"
#include "kube/types/stateful.h"
#include "kube/types/storage.h"
#include "kube/types/token.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/coordination.h"
#include "kube/types/discovery.h"
#include "kube/types/endpoints.h"
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
               const std::vector<std::string_view>& short_names, Scope scope,
               StatusSubresource status) {
  return Kind{group,
              version,
              name,
              resource,
              singular,
              {short_names.begin(), short_names.end()},
              scope,
              status == StatusSubresource::kServed,
              [](const Kind&) -> std::unique_ptr<Object> { return std::make_unique<T>(); },
              &type_of<T>,
              nullptr,
              nullptr};
}

}  // namespace

#define MINATO_KIND(Type, ...) MINATO_NAMED_KIND(Type, #Type, __VA_ARGS__)
#define MINATO_NAMED_KIND(Type, name, group, version, resource, singular, scope, status, ...)             \
  const Kind& Type::static_kind() {                                                           \
    static const Kind kind = make_kind<Type>(group, version, name, resource, singular,       \
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

MINATO_KIND(Endpoints, "", "v1", "endpoints", "endpoints", kNamespaced, kNone, "ep")
MINATO_KIND(LimitRange, "", "v1", "limitranges", "limitrange", kNamespaced, kNone, "limits")
MINATO_KIND(PersistentVolume, "", "v1", "persistentvolumes", "persistentvolume", kCluster, kServed,
            "pv")
MINATO_KIND(PersistentVolumeClaim, "", "v1", "persistentvolumeclaims", "persistentvolumeclaim",
            kNamespaced, kServed, "pvc")
MINATO_KIND(PodTemplate, "", "v1", "podtemplates", "podtemplate", kNamespaced, kNone)
MINATO_KIND(ReplicationController, "", "v1", "replicationcontrollers", "replicationcontroller",
            kNamespaced, kServed, "rc")
MINATO_KIND(ResourceQuota, "", "v1", "resourcequotas", "resourcequota", kNamespaced, kServed,
            "quota")
MINATO_KIND(ControllerRevision, "apps", "v1", "controllerrevisions", "controllerrevision",
            kNamespaced, kNone)
MINATO_KIND(StatefulSet, "apps", "v1", "statefulsets", "statefulset", kNamespaced, kServed, "sts")
MINATO_KIND(CronJob, "batch", "v1", "cronjobs", "cronjob", kNamespaced, kServed, "cj")
MINATO_KIND(Job, "batch", "v1", "jobs", "job", kNamespaced, kServed)
MINATO_KIND(CertificateSigningRequest, "certificates.k8s.io", "v1", "certificatesigningrequests",
            "certificatesigningrequest", kCluster, kServed, "csr")
MINATO_KIND(CustomResourceDefinition, "apiextensions.k8s.io", "v1", "customresourcedefinitions",
            "customresourcedefinition", kCluster, kServed, "crd", "crds")
MINATO_KIND(Ingress, "networking.k8s.io", "v1", "ingresses", "ingress", kNamespaced, kServed, "ing")
MINATO_KIND(IngressClass, "networking.k8s.io", "v1", "ingressclasses", "ingressclass", kCluster,
            kNone)
MINATO_KIND(NetworkPolicy, "networking.k8s.io", "v1", "networkpolicies", "networkpolicy",
            kNamespaced, kNone, "netpol")
MINATO_KIND(ClusterRole, "rbac.authorization.k8s.io", "v1", "clusterroles", "clusterrole", kCluster,
            kNone)
MINATO_KIND(ClusterRoleBinding, "rbac.authorization.k8s.io", "v1", "clusterrolebindings",
            "clusterrolebinding", kCluster, kNone)
MINATO_KIND(Role, "rbac.authorization.k8s.io", "v1", "roles", "role", kNamespaced, kNone)
MINATO_KIND(RoleBinding, "rbac.authorization.k8s.io", "v1", "rolebindings", "rolebinding",
            kNamespaced, kNone)
MINATO_KIND(CSIDriver, "storage.k8s.io", "v1", "csidrivers", "csidriver", kCluster, kNone)
MINATO_KIND(CSINode, "storage.k8s.io", "v1", "csinodes", "csinode", kCluster, kNone)
MINATO_KIND(CSIStorageCapacity, "storage.k8s.io", "v1", "csistoragecapacities",
            "csistoragecapacity", kNamespaced, kNone)
MINATO_KIND(StorageClass, "storage.k8s.io", "v1", "storageclasses", "storageclass", kCluster, kNone,
            "sc")
MINATO_KIND(VolumeAttachment, "storage.k8s.io", "v1", "volumeattachments", "volumeattachment",
            kCluster, kServed)

// A question, not stored.
MINATO_KIND(TokenRequest, "authentication.k8s.io", "v1", "tokenrequests", "tokenrequest",
            kNamespaced, kNone)
// Other forms of kinds above, which only the API's clients see.
MINATO_NAMED_KIND(EventV1, "Event", "events.k8s.io", "v1", "events", "event", kNamespaced, kNone,
                  "ev")
MINATO_NAMED_KIND(HorizontalPodAutoscalerV1, "HorizontalPodAutoscaler", "autoscaling", "v1",
                  "horizontalpodautoscalers", "horizontalpodautoscaler", kNamespaced, kServed,
                  "hpa")

#undef MINATO_NAMED_KIND
#undef MINATO_KIND

std::string Kind::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::string Kind::group_resource() const {
  return group.empty() ? std::string(resource) : std::string(resource) + "." + std::string(group);
}

std::string Kind::list_kind() const {
  return custom ? custom->list_kind : std::string(kind) + "List";
}

const std::vector<const Kind*>& all_kinds() {
  // Eviction and Scale are subresources: they have a kind, but no place of their own.
  static const std::vector<const Kind*> kinds{
      &ConfigMap::static_kind(),
      &Endpoints::static_kind(),
      &Event::static_kind(),
      &LimitRange::static_kind(),
      &Namespace::static_kind(),
      &Node::static_kind(),
      &PersistentVolume::static_kind(),
      &PersistentVolumeClaim::static_kind(),
      &Pod::static_kind(),
      &PodTemplate::static_kind(),
      &ReplicationController::static_kind(),
      &ResourceQuota::static_kind(),
      &Secret::static_kind(),
      &Service::static_kind(),
      &ServiceAccount::static_kind(),
      &CustomResourceDefinition::static_kind(),
      &ControllerRevision::static_kind(),
      &DaemonSet::static_kind(),
      &Deployment::static_kind(),
      &ReplicaSet::static_kind(),
      &StatefulSet::static_kind(),
      &HorizontalPodAutoscaler::static_kind(),
      &CronJob::static_kind(),
      &Job::static_kind(),
      &CertificateSigningRequest::static_kind(),
      &Lease::static_kind(),
      &EndpointSlice::static_kind(),
      &Ingress::static_kind(),
      &IngressClass::static_kind(),
      &NetworkPolicy::static_kind(),
      &PodDisruptionBudget::static_kind(),
      &ClusterRole::static_kind(),
      &ClusterRoleBinding::static_kind(),
      &Role::static_kind(),
      &RoleBinding::static_kind(),
      &PriorityClass::static_kind(),
      &CSIDriver::static_kind(),
      &CSINode::static_kind(),
      &CSIStorageCapacity::static_kind(),
      &StorageClass::static_kind(),
      &VolumeAttachment::static_kind()};
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
