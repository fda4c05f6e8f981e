#include "scheduler/scheduler.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/names.h"
#include "scheduler/conditions.h"
#include "scheduler/hints.h"

namespace minato::scheduler {
namespace {

constexpr std::string_view kComponent = "default-scheduler";

using scheduling::FilterSet;
using scheduling::PodInfo;
using scheduling::PodInfoPtr;

bool finished(const kube::Pod& pod) {
  return pod.status.phase == kube::kPodSucceeded || pod.status.phase == kube::kPodFailed;
}

}  // namespace

Scheduler::Scheduler(env::Env env, kube::Client& client, informer::Informers& informers,
                     Options options)
    : env_(std::move(env)),
      client_(client),
      options_(std::move(options)),
      events_(env_.fork("events"), client, options_.scheduler_name),
      pods_(informers.of<kube::Pod>()),
      budgets_(informers.of<kube::PodDisruptionBudget>()),
      default_spread_(informers),
      placer_(snapshot_, env_.rng.fork("placer"), options_.placer),
      queue_(options_.queue),
      alive_(std::make_shared<bool>(true)) {
  informers.of<kube::Namespace>().on_change([this](const auto& delta) { on_namespace(delta); });
  informers.of<kube::Node>().on_change([this](const auto& delta) { on_node(delta); });
  pods_.on_change([this](const auto& delta) { on_pod(delta); });
}

void Scheduler::start() {
  started_ = true;
  wake();
}

// --- What the informers say.

bool Scheduler::responsible_for(const kube::Pod& pod) const {
  return pod.spec.scheduler_name == options_.scheduler_name && pod.spec.node_name.empty() &&
         !finished(pod) && !is_set(pod.metadata.deletion_timestamp);
}

PodInfoPtr Scheduler::parse(const std::shared_ptr<const kube::Pod>& pod) {
  return templates_.parse(pod, default_spread_.selector_for(*pod));
}

void Scheduler::on_pod(const informer::Delta<kube::Pod>& delta) {
  // A Pod of the same name may have taken the place of another between two events.
  if (delta.before && delta.after && delta.before->metadata.uid != delta.after->metadata.uid) {
    on_gone(delta.before->metadata.uid);
  }
  const kube::Pod& pod = delta.object();
  if (!delta.after || finished(pod)) {
    on_gone(pod.metadata.uid);
  } else if (!pod.spec.node_name.empty()) {
    on_assigned(delta.after);
  } else if (responsible_for(pod)) {
    on_waiting(delta.after);
  } else {
    on_gone(pod.metadata.uid);
  }
}

void Scheduler::on_assigned(const std::shared_ptr<const kube::Pod>& pod) {
  queue_.remove(pod->metadata.uid);
  snapshot_.clear_nomination(pod->metadata.uid);
  const PodInfoPtr info = parse(pod);
  const PodInfoPtr known = snapshot_.find_pod(info->uid());
  const bool changed = known && (known->pod_template != info->pod_template ||
                                 known->terminating != info->terminating);
  if (known) {
    snapshot_.replace_pod(info, pod->spec.node_name);
  } else {
    snapshot_.add_pod(info, pod->spec.node_name);
  }
  // Status updates of running Pods are many and help nobody; becoming bound may.
  if (known && !changed && known->pod->spec.node_name == pod->spec.node_name) return;
  move_if([&](const PodInfo& waiting, FilterSet rejecting) {
    // What the Pod was before its labels, requests or termination changed is gone.
    return placed_pod_may_help(waiting, rejecting, *info) ||
           (changed && gone_pod_may_help(waiting, rejecting, *known, pod->spec.node_name, placer_));
  });
}

void Scheduler::on_waiting(const std::shared_ptr<const kube::Pod>& pod) {
  // Assumed: the event is older than the binding.
  if (snapshot_.node_of(pod->metadata.uid)) return;
  const PodInfoPtr info = parse(pod);
  queue_.add(info, env_.clock.monotonic(), default_spread_.version());
  // Kept with the Pod's newest state; or left by a scheduler before this one.
  const std::string* kept = snapshot_.nominated_node(info->uid());
  const std::string nominated = kept ? *kept : pod->status.nominated_node_name;
  if (!nominated.empty()) snapshot_.nominate(info, nominated);
  wake();
}

void Scheduler::on_gone(const std::string& uid) {
  queue_.remove(uid);
  snapshot_.clear_nomination(uid);
  const std::string* placed = snapshot_.node_of(uid);
  if (!placed) return;
  const std::string node = *placed;
  const PodInfoPtr gone = snapshot_.remove_pod(uid);
  move_if([&](const PodInfo& waiting, FilterSet rejecting) {
    return gone_pod_may_help(waiting, rejecting, *gone, node, placer_);
  });
}

void Scheduler::on_node(const informer::Delta<kube::Node>& delta) {
  if (!delta.after) {
    snapshot_.remove_node(delta.before->metadata.name);
    move_if([](const PodInfo&, FilterSet rejecting) { return node_removal_may_help(rejecting); });
    return;
  }
  if (!snapshot_.set_node(delta.after)) return;
  const auto& node = snapshot_.node(snapshot_.slot_of(delta.after->metadata.name));
  move_if([&](const PodInfo& waiting, FilterSet rejecting) {
    return node_may_help(waiting, rejecting, node);
  });
}

void Scheduler::on_namespace(const informer::Delta<kube::Namespace>& delta) {
  const kube::ObjectMeta& metadata = delta.object().metadata;
  if (delta.after) {
    snapshot_.set_namespace(metadata.name, metadata.labels);
  } else {
    snapshot_.remove_namespace(metadata.name);
  }
  move_if([](const PodInfo&, FilterSet rejecting) {
    return rejecting.has(scheduling::Filter::kInterPodAffinity);
  });
}

void Scheduler::move_if(const SchedulingQueue::Hint& hint) {
  queue_.move_if(hint, env_.clock.monotonic());
  wake();
}

// --- Turns.

void Scheduler::wake() {
  if (!started_ || awake_) return;
  if (!queue_.has_active()) {
    arm_timer();
    return;
  }
  awake_ = true;
  env_.executor.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) run_turn();
  });
}

