#include "controllers/replicaset/pod_ranking.h"

#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <tuple>

#include "base/strings.h"
#include "controllers/common/pods.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

int phase_rank(const kube::Pod& pod) {
  if (pod.status.phase == kube::kPodPending) return 0;
  return pod.status.phase == kube::kPodRunning ? 2 : 1;
}

std::int64_t deletion_cost(const kube::Pod& pod) {
  const auto found = pod.metadata.annotations.find("controller.kubernetes.io/pod-deletion-cost");
  return found == pod.metadata.annotations.end() ? 0 : parse_int(found->second).value_or(0);
}

// Power of two of the age in nanoseconds; unknown times count as just now.
int age_magnitude(WallTime since, WallTime now) {
  const auto age = is_set(since) ? (now - since).count() : 0;
  return age <= 0 ? 0 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(age)));
}

std::int32_t restarts(const kube::Pod& pod) {
  std::int32_t most = 0;
  for (const auto& status : pod.status.container_statuses) {
    most = std::max(most, status.restart_count);
  }
  return most;
}

// Smaller is deleted first.
auto rank(const kube::Pod& pod, const std::map<std::string, int>& on_node,
          std::int32_t min_ready_seconds, WallTime now) {
  const kube::PodCondition* ready = find_condition(pod.status.conditions, kube::kReady);
  const bool is_ready = is_pod_ready(pod);
  const auto neighbours = on_node.find(pod.spec.node_name);
  return std::tuple(!pod.spec.node_name.empty(), phase_rank(pod), is_ready,
                    is_pod_available(pod, min_ready_seconds, now), deletion_cost(pod),
                    neighbours == on_node.end() ? 0 : -neighbours->second,
                    is_ready ? age_magnitude(ready->last_transition_time, now) : 0, -restarts(pod),
                    age_magnitude(pod.metadata.creation_timestamp, now), pod.metadata.uid);
}

}  // namespace

PodList in_deletion_order(PodList pods, const PodList& related, std::int32_t min_ready_seconds,
                          WallTime now) {
  std::map<std::string, int> on_node;
  for (const auto& pod : related) {
    if (is_pod_active(*pod) && !pod->spec.node_name.empty()) ++on_node[pod->spec.node_name];
  }
  std::ranges::sort(pods, {},
                    [&](const auto& pod) { return rank(*pod, on_node, min_ready_seconds, now); });
  return pods;
}

}  // namespace minato::controllers
