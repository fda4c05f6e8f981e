// One container of one Pod: pulls its image, starts it, hooks and probes it, stops it, and knows
// how long it must wait before the next try. What should happen and in which order among
// containers is the PodWorker's business.
//
// Rules: k8s.io/kubernetes pkg/kubelet/kuberuntime (startContainer, killContainer, doBackOff) and
// pkg/kubelet/images/image_manager.go.
// Every change of state calls PodScope::wake. Errors never leave: they become waiting reasons,
// Events and retries.
// Owned by its PodWorker; loop thread only; destroying it leaves the container running.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kubelet/actions.h"
#include "kubelet/backoff.h"
#include "kubelet/container_state.h"
#include "kubelet/probes.h"
#include "kubelet/volumes.h"

namespace minato::kubelet {

// Of a container that nothing is known of any more: as if it had been killed.
inline constexpr int kLostExitCode = 137;

class ContainerWorker {
 public:
  // `processes_of`: the container whose processes it is to see, of an ephemeral one; "".
  ContainerWorker(NodeContext& node, const PodScope& scope, kube::Container spec,
                  ContainerRole role, std::string processes_of = {});

  // The records of this container that the runtime has, in order of attempts; and what the API
  // last said of it, which keeps a ready container ready.
  void adopt(const std::vector<container::Container>& records, const kube::ContainerStatus* last);
  // The API says that it ran, the runtime has nothing of it: the Node was rebooted or replaced.
  void adopt_lost(const kube::ContainerStatus& last);

  // The image may have been changed in place.
  void set_spec(const kube::Container& spec);
  bool is_outdated() const;

  // Brings it nearer to running: starts it when it may be started now, else arms a timer.
  void ensure_running();

  // Ends it until `deadline`: preStop, then, in its turn, the stop signal with what is left. An
  // earlier deadline than before shortens what is under way. `message` is the Killing Event's.
  void begin_stop(MonoTime deadline, std::string_view message);
  // From now on its stop signal waits for allow_stop(): sidecars end after the mains.
  void hold_stop() { turn_ = false; }
  void allow_stop();

  void on_runtime_change(const container::Container& container);

  const std::string& name() const { return spec_.name; }
  const std::string& processes_of() const { return processes_of_; }
  ContainerRole role() const { return role_; }
  ContainerPhase phase() const { return phase_; }
  bool started() const { return started_; }
  bool succeeded() const { return phase_ == ContainerPhase::kExited && exited_->exit_code == 0; }
  bool failed() const { return phase_ == ContainerPhase::kExited && exited_->exit_code != 0; }
  bool ever_ran() const { return exited_.has_value() || running_.has_value(); }
  bool is_stopping() const { return stop_deadline_.has_value(); }
  std::uint32_t attempt() const { return attempt_; }
  ContainerView view() const;

 private:
  // Starting.
  void pull();
  void on_pulled(const Result<container::Image>& image, MonoTime asked);
  void on_pull_failed(const Error& error);
  void start(const container::Image& image);
  Result<container::ContainerConfig> make_config(std::uint32_t attempt) const;
  void on_started(const Result<container::Container>& started);
  void on_start_failed(const Error& error);
  void on_running(const container::Container& container);
  void after_post_start();
  void fail_post_start(const std::string& why);
  // Probing.
  void start_probes();
  void add_probe(ProbeType type, const kube::Box<kube::Probe>& spec);
  void on_probe(ProbeType type, ProbeResult result);
  void restart_because(ProbeType type);
  // Stopping.
  void run_pre_stop();
  void await_turn();
  void come_to_rest();
  void send_stop();
  void on_stop_answered(const Status& status);
  void on_exited(const container::Container& container);
  void forget_older_attempts();

  container::ContainerRef ref() const { return {scope_.uid(), spec_.name, attempt_}; }
  Duration grace_period() const;
  void wait(std::string reason, std::string message, Duration delay);
  void clear_wait();
  void wake() const { scope_.wake(); }

  NodeContext& node_;
  const PodScope& scope_;
  kube::Container spec_;
  ContainerRole role_;
  std::string processes_of_;
  std::string running_hash_;  // Of the spec that the present attempt was started with.

  ContainerPhase phase_ = ContainerPhase::kIdle;
  std::uint32_t attempt_ = 0;
  bool attempted_ = false;  // attempt_ has been used up.
  std::optional<container::Container> running_;
  std::optional<kube::ContainerStateTerminated> exited_;
  std::optional<kube::ContainerStateTerminated> previous_;
  std::string image_id_;
  std::string container_id_;
  MonoTime exited_at_{};
  MonoTime running_since_{};
  bool ready_ = false;
  bool started_ = false;

  std::string waiting_reason_;
  std::string waiting_message_;
  std::optional<MonoTime> retry_at_;
  Backoff crash_backoff_;
  Backoff pull_backoff_;
  std::string last_pull_error_;

  std::optional<MonoTime> stop_deadline_;
  bool turn_ = true;  // May be stopped as soon as its hook is done.

  env::TimerHandle timer_;  // Retries, and the end of the wait for a turn.
  std::unique_ptr<Action> hook_;
  std::vector<std::unique_ptr<ProbeWorker>> probes_;
  Guard guard_;
};

}  // namespace minato::kubelet