void Scheduler::arm_timer() {
  const auto due = queue_.next_due();
  if (!due) {
    timer_.cancel();
    timer_due_ = MonoTime::max();
    return;
  }
  if (*due == timer_due_) return;
  timer_due_ = *due;
  const Duration delay = std::max(Duration::zero(), *due - env_.clock.monotonic());
  timer_ = env_.executor.after(delay, [this] {
    timer_due_ = MonoTime::max();
    queue_.flush(env_.clock.monotonic());
    wake();
  });
}

void Scheduler::run_turn() {
  for (std::size_t i = 0; i < options_.pods_per_turn; ++i) {
    auto next = queue_.pop(env_.clock.monotonic());
    if (!next) break;
    attempt(std::move(*next));
  }
  awake_ = false;
  queue_.flush(env_.clock.monotonic());
  wake();
}

void Scheduler::attempt(QueuedPod queued) {
  ++attempts_;
  if (queued.services_version != default_spread_.version()) {
    queued.pod = parse(queued.pod->pod);
    queued.services_version = default_spread_.version();
  }
  auto placement = placer_.schedule(*queued.pod);
  if (placement) {
    bind(std::move(queued), *placement);
  } else {
    refuse(std::move(queued), std::move(placement.error()));
  }
}

void Scheduler::bind(QueuedPod queued, const scheduling::Placement& placement) {
  const PodInfoPtr pod = queued.pod;
  const kube::ObjectKey key = pod->pod->key();
  snapshot_.clear_nomination(pod->uid());
  snapshot_.add_pod(pod, placement.slot);
  const Status bound = client_.bind(key, pod->uid(), placement.node);
  if (bound) {
    ++scheduled_;
    events_.normal(*pod->pod, "Scheduled",
                   fmt::format("Successfully assigned {} to {}", key.to_string(), placement.node));
    return;
  }
  log_failure("binding", key, bound.error());
  snapshot_.remove_pod(pod->uid());
  // Deleted or bound by someone else meanwhile: its own event has said or will say so.
  const auto current = pods_.get(key);
  if (current && current->metadata.uid == pod->uid() && responsible_for(*current)) {
    queue_.put_backoff(std::move(queued));
  }
}

void Scheduler::refuse(QueuedPod queued, scheduling::FitError error) {
  const PodInfoPtr pod = queued.pod;
  scheduling::Budgets budgets;
  for (const auto& [key, budget] : budgets_.all()) budgets.push_back(budget);
  const auto room = scheduling::preempt(placer_, *pod, error, budgets);
  if (room) {
    snapshot_.nominate(pod, room->node);
  } else {
    error.preemption = room.error().message;
    if (!room.error().nomination_stands) snapshot_.clear_nomination(pod->uid());
  }
  // Victims may go at once, and their going is the event that this Pod waits for: queue it first.
  queue_.put_unschedulable(std::move(queued), error.rejecting, env_.clock.monotonic());
  if (room) make_room(*pod, *room);
  const std::string* nominated = snapshot_.nominated_node(pod->uid());
  const std::string message = error.message();
  write_refusal(pod->pod->key(), message, nominated ? *nominated : "");
  events_.warning(*pod->pod, "FailedScheduling", message);
}

// --- Preemption.

