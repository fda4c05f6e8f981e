// What NetworkPolicies mean for the Pods of each Node. Pure.
//
// Rules: k8s.io/api/networking/v1 types.go and kubernetes.io "Network Policies": policies only allow,
// and add up; a Pod that any policy selects for a direction has that direction denied but for what
// is allowed. A peer's two selectors hold together; a Pod selector alone means the policy's own
// namespace. Named ports are those of the Pod that is connected to. Pods in a Node's own network, and
// those that have ended, are neither restricted nor peers. Blocks of IPv6 mean nobody here: the VPC
// has IPv4 only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kube/types/networking.h"
#include "kube/types/pod.h"
#include "network/policy.h"

namespace minato::network_policy {

struct Objects {
  std::vector<std::shared_ptr<const kube::NetworkPolicy>> policies;
  std::vector<std::shared_ptr<const kube::Pod>> pods;
  std::map<std::string, std::map<std::string, std::string>> namespaces;  // Labels by name.
};

// By Node; Nodes without restricted Pods are not in it.
std::map<std::string, network::NodePolicies> decide(const Objects& objects);

// Whether rules see no difference between two states of a Pod.
bool same_for_policies(const kube::Pod& a, const kube::Pod& b);

}  // namespace minato::network_policy
