#include "kubelet/container_worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "kubelet/container_config.h"

namespace minato::kubelet {
namespace {

// After a failed pull the error itself is shown this long (one relist of upstream's PLEG) before
// the status says ImagePullBackOff.
constexpr Duration kErrorShown = 1s;
// Upstream has no limit here; every wait of ours has one.
constexpr Duration kPostStartLimit = 1h;
constexpr int kStartErrorExitCode = 128;

container::PullPolicy pull_policy(const kube::Container& container) {
  if (container.image_pull_policy == "Always") return container::PullPolicy::kAlways;
  if (container.image_pull_policy == "Never") return container::PullPolicy::kNever;
  return container::PullPolicy::kIfNotPresent;
}

}  // namespace

ContainerWorker::ContainerWorker(NodeContext& node, const PodScope& scope, kube::Container spec,
                                 ContainerRole role, std::string processes_of)
    : node_(node),
      scope_(scope),
      spec_(std::move(spec)),
      role_(role),
      processes_of_(std::move(processes_of)),
      crash_backoff_(node.options.crash_backoff),
      pull_backoff_(node.options.image_backoff) {}

void ContainerWorker::set_spec(const kube::Container& spec) {
  // Probes and hooks refer to spec_, so only what may change is taken over.
  if (spec.image != spec_.image) spec_.image = spec.image;
}

bool ContainerWorker::is_outdated() const {
  return running_ && !running_hash_.empty() && running_hash_ != container_hash(spec_);
}

ContainerView ContainerWorker::view() const {
  return {.spec = &spec_,
          .role = role_,
          .phase = phase_,
          .waiting_reason = waiting_reason_,
          .waiting_message = waiting_message_,
          .running = running_,
          .exited = exited_,
          .previous = previous_,
          .image_id = image_id_,
          .container_id = container_id_,
          .restart_count = static_cast<std::int32_t>(attempt_),
          .ready = ready_,
          .started = started_};
}

void ContainerWorker::wait(std::string reason, std::string message, Duration delay) {
  waiting_reason_ = std::move(reason);
  waiting_message_ = std::move(message);
  retry_at_ = node_.now() + delay;
  timer_ = node_.env.executor.after(delay, [this] { wake(); });
}

void ContainerWorker::clear_wait() {
  waiting_reason_.clear();
  waiting_message_.clear();
  retry_at_.reset();
  timer_.cancel();
}

void ContainerWorker::ensure_running() {
  if (is_under_way(phase_)) return;
  const MonoTime now = node_.now();
  if (retry_at_ && now < *retry_at_) return;
  if (phase_ == ContainerPhase::kExited) {
    if (const MonoTime ready = crash_backoff_.ready_at(exited_at_); now < ready) {
      node_.warning(*scope_.pod, "BackOff",
                    fmt::format("Back-off restarting failed container {} in pod {}", spec_.name,
                                scope_.described()),
                    spec_.name);
      return wait("CrashLoopBackOff",
                  fmt::format("back-off {} restarting failed container={} pod={}",
                              go_duration(crash_backoff_.delay()), spec_.name, scope_.described()),
                  ready - now);
    }
    crash_backoff_.next(exited_at_, now);
  }
  pull();
}

void ContainerWorker::pull() {
  const MonoTime now = node_.now();
  phase_ = ContainerPhase::kIdle;
  retry_at_.reset();
  if (const MonoTime ready = pull_backoff_.ready_at(); now < ready) {
    const std::string message = fmt::format("Back-off pulling image \"{}\"", spec_.image);
    node_.normal(*scope_.pod, "BackOff", message, spec_.name);
    return wait("ImagePullBackOff", message + ": " + last_pull_error_, ready - now);
  }
  if (pull_policy(spec_) == container::PullPolicy::kAlways) {
    node_.normal(*scope_.pod, "Pulling", fmt::format("Pulling image \"{}\"", spec_.image),
                 spec_.name);
  }
  phase_ = ContainerPhase::kPulling;
  node_.runtime.pull_image(
      spec_.image, pull_policy(spec_),
      guard_.wrap([this, now](const Result<container::Image>& image) { on_pulled(image, now); }));
}

void ContainerWorker::on_pulled(const Result<container::Image>& image, MonoTime asked) {
  phase_ = ContainerPhase::kIdle;
  if (is_stopping()) {
    come_to_rest();
    return wake();
  }
  if (!image) return on_pull_failed(image.error());
  pull_backoff_ = Backoff(node_.options.image_backoff);
  // Whether IfNotPresent had to pull is the runtime's secret.
  const std::string message =
      pull_policy(spec_) == container::PullPolicy::kAlways
          ? fmt::format("Successfully pulled image \"{}\" in {}. Image size: {} bytes.",
                        spec_.image, go_duration(node_.now() - asked), image->size_bytes)
          : fmt::format("Container image \"{}\" present on machine", spec_.image);
  node_.normal(*scope_.pod, "Pulled", message, spec_.name);
  start(*image);
}

void ContainerWorker::on_pull_failed(const Error& error) {
  const bool never = pull_policy(spec_) == container::PullPolicy::kNever;
  pull_backoff_.next(node_.now(), node_.now());
  const std::string reason = never ? "ErrImageNeverPull" : "ErrImagePull";
  const std::string message =
      never ? fmt::format("Container image \"{}\" is not present with pull policy of Never",
                          spec_.image)
            : error.message;
  last_pull_error_ = reason + ": " + message;
  const std::string event =
      never ? message : fmt::format("Failed to pull image \"{}\": {}", spec_.image, message);
  node_.warning(*scope_.pod, "Failed", event, spec_.name);
  node_.warning(*scope_.pod, "Failed", "Error: " + reason, spec_.name);
  wait(reason, message, std::min(kErrorShown, pull_backoff_.delay()));
  wake();
}

Result<container::ContainerConfig> ContainerWorker::make_config(std::uint32_t attempt) const {
  const PodFacts facts = node_.facts(scope_);
  ASSIGN_OR_RETURN(const PodVolumes volumes, build_volumes(facts, node_.sources));
  ASSIGN_OR_RETURN(container::ContainerConfig config,
                   build_container_config(facts, spec_, attempt, volumes, node_.sources));
  config.processes_of = processes_of_;
  return config;
}

void ContainerWorker::start(const container::Image& image) {
  const std::uint32_t attempt = attempted_ ? attempt_ + 1 : attempt_;
  Result<container::ContainerConfig> config = make_config(attempt);
  if (!config) {
    node_.warning(*scope_.pod, "Failed", "Error: " + config.error().message, spec_.name);
    wait("CreateContainerConfigError", config.error().message, node_.options.retry_period);
    return wake();
  }
  image_id_ = image.digest.empty() ? image.reference : image.digest;
  attempt_ = attempt;
  attempted_ = true;
  running_hash_ = container_hash(spec_);
  phase_ = ContainerPhase::kStarting;
  node_.runtime.start_container(
      scope_.uid(), *std::move(config),
      guard_.wrap([this](const Result<container::Container>& started) { on_started(started); }));
}

void ContainerWorker::on_started(const Result<container::Container>& started) {
  // The sink may have been faster, with the start or even with the end.
  if (phase_ != ContainerPhase::kStarting) return;
  if (!started) return on_start_failed(started.error());
  if (started->state == container::ContainerState::kExited) return on_exited(*started);
  on_running(*started);
}

void ContainerWorker::on_start_failed(const Error& error) {
  container::Container never_ran;
  never_ran.exit_code = kStartErrorExitCode;
  never_ran.reason = "StartError";
  never_ran.message = error.message;
  never_ran.finished_at = node_.env.clock.wall();
  node_.warning(*scope_.pod, "Failed", "Error: " + error.message, spec_.name);
  on_exited(never_ran);
  waiting_reason_ = "RunContainerError";
  waiting_message_ = error.message;
}

void ContainerWorker::on_running(const container::Container& container) {
  running_ = container;
  running_since_ = node_.now();
  container_id_ = container.id;
  if (exited_) previous_ = std::exchange(exited_, std::nullopt);
  clear_wait();
  phase_ = ContainerPhase::kPostStart;
  node_.normal(*scope_.pod, "Created", "Created container: " + spec_.name, spec_.name);
  node_.normal(*scope_.pod, "Started", "Started container " + spec_.name, spec_.name);
  forget_older_attempts();
  wake();
  if (is_stopping()) {
    phase_ = ContainerPhase::kRunning;
    return begin_stop(*stop_deadline_, {});
  }
  if (!spec_.lifecycle || !spec_.lifecycle->post_start) return after_post_start();
  hook_ = std::make_unique<Action>(node_, scope_, spec_, ref());
  hook_->hook(*spec_.lifecycle->post_start, kPostStartLimit, [this](const Outcome& outcome) {
    if (outcome.verdict == Outcome::Verdict::kSuccess) return after_post_start();
    fail_post_start(outcome.output);
  });
}

void ContainerWorker::fail_post_start(const std::string& why) {
  node_.warning(*scope_.pod, "FailedPostStartHook", "PostStartHook failed: " + why, spec_.name);
  phase_ = ContainerPhase::kRunning;
  begin_stop(node_.now() + grace_period(), "FailedPostStartHook");
  waiting_reason_ = "PostStartHookError";
  waiting_message_ = why;
}

void ContainerWorker::after_post_start() {
  phase_ = ContainerPhase::kRunning;
  started_ = !spec_.startup_probe;
  ready_ = started_ && !spec_.readiness_probe;
  start_probes();
  wake();
}

void ContainerWorker::start_probes() {
  if (!started_) return add_probe(ProbeType::kStartup, spec_.startup_probe);
  add_probe(ProbeType::kReadiness, spec_.readiness_probe);
  add_probe(ProbeType::kLiveness, spec_.liveness_probe);
}

void ContainerWorker::add_probe(ProbeType type, const kube::Box<kube::Probe>& spec) {
  if (!spec) return;
  probes_.push_back(std::make_unique<ProbeWorker>(
      node_, scope_, spec_, ref(), type, *spec, running_since_,
      [this, type](ProbeResult result) { on_probe(type, result); }));
}

void ContainerWorker::on_probe(ProbeType type, ProbeResult result) {
  const bool passed = result == ProbeResult::kSuccess;
  if (type == ProbeType::kReadiness) {
    if (ready_ != passed) wake();
    ready_ = passed;
    return;
  }
  if (!passed) return restart_because(type);
  if (type == ProbeType::kLiveness) return;
  started_ = true;
  ready_ = !spec_.readiness_probe;
  probes_.clear();
  start_probes();
  wake();
}

void ContainerWorker::restart_because(ProbeType type) {
  const kube::Probe& probe =
      type == ProbeType::kStartup ? *spec_.startup_probe : *spec_.liveness_probe;
  const Duration grace = probe.termination_grace_period_seconds
                             ? std::chrono::seconds(*probe.termination_grace_period_seconds)
                             : grace_period();
  begin_stop(node_.now() + grace,
             fmt::format("Container {} failed {} probe, will be restarted", spec_.name,
                         type == ProbeType::kStartup ? "startup" : "liveness"));
}

Duration ContainerWorker::grace_period() const {
  return std::chrono::seconds(scope_.pod->spec.termination_grace_period_seconds.value_or(30));
}

void ContainerWorker::forget_older_attempts() {
  // One ended attempt is kept for `logs --previous`.
  if (attempt_ < 2) return;
  node_.runtime.remove_container({scope_.uid(), spec_.name, attempt_ - 2}, [](const Status&) {});
}

void ContainerWorker::adopt_lost(const kube::ContainerStatus& last) {
  attempt_ = static_cast<std::uint32_t>(std::max(last.restart_count, 0));
  attempted_ = true;
  if (last.state.terminated) {
    exited_ = *last.state.terminated;
  } else {
    exited_.emplace();
    exited_->exit_code = kLostExitCode;
    exited_->reason = "ContainerStatusUnknown";
    exited_->message = "The container could not be located when the pod was terminated";
  }
  if (last.last_state.terminated) previous_ = *last.last_state.terminated;
  image_id_ = last.image_id;
  exited_at_ = node_.now();
  phase_ = ContainerPhase::kExited;
}

void ContainerWorker::adopt(const std::vector<container::Container>& records,
                            const kube::ContainerStatus* last) {
  if (records.size() > 1) previous_ = terminated_state(records[records.size() - 2]);
  const container::Container& newest = records.back();
  attempt_ = newest.attempt;
  attempted_ = true;
  container_id_ = newest.id;
  image_id_ = newest.image_digest;
  const auto hash = newest.annotations.find(kHashAnnotation);
  if (hash != newest.annotations.end()) running_hash_ = hash->second;
  if (newest.state != container::ContainerState::kRunning) {
    container::Container ended = newest;
    if (newest.state == container::ContainerState::kCreated) {
      // The last kubelet died between making it and starting it.
      ended.exit_code = kStartErrorExitCode;
      ended.reason = "StartError";
    }
    exited_ = terminated_state(ended);
    exited_at_ = node_.now();
    phase_ = ContainerPhase::kExited;
    return;
  }
  running_ = newest;
  running_since_ = node_.now() - (node_.env.clock.wall() - newest.started_at);
  phase_ = ContainerPhase::kRunning;
  // Upstream forgets readiness here and the endpoint flaps; what was ready stays so until a probe
  // says otherwise.
  const bool same = last != nullptr && last->container_id.ends_with("//" + newest.id);
  started_ = !spec_.startup_probe || (same && last->started.value_or(false));
  ready_ = started_ && (!spec_.readiness_probe || (same && last->ready));
  start_probes();
}

}  // namespace minato::kubelet