void Scheduler::make_room(const PodInfo& preemptor, const scheduling::Preemption& found) {
  for (const PodInfoPtr& victim : found.victims) evict(*victim, preemptor, found.node);
  // Less important Pods that waited for this room must look elsewhere.
  std::vector<PodInfoPtr> displaced;
  for (const PodInfoPtr& other : snapshot_.node(found.slot).nominated) {
    if (other->priority() < preemptor.priority()) displaced.push_back(other);
  }
  for (const PodInfoPtr& other : displaced) {
    snapshot_.clear_nomination(other->uid());
    const auto current = pods_.get(other->pod->key());
    if (!current || current->metadata.uid != other->uid()) continue;
    kube::Pod changed = *current;
    changed.status.nominated_node_name.clear();
    write_status(std::move(changed), "clearing the nomination of");
  }
}

void Scheduler::evict(const PodInfo& victim, const PodInfo& preemptor, const std::string& node) {
  const kube::ObjectKey key = victim.pod->key();
  const auto current = pods_.get(key);
  if (!current || current->metadata.uid != victim.uid()) return;
  kube::Pod changed = *current;
  const bool news = set_condition(
      changed, kube::kDisruptionTarget, kube::kTrue, "PreemptionByScheduler",
      fmt::format("{}: preempting to accommodate a higher priority pod", options_.scheduler_name),
      env_.clock.wall());
  if (news) write_status(std::move(changed), "marking");
  const Status removed = ignore_not_found(
      client_.remove(kube::Pod::static_kind(), key, {.precondition_uid = victim.uid()}));
  if (!removed) {
    log_failure("preempting", key, removed.error());
    return;
  }
  events_.normal(*victim.pod, "Preempted",
                 fmt::format("Preempted by pod {} on node {}", preemptor.uid(), node));
}

// --- What is written.

void Scheduler::write_refusal(const kube::ObjectKey& key, const std::string& message,
                              const std::string& nominated) {
  const auto current = pods_.get(key);
  if (!current || !responsible_for(*current)) return;
  kube::Pod changed = *current;
  const bool news = set_condition(changed, kube::kPodScheduled, kube::kFalse, "Unschedulable",
                                  message, env_.clock.wall());
  if (!news && changed.status.nominated_node_name == nominated) return;
  changed.status.nominated_node_name = nominated;
  write_status(std::move(changed), "writing the condition of");
}

void Scheduler::write_status(kube::Pod pod, std::string_view what) {
  const kube::ObjectKey key = pod.key();
  const auto written = kube::update(client_, std::move(pod), kube::Subresource::kStatus);
  // Changed or gone meanwhile: whoever changed it causes the next attempt.
  if (written || is(written.error(), Reason::kNotFound)) return;
  if (!is(written.error(), Reason::kConflict)) log_failure(what, key, written.error());
}

void Scheduler::log_failure(std::string_view what, const kube::ObjectKey& pod,
                            const Error& error) {
  env_.log.write(env::Level::kWarning, kComponent,
                 fmt::format("{} Pod {}: {}", what, pod.to_string(), error.message));
}

// --- Questions.

Result<std::vector<scheduling::NodeVerdict>> Scheduler::explain(const kube::ObjectKey& key) {
  const auto pod = pods_.get(key);
  if (!pod) return fail(Reason::kNotFound, fmt::format("pods \"{}\" not found", key.name));
  if (!pod->spec.node_name.empty()) {
    return fail(Reason::kConflict, fmt::format("pod \"{}\" is already assigned to node \"{}\"",
                                               key.name, pod->spec.node_name));
  }
  return placer_.explain(*parse(pod));
}

std::string Scheduler::audit() const {
  std::size_t waiting = 0;
  std::size_t placed = 0;
  for (const auto& [key, pod] : pods_.all()) {
    const std::string& uid = pod->metadata.uid;
    const std::string* node = snapshot_.node_of(uid);
    const bool queued = queue_.where(uid).has_value();
    const bool bound = !pod->spec.node_name.empty() && !finished(*pod);
    placed += node != nullptr;
    if (bound && (!node || *node != pod->spec.node_name || queued)) {
      return fmt::format("Pod {} is bound to {} but not counted there", key.to_string(),
                         pod->spec.node_name);
    }
    if (!responsible_for(*pod)) continue;
    waiting += queued;
    if (queued == (node != nullptr)) {
      return fmt::format("Pod {} is {}", key.to_string(),
                         queued ? "queued and assumed" : "in no queue");
    }
  }
  if (waiting != queue_.size()) {
    return fmt::format("{} Pods queued, {} of them exist", queue_.size(), waiting);
  }
  if (placed != snapshot_.pod_count()) {
    return fmt::format("{} Pods placed, {} of them exist", snapshot_.pod_count(), placed);
  }
  if (std::string problem = queue_.audit(); !problem.empty()) return problem;
  return snapshot_.audit();
}

}  // namespace minato::scheduler
