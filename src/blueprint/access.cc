#include "blueprint/access.h"

#include "kube/names.h"

namespace minato::blueprint {

std::vector<Permission> controller_access() {
  return {
      {"", "nodes", {"list", "watch", "update"}, ""},
      {"", "pods", {"list", "watch", "delete"}, ""},
      {"", "pods/eviction", {"create"}, ""},
      {"", "namespaces", {"list", "watch"}, ""},
      {"", "events", {"get", "create", "update"}, ""},
      {"apps", "daemonsets", {"list", "watch"}, ""},
      {"apps", "replicasets", {"list", "watch"}, ""},
      {"policy", "poddisruptionbudgets", {"list", "watch"}, ""},
      {"", "configmaps", {"list", "watch", "create", "update"}, kube::kNamespaceSystem},
      {"coordination.k8s.io", "leases", {"get", "create", "update"}, kube::kNamespaceSystem},
  };
}

std::vector<Permission> agent_access() {
  return {
      {"", "nodes", {"get", "list", "watch", "update"}, ""},
      {"", "events", {"get", "create", "update"}, ""},
  };
}

}  // namespace minato::blueprint
