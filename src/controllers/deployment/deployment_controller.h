// Deployments: roll-outs of a Pod template over ReplicaSets, RollingUpdate or Recreate, with
// revisions, pause, a progress deadline and proportional scaling.
//
// Decisions are pure (rollout_plan.h, rollout_status.h); this applies them. A reconcile does at
// most one step of a roll-out; the ReplicaSet changes it causes bring the next. Owned by
// ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. Failed writes
// are errors of the reconcile and tried again. Rules: k8s.io/kubernetes pkg/controller/deployment.
// Not there: the deprecated rollbackTo annotation (see rollback.h).
#pragma once

#include <optional>
#include <string_view>

#include "controllers/deployment/rollout_plan.h"
#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"
#include "kube/types/pod.h"

namespace minato::controllers {

class DeploymentController final : public informer::Controller {
 public:
  DeploymentController(env::Env env, kube::Client& client, informer::Informers& informers);

  void start() { runner_.start(); }
  std::string_view name() const override { return "deployment-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  using DeploymentPtr = std::shared_ptr<const kube::Deployment>;

  void replica_set_changed(const informer::Delta<kube::ReplicaSet>& delta);
  void pod_changed(const informer::Delta<kube::Pod>& delta);

  // True: the pause state was noted on the Deployment, whose change brings another reconcile.
  Result<bool> note_pause(const kube::Deployment& deployment);
  Status scale(const kube::Deployment& deployment, const ReplicaSets& sets);
  Status roll(const DeploymentPtr& deployment, ReplicaSets sets);
  Status recreate(const DeploymentPtr& deployment, ReplicaSets sets);
  bool has_old_pods(const ReplicaSets& sets) const;

  // Revision numbers, annotations and minReadySeconds of the current ReplicaSet, and the
  // Deployment's own revision. May replace sets.current.
  Status sync_current(const kube::Deployment& deployment, ReplicaSets& sets);
  Status sync_revision(const kube::Deployment& deployment, std::int64_t revision);
  Status create_current(const kube::Deployment& deployment, ReplicaSets& sets);
  Status resolve_name_collision(const kube::Deployment& deployment, const kube::ObjectKey& key);
  Status apply(const kube::Deployment& deployment, const std::vector<Resize>& plan);
  Status clean_up_history(const kube::Deployment& deployment, const ReplicaSetList& old);
  // Writes on top of whatever this reconcile has written before.
  Status write_status(const kube::ObjectKey& key, const kube::DeploymentStatus& status);
  Status set_progressing(const kube::ObjectKey& key, std::string_view value,
                         std::string_view reason, std::string message);
  Status sync_status(const kube::ObjectKey& key, const std::string& uid);

  env::Env env_;
  kube::Client& client_;
  informer::EventRecorder events_;
  informer::Informer<kube::Deployment>& deployments_;
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
