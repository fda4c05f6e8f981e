// The filters, one Node at a time. Each answers with nothing (the Node passes) or a Refusal.
//
// Two kinds: those on the Node and its load alone, which Placer remembers per (template, Node), and
// those on Pods elsewhere, which ask the counters. Pure; loop thread only.
// Rules: pkg/scheduler/framework/plugins/<name> of each.
#pragma once

#include <vector>

#include "scheduling/refusal.h"
#include "scheduling/snapshot.h"

namespace minato::scheduling {

// Which counters concern an incoming Pod of one template. Made once per template and epoch.
struct TopologyPlan {
  struct Spread {
    const SpreadConstraint* constraint = nullptr;
    CounterId counter = 0;
  };
  struct Weighted {
    CounterId counter = 0;
    std::int64_t weight = 0;
  };
  std::vector<Spread> required_spread;
  std::vector<Spread> preferred_spread;
  std::vector<CounterId> affinity;       // One per required term.
  bool affinity_matches_itself = false;  // The first Pod of a group may go anywhere.
  std::vector<CounterId> anti_affinity;
  std::vector<CounterId> existing_anti_affinity;
  std::vector<Weighted> preferences;  // Its own and those of placed Pods about it.
};
// May make counters. Good while counters().epoch() stays.
TopologyPlan make_plan(Snapshot& snapshot, const PodTemplatePtr& pod);

// On the Node alone (kNodeUnschedulable, kTaintToleration, kNodeAffinity).
Refusal filter_unschedulable(const PodTemplate& pod, const kube::Node& node);
Refusal filter_taints(const PodTemplate& pod, const kube::Node& node);
Refusal filter_node_affinity(const PodTemplate& pod, const kube::Node& node);
// On the Node's load.
Refusal filter_ports(const PodTemplate& pod, const NodeInfo& info);
Refusal filter_resources(const PodTemplate& pod, const NodeInfo& info);
// On Pods anywhere.
Refusal filter_spread(const TopologyPlan& plan, TopologyCounters& counters, NodeSlot slot);
Refusal filter_inter_pod(const TopologyPlan& plan, const TopologyCounters& counters, NodeSlot slot);

}  // namespace minato::scheduling
