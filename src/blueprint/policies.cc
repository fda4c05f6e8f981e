#include "blueprint/objects.h"

namespace minato::blueprint {
namespace {

// Above Pods of no class, which is 0, and far below those of the system, at 2,000,000,000.
constexpr std::int32_t kPriority = 1000;
constexpr std::string_view kEverywhere = "0.0.0.0/0";
constexpr std::string_view kInstanceMetadata = "169.254.169.254/32";
// Of EKS Pod Identity's agent on each node: without it Pods lose their AWS permissions.
constexpr std::string_view kPodIdentity = "169.254.170.23/32";

kube::NetworkPolicyPort port_of(std::int32_t number, std::string_view protocol) {
  kube::NetworkPolicyPort out;
  out.protocol = protocol;
  out.port = kube::IntOrString(number);
  return out;
}

kube::NetworkPolicyPeer block_of(std::string_view cidr) {
  kube::NetworkPolicyPeer out;
  out.ip_block.emplace().cidr = cidr;
  return out;
}

kube::NetworkPolicyEgressRule to_dns() {
  kube::NetworkPolicyEgressRule out;
  out.ports = {port_of(kDnsPort, "UDP"), port_of(kDnsPort, "TCP")};
  return out;
}

kube::NetworkPolicyEgressRule to_blocks(const std::vector<std::string>& blocks) {
  kube::NetworkPolicyEgressRule out;
  if (blocks.empty()) {
    kube::NetworkPolicyPeer all = block_of(kEverywhere);
    all.ip_block->except = {std::string(kInstanceMetadata)};
    out.to = {std::move(all)};
    return out;
  }
  for (const std::string& block : blocks) out.to.push_back(block_of(block));
  out.to.push_back(block_of(kPodIdentity));
  return out;
}

}  // namespace

std::string priority_class_name(const spec::Spec& spec) { return "minato-" + spec.service; }

kube::PriorityClass make_priority_class(const spec::Spec& spec) {
  kube::PriorityClass out;
  out.metadata.name = priority_class_name(spec);
  out.metadata.labels = labels_of(spec);
  out.value = kPriority;
  out.description = "Pods of " + spec.service + " before those that say no priority.";
  return out;
}

kube::PodDisruptionBudget make_disruption_budget(const spec::Spec& spec) {
  kube::PodDisruptionBudget out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.spec.max_unavailable = kube::IntOrString("25%");
  out.spec.selector.emplace().match_labels = {{"app.kubernetes.io/name", spec.service}};
  // A Pod that is not ready serves nobody: it must not hold up a drain.
  out.spec.unhealthy_pod_eviction_policy = "AlwaysAllow";
  return out;
}

kube::NetworkPolicy make_network_policy(const spec::Spec& spec) {
  kube::NetworkPolicy out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.spec.pod_selector.match_labels = {{"app.kubernetes.io/name", spec.service}};
  out.spec.policy_types = {"Ingress", "Egress"};
  // From anyone: a request comes in by way of any Node, whose address it then bears.
  out.spec.ingress.emplace_back().ports = {port_of(spec.port, "TCP")};
  out.spec.egress = {to_dns(), to_blocks(spec.network_policy->egress)};
  return out;
}

}  // namespace minato::blueprint
