#include "controllers/deployment/rollout_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "controllers/common/conditions.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

bool is_progressing(const kube::DeploymentStatus& before, const kube::DeploymentStatus& after) {
  return after.updated_replicas > before.updated_replicas ||
         after.replicas - after.updated_replicas < before.replicas - before.updated_replicas ||
         after.ready_replicas > before.ready_replicas ||
         after.available_replicas > before.available_replicas;
}

std::chrono::seconds deadline_of(const kube::Deployment& deployment) {
  return std::chrono::seconds(deployment.spec.progress_deadline_seconds.value_or(0));
}

bool has_timed_out(const kube::Deployment& deployment, const kube::DeploymentStatus& status,
                   WallTime now) {
  const auto* progressing = find_condition(status.conditions, kDeploymentProgressing);
  if (progressing == nullptr || progressing->reason == kReasonNewReplicaSetAvailable) return false;
  if (progressing->reason == kReasonProgressDeadlineExceeded) return true;
  return progressing->last_update_time + deadline_of(deployment) < now;
}

void set_progressing(const kube::Deployment& deployment, const ReplicaSets& sets,
                     kube::DeploymentStatus& status, kube::Time now) {
  const std::string subject = sets.current
                                  ? fmt::format("ReplicaSet \"{}\"", sets.current->metadata.name)
                                  : fmt::format("Deployment \"{}\"", deployment.metadata.name);
  if (is_complete(deployment, status)) {
    set_condition(status, kDeploymentProgressing, kube::kTrue, kReasonNewReplicaSetAvailable,
                  subject + " has successfully progressed.", now);
  } else if (is_progressing(deployment.status, status)) {
    // Taken out first so that last_update_time moves also when the reason stays: the deadline
    // counts from the last progress.
    kube::Time since = now;
    const auto* existing = find_condition(status.conditions, kDeploymentProgressing);
    if (existing != nullptr && existing->status == kube::kTrue) {
      since = existing->last_transition_time;
    }
    remove_condition(status.conditions, kDeploymentProgressing);
    set_condition(status, kDeploymentProgressing, kube::kTrue, "ReplicaSetUpdated",
                  subject + " is progressing.", now);
    find_condition(status.conditions, kDeploymentProgressing)->last_transition_time = since;
  } else if (has_timed_out(deployment, status, now)) {
    set_condition(status, kDeploymentProgressing, kube::kFalse, kReasonProgressDeadlineExceeded,
                  subject + " has timed out progressing.", now);
  }
}

void set_replica_failure(const ReplicaSets& sets, kube::DeploymentStatus& status, kube::Time now) {
  ReplicaSetList in_order;
  if (sets.current) in_order.push_back(sets.current);
  in_order.insert(in_order.end(), sets.old.begin(), sets.old.end());
  for (const ReplicaSetPtr& each : in_order) {
    const auto* failure = find_condition(each->status.conditions, kDeploymentReplicaFailure);
    if (failure == nullptr) continue;
    set_condition(status, kDeploymentReplicaFailure, failure->status, failure->reason,
                  failure->message, now);
    return;
  }
  remove_condition(status.conditions, kDeploymentReplicaFailure);
}

}  // namespace

bool has_progress_deadline(const kube::Deployment& deployment) {
  const auto& seconds = deployment.spec.progress_deadline_seconds;
  return seconds && *seconds != std::numeric_limits<std::int32_t>::max();
}

bool is_complete(const kube::Deployment& deployment, const kube::DeploymentStatus& status) {
  const std::int32_t desired = replicas_of(deployment);
  return status.updated_replicas == desired && status.replicas == desired &&
         status.available_replicas == desired &&
         status.observed_generation >= deployment.metadata.generation;
}

void set_condition(kube::DeploymentStatus& status, std::string_view type, std::string_view value,
                   std::string_view reason, std::string message, kube::Time now) {
  kube::DeploymentCondition condition;
  condition.type = type;
  condition.status = value;
  condition.reason = reason;
  condition.message = std::move(message);
  condition.last_update_time = now;
  condition.last_transition_time = now;
  if (const auto* existing = find_condition(status.conditions, type)) {
    if (existing->status == value && existing->reason == reason) return;
    if (existing->status == value) {
      condition.last_transition_time = existing->last_transition_time;
    }
    remove_condition(status.conditions, type);
  }
  status.conditions.push_back(std::move(condition));
}

kube::DeploymentStatus counted_status(const kube::Deployment& deployment, const ReplicaSets& sets,
                                      kube::Time now) {
  kube::DeploymentStatus status = deployment.status;
  status.observed_generation = deployment.metadata.generation;
  status.replicas = status.ready_replicas = status.available_replicas = 0;
  for (const ReplicaSetPtr& each : sets.all()) {
    status.replicas += each->status.replicas;
    status.ready_replicas += each->status.ready_replicas;
    status.available_replicas += each->status.available_replicas;
  }
  status.updated_replicas = sets.current ? sets.current->status.replicas : 0;
  status.unavailable_replicas = std::max(0, status.replicas - status.available_replicas);
  const std::int32_t minimum = replicas_of(deployment) - fenceposts(deployment).unavailable;
  if (status.available_replicas >= minimum) {
    set_condition(status, kDeploymentAvailable, kube::kTrue, "MinimumReplicasAvailable",
                  "Deployment has minimum availability.", now);
  } else {
    set_condition(status, kDeploymentAvailable, kube::kFalse, "MinimumReplicasUnavailable",
                  "Deployment does not have minimum availability.", now);
  }
  return status;
}

kube::DeploymentStatus rollout_status(const kube::Deployment& deployment, const ReplicaSets& sets,
                                      kube::Time now) {
  kube::DeploymentStatus status = counted_status(deployment, sets, now);
  if (!has_progress_deadline(deployment)) {
    remove_condition(status.conditions, kDeploymentProgressing);
  } else {
    const auto* progressing = find_condition(deployment.status.conditions, kDeploymentProgressing);
    const bool was_complete = status.replicas == status.updated_replicas &&
                              progressing != nullptr &&
                              progressing->reason == kReasonNewReplicaSetAvailable;
    // Once complete, a Pod that fails later does not restart the deadline.
    if (!was_complete) set_progressing(deployment, sets, status, now);
  }
  set_replica_failure(sets, status, now);
  return status;
}

std::optional<Duration> until_deadline(const kube::Deployment& deployment,
                                       const kube::DeploymentStatus& status, WallTime now) {
  const auto* progressing = find_condition(status.conditions, kDeploymentProgressing);
  if (progressing == nullptr || !has_progress_deadline(deployment) ||
      progressing->reason == kReasonNewReplicaSetAvailable ||
      progressing->reason == kReasonProgressDeadlineExceeded) {
    return std::nullopt;
  }
  // One second more: times in the API are cut to seconds.
  return std::max<Duration>(progressing->last_update_time + deadline_of(deployment) + 1s - now, 1s);
}

}  // namespace minato::controllers
