// Evicts Pods that do not tolerate their Node's NoExecute taints: at once, or after the shortest
// tolerationSeconds of the tolerations they need. Takes the eviction back when the taints go.
//
// The time counts from when this process first saw Pod and taints together, by the monotonic clock:
// a restart grants it anew, a jump of the wall clock changes nothing. Owned by ControllerSet;
// refers to Client and Informers, which outlive it. Loop thread only. Failed writes are tried
// again. Rules: k8s.io/kubernetes pkg/controller/tainteviction.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::controllers {

// How long the Pod may stay with these NoExecute taints: zero when one is not tolerated, nothing
// when it may stay for ever.
std::optional<Duration> toleration_time(const std::vector<kube::Taint>& taints,
                                        const std::vector<kube::Toleration>& tolerations);

class TaintEvictionController final : public informer::Controller {
 public:
  TaintEvictionController(env::Env env, kube::Client& client, informer::Informers& informers);

  void start() { runner_.start(); }
  std::string_view name() const override { return "taint-eviction-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  struct Scheduled {
    std::string uid;
    MonoTime since{};
  };
  void node_changed(const informer::Delta<kube::Node>& delta);
  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void cancel(const kube::ObjectKey& key, const kube::Pod& pod);
  Status evict(const kube::Pod& pod);

  env::Env env_;
  kube::Client& client_;
  informer::EventRecorder events_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Pod>& pods_;
  std::map<kube::ObjectKey, Scheduled> scheduled_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
