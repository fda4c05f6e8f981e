#include "blueprint/blueprint.h"

#include "blueprint/objects.h"
#include "kube/names.h"

namespace minato::blueprint {
namespace {

// What the node autoscaler reads of a group while it has no Node.
// Rule: kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws/README.md, "Auto-Discovery
// Setup".
void add_autoscaler_tags(const spec::Spec& spec, NodeGroup& group) {
  auto& tags = group.group.tags;
  tags["k8s.io/cluster-autoscaler/enabled"] = "true";
  tags["k8s.io/cluster-autoscaler/" + spec.service] = "owned";
  for (const auto& [key, value] : group.labels) {
    tags["k8s.io/cluster-autoscaler/node-template/label/" + key] = value;
  }
  for (const kube::Taint& taint : group.taints) {
    tags["k8s.io/cluster-autoscaler/node-template/taint/" + taint.key] =
        taint.value + ":" + taint.effect;
  }
}

NodeGroup make_group(const spec::Spec& spec, std::string_view name, const spec::NodeGroup& in) {
  NodeGroup out;
  out.group.name = spec.service + "-" + std::string(name);
  out.group.types = in.types;
  for (const std::string& zone : spec.zones) out.group.zones.push_back(spec.region + zone);
  out.group.min_size = in.min;
  out.group.max_size = in.max;
  out.group.desired_capacity = in.min;
  out.group.distribution.on_demand_base_capacity = in.on_demand_base;
  out.group.distribution.on_demand_percentage_above_base_capacity = 100 - in.spot_percent;
  out.labels = {{std::string(kube::kLabelNodeGroup), std::string(name)}};
  return out;
}

balancer::TargetGroupConfig make_target_group(const spec::Spec& spec) {
  const spec::HealthCheck& check = spec.load_balancer.health_check;
  balancer::TargetGroupConfig out;
  out.name = spec.service;
  out.health_check.path = spec.health;
  out.health_check.interval = check.interval;
  out.health_check.timeout = check.timeout;
  out.health_check.healthy_threshold = static_cast<std::uint32_t>(check.healthy);
  out.health_check.unhealthy_threshold = static_cast<std::uint32_t>(check.unhealthy);
  out.deregistration_delay = spec.load_balancer.deregistration_delay;
  out.slow_start = spec.load_balancer.slow_start;
  return out;
}

}  // namespace

Blueprint compile(const spec::Spec& spec, const SecretValues& secrets,
                  const Placeholder& placeholder) {
  Blueprint out;
  out.namespace_ = spec.service;
  out.service = spec.service;
  out.domain = spec.domain;
  out.idle_timeout = spec.load_balancer.idle_timeout;
  out.target_group = make_target_group(spec);

  NodeGroup master = make_group(spec, kMasterGroup, spec.master);
  kube::Taint taint;
  taint.key = kube::kLabelNodeGroup;
  taint.value = kMasterGroup;
  taint.effect = kube::kNoSchedule;
  master.taints.push_back(std::move(taint));
  NodeGroup scaling = make_group(spec, kScalingGroup, spec.scaling);
  scaling.group.attached_to_target_group = true;
  // Instances that spot takes away are announced: the agent orders replacements and drains them. A
  // second actor launching and ending instances by itself would only race with it.
  scaling.group.suspended_processes = {"AZRebalance"};
  add_autoscaler_tags(spec, scaling);
  out.groups = {std::move(master), std::move(scaling)};

  out.objects.push_back(shared(make_namespace(spec)));
  out.objects.push_back(shared(make_priority_class(spec)));
  if (spec.network_policy) out.objects.push_back(shared(make_network_policy(spec)));
  std::string config_map_name, secret_name;
  if (!spec.env.empty()) {
    kube::ConfigMap config_map = make_config_map(spec);
    config_map_name = config_map.metadata.name;
    out.objects.push_back(shared(std::move(config_map)));
  }
  if (!secrets.empty()) {
    kube::Secret secret = make_secret(spec, secrets);
    secret_name = secret.metadata.name;
    out.objects.push_back(shared(std::move(secret)));
  }
  out.objects.push_back(shared(make_service(spec)));
  out.objects.push_back(shared(make_disruption_budget(spec)));
  out.objects.push_back(shared(make_deployment(spec, config_map_name, secret_name)));
  out.objects.push_back(shared(make_autoscaler(spec)));
  if (spec.replicas.headroom > 0) {
    out.objects.push_back(shared(make_headroom_class(spec)));
    out.objects.push_back(shared(make_headroom(spec, placeholder)));
  }
  return out;
}

}  // namespace minato::blueprint
