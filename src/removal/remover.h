// Takes Nodes out of service without losing a request: the one implementation of Removals.
//
// A closed loop with the load balancer. One pass looks at Nodes, Pods, targets, instances and
// groups, decides the next steps of all removals together (plan.h, pure) and takes them; passes
// follow changes, answers and, while a removal is under way, a tick. Every step is level-triggered
// from the record on the Node (record.h), so a pass may fail or the process may end anywhere.
//
// Order within a pass: marks on the Node first, since other controllers register again what carries
// no label; but the deregistration and the order of a replacement do not wait for the Kubernetes
// API: they happen even when the marks cannot be written, which is tried again.
//
// Replacement. kTerminateAndReplace raises the group's desired capacity by one at once, within its
// maximum, and ends the instance with a decrement: the group never exceeds its maximum and is as
// large afterwards as before. Orders of one group are one SetDesiredCapacity at a time. At the
// maximum nothing is ordered and the instance ends without decrement: the group then replaces it.
// A group with Capacity Rebalancing heeds notices itself and gets no order for them.
// The order is written on the Node before it is placed, and a finalizer holds that Node until the
// account is settled, whatever becomes of the instance:
//   - it ended by our decrement: settled;
//   - it died before, or the removal was cancelled: the order is taken back if the group has not
//     filled it yet (an instance short of desired), else what it brought stays until the autoscaler
//     does not need it; lowering then would end an instance of the group's choice without care;
//   - a crash between placing and hearing: the order counts as heard if desired capacity is higher
//     than before. Another's change in between can make the group too small by one, which pending
//     Pods put right, never too large for good.
//
// Roles. Active: all steps of all Nodes. Not active (an agent on its Node, a stand-by): what was
// begun here is recorded on the Node and, if urgent, taken out of the load balancer at once; the
// active one adopts the record. So a notice is heeded while the control plane is down.
//
// Lifecycle hooks: an instance in Terminating:Wait ends by CompleteLifecycleAction (CONTINUE) once
// nothing is left on it; its heartbeat is not prolonged, the hook's timeout is the deadline.
//
// Owned by the composition; what it refers to outlives it. Loop thread only. Failed calls are tried
// again with back-off. Events on the Node: RemovalStarted, ReplacementOrdered, TargetDeregistered,
// TargetDrained, PodEvicted, PodsEvicted, NodeRemoved, NodeDrained, RemovalCancelled; Warnings:
// DeadlineCut (what the deadline left no time for), RemovalLoss (what else could not be kept),
// RemovalRecordInvalid.
// Upstream closes no such loop; eviction follows kubectl drain, its limits Cluster Autoscaler
// core/scaledown/actuation.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloud/load_balancing.h"
#include "env/env.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/apps.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "removal/plan.h"
#include "removal/removals.h"

namespace minato::removal {

class Remover final : public Removals {
 public:
  Remover(env::Env env, kube::Client& client, informer::Informers& informers,
          cloud::AutoScaling& auto_scaling, cloud::LoadBalancing& load_balancing,
          Options options = {});

  // After Informers::start(). Not active until set_active().
  void start();
  void set_active(bool active);
  bool is_active() const { return active_; }

  Status begin(Request request) override;
  Status cancel(const std::string& node) override;
  std::vector<Progress> progress() const override;

 private:
  // Tries again later and later; `pending` while an answer is awaited.
  struct Attempt {
    bool pending = false;
    int failures = 0;
    MonoTime not_before{};
  };
  struct Entry {
    std::uint64_t id = 0;  // Answers for an earlier removal of the same Node are not for this one.
    Record record;
    std::string detail;
    std::shared_ptr<const kube::Node> node;  // The last that was seen.
    std::string instance;
    bool node_exists = true;
    bool instance_was_seen = false;
    bool order_pending = false;
    bool was_deregistered = false;
    Marks marks = Marks::kUnderWay;
    std::string replaced_by;
    std::optional<WallTime> idle_since;
    WallTime last_eviction{};
    Attempt writing;
    Attempt targeting;
    Attempt ending;
    std::map<std::string, Attempt> pods;  // By uid, of Pods whose eviction was refused.
  };
  struct Group {
    Attempt attempt;
    std::optional<std::int32_t> expected;  // Desired capacity that descriptions do not show yet.
    MonoTime expected_until{};
  };

