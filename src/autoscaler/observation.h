// What one decision sees: the cloud, the cluster and what is under way, all of one instant.
//
// Values and shared objects; the Placer's Snapshot is changed while a decision is being made and is
// as before afterwards. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "kube/types/apps.h"
#include "kube/types/node.h"
#include "kube/types/policy.h"
#include "removal/removals.h"
#include "scheduling/placer.h"

namespace minato::autoscaler {

using NodePtr = std::shared_ptr<const kube::Node>;

struct Observation {
  MonoTime now{};
  WallTime wall{};
  std::vector<cloud::AutoScalingGroup> groups;  // The autoscaled ones, by name.
  std::vector<cloud::Instance> instances;       // By id; of every group.
  std::vector<cloud::Activity> activities;      // Oldest first.
  std::vector<removal::Progress> removals;      // By Node.
  std::vector<NodePtr> nodes;                   // By name.
  std::vector<scheduling::PodInfoPtr> waiting;  // Pods without a Node, by key.
  std::vector<std::shared_ptr<const kube::PodDisruptionBudget>> budgets;
  std::vector<std::shared_ptr<const kube::DaemonSet>> daemon_sets;
  // Replicas wanted by the ReplicaSet of that name; nothing: it is gone.
  std::function<std::optional<std::int32_t>(const kube::ObjectKey&)> replica_set;
  // ConfigMap cluster-autoscaler-priority-expander, key `priorities`.
  std::optional<std::string> priorities;
  scheduling::Placer* placer = nullptr;  // Never null; its Snapshot has every Node and bound Pod.
  scheduling::TemplateTable* templates = nullptr;  // Never null.

  scheduling::Snapshot& snapshot() const { return placer->snapshot(); }
};

}  // namespace minato::autoscaler
