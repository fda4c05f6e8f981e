#include "autoscaler/drainability.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "controllers/common/eviction.h"
#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "kube/names.h"

namespace minato::autoscaler {
namespace {

constexpr std::string_view kAnnotationMirror = "kubernetes.io/config.mirror";
constexpr std::string_view kGpu = "nvidia.com/gpu";
constexpr std::string_view kLabelGpu = "k8s.amazonaws.com/accelerator";
constexpr Duration kLongTerminatingExtra = 30s;
constexpr Duration kDefaultGrace = 30s;

std::string annotation(const kube::Pod& pod, std::string_view key) {
  const auto found = pod.metadata.annotations.find(std::string(key));
  return found == pod.metadata.annotations.end() ? "" : found->second;
}

// A volume that would be lost; "": none.
std::string local_volume(const kube::Pod& pod) {
  const std::vector<std::string> safe = split(annotation(pod, controllers::kAnnotationLocalVolumes), ',');
  for (const kube::Volume& volume : pod.spec.volumes) {
    const kube::VolumeSource& source = volume.volume_source;
    const bool local =
        source.host_path || (source.empty_dir && source.empty_dir->medium != "Memory");
    if (local && std::ranges::find(safe, volume.name) == safe.end()) return volume.name;
  }
  return "";
}

std::optional<DrainVerdict> replica_problem(const kube::Pod& pod,
                                            const kube::OwnerReference& owner,
                                            const Observation& seen,
                                            const ScaleDownOptions& options) {
  if (owner.kind != "ReplicaSet") return std::nullopt;
  const auto replicas = seen.replica_set({pod.metadata.namespace_, owner.name});
  if (!replicas) {
    return DrainVerdict{Drainability::kBlock, "ControllerNotFound",
                        fmt::format("ReplicaSet {} is gone", owner.name)};
  }
  if (*replicas >= options.min_replica_count) return std::nullopt;
  return DrainVerdict{Drainability::kBlock, "MinReplicasReached",
                      fmt::format("ReplicaSet {} has {} of at least {} replicas", owner.name,
                                  *replicas, options.min_replica_count)};
}

// The rules after which nothing lets a Pod go.
DrainVerdict blocking(const kube::Pod& pod, const Observation& seen, const BudgetTracker& budgets,
                      const ScaleDownOptions& options, const std::string& safe) {
  if (!controllers::controller_of(pod.metadata)) {
    return {Drainability::kBlock, "NotReplicated", "nothing would make it anew"};
  }
  if (options.keep_nodes_with_system_pods &&
      pod.metadata.namespace_ == kube::kNamespaceSystem && !budgets.covers(pod) &&
      seen.wall - pod.metadata.creation_timestamp < options.blocking_system_pod_timeout) {
    return {Drainability::kBlock, "UnmovableKubeSystemPod", "no PodDisruptionBudget covers it"};
  }
  if (safe == "false") {
    return {Drainability::kBlock, "NotSafeToEvictAnnotation", "its annotation says so"};
  }
  if (const std::string volume = local_volume(pod);
      options.keep_nodes_with_local_storage && !volume.empty()) {
    return {Drainability::kBlock, "LocalStorageRequested",
            fmt::format("its volume {} would be lost", volume)};
  }
  if (const kube::PodDisruptionBudget* budget = budgets.exhausted_for(pod)) {
    return {Drainability::kBlock, "NotEnoughPdb",
            fmt::format("budget {} allows none", budget->key().to_string())};
  }
  return {};
}

}  // namespace

BudgetTracker::BudgetTracker(
    const std::vector<std::shared_ptr<const kube::PodDisruptionBudget>>& budgets) {
  for (const auto& budget : budgets) {
    auto selector = kube::Selector::from(budget->spec.selector);
    if (!selector) continue;
    by_namespace_[budget->metadata.namespace_].push_back(
        {budget, std::move(*selector), budget->status.disruptions_allowed});
  }
}

bool BudgetTracker::selects(const Entry& entry, const kube::Pod& pod) {
  return entry.selector.matches(pod.metadata.labels);
}

bool BudgetTracker::covers(const kube::Pod& pod) const {
  const auto found = by_namespace_.find(pod.metadata.namespace_);
  return found != by_namespace_.end() &&
         std::ranges::any_of(found->second, [&](const Entry& e) { return selects(e, pod); });
}

const kube::PodDisruptionBudget* BudgetTracker::exhausted_for(const kube::Pod& pod) const {
  const auto found = by_namespace_.find(pod.metadata.namespace_);
  if (found == by_namespace_.end()) return nullptr;
  for (const Entry& entry : found->second) {
    if (entry.left < 1 && selects(entry, pod)) return entry.budget.get();
  }
  return nullptr;
}

void BudgetTracker::use(const kube::Pod& pod) {
  const auto found = by_namespace_.find(pod.metadata.namespace_);
  if (found == by_namespace_.end()) return;
  for (Entry& entry : found->second) {
    if (selects(entry, pod)) --entry.left;
  }
}

bool is_mirror_pod(const kube::Pod& pod) {
  return pod.metadata.annotations.contains(std::string(kAnnotationMirror));
}

bool is_daemon_pod(const kube::Pod& pod) {
  const kube::OwnerReference* owner = controllers::controller_of(pod.metadata);
  return owner && owner->kind == "DaemonSet";
}

bool is_long_terminating(const kube::Pod& pod, WallTime now) {
  if (!is_set(pod.metadata.deletion_timestamp)) return false;
  const Duration grace = pod.spec.termination_grace_period_seconds
                             ? std::chrono::seconds(*pod.spec.termination_grace_period_seconds)
                             : kDefaultGrace;
  return pod.metadata.deletion_timestamp + grace + kLongTerminatingExtra < now;
}

DrainVerdict drainability(const kube::Pod& pod, const Observation& seen,
                          const BudgetTracker& budgets, const ScaleDownOptions& options) {
  const DrainVerdict ignored{Drainability::kIgnore, "", ""};
  if (is_mirror_pod(pod) || is_long_terminating(pod, seen.wall)) return ignored;
  const kube::OwnerReference* owner = controllers::controller_of(pod.metadata);
  if (owner) {
    if (auto problem = replica_problem(pod, *owner, seen, options)) return *problem;
  }
  if (is_daemon_pod(pod)) return ignored;
  const std::string safe = annotation(pod, controllers::kAnnotationSafeToEvict);
  if (safe == "true") return {};
  if (controllers::is_pod_terminal(pod)) return ignored;
  if (safe == "on-completion") {
    return {Drainability::kWait, "SafeToEvictOnCompletion", "its annotation says so"};
  }
  return blocking(pod, seen, budgets, options, safe);
}

scheduling::PodInfoPtr unbound(const scheduling::PodInfoPtr& pod) {
  if (pod->pod->spec.node_name.empty()) return pod;
  auto copy = std::make_shared<kube::Pod>();
  copy->metadata.name = pod->pod->metadata.name;
  copy->metadata.namespace_ = pod->pod->metadata.namespace_;
  copy->metadata.uid = pod->pod->metadata.uid;
  return std::make_shared<const scheduling::PodInfo>(
      scheduling::PodInfo{std::move(copy), pod->pod_template, pod->terminating});
}

Result<Utilization> utilization(const scheduling::NodeInfo& node, bool ignore_daemon_sets,
                                bool ignore_mirror_pods, WallTime now) {
  scheduling::Resources requested;
  scheduling::Resources offered = node.allocatable;
  for (const auto& pod : node.pods) {
    if (is_long_terminating(*pod->pod, now)) continue;
    const bool ignored = (ignore_daemon_sets && is_daemon_pod(*pod->pod)) ||
                         (ignore_mirror_pods && is_mirror_pod(*pod->pod));
    // What is not counted is not there to be used either.
    if (ignored) {
      offered -= pod->pod_template->requests;
    } else {
      requested += pod->pod_template->requests;
    }
  }
  Utilization out;
  const std::int64_t gpus = offered.extended_amount(kGpu);
  if (gpus > 0 || node.node->metadata.labels.contains(std::string(kLabelGpu))) {
    out.gpu = gpus == 0 ? 0
                        : static_cast<double>(requested.extended_amount(kGpu)) /
                              static_cast<double>(gpus);
    return out;
  }
  if (offered.milli_cpu <= 0 || offered.memory_bytes <= 0) {
    return fail(Reason::kInvalid,
                fmt::format("Node {} offers no cpu or memory beyond its DaemonSets", node.name));
  }
  out.cpu = static_cast<double>(requested.milli_cpu) / static_cast<double>(offered.milli_cpu);
  out.memory =
      static_cast<double>(requested.memory_bytes) / static_cast<double>(offered.memory_bytes);
  return out;
}

}  // namespace minato::autoscaler
