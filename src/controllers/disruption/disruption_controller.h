// PodDisruptionBudgets: how many Pods there should be, how many are healthy, and so how many
// evictions are allowed now. The eviction API reads and uses up that number.
//
// Owned by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. When
// the number cannot be known, no disruption is allowed (fail safe) and the error is tried again.
// Rules: k8s.io/kubernetes pkg/controller/disruption. Not there: clearing stale DisruptionTarget
// conditions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/apps.h"
#include "kube/types/pod.h"
#include "kube/types/policy.h"

namespace minato::controllers {

class DisruptionController final : public informer::Controller {
 public:
  struct Options {
    // How long an evicted Pod that is still there counts as disrupted.
    Duration deletion_timeout = 2min;
  };
  DisruptionController(env::Env env, kube::Client& client, informer::Informers& informers,
                       Options options);

  void start() { runner_.start(); }
  std::string_view name() const override { return "disruption-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  using Pods = std::vector<std::shared_ptr<const kube::Pod>>;
  struct Expected {
    std::int32_t pods = 0;
    std::int32_t healthy = 0;
  };
  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void enqueue_selecting(const kube::Pod& pod);
  void enqueue_namespace(const std::string& name);
  Result<Pods> selected_pods(const kube::PodDisruptionBudget& budget) const;
  Result<Expected> expected(const kube::PodDisruptionBudget& budget, const Pods& pods);
  // The wanted Pods of all controllers of `pods`; those without one are told of and left out.
  Result<std::int32_t> expected_scale(const kube::PodDisruptionBudget& budget, const Pods& pods);
  Status fail_safe(const kube::PodDisruptionBudget& budget, const Error& error);
  Status write_status(const kube::PodDisruptionBudget& budget,
                      kube::PodDisruptionBudgetStatus status);
  // Drops what has left or overstayed; tells when the next one will.
  std::optional<Duration> age_disrupted(const kube::PodDisruptionBudget& budget, const Pods& pods,
                                        kube::PodDisruptionBudgetStatus& status);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::PodDisruptionBudget>& budgets_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  informer::Informer<kube::Deployment>& deployments_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