  // remover.cc: requests, records, passes.
  void wake();
  void wake_soon();
  void pass();
  void adopt_records();
  void adopt(const kube::Node& node);
  void take(Entry& entry, const Record& seen);
  Status start_removal(const kube::Node& node, Request request);
  Status join_removal(Entry& entry, const Request& request);
  Status check_scale_down(const Request& request) const;
  void advance(Entry& entry, const Decision& decision, const State& state);
  void cut(Entry& entry, const std::vector<std::string>& cuts);
  void enter(Entry& entry, Phase phase, const std::string& detail);
  void apply(const Decision& decision, const State& state);
  void write_marks(Entry& entry);
  bool is_written(const Entry& entry) const;
  bool is_still_mine(const Entry& entry) const;
  void finish(const std::string& node);
  static Progress progress_of(const Entry& entry);
  WallTime now() const;
  // remover_look.cc: what a pass decides on.
  State look();
  RemovalView view(Entry& entry, const State& state);
  void notice_uncordoned(Entry& entry);
  std::vector<PodView> pods_to_leave(const std::string& node,
                                     const std::map<std::string, Attempt>& attempts) const;
  bool has_all_pods(const std::string& name_space, const kube::OwnerReference& controller) const;
  // remover_act.cc: calls and their answers.
  void place_orders(const Plan& plan, const State& state);
  void order(const cloud::AutoScalingGroup& group, const std::vector<std::string>& nodes);
  void lower(const cloud::AutoScalingGroup& group, const std::string& node);
  void set_desired(const std::string& group, std::int32_t desired,
                   std::function<void(const Status&)> then);
  void hold_target(Entry& entry, const State& state);
  void rejoin_target(Entry& entry);
  void evict(Entry& entry, const std::vector<Eviction>& evictions);
  Status evict_one(const Eviction& eviction, std::vector<std::string>& cuts);
  void end_instance(Entry& entry, const Decision& decision, const State& state);
  void terminate(Entry& entry, cloud::Decrement decrement, const std::string& group);
  void terminated(Entry& entry, cloud::Decrement decrement, const std::string& group,
                  const Status& status);
  void complete_lifecycle_action(Entry& entry, const cloud::AutoScalingGroup* group);
  bool may_try(const Attempt& attempt) const;
  void note(Attempt& attempt, const Status& status, std::string_view what);
  cloud::Done answer(const Entry& entry, std::function<void(Entry&, const Status&)> then);

  env::Env env_;
  kube::Client& client_;
  cloud::AutoScaling& auto_scaling_;
  cloud::LoadBalancing& load_balancing_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  bool started_ = false;
  bool active_ = false;
  bool pass_posted_ = false;
  bool soon_armed_ = false;
  bool is_busy_ = false;     // Something is still to be done.
  bool is_changed_ = false;  // A phase, in this pass: the next follows at once.
  mutable Duration wall_offset_{};  // Wall time less monotonic time, while something is under way.
  std::uint64_t next_id_ = 1;
  std::map<std::string, Entry> entries_;   // By Node.
  std::map<std::string, Group> groups_;    // By name.
  std::set<std::string> unread_;           // Nodes whose record adopt_records() has to read.
  struct Ended {
    Progress progress;
    MonoTime at{};
    std::string replaced_by;
  };
  std::deque<Ended> ended_;  // Oldest first; bounded by age and number.
  env::TimerHandle tick_;
  env::TimerHandle soon_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::removal
