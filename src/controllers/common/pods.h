// What several controllers ask about a Pod, and how a Pod is made from a template.
//
// Pure functions over values. Rules: k8s.io/kubernetes pkg/api/v1/pod/util.go (ready, available),
// pkg/controller/controller_utils.go (active, from template).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/common/conditions.h"
#include "informer/informer.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::controllers {

bool is_pod_terminal(const kube::Pod& pod);  // Succeeded or Failed.
bool is_pod_active(const kube::Pod& pod);    // Neither terminal nor being deleted.
bool is_pod_ready(const kube::Pod& pod);

// When a Ready Pod counts as available; nothing while it is not ready.
std::optional<WallTime> available_at(const kube::Pod& pod, std::int32_t min_ready_seconds);
bool is_pod_available(const kube::Pod& pod, std::int32_t min_ready_seconds, WallTime now);

// Sets or replaces a condition; last_transition_time moves only when the status does. False: it
// was so already.
bool set_pod_condition(kube::PodStatus& status, kube::PodCondition condition);

// A Pod as `template_` says, in `owner`'s namespace, with that controller reference and a generated
// name "<owner>-".
kube::Pod pod_from_template(const kube::PodTemplateSpec& template_, const kube::ObjectMeta& owner,
                            kube::OwnerReference controller);

// Index of Pods by spec.nodeName; unbound Pods are not in it.
inline constexpr std::string_view kPodsByNode = "node";
void index_pods_by_node(informer::Informer<kube::Pod>& pods);
std::vector<std::shared_ptr<const kube::Pod>> pods_on_node(
    const informer::Informer<kube::Pod>& pods, const std::string& node);

}  // namespace minato::controllers
