#include "kubelet/pod_worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "kubelet/container_config.h"
#include "kubelet/resources.h"

namespace minato::kubelet {
namespace {

constexpr Duration kTokenCheck = 1min;

using WorkerList = std::vector<std::unique_ptr<ContainerWorker>>;

template <class F>
void for_each(std::initializer_list<const WorkerList*> lists, F visit) {
  for (const WorkerList* list : lists) {
    for (const auto& worker : *list) visit(*worker);
  }
}

}  // namespace

PodWorker::PodWorker(NodeContext& node, std::shared_ptr<const kube::Pod> pod,
                     std::function<void()> wake)
    : node_(node),
      scope_{.pod = std::move(pod),
             .ip = {},
             .created = node.now(),
             .wake = std::move(wake),
             .tokens = std::make_unique<PodTokens>(node.env, node.sources)} {
  const kube::PodSpec& spec = scope_.pod->spec;
  for (const kube::Container& container : spec.init_containers) {
    const auto role = is_sidecar(container) ? ContainerRole::kSidecar : ContainerRole::kInit;
    init_.push_back(std::make_unique<ContainerWorker>(node_, scope_, container, role));
  }
  for (const kube::Container& container : spec.containers) {
    main_.push_back(
        std::make_unique<ContainerWorker>(node_, scope_, container, ContainerRole::kMain));
  }
  add_ephemeral_containers();
  const kube::PodStatus& status = scope_.pod->status;
  start_time_ = status.start_time;
  if (!is_set(start_time_)) start_time_ = node_.wall_seconds();
}

const kube::ContainerStatus* PodWorker::last_status(const ContainerWorker& worker) const {
  const kube::PodStatus& status = scope_.pod->status;
  const auto& list = worker.role() == ContainerRole::kMain        ? status.container_statuses
                     : worker.role() == ContainerRole::kEphemeral ? status.ephemeral_container_statuses
                                                                  : status.init_container_statuses;
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& s) { return s.name == worker.name(); });
  return found == list.end() ? nullptr : &*found;
}

void PodWorker::adopt(const container::Sandbox* sandbox,
                      const std::vector<container::Container>& records) {
  if (is_terminal(*scope_.pod)) {
    adopted_terminal_ = true;
    stage_ = sandbox != nullptr ? Stage::kStopping : Stage::kDone;
  } else if (sandbox != nullptr && (sandbox->is_ready || !records.empty())) {
    stage_ = Stage::kActive;
    volumes_stale_ = true;  // Whatever happened while no kubelet was there.
  }
  has_sandbox_ = sandbox != nullptr;
  if (sandbox != nullptr) scope_.ip = sandbox->ip;
  for_each({&init_, &main_, &ephemeral_}, [&](ContainerWorker& worker) {
    std::vector<container::Container> own;
    for (const container::Container& record : records) {
      if (record.name == worker.name()) own.push_back(record);
    }
    std::sort(own.begin(), own.end(),
              [](const auto& a, const auto& b) { return a.attempt < b.attempt; });
    const kube::ContainerStatus* last = last_status(worker);
    if (!own.empty()) {
      worker.adopt(own, last);
    } else if (last != nullptr && !last->container_id.empty()) {
      worker.adopt_lost(*last);
    }
  });
  // Init containers do not run again for a Pod whose mains were seen, unless its network is new.
  initialized_ = has_sandbox_ && std::any_of(main_.begin(), main_.end(),
                                             [](const auto& w) { return w->ever_ran(); });
  if (stage_ == Stage::kStopping) begin_stop({});
}

void PodWorker::reject(std::string reason, std::string message) {
  node_.warning(*scope_.pod, reason, message);
  verdict_ = Verdict{Verdict::Kind::kRejected, std::move(reason), std::move(message)};
  stage_ = Stage::kDone;
}

void PodWorker::evict(std::string message, Duration grace) {
  if (verdict_ || stage_ >= Stage::kStopping) return;
  node_.warning(*scope_.pod, "Evicted", message);
  verdict_ = Verdict{Verdict::Kind::kEvicted, "Evicted", std::move(message)};
  verdict_grace_ = grace;
  scope_.wake();
}

