#include "registry/admission.h"

#include <algorithm>

#include "kube/names.h"
#include "kube/types/scheduling.h"
#include "registry/errors.h"

namespace minato::registry {
namespace {

constexpr std::int64_t kDefaultTolerationSeconds = 300;
constexpr std::string_view kPreemptLowerPriority = "PreemptLowerPriority";

// Of several global defaults the lowest counts, so that making one too many does no harm.
std::shared_ptr<const kube::PriorityClass> default_class(const store::Store& store) {
  std::shared_ptr<const kube::PriorityClass> out;
  for (const auto& [key, object] : store.all(kube::PriorityClass::static_kind())) {
    auto candidate = kube::as<kube::PriorityClass>(object);
    if (!candidate->global_default) continue;
    if (!out || candidate->value < out->value) out = std::move(candidate);
  }
  return out;
}

}  // namespace

Status admit_priority(kube::Pod& pod, const store::Store& store) {
  std::shared_ptr<const kube::PriorityClass> priority_class;
  if (pod.spec.priority_class_name.empty()) {
    priority_class = default_class(store);
    if (priority_class) pod.spec.priority_class_name = priority_class->metadata.name;
  } else {
    const auto found =
        store.get(kube::PriorityClass::static_kind(), {"", pod.spec.priority_class_name});
    if (!found) {
      return forbidden(pod.kind(), pod.metadata.name,
                       fmt::format("no PriorityClass with name {} was found",
                                   pod.spec.priority_class_name));
    }
    priority_class = kube::as<kube::PriorityClass>(found);
  }
  const std::int32_t priority = priority_class ? priority_class->value : 0;
  if (pod.spec.priority && *pod.spec.priority != priority) {
    return forbidden(
        pod.kind(), pod.metadata.name,
        fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority "
                    "admission controller computed {} from the given PriorityClass name",
                    *pod.spec.priority, priority));
  }
  pod.spec.priority = priority;
  const std::string policy = priority_class && priority_class->preemption_policy
                                 ? *priority_class->preemption_policy
                                 : std::string(kPreemptLowerPriority);
  if (pod.spec.preemption_policy && *pod.spec.preemption_policy != policy) {
    return forbidden(
        pod.kind(), pod.metadata.name,
        fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; "
                    "priority admission controller computed {} from the given PriorityClass name",
                    *pod.spec.preemption_policy, policy));
  }
  pod.spec.preemption_policy = policy;
  return {};
}

void admit_default_tolerations(kube::Pod& pod) {
  for (const std::string_view key : {kube::kTaintNotReady, kube::kTaintUnreachable}) {
    const bool tolerated = std::ranges::any_of(pod.spec.tolerations, [&](const auto& toleration) {
      return (toleration.key == key || toleration.key.empty()) &&
             (toleration.effect == kube::kNoExecute || toleration.effect.empty());
    });
    if (tolerated) continue;
    kube::Toleration toleration;
    toleration.key = key;
    toleration.operator_ = "Exists";
    toleration.effect = kube::kNoExecute;
    toleration.toleration_seconds = kDefaultTolerationSeconds;
    pod.spec.tolerations.push_back(std::move(toleration));
  }
}

void admit_service_account(kube::Pod& pod) {
  if (pod.spec.service_account_name.empty()) pod.spec.service_account_name = "default";
  // The old name of the same field; both are served.
  pod.spec.service_account = pod.spec.service_account_name;
}

}  // namespace minato::registry
