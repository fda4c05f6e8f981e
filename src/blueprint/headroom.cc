#include "blueprint/objects.h"
#include "kube/names.h"

namespace minato::blueprint {
namespace {

// Below every Pod that says nothing, and above the -10 from which on the node autoscaler takes Pods
// for expendable: those would neither make the group grow nor hold a Node.
// Rule: kubernetes/autoscaler cluster-autoscaler/FAQ.md, "How can I configure overprovisioning".
constexpr std::int32_t kRoomPriority = -5;

}  // namespace

std::string headroom_name(const spec::Spec& spec) { return spec.service + "-headroom"; }

kube::PriorityClass make_headroom_class(const spec::Spec& spec) {
  kube::PriorityClass out;
  out.metadata.name = "minato-" + headroom_name(spec);
  out.metadata.labels = labels_of(spec);
  out.value = kRoomPriority;
  out.preemption_policy = "Never";
  out.description = "Pods that hold room for those of " + spec.service + " and leave it at once.";
  return out;
}

kube::Deployment make_headroom(const spec::Spec& spec, const Placeholder& placeholder) {
  const std::map<std::string, std::string> selected{
      {"app.kubernetes.io/name", headroom_name(spec)}};
  kube::Deployment out;
  out.metadata.name = headroom_name(spec);
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = selected;
  out.metadata.labels["app.kubernetes.io/managed-by"] = "minato";
  out.spec.replicas = spec.replicas.headroom;
  out.spec.selector.emplace().match_labels = selected;
  out.spec.strategy.type = "Recreate";  // Nobody waits for these.
  kube::PodTemplateSpec& pod = out.spec.template_;
  pod.metadata.labels = out.metadata.labels;
  pod.spec.containers.push_back(make_placeholder_container(spec, placeholder));
  pod.spec.security_context.emplace().seccomp_profile.emplace().type = "RuntimeDefault";
  pod.spec.priority_class_name = make_headroom_class(spec).metadata.name;
  pod.spec.node_selector = {{std::string(kube::kLabelNodeGroup), std::string(kScalingGroup)}};
  // In every zone, so that there is room whichever is lost.
  kube::TopologySpreadConstraint& spread = pod.spec.topology_spread_constraints.emplace_back();
  spread.max_skew = 1;
  spread.topology_key = kube::kLabelZone;
  spread.when_unsatisfiable = "ScheduleAnyway";
  spread.label_selector.emplace().match_labels = selected;
  pod.spec.termination_grace_period_seconds = 0;
  pod.spec.automount_service_account_token = false;
  pod.spec.enable_service_links = false;
  return out;
}

}  // namespace minato::blueprint
