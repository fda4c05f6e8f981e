// Keeps Pods spread: evicts one of a crowded workload when its successor would stand better.
//
// It looks every scan_interval. A workload that has been crowded for `settle` loses one Pod at a time,
// each only after two looks in a row at which every replica was ready and no rollout under way: what
// follows from one move is waited for before the next. Evictions ask the PodDisruptionBudget like
// everyone's, and end the Pod gracefully. After a move that did not make the workload more even (the
// scheduler chose otherwise) the wait is twice as long, up to settle_max. Pods with
// cluster-autoscaler.kubernetes.io/safe-to-evict: "false" stay.
//
// Acts only while it is active (its Pod is ready). Keeps nothing that a restart would miss. Owned by
// the composition; what it is given outlives it. Construct it before Informers::start(). Loop thread
// only. A refused eviction is tried again by a later scan. Events on the Pod: Descheduled.
#pragma once

#include <map>
#include <string>

#include "descheduler/spread.h"
#include "env/env.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/client.h"
#include "kube/types/config.h"

namespace minato::descheduler {

class Descheduler {
 public:
  struct Options {
    Duration scan_interval = 10s;
    Duration settle = 60s;
    Duration settle_max = 1h;
  };
  Descheduler(env::Env env, kube::Client& client, informer::Informers& informers, Options options);
  Descheduler(const Descheduler&) = delete;
  Descheduler& operator=(const Descheduler&) = delete;

  // Caches are complete; scans begin when it is active too.
  void start();
  void set_active(bool active);

 private:
  // Of a workload that is crowded.
  struct Watched {
    MonoTime since{};
    Duration settle{};
    bool was_at_rest = false;  // At the last look.
    std::optional<std::int64_t> unevenness;  // Before the last move.
  };
  void arm();
  void scan();
  std::vector<Workload> workloads() const;
  bool is_rolling_out(const kube::ReplicaSet& replica_set) const;
  void consider(const Workload& workload, const Nodes& nodes);
  std::optional<Move> find(const Workload& workload, const Nodes& nodes);
  // False: it was refused.
  bool move(const Workload& workload, const Move& move);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  scheduling::TemplateTable templates_;
  std::map<std::string, Watched> watched_;  // By uid of the ReplicaSet.
  env::TimerHandle timer_;
  bool started_ = false;
  bool active_ = false;
};

}  // namespace minato::descheduler
