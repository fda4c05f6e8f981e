#include "controllers/replicaset/replica_set_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kReplicaFailure = "ReplicaFailure";

std::int32_t wanted(const kube::ReplicaSet& replica_set) {
  return replica_set.spec.replicas.value_or(1);
}

// The soonest moment at which a Pod that is ready becomes available.
std::optional<Duration> next_available(const PodList& pods, std::int32_t min_ready, WallTime now) {
  std::optional<Duration> soonest;
  for (const auto& pod : pods) {
    const std::optional<WallTime> at = available_at(*pod, min_ready);
    if (!at || *at <= now) continue;
    if (!soonest || *at - now < *soonest) soonest = *at - now;
  }
  return soonest;
}

void set_failure(kube::ReplicaSetStatus& status, std::string_view reason,
                 const std::string& message, kube::Time now) {
  const kube::ReplicaSetCondition* existing = find_condition(status.conditions, kReplicaFailure);
  if (existing != nullptr) return;
  kube::ReplicaSetCondition condition;
  condition.type = kReplicaFailure;
  condition.status = kube::kTrue;
  condition.reason = reason;
  condition.message = message;
  condition.last_transition_time = now;
  status.conditions.push_back(std::move(condition));
}

}  // namespace

ReplicaSetController::ReplicaSetController(env::Env env, kube::Client& client,
                                           informer::Informers& informers, Options options)
    : env_(env.fork("replicaset-controller")),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, "replicaset-controller"),
      replica_sets_(informers.of<kube::ReplicaSet>()),
      pods_(informers.of<kube::Pod>()),
      namespaces_(informers.of<kube::Namespace>()),
      runner_(env_.fork("runner"), *this) {
  index_by_controller(pods_);
  index_by_controller(replica_sets_);
  replica_sets_.on_change([this](const auto& delta) { runner_.queue().add(delta.object().key()); });
  pods_.on_change([this](const auto& delta) { pod_changed(delta); });
}

void ReplicaSetController::pod_changed(const informer::Delta<kube::Pod>& delta) {
  if (delta.before) enqueue_owner(*delta.before);
  if (!delta.after) return;
  enqueue_owner(*delta.after);
  const kube::Pod& pod = *delta.after;
  if (controller_of(pod.metadata) != nullptr || is_deleting(pod.metadata)) return;
  for (const auto& replica_set : replica_sets_.in_namespace(pod.metadata.namespace_)) {
    const auto selector = kube::Selector::from(replica_set->spec.selector);
    if (selector && selector->matches(pod.metadata.labels)) runner_.queue().add(replica_set->key());
  }
}

void ReplicaSetController::enqueue_owner(const kube::Pod& pod) {
  const kube::OwnerReference* owner = controller_of(pod.metadata);
  if (owner == nullptr || owner->kind != kube::ReplicaSet::static_kind().kind) return;
  runner_.queue().add({pod.metadata.namespace_, owner->name});
}

Result<informer::Requeue> ReplicaSetController::reconcile(const kube::ObjectKey& key) {
  const auto replica_set = replica_sets_.get(key);
  if (!replica_set) return informer::Requeue::done();
  ASSIGN_OR_RETURN(const kube::Selector selector, kube::Selector::from(replica_set->spec.selector));
  ASSIGN_OR_RETURN(PodList active, claim(client_, pods_, *replica_set, selector));
  std::erase_if(active, [](const auto& pod) { return !is_pod_active(*pod); });

  Status managed;
  if (!is_deleting(replica_set->metadata)) managed = manage(*replica_set, active);
  // Counted again: the status tells what is there after this turn's own writes. What is beyond the
  // burst limit follows at once, since those writes come back as changes of Pods.
  active = controlled_by(pods_, replica_set->metadata.uid);
  std::erase_if(active, [](const auto& pod) { return !is_pod_active(*pod); });

  kube::ReplicaSetStatus status = new_status(*replica_set, active, managed);
  if (!kube::equal(status, replica_set->status)) {
    kube::ReplicaSet changed = *replica_set;
    changed.status = std::move(status);
    RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  }
  RETURN_IF_ERROR(managed);
  const auto soonest =
      next_available(active, replica_set->spec.min_ready_seconds, env_.clock.wall());
  const auto next = soonest ? informer::Requeue::in(*soonest) : informer::Requeue::done();
  return next.resting(informer::rest_after(active.size()));
}