void PodWorker::update(std::shared_ptr<const kube::Pod> pod) {
  if (!pod) {
    gone_ = true;
    return;
  }
  const kube::ObjectMeta& before = scope_.pod->metadata;
  const kube::ObjectMeta& after = pod->metadata;
  if (before.labels != after.labels || before.annotations != after.annotations) {
    volumes_stale_ = true;  // The downward API shows them.
  }
  scope_.pod = std::move(pod);
  const kube::PodSpec& spec = scope_.pod->spec;
  for (std::size_t i = 0; i < std::min(init_.size(), spec.init_containers.size()); ++i) {
    init_[i]->set_spec(spec.init_containers[i]);
  }
  for (std::size_t i = 0; i < std::min(main_.size(), spec.containers.size()); ++i) {
    main_[i]->set_spec(spec.containers[i]);
  }
  add_ephemeral_containers();
}

// They are only ever added, at the end.
void PodWorker::add_ephemeral_containers() {
  const auto& wanted = scope_.pod->spec.ephemeral_containers;
  for (std::size_t i = ephemeral_.size(); i < wanted.size(); ++i) {
    ephemeral_.push_back(std::make_unique<ContainerWorker>(node_, scope_, as_container(wanted[i]),
                                                           ContainerRole::kEphemeral,
                                                           wanted[i].target_container_name));
  }
}

// Also beside init containers that fail: to look into that is what they are for.
void PodWorker::sync_ephemeral_containers() {
  for (const auto& worker : ephemeral_) {
    if (worker->ever_ran()) continue;
    bool target_runs = worker->processes_of().empty();
    for_each({&init_, &main_}, [&](const ContainerWorker& other) {
      if (other.name() == worker->processes_of()) target_runs = is_process(other.phase());
    });
    if (target_runs) worker->ensure_running();
  }
}

void PodWorker::on_container(const container::Container& container) {
  for_each({&init_, &main_, &ephemeral_}, [&](ContainerWorker& worker) {
    if (worker.name() == container.name) worker.on_runtime_change(container);
  });
}

void PodWorker::on_config() {
  volumes_stale_ = true;
  retry_at_ = MonoTime::min();
  scope_.wake();
}

std::optional<container::ContainerRef> PodWorker::container_ref(const std::string& name) const {
  std::optional<container::ContainerRef> out;
  for_each({&init_, &main_, &ephemeral_}, [&](const ContainerWorker& worker) {
    if (worker.name() == name && worker.ever_ran()) {
      out = container::ContainerRef{scope_.uid(), name, worker.attempt()};
    }
  });
  return out;
}

void PodWorker::sync() {
  check_ends();
  if (stage_ == Stage::kPending) begin_sandbox();
  if (stage_ == Stage::kActive) sync_volumes();
  if (stage_ == Stage::kActive) sync_containers();
  if (stage_ == Stage::kStopping) sync_stopping();
  write_status();
  if (stage_ == Stage::kDone && !gone_ && final_written_) remove_from_api();
}

// What ends a Pod from outside its containers.
void PodWorker::check_ends() {
  const bool deleted = gone_ || is_set(scope_.pod->metadata.deletion_timestamp);
  if (stage_ == Stage::kDone || stage_ == Stage::kRemoving) return;
  if (const auto limit = scope_.pod->spec.active_deadline_seconds; limit && !verdict_ && !deleted) {
    const Duration left = start_time_ + std::chrono::seconds(*limit) - node_.env.clock.wall();
    if (left > Duration{}) {
      deadline_timer_ = node_.env.executor.after(left, [this] { scope_.wake(); });
    } else {
      verdict_ = Verdict{Verdict::Kind::kDeadline, "DeadlineExceeded",
                         "Pod was active on the node longer than the specified deadline"};
      node_.normal(*scope_.pod, verdict_->reason, verdict_->message);
    }
  }
  if (deleted || verdict_) begin_stop(stop_grace());
}

