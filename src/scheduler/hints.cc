#include "scheduler/hints.h"

#include <algorithm>

namespace minato::scheduler {
namespace {

using scheduling::AffinityTerm;
using scheduling::Filter;
using scheduling::FilterSet;
using scheduling::PodInfo;
using scheduling::PodTemplate;

// By namespace name or any selector of namespaces: their labels are not at hand here.
bool may_match(const AffinityTerm& term, const PodTemplate& pod) {
  return (term.namespace_selector || std::ranges::binary_search(term.namespaces, pod.namespace_)) &&
         term.selector.matches(pod.labels);
}

bool any_may_match(const std::vector<AffinityTerm>& terms, const PodTemplate& pod) {
  return std::ranges::any_of(terms, [&](const AffinityTerm& t) { return may_match(t, pod); });
}

bool is_counted(const PodTemplate& waiting, const PodTemplate& other) {
  return std::ranges::any_of(waiting.spread.required, [&](const auto& constraint) {
    return may_match(constraint.counted, other);
  });
}

}  // namespace

bool node_may_help(const PodInfo& waiting, FilterSet rejecting, const scheduling::NodeInfo& node) {
  if (rejecting.empty()) return true;  // There was no Node at all.
  // A new domain moves the minimum for every other Node.
  if (rejecting.has(Filter::kPodTopologySpread)) return true;
  if (!node.node) return false;
  const PodTemplate& pod = *waiting.pod_template;
  scheduling::NodeInfo empty;
  empty.allocatable = node.allocatable;
  empty.allowed_pods = node.allowed_pods;
  return !filter_unschedulable(pod, *node.node) && !filter_taints(pod, *node.node) &&
         !filter_node_affinity(pod, *node.node) && !filter_resources(pod, empty);
}

bool node_removal_may_help(FilterSet rejecting) {
  return rejecting.has(Filter::kPodTopologySpread);
}

bool placed_pod_may_help(const PodInfo& waiting, FilterSet rejecting, const PodInfo& placed) {
  const PodTemplate& pod = *waiting.pod_template;
  const PodTemplate& other = *placed.pod_template;
  return (rejecting.has(Filter::kInterPodAffinity) &&
          any_may_match(pod.terms.required_affinity, other)) ||
         (rejecting.has(Filter::kPodTopologySpread) && is_counted(pod, other));
}

bool gone_pod_may_help(const PodInfo& waiting, FilterSet rejecting, const PodInfo& gone,
                       const std::string& node, scheduling::Placer& placer) {
  const PodTemplate& pod = *waiting.pod_template;
  const PodTemplate& other = *gone.pod_template;
  if (rejecting.has(Filter::kInterPodAffinity) &&
      (any_may_match(pod.terms.required_anti_affinity, other) ||
       any_may_match(pod.terms.required_affinity, other) ||
       any_may_match(other.terms.required_anti_affinity, pod))) {
    return true;
  }
  if (rejecting.has(Filter::kPodTopologySpread) && is_counted(pod, other)) return true;
  scheduling::Snapshot& snapshot = placer.snapshot();
  return snapshot.knows(node) && !placer.check(waiting, snapshot.slot_of(node));
}

}  // namespace minato::scheduler
