// One Pod on one Node, from admission to removal.
//
//   kPending ─► kSandbox ─► kActive ─► kStopping ─► kRemoving ─► kDone
//       └───────────┴──────────────────────┘ (deleted, rejected, over its deadline, evicted)
//
// Whatever happens (a change in the API, an answer of the runtime, a timer) is noted and wakes the
// Pod; sync(), in a turn of its own, looks at everything noted, takes the next steps and writes the
// status if it changed. So a status is written at most once a turn and never from inside a write.
//
// Rules: k8s.io/kubernetes pkg/kubelet/pod_workers.go (syncPod, syncTerminatingPod,
// syncTerminatedPod) and kuberuntime_manager.go (computePodActions).
// Owned by the Kubelet; loop thread only; destroying it leaves the Pod running.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kubelet/container_worker.h"
#include "kubelet/status.h"

namespace minato::kubelet {

class PodWorker {
 public:
  // `wake` must lead to sync() in a later turn.
  PodWorker(NodeContext& node, std::shared_ptr<const kube::Pod> pod, std::function<void()> wake);

  // Before the first sync(), at the start of the kubelet: what the runtime has of this Pod.
  void adopt(const container::Sandbox* sandbox, const std::vector<container::Container>& records);
  // Before the first sync(): it may not run here.
  void reject(std::string reason, std::string message);

  // The API's newest state of it; null when it is no longer there.
  void update(std::shared_ptr<const kube::Pod> pod);
  void on_container(const container::Container& container);
  // What its volumes show has changed.
  void on_config();
  void evict(std::string message, Duration grace);
  void sync();

  const kube::Pod& pod() const { return *scope_.pod; }
  // Holds resources of the Node.
  bool is_active() const { return stage_ != Stage::kDone; }
  bool is_running() const { return stage_ == Stage::kActive; }
  // Nothing is left to do, here or in the API.
  bool is_finished() const { return stage_ == Stage::kDone && gone_; }
  // The newest attempt of a container, for logs and exec.
  std::optional<container::ContainerRef> container_ref(const std::string& name) const;

 private:
  enum class Stage { kPending, kSandbox, kActive, kStopping, kRemoving, kDone };
  using Workers = std::vector<std::unique_ptr<ContainerWorker>>;

  void check_ends();
  void begin_sandbox();
  void on_sandbox(const Result<container::Sandbox>& sandbox);
  void retry(std::string_view event, const std::string& message);
  void sync_containers();
  void sync_volumes();
  void settle_volumes();
  void watch_tokens();
  void sync_ephemeral_containers();
  void add_ephemeral_containers();
  bool sync_init_containers();
  void sync_main(ContainerWorker& worker);
  bool has_ended() const;
  void begin_stop(Duration grace);
  Duration stop_grace() const;
  void sync_stopping();
  void remove_sandbox();
  void write_status();
  bool put_status(const kube::Pod& current, kube::PodStatus status);
  void remove_from_api();
  void retry_api();
  PodView view() const;
  const kube::ContainerStatus* last_status(const ContainerWorker& worker) const;
  bool may_restart(bool succeeded) const;

  NodeContext& node_;
  PodScope scope_;
  Stage stage_ = Stage::kPending;
  bool gone_ = false;       // From the API.
  bool has_sandbox_ = false;
  bool initialized_ = false;
  bool final_written_ = false;
  bool adopted_terminal_ = false;  // It had ended before this kubelet saw it: its status stays.
  WallTime start_time_{};
  std::optional<Verdict> verdict_;
  std::optional<Duration> verdict_grace_;
  std::optional<MonoTime> stop_deadline_;
  MonoTime retry_at_ = MonoTime::min();  // Of volumes and sandbox.
  bool volumes_stale_ = false;           // Containers may be shown something old.
  std::set<std::string> settled_;        // Volumes that never change: of immutable objects.
  Workers init_;
  Workers main_;
  Workers ephemeral_;
  env::TimerHandle retry_timer_;     // Volumes, sandbox.
  env::TimerHandle api_timer_;       // Writes that failed.
  env::TimerHandle token_timer_;     // Tokens that end.
  env::TimerHandle deadline_timer_;  // activeDeadlineSeconds
  Guard guard_;
};

}  // namespace minato::kubelet
