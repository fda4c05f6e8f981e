#include "drill/scale_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "blueprint/blueprint.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "scheduling/resources.h"

namespace minato::drill {
namespace {

constexpr std::int64_t kMostPods = 60;  // That a drill starts to fill Nodes.

struct Room {
  scheduling::Resources left;
  std::int64_t pods = 0;
};

// What is left on the Nodes that Pods of the service are for.
std::map<std::string, Room> rooms(cluster::Cluster& cluster) {
  std::map<std::string, Room> out;
  for (const auto& [key, node] : cluster.informers().of<kube::Node>().all()) {
    const auto group = node->metadata.labels.find(std::string(kube::kLabelNodeGroup));
    if (group == node->metadata.labels.end() || group->second != blueprint::kScalingGroup) continue;
    if (node->spec.unschedulable) continue;
    const auto pods = node->status.allocatable.find(std::string(kube::kPods));
    out[key.name] = {.left = scheduling::parse_resources(node->status.allocatable),
                     .pods = pods == node->status.allocatable.end() ? kMostPods : pods->second.value()};
  }
  for (const auto& [key, pod] : cluster.informers().of<kube::Pod>().all()) {
    const auto room = out.find(pod->spec.node_name);
    if (room == out.end() || pod->status.phase == "Succeeded" || pod->status.phase == "Failed") continue;
    if (pod->spec.priority.value_or(0) < 0) continue;  // It gives way.
    room->second.left -= scheduling::pod_requests(pod->spec);
    --room->second.pods;
  }
  return out;
}

std::int64_t fits(const Room& room, const scheduling::Resources& pod) {
  std::int64_t out = room.pods;
  if (pod.milli_cpu > 0) out = std::min(out, room.left.milli_cpu / pod.milli_cpu);
  if (pod.memory_bytes > 0) out = std::min(out, room.left.memory_bytes / pod.memory_bytes);
  return std::max<std::int64_t>(out, 0);
}

Status check_group(const cluster::Cluster& cluster) {
  for (const cloud::AutoScalingGroup& group : cluster.cloud().describe_auto_scaling_groups()) {
    if (group.name != blueprint::kScalingGroup || group.desired_capacity < group.max_size) continue;
    return fail(Reason::kConflict, fmt::format("the group '{}' is at its maximum of {}: raise nodes.{}.max for this drill",
                                               group.name, group.max_size, group.name));
  }
  return {};
}

}  // namespace

Status scale_out(cluster::Cluster& cluster, const std::string& service) {
  RETURN_IF_ERROR(check_group(cluster));
  const kube::ObjectKey key{service, service};
  const auto deployment = cluster.informers().of<kube::Deployment>().get(key);
  if (!deployment) return fail(Reason::kNotFound, fmt::format("deployments.apps \"{}\" not found", service));
  const scheduling::Resources pod = scheduling::pod_requests(deployment->spec.template_.spec);
  std::int64_t more = 1;
  for (const auto& [node, room] : rooms(cluster)) more += fits(room, pod);
  if (more > kMostPods) {
    return fail(Reason::kConflict, fmt::format("the Nodes have room for {} Pods more, and a drill starts {} at most: raise cpu "
                                               "or memory of the service, or take smaller types", more - 1, kMostPods));
  }
  const std::int64_t replicas = deployment->spec.replicas.value_or(1) + more;
  const auto patched = cluster.client().patch(
      kube::HorizontalPodAutoscaler::static_kind(), key, kube::PatchType::kMerge,
      fmt::format(R"({{"spec":{{"minReplicas":{0},"maxReplicas":{0}}}}})", replicas), kube::Subresource::kNone);
  if (!patched) return std::unexpected(patched.error());
  return {};
}

}  // namespace minato::drill
