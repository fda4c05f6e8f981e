// HorizontalPodAutoscalers: every sync period, as many replicas as the metrics ask for, within the
// object's windows, policies and limits.
//
// Owned by ControllerSet; refers to Client, Informers and metric sources, which outlive it. Loop
// thread only. Decides in replica_calculator.h and behavior.h; here the target's scale is read and
// written, and conditions, status and Events tell what was done.
// Errors: what cannot be had is a condition and an Event, the number stays, and the next period
// tries again. A restart loses the histories of behavior.h and nothing else.
// Rules: k8s.io/kubernetes pkg/controller/podautoscaler/horizontal.go (v1.32), in its words.
// observedGeneration is set, as upstream does since autoscalers have a generation.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/podautoscaler/behavior.h"
#include "controllers/podautoscaler/explanation.h"
#include "controllers/podautoscaler/metric_evaluation.h"
#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/scale.h"
#include "kube/selector.h"
#include "kube/types/pod.h"
#include "metrics/source.h"

namespace minato::controllers {

class PodAutoscalerController final : public informer::Controller {
 public:
  // kube-controller-manager's --horizontal-pod-autoscaler-… with its defaults.
  struct Options {
    metrics::Sources sources;
    Duration sync_period = 15s;
    Duration downscale_stabilization = 5min;
    double tolerance = 0.1;
    Duration cpu_initialization_period = 5min;
    Duration initial_readiness_delay = 30s;
  };
  PodAutoscalerController(env::Env env, kube::Client& client, informer::Informers& informers,
                          Options options);

  void start() { runner_.start(); }
  std::string_view name() const override { return "horizontal-pod-autoscaler"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

  // Of the newest decision. Null: none yet. Valid until the next turn.
  const ScalingExplanation* explain(const kube::ObjectKey& autoscaler) const;

 private:
  // What is remembered of an autoscaler between its turns.
  struct State {
    kube::Selector selector = kube::Selector::nothing();  // Of its target, once that was read.
    ScaleHistory history;
    ScalingExplanation explanation;
  };
  // One turn of one autoscaler.
  struct Turn {
    kube::HorizontalPodAutoscaler autoscaler;  // A copy; its status becomes the new one.
    State& state;
    std::string reference;  // "Deployment/default/web"
    const kube::Kind* kind = nullptr;
    kube::Scale scale;
    std::vector<kube::MetricStatus> metrics;
    ScalingExplanation explanation;

    std::int32_t current() const { return scale.spec.replicas; }
    std::int32_t least() const { return autoscaler.spec.min_replicas.value_or(1); }
    std::int32_t most() const { return autoscaler.spec.max_replicas; }
  };
  struct Wanted {
    std::int32_t replicas = 0;
    std::string metric;  // Whose proposal it is.
    Status partly;       // What failed beside it.
  };

  Status work(Turn& turn);
  Status find_target(Turn& turn);
  Status follow_metrics(Turn& turn);
  Result<kube::Selector> target_selector(Turn& turn);
  ScaledPods pods_of(const Turn& turn, const kube::Selector& selector) const;
  Result<Wanted> evaluate_metrics(Turn& turn);
  Status rescale(Turn& turn, std::int32_t replicas, const std::string& reason);
  void keep(Turn& turn, std::string outcome);
  // Event and condition ScalingActive of a metric target that cannot be used.
  std::unexpected<Error> inactive(Turn& turn, std::string_view event, std::string_view reason,
                                  const std::string& event_message, std::string message);
  void set_condition(Turn& turn, std::string_view type, std::string_view status,
                     std::string_view reason, std::string message);
  void set_numbers(Turn& turn, std::int32_t desired_replicas);
  Status write_status(const kube::HorizontalPodAutoscaler& stored,
                      kube::HorizontalPodAutoscaler changed);
  DecisionInput decision_input(const Turn& turn, std::int32_t proposed) const;

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::HorizontalPodAutoscaler>& autoscalers_;
  informer::Informer<kube::Pod>& pods_;
  std::map<kube::ObjectKey, State> states_;  // At most one for each autoscaler there is.
  informer::Runner runner_;
};

}  // namespace minato::controllers