Status ReplicaSetController::manage(const kube::ReplicaSet& replica_set, const PodList& active) {
  const std::int32_t missing = wanted(replica_set) - static_cast<std::int32_t>(active.size());
  if (missing > 0) return create_pods(replica_set, std::min(missing, options_.burst_limit));
  if (missing < 0)
    return delete_pods(replica_set, active, std::min(-missing, options_.burst_limit));
  return {};
}

Status ReplicaSetController::create_pods(const kube::ReplicaSet& replica_set, std::int32_t count) {
  const auto home = namespaces_.get({"", replica_set.metadata.namespace_});
  // Nothing new may be made there any more, and no one needs to be told so.
  if (home && is_deleting(home->metadata)) return {};
  // Slow start: a template that is refused is refused 1, 2, 4… times, not `count` times at once.
  std::int32_t batch = 1;
  for (std::int32_t made = 0; made < count; batch *= 2) {
    Status outcome;
    for (std::int32_t i = 0; i < batch && made < count; ++i, ++made) {
      if (Status created = create_pod(replica_set); !created && outcome) outcome = created;
    }
    RETURN_IF_ERROR(outcome);
  }
  return {};
}

Status ReplicaSetController::create_pod(const kube::ReplicaSet& replica_set) {
  const auto created =
      kube::create(client_, pod_from_template(replica_set.spec.template_, replica_set.metadata,
                                              controller_reference(replica_set)));
  if (!created) {
    events_.warning(replica_set, "FailedCreate",
                    fmt::format("Error creating: {}", created.error().message));
    return std::unexpected(created.error());
  }
  events_.normal(replica_set, "SuccessfulCreate",
                 fmt::format("Created pod: {}", (*created)->metadata.name));
  return {};
}

Status ReplicaSetController::delete_pods(const kube::ReplicaSet& replica_set, const PodList& active,
                                         std::int32_t count) {
  const PodList ordered = in_deletion_order(active, related_pods(replica_set),
                                            replica_set.spec.min_ready_seconds, env_.clock.wall());
  Status outcome;
  for (std::int32_t i = 0; i < count; ++i) {
    const kube::Pod& pod = *ordered[static_cast<std::size_t>(i)];
    kube::RemoveOptions options;
    options.precondition_uid = pod.metadata.uid;
    const Status removed =
        ignore_not_found(client_.remove(kube::Pod::static_kind(), pod.key(), options));
    if (removed) {
      events_.normal(replica_set, "SuccessfulDelete",
                     fmt::format("Deleted pod: {}", pod.metadata.name));
      continue;
    }
    events_.warning(replica_set, "FailedDelete",
                    fmt::format("Error deleting: {}", removed.error().message));
    if (outcome) outcome = removed;
  }
  return outcome;
}

PodList ReplicaSetController::related_pods(const kube::ReplicaSet& replica_set) const {
  const kube::OwnerReference* owner = controller_of(replica_set.metadata);
  if (owner == nullptr) return controlled_by(pods_, replica_set.metadata.uid);
  PodList out;
  for (const auto& sibling : controlled_by(replica_sets_, owner->uid)) {
    for (auto& pod : controlled_by(pods_, sibling->metadata.uid)) out.push_back(std::move(pod));
  }
  return out;
}

kube::ReplicaSetStatus ReplicaSetController::new_status(const kube::ReplicaSet& replica_set,
                                                        const PodList& active,
                                                        const Status& managed) const {
  kube::ReplicaSetStatus status = replica_set.status;
  const auto template_labels =
      kube::Selector::from_labels(replica_set.spec.template_.metadata.labels);
  const WallTime now = env_.clock.wall();
  const auto count = [&](auto predicate) {
    return static_cast<std::int32_t>(
        std::ranges::count_if(active, [&](const auto& pod) { return predicate(*pod); }));
  };
  status.replicas = static_cast<std::int32_t>(active.size());
  status.fully_labeled_replicas =
      count([&](const kube::Pod& pod) { return template_labels.matches(pod.metadata.labels); });
  status.ready_replicas = count(is_pod_ready);
  status.available_replicas = count([&](const kube::Pod& pod) {
    return is_pod_available(pod, replica_set.spec.min_ready_seconds, now);
  });
  status.observed_generation = replica_set.metadata.generation;
  if (managed) {
    remove_condition(status.conditions, kReplicaFailure);
  } else {
    const bool creating = wanted(replica_set) > status.replicas;
    set_failure(status, creating ? "FailedCreate" : "FailedDelete", managed.error().message,
                api_now(env_.clock));
  }
  return status;
}

}  // namespace minato::controllers
