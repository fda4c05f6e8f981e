// Which Pods leave with a Node, which only go with it, and which keep it from going.
//
// Pure. Rules: cluster-autoscaler simulator/drainability/rules (their order), simulator/drain.go,
// utils/drain (local storage, long terminating Pods).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/observation.h"
#include "autoscaler/options.h"

namespace minato::autoscaler {

enum class Drainability {
  kIgnore,  // Ends with the Node: DaemonSet and mirror Pods, finished ones.
  kMove,    // Has to find a place elsewhere.
  kWait,    // safe-to-evict=on-completion: the Node waits for its end.
  kBlock,
};

struct DrainVerdict {
  Drainability drainability = Drainability::kMove;
  std::string reason;  // "NotReplicated", …
  std::string detail;
};

// Budgets and what they still allow, for several Nodes planned together.
class BudgetTracker {
 public:
  explicit BudgetTracker(
      const std::vector<std::shared_ptr<const kube::PodDisruptionBudget>>& budgets);
  bool covers(const kube::Pod& pod) const;
  // The budget that allows no more; null: all do.
  const kube::PodDisruptionBudget* exhausted_for(const kube::Pod& pod) const;
  void use(const kube::Pod& pod);

 private:
  struct Entry {
    std::shared_ptr<const kube::PodDisruptionBudget> budget;
    kube::Selector selector;
    std::int64_t left = 0;
  };
  static bool selects(const Entry& entry, const kube::Pod& pod);
  std::map<std::string, std::vector<Entry>> by_namespace_;
};

bool is_mirror_pod(const kube::Pod& pod);
bool is_daemon_pod(const kube::Pod& pod);
// Deleted so long ago that its grace period is over and more.
bool is_long_terminating(const kube::Pod& pod, WallTime now);
DrainVerdict drainability(const kube::Pod& pod, const Observation& seen,
                          const BudgetTracker& budgets, const ScaleDownOptions& options);

// The Pod as it is when it has to find a place anew: bound Pods name their Node only in their spec; as
// a choice it counts no more.
scheduling::PodInfoPtr unbound(const scheduling::PodInfoPtr& pod);

// Of what a Node offers, how much its Pods ask for.
struct Utilization {
  double cpu = 0;
  double memory = 0;
  std::optional<double> gpu;  // A Node with GPUs is judged by these alone.
  double highest() const { return gpu ? *gpu : std::max(cpu, memory); }
};
// Errors: Invalid (a Node that offers no CPU or memory).
Result<Utilization> utilization(const scheduling::NodeInfo& node, bool ignore_daemon_sets,
                                bool ignore_mirror_pods, WallTime now);

}  // namespace minato::autoscaler
