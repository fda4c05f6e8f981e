// The node autoscaler: looks at the cluster every few seconds and makes groups of Nodes as large as
// the Pods need, with cluster-autoscaler's semantics.
//
// It keeps its own scheduling::Snapshot current from informers, decides on it (decide.h) and acts
// through the cloud seam and through removal. It acts only while it is active (its Pod is ready).
//
// Ownership: the world owns it; everything it is given outlives it, and the informers deliver
// nothing once it is gone. Construct it before Informers::start(). Loop thread only. Errors of the
// cloud put the group into back-off; those of the API are logged and tried again by the next scan.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autoscaler/decide.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/client.h"
#include "kube/types/config.h"

namespace minato::autoscaler {

inline constexpr std::string_view kStatusConfigMap = "cluster-autoscaler-status";
inline constexpr std::string_view kPriorityConfigMap = "cluster-autoscaler-priority-expander";

struct PodExplanation {
  PodFate fate = PodFate::kIgnored;
  std::string detail;
  GroupReasons groups;                           // Why each group cannot help.
  std::vector<scheduling::NodeVerdict> nodes;    // Why each Node does not take it; by name.
};

class Autoscaler {
 public:
  // Errors: Invalid (a discovery or group specification).
  static Result<std::unique_ptr<Autoscaler>> make(env::Env env, kube::Client& client,
                                                  informer::Informers& informers,
                                                  cloud::AutoScaling& cloud,
                                                  removal::Removals& removals, Options options);
  Autoscaler(const Autoscaler&) = delete;
  Autoscaler& operator=(const Autoscaler&) = delete;

  // Caches are complete; scans begin when it is active too.
  void start();
  // Becoming active starts all timers anew, as a change of leader does.
  void set_active(bool active);
  bool active() const { return active_; }

  // What a scan would come to now, and why. Nothing is changed.
  Plan preview();
  // Errors: NotFound.
  Result<PodExplanation> explain_pod(const kube::ObjectKey& key);
  Result<NodeVerdict> explain_node(const std::string& name);
  Result<GroupVerdict> explain_group(const std::string& name);

  // The last decision. Null: there was none since it became active.
  const Plan* last_plan() const { return last_plan_.get(); }
  std::uint64_t scans() const { return scans_; }

 private:
  Autoscaler(env::Env env, kube::Client& client, informer::Informers& informers,
             cloud::AutoScaling& cloud, removal::Removals& removals, Options options);

  void on_pod(const informer::Delta<kube::Pod>& delta);
  void on_node(const informer::Delta<kube::Node>& delta);
  void on_namespace(const informer::Delta<kube::Namespace>& delta);
  void forget_pod(const std::string& uid);

  void arm();
  void scan();
  Observation observe();
  void apply(const Plan& plan);
  void apply_resize(const Resize& resize);
  void apply_termination(const Termination& termination);
  void apply_redistribution(const Redistribution& change);
  void apply_removal(const removal::Request& request);
  void apply_taint(const SoftTaint& change);
  void write_status(const std::string& text);
  void announce(const Announcement& news);
  // Calls `failed` unless the call succeeds; scans wait for it.
  cloud::Done answer(std::string what, std::move_only_function<void(const Error&)> failed);
  void log(env::Level level, const std::string& text);

  env::Env env_;
  kube::Client& client_;
  cloud::AutoScaling& cloud_;
  removal::Removals& removals_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::PodDisruptionBudget>& budgets_;
  informer::Informer<kube::DaemonSet>& daemon_sets_;
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  informer::Informer<kube::ConfigMap>& config_maps_;
  scheduling::TemplateTable templates_;
  scheduling::Snapshot snapshot_;
  scheduling::Placer placer_;
  std::map<kube::ObjectKey, scheduling::PodInfoPtr> waiting_;
  Memory memory_;
  std::shared_ptr<bool> alive_;  // Answers of the cloud outlive a destroyed Autoscaler.
  env::TimerHandle timer_;
  std::unique_ptr<const Plan> last_plan_;
  bool started_ = false;
  bool active_ = false;
  std::int32_t calls_under_way_ = 0;
  MonoTime last_call_{};
  std::uint64_t scans_ = 0;
};

}  // namespace minato::autoscaler
