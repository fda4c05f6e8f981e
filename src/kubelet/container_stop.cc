// How a container ends: preStop, its turn, the stop signal, and what the runtime tells of it.

#include <fmt/format.h>

#include <algorithm>

#include "kubelet/container_worker.h"

namespace minato::kubelet {

void ContainerWorker::begin_stop(MonoTime deadline, std::string_view message) {
  const bool shortened = stop_deadline_ && deadline < *stop_deadline_;
  if (!stop_deadline_ || shortened) stop_deadline_ = deadline;
  switch (phase_) {
    case ContainerPhase::kIdle:
    case ContainerPhase::kExited:
      come_to_rest();
      break;
    case ContainerPhase::kPulling:
    case ContainerPhase::kStarting:
      break;  // Their answers look at is_stopping().
    case ContainerPhase::kPostStart:
    case ContainerPhase::kRunning:
      if (!message.empty()) node_.normal(*scope_.pod, "Killing", message, spec_.name);
      // Readiness goes on: traffic may still be meant for it. The others would kill it again.
      probes_.clear();
      if (started_) add_probe(ProbeType::kReadiness, spec_.readiness_probe);
      run_pre_stop();
      break;
    case ContainerPhase::kPreStop:
      if (shortened && deadline <= node_.now()) await_turn();
      break;
    case ContainerPhase::kAwaitingTurn:
      if (shortened) await_turn();
      break;
    case ContainerPhase::kStopping:
      if (shortened) send_stop();
      break;
  }
}

void ContainerWorker::come_to_rest() {
  // What it waited for will not happen any more; how it ended last is what remains to be said.
  if (exited_) clear_wait();
  retry_at_.reset();
  timer_.cancel();
  phase_ = exited_ ? ContainerPhase::kExited : ContainerPhase::kIdle;
}

void ContainerWorker::allow_stop() {
  turn_ = true;
  if (phase_ == ContainerPhase::kAwaitingTurn) await_turn();
}

void ContainerWorker::run_pre_stop() {
  const Duration left = *stop_deadline_ - node_.now();
  if (!spec_.lifecycle || !spec_.lifecycle->pre_stop || left <= Duration{}) return await_turn();
  phase_ = ContainerPhase::kPreStop;
  hook_ = std::make_unique<Action>(node_, scope_, spec_, ref());
  hook_->hook(*spec_.lifecycle->pre_stop, left, [this](const Outcome& outcome) {
    if (outcome.verdict != Outcome::Verdict::kSuccess) {
      node_.warning(*scope_.pod, "FailedPreStopHook", "PreStopHook failed: " + outcome.output,
                    spec_.name);
    }
    await_turn();
  });
}

void ContainerWorker::await_turn() {
  phase_ = ContainerPhase::kAwaitingTurn;
  const Duration left = *stop_deadline_ - node_.now();
  if (turn_ || left <= Duration{}) return send_stop();
  timer_ = node_.env.executor.after(left, [this] {
    if (phase_ == ContainerPhase::kAwaitingTurn) send_stop();
  });
}

void ContainerWorker::send_stop() {
  phase_ = ContainerPhase::kStopping;
  const Duration left = *stop_deadline_ - node_.now();
  node_.runtime.stop_container(ref(), std::max(left, node_.options.minimum_grace),
                               guard_.wrap([this](const Status& s) { on_stop_answered(s); }));
}

void ContainerWorker::on_stop_answered(const Status& status) {
  if (status || phase_ != ContainerPhase::kStopping) return;
  if (is(status.error(), Reason::kNotFound)) {
    container::Container lost = *running_;
    lost.exit_code = kLostExitCode;
    lost.reason = "ContainerStatusUnknown";
    lost.finished_at = node_.env.clock.wall();
    return on_exited(lost);
  }
  node_.env.log.write(env::Level::kWarning, "kubelet",
                      fmt::format("stopping {} of {}: {}", spec_.name, scope_.described(),
                                  status.error().message));
  timer_ = node_.env.executor.after(node_.options.api_retry, [this] {
    if (phase_ == ContainerPhase::kStopping) send_stop();
  });
}

void ContainerWorker::on_runtime_change(const container::Container& container) {
  if (container.attempt != attempt_ || !is_under_way(phase_)) return;
  if (container.state == container::ContainerState::kExited) return on_exited(container);
  if (container.state == container::ContainerState::kRunning &&
      phase_ == ContainerPhase::kStarting) {
    on_running(container);
  }
}

void ContainerWorker::on_exited(const container::Container& container) {
  if (container.reason == "ContainerCannotRun") {
    node_.warning(*scope_.pod, "Failed", "Error: " + container.message, spec_.name);
  }
  probes_.clear();
  hook_.reset();
  clear_wait();
  if (exited_) previous_ = exited_;
  exited_ = terminated_state(container);
  exited_at_ = node_.now();
  running_.reset();
  if (!container.id.empty()) container_id_ = container.id;
  ready_ = false;
  started_ = false;
  stop_deadline_.reset();
  phase_ = ContainerPhase::kExited;
  wake();
}

}  // namespace minato::kubelet
