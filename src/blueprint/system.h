// The cluster's own services as Kubernetes objects in kube-system, for the worlds that run their
// Pods themselves (local and sim; on EKS add-ons and our rendered manifests take their place).
//
// They live on the master group, two of each in different zones, so that neither a scale-down nor a
// spot wave takes DNS, metrics or the autoscaler with it; the agent runs on every Node. A role acts
// exactly while one of its Pods is Ready (cluster/roles.h). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "kube/object.h"

namespace minato::blueprint {

// Pods that carry this label are a role's; its value is the role's name, and the subcommand of
// minato that its container runs.
inline constexpr std::string_view kLabelRole = "minato.dev/role";
inline constexpr std::string_view kRoleDns = "dns";
inline constexpr std::string_view kRoleMetrics = "metrics-server";
inline constexpr std::string_view kRoleController = "controller";
inline constexpr std::string_view kRoleAgent = "agent";

inline constexpr std::string_view kDnsService = "kube-dns";
inline constexpr std::string_view kApiClusterIp = "10.100.0.1";   // The first of the range.
inline constexpr std::string_view kDnsClusterIp = "10.100.0.10";  // As on EKS.
inline constexpr std::uint16_t kHealthPort = 8081;                // Of controller and metrics-server.

struct SystemOptions {
  std::string image;            // Made from minato itself.
  std::string hosts_directory;  // On the Nodes: where DNS finds its records.
  std::string agent_directory;  // On the Nodes: where the agent finds whom to tell.
  Duration agent_poll = 2s;     // Of the instance metadata.
};

std::vector<kube::ObjectPtr> system_objects(const SystemOptions& options);

}  // namespace minato::blueprint
