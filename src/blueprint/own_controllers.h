// minato's own controller and agent as Kubernetes objects, for clusters that minato did not make: a
// Deployment of which one leads, a DaemonSet on every Node, and what they may ask of the API.
//
// Beside system.h, whose roles the local world gives what they need by itself. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "kube/object.h"

namespace minato::blueprint {

inline constexpr std::string_view kControllerAccount = "minato-controller";  // In kube-system.
inline constexpr std::string_view kAgentAccount = "minato-agent";
// In the Nodes' own network, where 8081 may be somebody else's.
inline constexpr std::uint16_t kAgentHealthPort = 18081;

struct OwnControllers {
  std::string image;
  std::string cluster;       // Its groups carry the tag k8s.io/cluster-autoscaler/<cluster>.
  std::string target_group;  // Name or ARN.
  std::string region;
  Duration hook_timeout{};  // For how long the groups' life cycle hook holds an instance that is to end.
  std::map<std::string, std::string> controller_annotations;  // Of its service account: the role of IRSA.
};

// Service accounts and their access first, then what uses them.
std::vector<kube::ObjectPtr> own_controller_objects(const OwnControllers& options);

}  // namespace minato::blueprint
