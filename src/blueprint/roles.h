// What the Pods of minato's own roles have in common, wherever they run: names, labels, the place of
// those that live on the master group. Internal to the module.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "blueprint/system.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/policy.h"

namespace minato::blueprint {

struct Role {
  std::string_view name;
  std::int64_t cpu_milli;
  std::int64_t memory_mib;
};
inline constexpr Role kControllerPod{kRoleController, 100, 128};
inline constexpr Role kAgentPod{kRoleAgent, 10, 32};

std::map<std::string, std::string> labels_of(const Role& role);
std::string object_name(const Role& role);
// Runs the role's subcommand with these arguments; nobody writes to its root file system.
kube::Container make_container(const Role& role, const std::string& image, std::vector<std::string> arguments);
// On the master group, spread over its zones.
kube::PodTemplateSpec master_pod(const Role& role, kube::Container container);
// Two, of which a rollout leaves one.
kube::Deployment make_deployment(const Role& role, kube::PodTemplateSpec pod);
kube::PodDisruptionBudget make_budget(const Role& role);
// On every Node whatever its taints, in the Node's own network: the instance metadata answer no Pod.
kube::DaemonSet make_node_agent(const Role& role, kube::Container container);

// In kube-system, unless it has no namespace.
template <class T>
T named(const Role& role) {
  T out;
  out.metadata.name = object_name(role);
  if (T::static_kind().scope == kube::Scope::kNamespaced) out.metadata.namespace_ = kube::kNamespaceSystem;
  out.metadata.labels = labels_of(role);
  return out;
}

}  // namespace minato::blueprint
