// The condition DisruptionTarget: why a controller is about to take a Pod away.
// Rules: kubernetes.io/docs/concepts/workloads/pods/disruptions (Pod disruption conditions).
#pragma once

#include <string_view>

#include "controllers/common/pods.h"
#include "kube/client.h"
#include "kube/names.h"

namespace minato::controllers {

enum class MarkFailed { kNo, kYes };  // kYes: also ends the Pod, for when no kubelet will.

inline Status add_disruption_target(kube::Client& client, const kube::Pod& pod,
                                    std::string_view reason, std::string_view message,
                                    kube::Time now, MarkFailed mark_failed = MarkFailed::kNo) {
  kube::PodCondition condition;
  condition.type = kube::kDisruptionTarget;
  condition.status = kube::kTrue;
  condition.reason = reason;
  condition.message = message;
  condition.last_transition_time = now;
  kube::Pod changed = pod;
  bool is_changed = set_pod_condition(changed.status, std::move(condition));
  if (mark_failed == MarkFailed::kYes && !is_pod_terminal(pod)) {
    changed.status.phase = kube::kPodFailed;
    is_changed = true;
  }
  if (!is_changed) return {};
  RETURN_IF_ERROR(kube::update(client, std::move(changed), kube::Subresource::kStatus));
  return {};
}

}  // namespace minato::controllers
