// What a Node of a group would look like that is not there yet: one template for each type and zone
// that the group may launch, with the room that DaemonSets take.
//
// A type that the group has a good Node of is described by that Node, cleaned of what was that one
// Node's own; another one by the group's tags and the catalogue. Pure; templates are immutable.
// Rules: cluster-autoscaler simulator/node_info_utils.go (SanitizedTemplateNodeInfo),
// processors/nodeinfosprovider (which Node is a good example), aws_manager.go (from zero). Upstream
// looks at the first type of a mixed group only.
#pragma once

#include <string>
#include <vector>

#include "autoscaler/memory.h"
#include "autoscaler/observation.h"
#include "cloud/catalogue.h"

namespace minato::autoscaler {

inline constexpr std::string_view kTaintToBeDeleted = "ToBeDeletedByClusterAutoscaler";
inline constexpr std::string_view kTaintDeletionCandidate =
    "DeletionCandidateOfClusterAutoscaler";
// The cloud's part of the Node is not filled in yet.
inline constexpr std::string_view kTaintUninitialized =
    "node.cloudprovider.kubernetes.io/uninitialized";

struct NodeTemplate {
  std::string type;  // "": the least of every type.
  std::string zone;
  NodePtr node;
  std::vector<scheduling::PodInfoPtr> daemons;
  scheduling::NodeInfo info;  // The Node with its daemons, for filters without a Snapshot.
  scheduling::Resources capacity;

  // A Node as this template says. `name` must be new; uids of its daemons are made from it.
  void add_to(scheduling::Snapshot& snapshot, const std::string& name) const;
};

struct GroupTemplates {
  std::vector<std::vector<NodeTemplate>> by_type;  // Per zone: one of each type. Group's order.
  std::vector<NodeTemplate> least;    // One per zone: what any type has at least. Group's order.
  scheduling::Resources largest;      // Capacity: what any type has at most.
  std::vector<std::string> unknown_types;  // Neither an example nor in the catalogue.

  const NodeTemplate* least_in(std::string_view zone) const;
  bool usable() const { return !by_type.empty() && unknown_types.empty(); }
};

// Notes Nodes that are good examples in `memory`.
void learn_examples(const Observation& seen, const std::map<std::string, NodePtr>& node_of_instance,
                    const Options& options, Memory& memory);
GroupTemplates make_templates(const cloud::AutoScalingGroup& group, const Observation& seen,
                              const Options& options, const Memory& memory);
// A template of one known type and zone, for an instance that is booting.
NodeTemplate make_template(const cloud::AutoScalingGroup& group, const std::string& type,
                           const std::string& zone, const Observation& seen,
                           const Options& options, const Memory& memory);

// Kubernetes' word for it, with nothing that only schedulers mind.
bool is_node_ready(const kube::Node& node, const ScaleUpOptions& options);

}  // namespace minato::autoscaler
