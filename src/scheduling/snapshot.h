// The cluster as the scheduler believes it to be: Nodes, the Pods on them (also those it has only
// assumed), and the counters derived from both. Every change is incremental.
//
// What-if: either copy a Snapshot (it shares only immutable parts), or fork(), change, and revert()
// to be back where it was; forks nest. A fork covers Nodes, Pods and nominations, not namespaces.
//
// Owned by the scheduler (or the autoscaler that copied it); loop thread only. Objects that make no
// sense together (a Pod added twice) break an invariant of the caller: CHECK.
// Rules: pkg/scheduler/backend/cache/cache.go, node_tree.go (zones take turns in being visited).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "scheduling/node_info.h"
#include "scheduling/topology.h"

namespace minato::scheduling {

class Snapshot {
 public:
  // Adds or replaces. True: something that placement depends on is different now.
  bool set_node(std::shared_ptr<const kube::Node> node);
  void remove_node(const std::string& name);
  void set_namespace(const std::string& name, const kube::Labels& labels) {
    counters_.set_namespace(name, labels, nodes_);
  }
  void remove_namespace(const std::string& name) { counters_.remove_namespace(name, nodes_); }

  // A Pod may be on a Node that is not known (yet).
  void add_pod(const PodInfoPtr& pod, const std::string& node);
  void add_pod(const PodInfoPtr& pod, NodeSlot slot);
  // Null: it was not there.
  PodInfoPtr remove_pod(const std::string& uid);
  // A newer state of a placed Pod; cheap when nothing that placement looks at has changed.
  void replace_pod(const PodInfoPtr& pod, const std::string& node);
  PodInfoPtr find_pod(const std::string& uid) const;
  const std::string* node_of(const std::string& uid) const;
  std::size_t pod_count() const { return pods_.size(); }

  // A Pod that waits for its victims to leave; others of no higher priority must not take the room.
  void nominate(const PodInfoPtr& pod, const std::string& node);
  void clear_nomination(const std::string& uid);
  bool has_nominations() const { return !nominations_.empty(); }
  const std::string* nominated_node(const std::string& uid) const;

  // Known Nodes, in the order in which placement visits them.
  const std::vector<NodeSlot>& order();
  const std::vector<NodeInfo>& nodes() const { return nodes_; }
  const NodeInfo& node(NodeSlot slot) const { return nodes_[slot]; }
  const NodeVersions& versions(NodeSlot slot) const { return versions_[slot]; }
  // Requires: the Node is known, or has Pods.
  NodeSlot slot_of(const std::string& name) const { return slots_.at(name); }
  bool knows(const std::string& name) const;
  // Is any placed Pod of lower priority? Without one preemption cannot help.
  bool has_pods_below(std::int32_t priority) const {
    return !priorities_.empty() && priorities_.begin()->first < priority;
  }

  TopologyCounters& counters() { return counters_; }
  const TopologyCounters& counters() const { return counters_; }

  void fork();
  void commit();  // The changes since the last fork() belong to the one before it.
  void revert();

  // Recomputes all sums from Nodes and Pods; the first difference, or "". For invariant checks.
  std::string audit() const;

 private:
  struct Place {
    NodeSlot slot = 0;
    PodInfoPtr pod;
  };
  struct Nomination {
    std::string node;
    TemplateIndex index = 0;  // Held, so that trying the Pod out makes no new counters.
  };
  // What to do to undo one change.
  struct UndoAdd { std::string uid; };
  struct UndoRemove { PodInfoPtr pod; std::string node; };
  struct UndoNode { std::string name; std::shared_ptr<const kube::Node> before; };
  struct UndoNominate { std::string uid; };
  struct UndoClear { PodInfoPtr pod; std::string node; };
  using Undo = std::variant<UndoAdd, UndoRemove, UndoNode, UndoNominate, UndoClear>;

  NodeSlot ensure_slot(const std::string& name);
  void free_if_empty(NodeSlot slot);
  void note(Undo undo) {
    if (!fork_points_.empty()) journal_.push_back(std::move(undo));
  }
  void undo(const Undo& change);

  std::vector<NodeInfo> nodes_;
  std::vector<NodeVersions> versions_;
  std::map<std::string, NodeSlot> slots_;
  std::vector<NodeSlot> free_slots_;
  std::map<std::string, Place> pods_;  // By uid; looked up only.
  std::map<std::string, Nomination> nominations_;  // By uid.
  std::map<std::int32_t, std::int64_t> priorities_;  // Placed Pods by priority.
  std::vector<NodeSlot> order_;
  bool order_known_ = false;
  std::uint64_t stamp_ = 0;
  TopologyCounters counters_;
  std::vector<Undo> journal_;
  std::vector<std::size_t> fork_points_;
};

}  // namespace minato::scheduling
