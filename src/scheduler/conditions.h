// Conditions of Pods, set the way controllers do: the time changes only with the status.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "kube/types/pod.h"

namespace minato::scheduler {

// False: the condition said the same already.
inline bool set_condition(kube::Pod& pod, std::string_view type, std::string_view status,
                          std::string_view reason, std::string message, WallTime now) {
  kube::PodCondition* condition = nullptr;
  for (kube::PodCondition& existing : pod.status.conditions) {
    if (existing.type == type) condition = &existing;
  }
  if (condition && condition->status == status && condition->reason == reason &&
      condition->message == message) {
    return false;
  }
  if (!condition) {
    condition = &pod.status.conditions.emplace_back();
    condition->type = type;
  }
  if (condition->status != status) condition->last_transition_time = now;
  condition->status = status;
  condition->reason = reason;
  condition->message = std::move(message);
  return true;
}

}  // namespace minato::scheduler
