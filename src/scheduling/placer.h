// Chooses a Node for one Pod at a time: filters, scores, and the reason for every no.
//
//   Placer placer(snapshot, rng);
//   auto placement = placer.schedule(*pod);
//   if (placement) snapshot.add_pod(pod, placement->slot);   // assume
//   else           placement.error().message();              // "0/3 nodes are available: …"
//
// On a large cluster not every Node is looked at: from 100 Nodes on, the search stops when a share
// of them (50 % falling to 5 %) has passed the filters, and the next Pod's search starts where this
// one stopped, as upstream. Results that depend only on the Pod's template and one Node are kept
// until that Node changes. Equal scores are decided by the Rng: same seed, same placement.
//
// Ownership: bound to one Snapshot, which outlives it; whoever copies a Snapshot makes a Placer for
// the copy. Loop thread only. Pods with scheduling gates are the caller's to hold back.
// Rules: pkg/scheduler/schedule_one.go (schedulePod, findNodesThatPassFilters, selectHost).
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/env.h"
#include "scheduling/refusal.h"
#include "scheduling/scores.h"
#include "scheduling/snapshot.h"

namespace minato::scheduling {

struct Placement {
  NodeSlot slot = 0;
  std::string node;
  std::int64_t score = 0;       // Zero when it was the only Node.
  std::size_t evaluated = 0;    // Nodes looked at …
  std::size_t feasible = 0;     // … and those that passed.
};

struct NodeVerdict {
  std::string node;
  std::vector<std::string> reasons;  // Empty: the Pod could go there.
  std::int64_t score = 0;
};

struct PlacerOptions {
  // Of 100; zero: as many as upstream thinks fit for the size of the cluster.
  std::int64_t percentage_of_nodes_to_score = 0;
  // Templates whose per-Node results are kept; the least recently used one makes room.
  std::size_t max_remembered_templates = 64;
};

class Placer {
 public:
  using Options = PlacerOptions;

  Placer(Snapshot& snapshot, env::Rng rng, const Options& options = {});
  ~Placer();
  Placer(const Placer&) = delete;
  Placer& operator=(const Placer&) = delete;

  // The Snapshot is left as it was; the caller adds the Pod.
  std::expected<Placement, FitError> schedule(const PodInfo& pod);
  // One Node, as it stands now.
  Refusal check(const PodInfo& pod, NodeSlot slot);
  // Every Node, ordered by name.
  std::vector<NodeVerdict> explain(const PodInfo& pod);

  Snapshot& snapshot() { return snapshot_; }
  env::Rng& rng() { return rng_; }

 private:
  // Results for one template on one Node, valid while the stamps are the Node's.
  struct Remembered {
    NodeVersions versions;
    Refusal spec_refusal;
    Refusal load_refusal;
    std::int64_t load_score = 0;  // Weighted, LeastAllocated and BalancedAllocation.
    std::int64_t node_preference = 0;
    std::int64_t avoided_taints = 0;
  };
  struct TemplateMemory {
    PodTemplatePtr pod_template;  // Keeps the address from being used again.
    TopologyPlan plan;
    std::uint64_t epoch = 0;
    std::uint64_t last_used = 0;
    std::vector<Remembered> nodes;  // By slot.
  };

  TemplateMemory& memory_of(const PodInfo& pod);
  const Remembered& remembered(TemplateMemory& memory, NodeSlot slot);
  Refusal check(TemplateMemory& memory, const PodInfo& pod, NodeSlot slot);
  Refusal check_alone(TemplateMemory& memory, const PodInfo& pod, NodeSlot slot);
  std::vector<PodInfoPtr> reserved_for(const PodInfo& pod, NodeSlot slot) const;
  std::size_t wanted_nodes(std::size_t nodes) const;
  void search(TemplateMemory& memory, const PodInfo& pod, FitError& refused);
  void search_by_name(TemplateMemory& memory, const PodInfo& pod, FitError& refused);
  void look_at(TemplateMemory& memory, const PodInfo& pod, NodeSlot slot, FitError& refused);
  void score(TemplateMemory& memory);
  std::size_t choose();

  Snapshot& snapshot_;
  env::Rng rng_;
  Options options_;
  std::size_t next_start_ = 0;
  std::uint64_t calls_ = 0;
  std::map<const PodTemplate*, std::unique_ptr<TemplateMemory>> memories_;
  // Buffers of the present call.
  std::vector<NodeSlot> feasible_;
  std::vector<std::int64_t> totals_;
  std::vector<std::int64_t> raw_;
  SpreadScorer spread_scorer_;
};

}  // namespace minato::scheduling
