// NodeUnschedulable, TaintToleration, NodeAffinity: what the Node object alone decides.
#include "kube/names.h"
#include "scheduling/filters.h"

namespace minato::scheduling {

Refusal filter_unschedulable(const PodTemplate& pod, const kube::Node& node) {
  if (!node.spec.unschedulable) return {};
  const kube::Taint cordon{std::string(kube::kTaintUnschedulable), "",
                           std::string(kube::kNoSchedule), {}, {}};
  for (const kube::Toleration& toleration : pod.tolerations) {
    if (tolerates(toleration, cordon)) return {};
  }
  return {Filter::kNodeUnschedulable, true, 0, nullptr};
}

Refusal filter_taints(const PodTemplate& pod, const kube::Node& node) {
  const kube::Taint* taint = untolerated_taint(node, pod.tolerations);
  return taint ? Refusal{Filter::kTaintToleration, true, 0, taint} : Refusal{};
}

Refusal filter_node_affinity(const PodTemplate& pod, const kube::Node& node) {
  if (pod.required_nodes.matches(node)) return {};
  return {Filter::kNodeAffinity, true, 0, nullptr};
}

}  // namespace minato::scheduling