Duration PodWorker::stop_grace() const {
  const kube::Pod& pod = *scope_.pod;
  const std::int64_t grace =
      pod.metadata.deletion_grace_period_seconds.value_or(
          pod.spec.termination_grace_period_seconds.value_or(30));
  // Forced deletion still leaves a second, as upstream.
  const Duration wanted = std::chrono::seconds(std::max<std::int64_t>(grace, 1));
  return verdict_grace_ ? std::min(*verdict_grace_, wanted) : wanted;
}

void PodWorker::retry(std::string_view event, const std::string& message) {
  node_.warning(*scope_.pod, event, message);
  stage_ = Stage::kPending;
  retry_at_ = node_.now() + node_.options.retry_period;
  retry_timer_ =
      node_.env.executor.after(node_.options.retry_period, [this] { scope_.wake(); });
}

void PodWorker::begin_sandbox() {
  if (node_.now() < retry_at_) return;
  if (const auto volumes = build_volumes(node_.facts(scope_), node_.sources); !volumes) {
    return retry("FailedMount", volumes.error().message);
  }
  stage_ = Stage::kSandbox;
  node_.runtime.run_sandbox(
      build_sandbox_config(*scope_.pod, node_.options),
      guard_.wrap([this](const Result<container::Sandbox>& sandbox) { on_sandbox(sandbox); }));
}

void PodWorker::on_sandbox(const Result<container::Sandbox>& sandbox) {
  scope_.wake();
  if (stop_deadline_) {
    stage_ = Stage::kStopping;
  } else if (!sandbox) {
    return retry("FailedCreatePodSandBox",
                 "Failed to create pod sandbox: " + sandbox.error().message);
  } else {
    stage_ = Stage::kActive;
  }
  if (!sandbox) return;
  has_sandbox_ = true;
  scope_.ip = sandbox->ip;
  settle_volumes();
  watch_tokens();
}

// The wall clock, by which tokens end, may jump: it is looked at from time to time.
void PodWorker::watch_tokens() {
  const auto due = scope_.tokens->due_in();
  if (!due) return;
  const Duration delay = std::clamp(*due, node_.options.retry_period, kTokenCheck);
  token_timer_ = node_.env.executor.after(delay, [this] {
    if (scope_.tokens->due_in().value_or(Duration::max()) > Duration{}) return watch_tokens();
    on_config();
  });
}

void PodWorker::settle_volumes() {
  for (const kube::Volume& volume : scope_.pod->spec.volumes) {
    if (shows_immutable(volume, scope_.pod->metadata.namespace_, node_.sources)) {
      settled_.insert(volume.name);
    }
  }
}

// Hands what volumes show by now to the runtime, which knows what of it is new.
void PodWorker::sync_volumes() {
  if (!std::exchange(volumes_stale_, false)) return;
  for (const kube::Volume& volume : scope_.pod->spec.volumes) {
    if (settled_.contains(volume.name)) continue;
    auto mount = build_volume(node_.facts(scope_), volume, node_.sources);
    if (!mount) {
      // What was shown stays. The next change leads here again.
      node_.warning(*scope_.pod, "FailedMount", mount.error().message);
      continue;
    }
    if (mount->kind != container::Mount::Kind::kFiles) continue;
    node_.runtime.update_files(
        scope_.uid(), *std::move(mount), guard_.wrap([this](const Status& updated) {
          if (updated || is(updated.error(), Reason::kNotFound)) return;
          node_.warning(*scope_.pod, "FailedMount", updated.error().message);
          retry_timer_ =
              node_.env.executor.after(node_.options.retry_period, [this] { on_config(); });
        }));
  }
  settle_volumes();
  watch_tokens();
}

bool PodWorker::may_restart(bool succeeded) const {
  const std::string& policy = scope_.pod->spec.restart_policy;
  if (policy == "Never") return false;
  return policy != "OnFailure" || !succeeded;
}

