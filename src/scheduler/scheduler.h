// The scheduler: finds a Node for every Pod that has none and asks for it, binds it there, and says
// why when there is none.
//
// It keeps a scheduling::Snapshot current from informers and a queue of waiting Pods, and tries
// them a few per turn of the loop. A Pod counts as placed from the moment of the decision (assumed)
// and is forgotten again when binding fails. Preemption removes victims, nominates their Node and
// waits. Everything it knows can be rebuilt from the API: a restart loses nothing.
//
// Ownership: the world owns it. Client and informers outlive it, and the informers deliver nothing
// once it is gone (they have no way to take a handler back). Construct it before
// Informers::start(). Loop thread only. API errors are logged, and the Pod is tried again.
// Rules: pkg/scheduler/schedule_one.go, eventhandlers.go, backend/queue.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "env/env.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/client.h"
#include "kube/types/config.h"
#include "kube/types/policy.h"
#include "scheduler/default_spread.h"
#include "scheduler/queue.h"
#include "scheduling/placer.h"
#include "scheduling/preemption.h"

namespace minato::scheduler {

struct SchedulerOptions {
  std::string scheduler_name = "default-scheduler";
  std::size_t pods_per_turn = 16;
  QueueOptions queue;
  scheduling::PlacerOptions placer;
};

class Scheduler {
 public:
  using Options = SchedulerOptions;

  Scheduler(env::Env env, kube::Client& client, informer::Informers& informers,
            Options options = {});
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Does nothing until started: caches must be complete first.
  void start();

  // Every Node, by name, with its score or why not. Errors: NotFound.
  Result<std::vector<scheduling::NodeVerdict>> explain(const kube::ObjectKey& pod);
  // The first invariant that does not hold, or "": every waiting Pod is in exactly one queue, every
  // bound one on its Node, all sums right.
  std::string audit() const;

  const SchedulingQueue& queue() const { return queue_; }
  const scheduling::Snapshot& snapshot() const { return snapshot_; }
  std::uint64_t scheduled() const { return scheduled_; }
  std::uint64_t attempts() const { return attempts_; }

 private:
  // Informer handlers: note what changed, never write.
  void on_pod(const informer::Delta<kube::Pod>& delta);
  void on_node(const informer::Delta<kube::Node>& delta);
  void on_namespace(const informer::Delta<kube::Namespace>& delta);
  void on_assigned(const std::shared_ptr<const kube::Pod>& pod);
  void on_waiting(const std::shared_ptr<const kube::Pod>& pod);
  void on_gone(const std::string& uid);
  bool responsible_for(const kube::Pod& pod) const;
  scheduling::PodInfoPtr parse(const std::shared_ptr<const kube::Pod>& pod);
  void move_if(const SchedulingQueue::Hint& hint);

  void wake();
  void run_turn();
  void arm_timer();
  void attempt(QueuedPod queued);
  void bind(QueuedPod queued, const scheduling::Placement& placement);
  void refuse(QueuedPod queued, scheduling::FitError error);
  void make_room(const scheduling::PodInfo& preemptor, const scheduling::Preemption& found);
  void evict(const scheduling::PodInfo& victim, const scheduling::PodInfo& preemptor,
             const std::string& node);
  void write_refusal(const kube::ObjectKey& key, const std::string& message,
                     const std::string& nominated);
  void write_status(kube::Pod pod, std::string_view what);
  void log_failure(std::string_view what, const kube::ObjectKey& pod, const Error& error);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::PodDisruptionBudget>& budgets_;
  DefaultSpread default_spread_;
  scheduling::TemplateTable templates_;
  scheduling::Snapshot snapshot_;
  scheduling::Placer placer_;
  SchedulingQueue queue_;
  std::shared_ptr<bool> alive_;  // Posted turns outlive a destroyed Scheduler.
  env::TimerHandle timer_;
  MonoTime timer_due_ = MonoTime::max();
  bool started_ = false;
  bool awake_ = false;
  std::uint64_t scheduled_ = 0;
  std::uint64_t attempts_ = 0;
};

}  // namespace minato::scheduler
