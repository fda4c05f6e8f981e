#include "controllers/deployment/deployment_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "controllers/common/template_hash.h"
#include "controllers/deployment/revisions.h"
#include "controllers/deployment/rollout_status.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kReasonPaused = "DeploymentPaused";

bool is_active(const ReplicaSetPtr& replica_set) { return replicas_of(*replica_set) > 0; }

// spec.replicas has changed since the sizes were last noted.
bool is_scaling(const kube::Deployment& deployment, const ReplicaSets& sets) {
  return std::ranges::any_of(sets.all(), [&](const ReplicaSetPtr& each) {
    const std::int32_t noted = desired_replicas_annotation(*each);
    return is_active(each) && noted >= 0 && noted != replicas_of(deployment);
  });
}

}  // namespace

DeploymentController::DeploymentController(env::Env env, kube::Client& client,
                                           informer::Informers& informers)
    : env_(env.fork("deployment-controller")),
      client_(client),
      events_(env_.fork("events"), client, "deployment-controller"),
      deployments_(informers.of<kube::Deployment>()),
      replica_sets_(informers.of<kube::ReplicaSet>()),
      pods_(informers.of<kube::Pod>()),
      namespaces_(informers.of<kube::Namespace>()),
      runner_(env_.fork("runner"), *this) {
  index_by_controller(replica_sets_);
  index_by_controller(pods_);
  deployments_.on_change([this](const auto& delta) { runner_.queue().add(delta.object().key()); });
  replica_sets_.on_change([this](const auto& delta) { replica_set_changed(delta); });
  pods_.on_change([this](const auto& delta) { pod_changed(delta); });
}

void DeploymentController::replica_set_changed(const informer::Delta<kube::ReplicaSet>& delta) {
  for (const ReplicaSetPtr& state : {delta.before, delta.after}) {
    if (!state) continue;
    const kube::OwnerReference* owner = controller_of(state->metadata);
    if (owner == nullptr || owner->kind != kube::Deployment::static_kind().kind) continue;
    runner_.queue().add({state->metadata.namespace_, owner->name});
  }
  if (!delta.after || controller_of(delta.after->metadata) != nullptr) return;
  for (const DeploymentPtr& each : deployments_.in_namespace(delta.after->metadata.namespace_)) {
    const auto selector = kube::Selector::from(each->spec.selector);
    if (selector && selector->matches(delta.after->metadata.labels)) {
      runner_.queue().add(each->key());
    }
  }
}

// Only Recreate looks at Pods: it waits for the last old one to be gone.
void DeploymentController::pod_changed(const informer::Delta<kube::Pod>& delta) {
  if (delta.change == informer::Change::kAdded) return;
  const kube::Pod& pod = delta.object();
  if (delta.after && !is_pod_terminal(pod)) return;
  const kube::OwnerReference* owner = controller_of(pod.metadata);
  if (owner == nullptr || owner->kind != kube::ReplicaSet::static_kind().kind) return;
  const auto replica_set = replica_sets_.get({pod.metadata.namespace_, owner->name});
  if (!replica_set) return;
  const kube::OwnerReference* top = controller_of(replica_set->metadata);
  if (top == nullptr) return;
  const auto deployment = deployments_.get({pod.metadata.namespace_, top->name});
  if (deployment && !is_rolling_update(*deployment)) runner_.queue().add(deployment->key());
}

Result<informer::Requeue> DeploymentController::reconcile(const kube::ObjectKey& key) {
  const DeploymentPtr deployment = deployments_.get(key);
  if (!deployment) return informer::Requeue::done();
  const std::string uid = deployment->metadata.uid;
  ASSIGN_OR_RETURN(const kube::Selector selector, kube::Selector::from(deployment->spec.selector));
  if (selector.matches_everything()) {
    events_.warning(*deployment, "SelectingAll",
                    "This deployment is selecting all pods. A non-empty selector is required.");
    kube::DeploymentStatus status = deployment->status;
    status.observed_generation = deployment->metadata.generation;
    RETURN_IF_ERROR(write_status(key, status));
    return informer::Requeue::done();
  }
  ASSIGN_OR_RETURN(ReplicaSetList claimed, claim(client_, replica_sets_, *deployment, selector));
  ReplicaSets sets = sort_out(*deployment, std::move(claimed));
  if (!is_deleting(deployment->metadata)) {
    ASSIGN_OR_RETURN(const bool pause_noted, note_pause(*deployment));
    if (pause_noted) return informer::Requeue::done();
    if (deployment->spec.paused || is_scaling(*deployment, sets)) {
      RETURN_IF_ERROR(sync_current(*deployment, sets));
      RETURN_IF_ERROR(scale(*deployment, sets));
    } else if (is_rolling_update(*deployment)) {
      RETURN_IF_ERROR(roll(deployment, std::move(sets)));
    } else {
      RETURN_IF_ERROR(recreate(deployment, std::move(sets)));
    }
  }
  RETURN_IF_ERROR(sync_status(key, uid));
  const DeploymentPtr written = deployments_.get(key);
  if (!written) return informer::Requeue::done();
  return informer::Requeue{.after = until_deadline(*written, written->status, env_.clock.wall())};
}

