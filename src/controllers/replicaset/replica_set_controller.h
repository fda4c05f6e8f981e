// ReplicaSets: as many active Pods as spec.replicas says, and a status that tells how many there
// are, are ready and are available.
//
// Owned by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. What
// a Pod write refuses is reported as condition ReplicaFailure and Event, and tried again with
// back-off. There are no expectations as upstream has: caches are never behind own writes
// (kube::WatchSink).
// Rules: k8s.io/kubernetes pkg/controller/replicaset.
#pragma once

#include <memory>

#include "controllers/replicaset/pod_ranking.h"
#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"
#include "kube/types/pod.h"

namespace minato::controllers {

class ReplicaSetController final : public informer::Controller {
 public:
  struct Options {
    std::int32_t burst_limit = 500;  // Pods created or deleted in one reconcile.
  };
  ReplicaSetController(env::Env env, kube::Client& client, informer::Informers& informers,
                       Options options);

  void start() { runner_.start(); }
  std::string_view name() const override { return "replicaset-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void enqueue_owner(const kube::Pod& pod);

  // Brings `active` to the wanted number. Errors: the first that a Pod write gave.
  Status manage(const kube::ReplicaSet& replica_set, const PodList& active);
  Status create_pods(const kube::ReplicaSet& replica_set, std::int32_t count);
  Status create_pod(const kube::ReplicaSet& replica_set);
  Status delete_pods(const kube::ReplicaSet& replica_set, const PodList& active,
                     std::int32_t count);
  PodList related_pods(const kube::ReplicaSet& replica_set) const;
  kube::ReplicaSetStatus new_status(const kube::ReplicaSet& replica_set, const PodList& active,
                                    const Status& managed) const;

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
