// DaemonSets: one Pod on every Node that is eligible, replaced by RollingUpdate or OnDelete.
//
// The scheduler binds the Pods, which name their Node by affinity (daemon_pods.h). Owned by
// ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. Failed writes
// are errors of the reconcile and tried again.
// Rules: k8s.io/kubernetes pkg/controller/daemon. Not there: ControllerRevision objects; the
// revision is the hash of the template, so there is no history to go back to.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "controllers/daemonset/daemon_pods.h"
#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/config.h"

namespace minato::controllers {

class DaemonSetController final : public informer::Controller {
 public:
  struct Options {
    std::size_t burst_limit = 250;      // Pods created or deleted in one reconcile.
    Duration failed_backoff_base = 1s;  // Before a Failed Pod is replaced, per Node.
    Duration failed_backoff_max = 15min;
  };
  DaemonSetController(env::Env env, kube::Client& client, informer::Informers& informers,
                      Options options);

  void start() { runner_.start(); }
  std::string_view name() const override { return "daemonset-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  struct Backoff {
    Duration delay{};
    MonoTime until{};
  };
  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void node_changed(const informer::Delta<kube::Node>& delta);
  void enqueue_all();
  std::vector<NodePtr> all_nodes() const;
  PodsByNode present_pods(const kube::DaemonSet& daemon_set) const;

  Status apply(const kube::DaemonSet& daemon_set, DaemonPlan plan, const std::string& hash);
  // Whether the finished Pod may go now; if not, its back-off says when.
  bool may_replace(const kube::DaemonSet& daemon_set, const kube::Pod& pod);
  void replace_failed(const kube::DaemonSet& daemon_set, DaemonPlan& plan);
  Status remove_pods(const kube::DaemonSet& daemon_set, const std::vector<PodPtr>& pods);
  Status create_pods(const kube::DaemonSet& daemon_set, const std::vector<std::string>& nodes,
                     const std::string& hash);
  Status write_status(const kube::DaemonSet& daemon_set, const std::string& hash);
  std::optional<Duration> next_look(const kube::DaemonSet& daemon_set) const;
  void forget_backoffs(const std::string& uid);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::DaemonSet>& daemon_sets_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Namespace>& namespaces_;
  // By DaemonSet uid and Node. Lost at a restart, which only means one quick try more.
  std::map<std::pair<std::string, std::string>, Backoff> backoffs_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
