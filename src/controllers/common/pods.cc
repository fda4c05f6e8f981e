#include "controllers/common/pods.h"

#include "kube/names.h"

namespace minato::controllers {

bool is_pod_terminal(const kube::Pod& pod) {
  return pod.status.phase == kube::kPodSucceeded || pod.status.phase == kube::kPodFailed;
}

bool is_pod_active(const kube::Pod& pod) {
  return !is_pod_terminal(pod) && !is_deleting(pod.metadata);
}

bool is_pod_ready(const kube::Pod& pod) {
  const kube::PodCondition* ready = find_condition(pod.status.conditions, kube::kReady);
  return ready != nullptr && ready->status == kube::kTrue;
}

std::optional<WallTime> available_at(const kube::Pod& pod, std::int32_t min_ready_seconds) {
  const kube::PodCondition* ready = find_condition(pod.status.conditions, kube::kReady);
  if (ready == nullptr || ready->status != kube::kTrue) return std::nullopt;
  if (min_ready_seconds == 0) return WallTime{};
  if (!is_set(ready->last_transition_time)) return std::nullopt;
  return ready->last_transition_time + std::chrono::seconds(min_ready_seconds);
}

bool is_pod_available(const kube::Pod& pod, std::int32_t min_ready_seconds, WallTime now) {
  const std::optional<WallTime> at = available_at(pod, min_ready_seconds);
  return at && *at <= now;
}

bool set_pod_condition(kube::PodStatus& status, kube::PodCondition condition) {
  kube::PodCondition* existing = find_condition(status.conditions, condition.type);
  if (existing == nullptr) {
    status.conditions.push_back(std::move(condition));
    return true;
  }
  if (existing->status == condition.status) {
    condition.last_transition_time = existing->last_transition_time;
    if (kube::equal(*existing, condition)) return false;
  }
  *existing = std::move(condition);
  return true;
}

kube::Pod pod_from_template(const kube::PodTemplateSpec& template_, const kube::ObjectMeta& owner,
                            kube::OwnerReference controller) {
  kube::Pod pod;
  pod.metadata.namespace_ = owner.namespace_;
  pod.metadata.generate_name = owner.name + "-";
  pod.metadata.labels = template_.metadata.labels;
  pod.metadata.annotations = template_.metadata.annotations;
  pod.metadata.finalizers = template_.metadata.finalizers;
  pod.metadata.owner_references.push_back(std::move(controller));
  pod.spec = template_.spec;
  return pod;
}

void index_pods_by_node(informer::Informer<kube::Pod>& pods) {
  pods.add_index(std::string(kPodsByNode), [](const kube::Pod& pod) {
    return pod.spec.node_name.empty() ? std::vector<std::string>{}
                                      : std::vector<std::string>{pod.spec.node_name};
  });
}

std::vector<std::shared_ptr<const kube::Pod>> pods_on_node(
    const informer::Informer<kube::Pod>& pods, const std::string& node) {
  return pods.by_index(std::string(kPodsByNode), node);
}

}  // namespace minato::controllers
