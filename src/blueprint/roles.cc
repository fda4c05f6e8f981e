#include "blueprint/roles.h"

#include "blueprint/blueprint.h"
#include "blueprint/objects.h"

namespace minato::blueprint {
namespace {

constexpr std::int32_t kReplicas = 2;

std::map<std::string, std::string> selector_of(const Role& role) {
  return {{std::string(kLabelRole), std::string(role.name)}};
}

kube::Toleration tolerate(std::string_view key, std::string_view effect) {
  kube::Toleration out;
  out.key = key;
  out.operator_ = "Exists";
  out.effect = effect;
  return out;
}

}  // namespace

std::map<std::string, std::string> labels_of(const Role& role) {
  auto out = selector_of(role);
  out.emplace("app.kubernetes.io/managed-by", "minato");
  return out;
}

std::string object_name(const Role& role) { return "minato-" + std::string(role.name); }

kube::Container make_container(const Role& role, const std::string& image, std::vector<std::string> arguments) {
  kube::Container out;
  out.name = role.name;
  out.image = image;
  out.image_pull_policy = "IfNotPresent";
  out.args = std::move(arguments);
  out.args.insert(out.args.begin(), std::string(role.name));
  out.resources.requests = {
      {std::string(kube::kCpu), kube::Quantity::milli(role.cpu_milli)},
      {std::string(kube::kMemory), kube::Quantity::bytes(role.memory_mib << 20)}};
  auto& security = out.security_context.emplace();
  security.allow_privilege_escalation = false;
  security.read_only_root_filesystem = true;
  return out;
}

kube::PodTemplateSpec master_pod(const Role& role, kube::Container container) {
  kube::PodTemplateSpec out;
  out.metadata.labels = labels_of(role);
  out.spec.containers.push_back(std::move(container));
  out.spec.node_selector = {{std::string(kube::kLabelNodeGroup), std::string(kMasterGroup)}};
  out.spec.tolerations = {tolerate(kube::kLabelNodeGroup, kube::kNoSchedule),
                          tolerate_briefly(kube::kTaintNotReady),
                          tolerate_briefly(kube::kTaintUnreachable)};
  out.spec.priority_class_name = "system-cluster-critical";
  kube::TopologySpreadConstraint spread;
  spread.max_skew = 1;
  spread.topology_key = kube::kLabelZone;
  // One zone left must still be able to run both.
  spread.when_unsatisfiable = "ScheduleAnyway";
  spread.label_selector.emplace().match_labels = selector_of(role);
  out.spec.topology_spread_constraints = {std::move(spread)};
  out.spec.termination_grace_period_seconds = 5;
  out.spec.automount_service_account_token = false;
  out.spec.enable_service_links = false;
  return out;
}

kube::Deployment make_deployment(const Role& role, kube::PodTemplateSpec pod) {
  auto out = named<kube::Deployment>(role);
  out.spec.replicas = kReplicas;
  out.spec.selector.emplace().match_labels = selector_of(role);
  auto& rolling = out.spec.strategy.rolling_update.emplace();
  out.spec.strategy.type = "RollingUpdate";
  rolling.max_unavailable = kube::IntOrString(1);
  rolling.max_surge = kube::IntOrString(1);
  out.spec.template_ = std::move(pod);
  return out;
}

kube::PodDisruptionBudget make_budget(const Role& role) {
  auto out = named<kube::PodDisruptionBudget>(role);
  out.spec.max_unavailable = kube::IntOrString(1);
  out.spec.selector.emplace().match_labels = selector_of(role);
  out.spec.unhealthy_pod_eviction_policy = "AlwaysAllow";
  return out;
}

kube::DaemonSet make_node_agent(const Role& role, kube::Container container) {
  auto out = named<kube::DaemonSet>(role);
  out.spec.selector.emplace().match_labels = selector_of(role);
  kube::PodTemplateSpec& pod = out.spec.template_;
  pod.metadata.labels = labels_of(role);
  pod.spec.containers.push_back(std::move(container));
  // The metadata service answers an instance's own network; Pods are one hop too far.
  pod.spec.host_network = true;
  pod.spec.dns_policy = "Default";
  kube::Toleration everything;
  everything.operator_ = "Exists";
  pod.spec.tolerations = {everything};
  pod.spec.priority_class_name = "system-node-critical";
  pod.spec.termination_grace_period_seconds = 5;
  pod.spec.automount_service_account_token = false;
  pod.spec.enable_service_links = false;
  return out;
}

}  // namespace minato::blueprint