// Starts what is next; true when the mains may run.
bool PodWorker::sync_init_containers() {
  for (const auto& worker : init_) {
    if (worker->role() == ContainerRole::kSidecar) {
      worker->ensure_running();
      if (!worker->started() && !initialized_) return false;
      continue;
    }
    if (initialized_ || worker->succeeded()) continue;
    // An init container has only to succeed once, so Always means OnFailure for it.
    if (!worker->failed() || scope_.pod->spec.restart_policy != "Never") worker->ensure_running();
    return false;
  }
  initialized_ = true;
  return true;
}

void PodWorker::sync_main(ContainerWorker& worker) {
  if (worker.is_outdated() && !worker.is_stopping()) {
    const auto grace =
        std::chrono::seconds(scope_.pod->spec.termination_grace_period_seconds.value_or(30));
    worker.begin_stop(node_.now() + grace,
                      fmt::format("Container {} definition changed, will be restarted",
                                  worker.name()));
    return;
  }
  if (worker.phase() == ContainerPhase::kExited && !may_restart(worker.succeeded())) return;
  worker.ensure_running();
}

bool PodWorker::has_ended() const {
  const bool never = scope_.pod->spec.restart_policy == "Never";
  const bool init_failed = !initialized_ && never &&
                           std::any_of(init_.begin(), init_.end(), [](const auto& worker) {
                             return worker->role() == ContainerRole::kInit && worker->failed();
                           });
  const bool mains_ended = std::all_of(main_.begin(), main_.end(), [&](const auto& worker) {
    return worker->phase() == ContainerPhase::kExited && !may_restart(worker->succeeded());
  });
  return init_failed || (initialized_ && mains_ended);
}

void PodWorker::sync_containers() {
  if (has_ended()) return begin_stop(stop_grace());
  sync_ephemeral_containers();
  if (!sync_init_containers()) return;
  for (const auto& worker : main_) sync_main(*worker);
}

void PodWorker::begin_stop(Duration grace) {
  const MonoTime deadline = node_.now() + grace;
  if (stop_deadline_ && deadline >= *stop_deadline_) return;
  const bool first = !stop_deadline_;
  stop_deadline_ = deadline;
  deadline_timer_.cancel();
  if (first) retry_timer_.cancel();
  token_timer_.cancel();
  // A sandbox that is being made has to be there before it can be removed.
  if (stage_ != Stage::kSandbox) stage_ = Stage::kStopping;
  for_each({&init_, &main_, &ephemeral_}, [&](ContainerWorker& worker) {
    if (first && worker.role() == ContainerRole::kSidecar) worker.hold_stop();
    worker.begin_stop(deadline, "Stopping container " + worker.name());
  });
}

void PodWorker::sync_stopping() {
  bool later_are_gone = true;
  for (const auto& worker : ephemeral_) {
    later_are_gone = later_are_gone && !is_under_way(worker->phase());
  }
  for (auto it = main_.rbegin(); it != main_.rend(); ++it) {
    later_are_gone = later_are_gone && !is_under_way((*it)->phase());
  }
  for (auto it = init_.rbegin(); it != init_.rend(); ++it) {
    if (later_are_gone) (*it)->allow_stop();
    later_are_gone = later_are_gone && !is_under_way((*it)->phase());
  }
  if (later_are_gone) remove_sandbox();
}

void PodWorker::remove_sandbox() {
  stage_ = Stage::kRemoving;
  node_.runtime.remove_sandbox(scope_.uid(), guard_.wrap([this](const Status& status) {
    if (status) {
      has_sandbox_ = false;
      stage_ = Stage::kDone;
      return scope_.wake();
    }
    node_.env.log.write(env::Level::kWarning, "kubelet",
                        fmt::format("removing the sandbox of {}: {}", scope_.described(),
                                    status.error().message));
    retry_timer_ = node_.env.executor.after(node_.options.api_retry, [this] { remove_sandbox(); });
  }));
}

}  // namespace minato::kubelet
