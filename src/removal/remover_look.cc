// What a pass of the Remover decides on: caches and descriptions as one State.
#include <algorithm>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "kube/names.h"
#include "removal/remover.h"

namespace minato::removal {
namespace {

constexpr std::string_view kAnnotationMirror = "kubernetes.io/config.mirror";
constexpr std::int32_t kSystemCritical = 2'000'000'000;  // system-cluster-critical.
constexpr std::int64_t kDefaultGraceSeconds = 30;

bool tolerates_removal(const kube::Pod& pod) {
  kube::Taint taint;
  taint.key = kTaintRemoval;
  taint.effect = kube::kNoSchedule;
  return controllers::tolerated(pod.spec.tolerations, taint);
}

// Rules: kubectl drain (DaemonSet and mirror Pods stay); Karpenter (so do Pods that tolerate its
// own taint: they would only come back).
bool has_to_leave(const kube::Pod& pod) {
  if (controllers::is_pod_terminal(pod)) return false;
  if (pod.metadata.annotations.contains(std::string(kAnnotationMirror))) return false;
  const kube::OwnerReference* controller = controllers::controller_of(pod.metadata);
  if (controller != nullptr && controller->kind == "DaemonSet") return false;
  return !tolerates_removal(pod);
}

bool is_system(const kube::Pod& pod) {
  return pod.spec.priority.value_or(0) >= kSystemCritical ||
         pod.metadata.namespace_ == kube::kNamespaceSystem;
}

}  // namespace

State Remover::look() {
  State out;
  out.now = now();
  out.options = options_;
  out.deregistration_delay = load_balancing_.deregistration_delay();
  out.targets = load_balancing_.describe_target_health();
  out.instances = auto_scaling_.describe_auto_scaling_instances();
  out.groups = auto_scaling_.describe_auto_scaling_groups();
  for (cloud::AutoScalingGroup& group : out.groups) {
    const auto found = groups_.find(group.name);
    if (found == groups_.end() || !found->second.expected) continue;
    auto& expected = found->second.expected;
    const bool is_known = group.desired_capacity == *expected ||
                          env_.clock.monotonic() >= found->second.expected_until;
    if (is_known) {
      expected.reset();
    } else {
      group.desired_capacity = *expected;
    }
  }
  for (const auto& [key, node] : nodes_.all()) {
    if (entries_.contains(key.name) || !is_leaving(*node)) continue;
    out.leaving.insert(node->spec.provider_id.substr(node->spec.provider_id.rfind('/') + 1));
  }
  for (const Ended& ended : ended_) {
    if (!ended.replaced_by.empty()) out.claimed.insert(ended.replaced_by);
  }
  for (auto& [name, entry] : entries_) out.removals.push_back(view(entry, out));
  return out;
}

RemovalView Remover::view(Entry& entry, const State& state) {
  const std::string& name = entry.record.request.node;
  const auto node = nodes_.get({"", name});
  if (node) entry.node = node;
  // One that is held by its finalizer is gone for everybody else.
  entry.node_exists = node && !is_set(node->metadata.deletion_timestamp);
  notice_uncordoned(entry);
  const bool is_described = std::ranges::any_of(
      state.instances, [&](const auto& each) { return each.id == entry.instance; });
  entry.instance_was_seen = entry.instance_was_seen || is_described;
  const auto target = std::ranges::find(state.targets, entry.instance,
                                        &cloud::TargetHealth::instance_id);
  const bool is_idle = target != state.targets.end() && is_set(entry.record.detached) &&
                       target->state == cloud::TargetState::kDraining && target->in_flight &&
                       *target->in_flight == 0;
  if (!is_idle) entry.idle_since.reset();
  if (is_idle && !entry.idle_since) entry.idle_since = state.now;
  RemovalView out;
  out.record = entry.record;
  out.node_exists = entry.node_exists;
  out.instance_was_seen = entry.instance_was_seen;
  out.order_pending = entry.order_pending;
  out.instance = entry.instance;
  out.idle_since = entry.idle_since;
  out.last_eviction = entry.last_eviction;
  out.pods = pods_to_leave(name, entry.pods);
  return out;
}

// Somebody puts a Node that was taken out and kept back to use, with kubectl uncordon.
void Remover::notice_uncordoned(Entry& entry) {
  const bool is_kept = entry.record.phase == Phase::kDone && entry.record.cordoned;
  if (!is_kept || !entry.node_exists || entry.node->spec.unschedulable) return;
  const auto written = record_of(*entry.node);
  if (!written || !*written || (*written)->phase != Phase::kDone) return;
  enter(entry, Phase::kCancelled, "the Node was uncordoned");
}

std::vector<PodView> Remover::pods_to_leave(const std::string& node,
                                            const std::map<std::string, Attempt>& attempts) const {
  std::vector<PodView> out;
  std::map<std::string, bool> complete;  // By controller: it may have thousands of Pods to look at.
  for (const auto& pod : controllers::pods_on_node(pods_, node)) {
    if (!has_to_leave(*pod)) continue;
    PodView view;
    view.key = pod->key();
    view.uid = pod->metadata.uid;
    const kube::OwnerReference* controller = controllers::controller_of(pod->metadata);
    if (controller != nullptr) {
      view.controller = controller->uid;
      const auto [known, is_new] = complete.try_emplace(controller->uid);
      if (is_new) known->second = has_all_pods(pod->metadata.namespace_, *controller);
      view.siblings_complete = known->second;
    }
    view.is_system = is_system(*pod);
    const auto attempt = attempts.find(view.uid);
    view.is_backing_off = attempt != attempts.end() && !may_try(attempt->second);
    view.is_leaving = controllers::is_deleting(pod->metadata);
    view.leaves_by = pod->metadata.deletion_timestamp;
    view.grace = std::chrono::seconds(
        pod->spec.termination_grace_period_seconds.value_or(kDefaultGraceSeconds));
    out.push_back(std::move(view));
  }
  return out;
}

// For a ReplicaSet: as many ready Pods as it wants. For other controllers, whose wish is not known
// here: every Pod of theirs is ready and none is leaving.
bool Remover::has_all_pods(const std::string& name_space,
                           const kube::OwnerReference& controller) const {
  const auto siblings = controllers::controlled_by(pods_, controller.uid);
  const auto ready = std::ranges::count_if(siblings, [](const auto& each) {
    return controllers::is_pod_active(*each) && controllers::is_pod_ready(*each);
  });
  const auto replica_set = replica_sets_.get({name_space, controller.name});
  if (controller.kind == "ReplicaSet" && replica_set) {
    return ready >= replica_set->spec.replicas.value_or(1);
  }
  const auto unfinished = std::ranges::count_if(
      siblings, [](const auto& each) { return !controllers::is_pod_terminal(*each); });
  return ready == unfinished;
}

}  // namespace minato::removal
