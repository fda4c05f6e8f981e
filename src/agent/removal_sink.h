// Makes removals of what the agent notices about its own Node.
//
//   spot interruption      SpotInterruption, TerminateAndReplace, deadline = its time − margin;
//                          without a time (hibernation begins at once) kNoLead from now
//   rebalance              as the policy says; removal without deadline, the replacement first
//   scheduled maintenance  Maintenance, TerminateAndReplace, deadline = NotBefore − margin
//   lifecycle Terminated   Maintenance, TerminateAndShrink: the group has decided about its size
//                          already and only waits in its hook; deadline = when it was first seen +
//                          lifecycle_timeout − margin
// A withdrawn notice cancels the removal, unless another notice stands. What cannot be cancelled
// any more (the instance is terminating) goes on.
//
// Owned by the composition beside its Agent; what it refers to outlives it. Loop thread only.
// Errors of notice(): those of Removals::begin() or of the write, after which the agent tells
// again. Events on the Node: Warning InstanceMetadataUnavailable, Normal InstanceMetadataAvailable,
// RebalanceRecommendation where the policy only cordons.
#pragma once

#include <map>
#include <string>

#include "agent/agent.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/node.h"
#include "removal/removals.h"

namespace minato::agent {

enum class RebalancePolicy { kIgnore, kCordon, kRemove };

class RemovalSink final : public Sink {
 public:
  static constexpr Duration kNoLead = 10s;

  struct Options {
    std::string node;
    RebalancePolicy rebalance = RebalancePolicy::kRemove;
    Duration margin = 2s;  // The time in a notice is approximate.
    Duration lifecycle_timeout = 60s;  // HeartbeatTimeout of the group's termination hook.
  };
  RemovalSink(env::Env env, kube::Client& client, informer::Informers& informers,
              removal::Removals& removals, Options options);

  Status notice(const Notice& notice) override;
  void cancelled(Kind kind) override;
  void troubled(const std::string& message) override;
  void recovered() override;

 private:
  Status remove(const Notice& notice, removal::Cause cause, removal::After after,
                std::optional<WallTime> end);
  Status cordon(const Notice& notice);
  void uncordon();
  Status set_unschedulable(bool unschedulable);

  env::Env env_;
  kube::Client& client_;
  informer::Informer<kube::Node>& nodes_;
  removal::Removals& removals_;
  Options options_;
  informer::EventRecorder events_;
  std::map<Kind, WallTime> begun_;  // What stands as a removal, and since when.
  bool is_cordoned_by_us_ = false;
};

}  // namespace minato::agent