Result<bool> DeploymentController::note_pause(const kube::Deployment& deployment) {
  if (!has_progress_deadline(deployment)) return false;
  const auto* progressing = find_condition(deployment.status.conditions, kDeploymentProgressing);
  // A roll-out that was given up stays given up until its template changes.
  if (progressing != nullptr && progressing->reason == kReasonProgressDeadlineExceeded) {
    return false;
  }
  const bool is_noted = progressing != nullptr && progressing->reason == kReasonPaused;
  if (deployment.spec.paused == is_noted) return false;
  RETURN_IF_ERROR(
      set_progressing(deployment.key(), kube::kUnknown,
                      deployment.spec.paused ? kReasonPaused : "DeploymentResumed",
                      deployment.spec.paused ? "Deployment is paused" : "Deployment is resumed"));
  return true;
}

Status DeploymentController::scale(const kube::Deployment& deployment, const ReplicaSets& sets) {
  RETURN_IF_ERROR(apply(deployment, plan_scaling(deployment, sets)));
  return deployment.spec.paused ? clean_up_history(deployment, sets.old) : Status{};
}

Status DeploymentController::roll(const DeploymentPtr& deployment, ReplicaSets sets) {
  RETURN_IF_ERROR(sync_current(*deployment, sets));
  if (!sets.current) {
    RETURN_IF_ERROR(create_current(*deployment, sets));
    if (!sets.current) return {};
  }
  const std::vector<Resize> plan = plan_rolling_step(*deployment, sets);
  if (!plan.empty()) return apply(*deployment, plan);
  if (!is_complete(*deployment, deployment->status)) return {};
  return clean_up_history(*deployment, sets.old);
}

Status DeploymentController::recreate(const DeploymentPtr& deployment, ReplicaSets sets) {
  RETURN_IF_ERROR(sync_current(*deployment, sets));
  if (const auto plan = plan_removal_of_old(sets); !plan.empty()) return apply(*deployment, plan);
  if (has_old_pods(sets)) return {};
  if (!sets.current) {
    RETURN_IF_ERROR(create_current(*deployment, sets));
    if (!sets.current) return {};
  }
  RETURN_IF_ERROR(apply(*deployment, {{sets.current, replicas_of(*deployment)}}));
  if (!is_complete(*deployment, deployment->status)) return {};
  return clean_up_history(*deployment, sets.old);
}

bool DeploymentController::has_old_pods(const ReplicaSets& sets) const {
  return std::ranges::any_of(sets.old, [&](const ReplicaSetPtr& each) {
    if (each->status.replicas > 0) return true;
    // Pods being deleted still run, though the status no longer counts them.
    return std::ranges::any_of(controlled_by(pods_, each->metadata.uid),
                               [](const auto& pod) { return !is_pod_terminal(*pod); });
  });
}

Status DeploymentController::sync_current(const kube::Deployment& deployment, ReplicaSets& sets) {
  if (!sets.current) return {};
  kube::ReplicaSet changed = *sets.current;
  set_revision(changed, next_revision(sets));
  const std::int64_t revision = revision_of(changed.metadata);
  const bool came_back = revision != revision_of(sets.current->metadata);
  copy_annotations(deployment, changed);
  changed.spec.min_ready_seconds = deployment.spec.min_ready_seconds;
  if (!kube::equal(changed, *sets.current)) {
    ASSIGN_OR_RETURN(sets.current, kube::update(client_, std::move(changed)));
  }
  RETURN_IF_ERROR(sync_revision(deployment, revision));
  const auto* progressing = find_condition(deployment.status.conditions, kDeploymentProgressing);
  // Also when an old template came back, so that its deadline counts from now.
  if (has_progress_deadline(deployment) && (progressing == nullptr || came_back)) {
    return set_progressing(
        deployment.key(), kube::kTrue, "FoundNewReplicaSet",
        fmt::format("Found new replica set \"{}\"", sets.current->metadata.name));
  }
  return {};
}

Status DeploymentController::sync_revision(const kube::Deployment& deployment,
                                           std::int64_t revision) {
  if (revision_of(deployment.metadata) == revision) return {};
  kube::Deployment changed = deployment;
  changed.metadata.annotations[std::string(kube::kAnnotationRevision)] =
      fmt::format("{}", revision);
  RETURN_IF_ERROR(kube::update(client_, std::move(changed)));
  return {};
}

