// Notices Nodes that no longer report, says so in their conditions, marks their Pods not ready, and
// taints them: NoSchedule at once, NoExecute at the pace that the zone's health allows. What the
// NoExecute taint does to Pods is the taint eviction controller's part.
//
// A heartbeat is any change of the Node's Lease (kube-node-lease) or of its Ready condition's
// heartbeat time, timed by the monotonic clock when it is seen: neither a jump of the wall clock
// nor a skewed kubelet makes Nodes look dead. What is remembered of heartbeats starts anew with the
// process, so after a control-plane restart every Node has a full grace period.
//
// Ready=False of a Pod on a silent Node is written here once and never taken back: a kubelet that
// returns posts its Pods' conditions again.
//
// Owned by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. A
// failed write is logged and tried again at the next pass (monitor_period).
// Rules: k8s.io/kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/nodelifecycle/zone_eviction.h"
#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/coordination.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::controllers {

class NodeLifecycleController final : public informer::Controller {
 public:
  struct Options {
    Duration monitor_period = 5s;
    Duration monitor_grace_period = 40s;  // From the last heartbeat to Ready=Unknown.
    Duration startup_grace_period = 60s;  // For a Node that has never posted a status.
    EvictionRates rates;
  };
  NodeLifecycleController(env::Env env, kube::Client& client, informer::Informers& informers,
                          Options options);

  void start();
  std::string_view name() const override { return "node-controller"; }
  // Keeps the NoSchedule taints of one Node.
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  using NodePtr = std::shared_ptr<const kube::Node>;

  struct Health {
    MonoTime last_heartbeat{};
    Readiness last_seen = Readiness::kReady;
    bool pods_marked = true;  // False: marking its Pods not ready has to be tried again.
    bool announced = false;   // The Event RegisteredNode was written.
  };
  void node_changed(const informer::Delta<kube::Node>& delta);
  void lease_changed(const informer::Delta<kube::Lease>& delta);

  void monitor();
  void announce();
  void check_heartbeat(const NodePtr& node);
  Status mark_unknown(const kube::Node& node);
  void note_readiness(const kube::Node& node);
  Status mark_pods_not_ready(const kube::Node& node);
  Status mark_pod_not_ready(const kube::Pod& pod);
  void update_zones();
  void forget_heartbeat_gaps();
  void update_no_execute(const kube::Node& node);
  void taint_waiting();
  Status write_taints(const kube::Node& node, std::vector<kube::Taint> taints);
  void log_failure(std::string_view what, const std::string& node, const Status& status);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Lease>& leases_;
  std::map<std::string, Health> health_;  // By Node name.
  std::vector<NodePtr> removed_;          // Deleted since the last pass.
  bool all_zones_down_ = false;
  ZoneEviction eviction_;
  informer::Runner runner_;
  env::TimerHandle monitor_timer_;
  env::TimerHandle eviction_timer_;
};

}  // namespace minato::controllers
