// What the file means: the exact Kubernetes objects and cloud resources of one service. The local
// world and the simulator apply it; `render` (for EKS) writes the same out. One source of truth.
//
// Pure: compile() of the same spec and secrets gives the same Blueprint. Secret values come in from
// the caller, which read them where the spec says, and appear in the Secret object only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "cloud/auto_scaling.h"
#include "kube/object.h"
#include "kube/types/node.h"
#include "spec/spec.h"

namespace minato::blueprint {

// Names and numbers that both sides (cloud and cluster) must agree on.
inline constexpr std::uint16_t kNodePort = 30080;
inline constexpr std::string_view kMasterGroup = "master";
inline constexpr std::string_view kScalingGroup = "scaling";
// How long Pods stay on a Node that is known to be lost before they are replaced.
inline constexpr std::int64_t kLostNodeSeconds = 5;

struct NodeGroup {
  cloud::AutoScalingGroup group;
  std::map<std::string, std::string> labels;
  std::vector<kube::Taint> taints;
};

struct Blueprint {
  std::string namespace_;
  std::string service;
  std::vector<kube::ObjectPtr> objects;  // In the order in which they can be applied.
  std::vector<NodeGroup> groups;
  balancer::TargetGroupConfig target_group;
  std::string domain;
  Duration idle_timeout{};
};

using SecretValues = std::map<std::string, std::string>;

// Of the Deployment whose Pods only hold room (replicas.headroom).
std::string headroom_name(const spec::Spec& spec);

// What runs in those Pods.
struct Placeholder {
  std::string image = "registry.k8s.io/pause:3.10";
  std::vector<std::string> args;
};

Blueprint compile(const spec::Spec& spec, const SecretValues& secrets,
                  const Placeholder& placeholder = {});

}  // namespace minato::blueprint