Status DeploymentController::create_current(const kube::Deployment& deployment, ReplicaSets& sets) {
  const auto home = namespaces_.get({"", deployment.metadata.namespace_});
  if (home && is_deleting(home->metadata)) return {};
  kube::ReplicaSet wanted = make_replica_set(deployment);
  set_revision(wanted, next_revision(sets));
  const std::int32_t size = next_current_size(deployment, sets);
  wanted.spec.replicas = size;
  const kube::ObjectKey key = wanted.key();
  const std::int64_t revision = revision_of(wanted.metadata);
  auto created = kube::create(client_, std::move(wanted));
  if (failed_with(created, Reason::kAlreadyExists)) return resolve_name_collision(deployment, key);
  if (!created) {
    if (has_progress_deadline(deployment)) {
      RETURN_IF_ERROR(set_progressing(deployment.key(), kube::kFalse, "ReplicaSetCreateError",
                                      fmt::format("Failed to create new replica set \"{}\": {}",
                                                  key.name, created.error().message)));
    }
    return std::unexpected(std::move(created).error());
  }
  sets.current = *created;
  if (size > 0) {
    events_.normal(deployment, "ScalingReplicaSet",
                   fmt::format("Scaled up replica set {} from 0 to {}", key.name, size));
  }
  RETURN_IF_ERROR(sync_revision(deployment, revision));
  if (!has_progress_deadline(deployment)) return {};
  return set_progressing(deployment.key(), kube::kTrue, "NewReplicaSetCreated",
                         fmt::format("Created new replica set \"{}\"", key.name));
}

// Another template has the same hash, or someone else has the name: hash again with a count.
Status DeploymentController::resolve_name_collision(const kube::Deployment& deployment,
                                                    const kube::ObjectKey& key) {
  kube::DeploymentStatus status = deployment.status;
  status.collision_count = status.collision_count.value_or(0) + 1;
  RETURN_IF_ERROR(write_status(deployment.key(), status));
  return fail(Reason::kConflict,
              fmt::format("replicaset {} exists already for another template", key.to_string()));
}

Status DeploymentController::apply(const kube::Deployment& deployment,
                                   const std::vector<Resize>& plan) {
  for (const Resize& resize : plan) {
    const std::int32_t before = replicas_of(*resize.replica_set);
    kube::ReplicaSet changed = *resize.replica_set;
    changed.spec.replicas = resize.replicas;
    set_size_annotations(deployment, changed);
    if (kube::equal(changed, *resize.replica_set)) continue;
    RETURN_IF_ERROR(kube::update(client_, std::move(changed)));
    if (before == resize.replicas) continue;
    events_.normal(deployment, "ScalingReplicaSet",
                   fmt::format("Scaled {} replica set {} from {} to {}",
                               before < resize.replicas ? "up" : "down",
                               resize.replica_set->metadata.name, before, resize.replicas));
  }
  return {};
}

Status DeploymentController::clean_up_history(const kube::Deployment& deployment,
                                              const ReplicaSetList& old) {
  const auto& limit = deployment.spec.revision_history_limit;
  if (!limit || *limit == std::numeric_limits<std::int32_t>::max()) return {};
  ReplicaSetList kept = old;
  std::erase_if(kept, [](const auto& each) { return is_deleting(each->metadata); });
  std::ranges::stable_sort(kept, {}, [](const auto& each) { return revision_of(each->metadata); });
  const auto surplus = static_cast<std::ptrdiff_t>(kept.size()) - *limit;
  for (std::ptrdiff_t i = 0; i < surplus; ++i) {
    const kube::ReplicaSet& each = *kept[static_cast<std::size_t>(i)];
    if (each.status.replicas != 0 || replicas_of(each) != 0 ||
        each.metadata.generation > each.status.observed_generation) {
      continue;
    }
    RETURN_IF_ERROR(ignore_not_found(client_.remove(kube::ReplicaSet::static_kind(), each.key())));
  }
  return {};
}

Status DeploymentController::write_status(const kube::ObjectKey& key,
                                          const kube::DeploymentStatus& status) {
  const DeploymentPtr present = deployments_.get(key);
  if (!present || kube::equal(present->status, status)) return {};
  kube::Deployment changed = *present;
  changed.status = status;
  RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  return {};
}

Status DeploymentController::set_progressing(const kube::ObjectKey& key, std::string_view value,
                                             std::string_view reason, std::string message) {
  const DeploymentPtr present = deployments_.get(key);
  if (!present) return {};
  kube::DeploymentStatus status = present->status;
  set_condition(status, kDeploymentProgressing, value, reason, std::move(message),
                api_now(env_.clock));
  return write_status(key, status);
}

// From the caches as they are after this reconcile's own writes.
Status DeploymentController::sync_status(const kube::ObjectKey& key, const std::string& uid) {
  const DeploymentPtr present = deployments_.get(key);
  if (!present || present->metadata.uid != uid) return {};
  const ReplicaSets sets = sort_out(*present, controlled_by(replica_sets_, uid));
  const kube::Time now = api_now(env_.clock);
  const bool counts_only = present->spec.paused || is_deleting(present->metadata);
  return write_status(
      key, counts_only ? counted_status(*present, sets, now) : rollout_status(*present, sets, now));
}

}  // namespace minato::controllers
