// The agent of one Node: keeps the Pods that are bound to it running as their specs say, and tells
// the API how they and the Node are.
//
// Ownership: whoever composes the world owns it; everything passed in outlives it. Destroying it
// (or the process) leaves all containers running; the next Kubelet on the same Node adopts them.
// Threading: loop thread only. Idle, it costs a Lease renewal and nothing else.
// Errors: start() cannot fail; the API and the runtime may be away for any time and are retried.
// Rules: k8s.io/kubernetes pkg/kubelet (v1.32); see each file for its part.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kubelet/node_agent.h"
#include "kubelet/node_metrics.h"
#include "kubelet/pod_feed.h"
#include "kubelet/pod_worker.h"

namespace minato::kubelet {

class Kubelet {
 public:
  // The feed's informers must have been started (caches complete) before start().
  Kubelet(env::Env env, kube::Client& client, PodFeed& feed, container::Runtime& runtime,
          Options options);
  ~Kubelet();
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;

  // Registers the Node and adopts what the runtime has. Call once.
  void start();
  // Lets go of everything at once, as a crash would; the containers live on.
  void stop();

  const Options& options() const { return options_; }
  // The newest window; nothing until two samples were taken with Pods on the Node.
  const std::optional<NodeMetrics>& node_metrics() const { return metrics_; }
  // For logs and exec: the newest attempt of a container. Nothing when it never ran here.
  std::optional<container::ContainerRef> container_ref(const kube::ObjectKey& pod,
                                                       const std::string& container) const;

 private:
  using News = std::shared_ptr<const kube::Pod>;  // Null: deleted.

  void note(const informer::Delta<kube::Pod>& delta);
  void list_runtime();
  void on_inventory(const container::Runtime::Inventory& inventory);
  void wake(const std::string& uid);
  void schedule();
  void run_turn();
  void sync_pod(const std::string& uid);
  PodWorker& add_worker(News pod, const container::Sandbox* sandbox,
                        const std::vector<container::Container>& records);
  std::vector<const kube::Pod*> active_pods() const;
  void schedule_sample();
  void sample();
  void on_stats(const container::NodeStats& stats);
  void relieve_memory(const NodeMetrics& metrics);

  Options options_;
  PodFeed& feed_;
  informer::EventRecorder events_;
  NodeContext node_;
  NodeAgent agent_;
  PodFeed::Subscription subscription_;

  std::map<std::string, std::unique_ptr<PodWorker>> workers_;  // By Pod uid.
  std::map<std::string, News> news_;                           // Not yet shown to a worker.
  std::set<std::string> awake_;
  std::vector<std::string> order_;  // The same uids as awake_, in order of arrival.
  bool adopted_ = false;
  bool scheduled_ = false;

  std::optional<container::NodeStats> last_stats_;
  std::optional<NodeMetrics> metrics_;
  std::optional<MonoTime> pressure_seen_;
  bool sampling_ = false;
  env::TimerHandle sample_timer_;
  env::TimerHandle list_timer_;
  Guard guard_;
};

}  // namespace minato::kubelet
