// Pods' own verbs: binding to a node, and eviction within PodDisruptionBudgets.
// Rules: k8s.io/kubernetes pkg/registry/core/pod/storage/{storage,eviction}.go.
#include <algorithm>

#include "kube/names.h"
#include "kube/types/node.h"
#include "kube/types/policy.h"
#include "registry/ephemeral_containers.h"
#include "registry/errors.h"
#include "registry/registry.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::ObjectKey;
using kube::ObjectPtr;
using kube::Pod;
using kube::PodDisruptionBudget;
using BudgetPtr = std::shared_ptr<const PodDisruptionBudget>;

namespace {

// Evictions that the disruption controller has not seen through yet; more are refused.
constexpr std::size_t kMaxDisruptedPods = 2000;
constexpr std::string_view kDisruptionAllowed = "DisruptionAllowed";

void set_condition(Pod& pod, kube::Time now, std::string_view type, std::string_view reason,
                   std::string_view message) {
  auto found = std::ranges::find(pod.status.conditions, type, &kube::PodCondition::type);
  if (found == pod.status.conditions.end()) {
    found = pod.status.conditions.emplace(found);
    found->type = type;
  }
  if (found->status != kube::kTrue) found->last_transition_time = now;
  found->status = kube::kTrue;
  found->reason = reason;
  found->message = message;
}

bool is_ready(const Pod& pod) {
  return std::ranges::any_of(pod.status.conditions, [](const kube::PodCondition& condition) {
    return condition.type == kube::kReady && condition.status == kube::kTrue;
  });
}

// Its disruption has happened already or is no disruption.
bool needs_no_budget(const Pod& pod) {
  const std::string& phase = pod.status.phase;
  return is_set(pod.metadata.deletion_timestamp) || phase == kube::kPodSucceeded ||
         phase == kube::kPodFailed || phase == kube::kPodPending;
}

// A Pod that serves nobody may go while enough others do.
bool unhealthy_may_go(const PodDisruptionBudget& budget) {
  if (budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow") return true;
  return budget.status.current_healthy >= budget.status.desired_healthy &&
         budget.status.desired_healthy > 0;
}

std::unexpected<Error> refused(const PodDisruptionBudget& budget, std::string_view why) {
  const std::string detail =
      fmt::format("The disruption budget {} {}", budget.metadata.name, why);
  Error error{Reason::kTooManyRequests,
              "Cannot evict pod as it would violate the pod's disruption budget. " + detail,
              {{"", detail}}};
  return std::unexpected(std::move(error));
}

Status check_budget(const PodDisruptionBudget& budget) {
  const kube::PodDisruptionBudgetStatus& status = budget.status;
  if (status.observed_generation < budget.metadata.generation) {
    return refused(budget, "is still being processed by the server.");
  }
  if (status.disruptions_allowed < 0) {
    return forbidden(budget.kind(), budget.metadata.name, "pdb disruptions allowed is negative");
  }
  if (status.disrupted_pods.size() > kMaxDisruptedPods) {
    return forbidden(budget.kind(), budget.metadata.name,
                     "DisruptedPods map too big - too many evictions not confirmed by PDB "
                     "controller");
  }
  if (status.disruptions_allowed == 0) {
    return refused(budget, fmt::format("needs {} healthy pods and has {} currently",
                                       status.desired_healthy, status.current_healthy));
  }
  return {};
}

void update_allowed_condition(PodDisruptionBudget& budget, kube::Time now) {
  const bool allowed = budget.status.disruptions_allowed > 0;
  auto& conditions = budget.status.conditions;
  auto found = std::ranges::find(conditions, kDisruptionAllowed, &kube::Condition::type);
  if (found == conditions.end()) {
    found = conditions.emplace(found);
    found->type = kDisruptionAllowed;
  }
  const std::string_view status = allowed ? kube::kTrue : kube::kFalse;
  if (found->status != status) found->last_transition_time = now;
  found->status = status;
  found->reason = allowed ? "SufficientPods" : "InsufficientPods";
  found->observed_generation = budget.status.observed_generation;
}

}  // namespace

// So that a container can learn its zone by the downward API.
// Rule: k8s.io/kubernetes plugin/pkg/admission/podtopologylabels.
void Registry::copy_topology_labels(const std::string& node, Pod& pod) const {
  const ObjectPtr found = store_.get(kube::Node::static_kind(), {"", node});
  if (!found) return;
  for (const std::string_view name : {kube::kLabelZone, kube::kLabelRegion}) {
    const auto label = found->metadata.labels.find(std::string(name));
    if (label != found->metadata.labels.end()) pod.metadata.labels[label->first] = label->second;
  }
}

Status Registry::bind(const ObjectKey& key, const std::string& uid, const std::string& node) {
  const ObjectPtr current = store_.get(Pod::static_kind(), key);
  if (!current) return not_found(Pod::static_kind(), key.name);
  const auto& stored = kube::as<Pod>(*current);
  const auto refuse = [&](std::string_view why) {
    return conflict("pods/binding", key.name, why);
  };
  if (!uid.empty() && uid != stored.metadata.uid) {
    return refuse(fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: "
                              "{}", uid, stored.metadata.uid));
  }
  if (is_set(stored.metadata.deletion_timestamp)) {
    return refuse(fmt::format("pod {} is being deleted, cannot be assigned to a host", key.name));
  }
  if (!stored.spec.node_name.empty()) {
    return refuse(fmt::format("pod {} is already assigned to node \"{}\"", key.name,
                              stored.spec.node_name));
  }
  if (!stored.spec.scheduling_gates.empty()) {
    return refuse(fmt::format("pod {} has non-empty .spec.schedulingGates", key.name));
  }
  if (node.empty()) return fail(Reason::kBadRequest, "binding needs the name of a node");
  auto pod = std::make_unique<Pod>(stored);
  pod->spec.node_name = node;
  copy_topology_labels(node, *pod);
  set_condition(*pod, now(), kube::kPodScheduled, "", "");
  const auto written = store_.update(current, std::move(pod));
  if (!written) return std::unexpected(written.error());
  return {};
}

Result<ObjectPtr> Registry::replace_ephemeral_containers(const Strategy& strategy,
                                                         const ObjectPtr& current,
                                                         const kube::Object& object,
                                                         Persist persist) {
  if (object.kind() != Pod::static_kind()) {
    return fail(Reason::kNotFound, "the server could not find the requested resource");
  }
  const auto& before = kube::as<Pod>(*current);
  auto pod = std::make_unique<Pod>(before);
  pod->spec.ephemeral_containers = kube::as<Pod>(object).spec.ephemeral_containers;
  strategy.set_defaults(*pod);
  if (strategy.equal(before, *pod)) return current;
  kube::FieldErrors errors;
  const kube::FieldPath spec("spec");
  validate_ephemeral_containers(before.spec, pod->spec, spec, errors);
  if (!errors.empty()) return std::unexpected(errors.to_error(pod->kind(), before.metadata.name));
  return write(current, std::move(pod), persist);
}

Status Registry::evict(const ObjectKey& key, const kube::RemoveOptions& options, Persist persist) {
  const ObjectPtr current = store_.get(Pod::static_kind(), key);
  if (!current) return not_found(Pod::static_kind(), key.name);
  const auto& pod = kube::as<Pod>(*current);
  // First: a precondition that fails must not cost the budget anything.
  RETURN_IF_ERROR(check_preconditions(pod, options));
  if (!needs_no_budget(pod)) RETURN_IF_ERROR(take_disruption(pod, persist));
  if (persist == Persist::kDryRun) return {};
  kube::RemoveOptions rest = options;
  if (!is_set(pod.metadata.deletion_timestamp)) {
    auto disrupted = std::make_unique<Pod>(pod);
    set_condition(*disrupted, now(), kube::kDisruptionTarget, "EvictionByEvictionAPI",
                  "Eviction API: evicting");
    if (auto written = store_.update(current, std::move(disrupted)); !written) {
      return std::unexpected(written.error());
    }
    // Compared already; the condition has given the Pod a new version since.
    rest.precondition_resource_version.clear();
  }
  return remove(Pod::static_kind(), key, rest);
}

Status Registry::take_disruption(const Pod& pod, Persist persist) {
  std::vector<ObjectPtr> budgets;
  const store::Objects& all = store_.all(PodDisruptionBudget::static_kind());
  for (auto it = all.lower_bound({pod.metadata.namespace_, ""});
       it != all.end() && it->first.namespace_ == pod.metadata.namespace_; ++it) {
    const auto& budget = kube::as<PodDisruptionBudget>(*it->second);
    const auto selector = kube::Selector::from(budget.spec.selector);
    if (selector && selector->matches(pod.metadata.labels)) budgets.push_back(it->second);
  }
  if (budgets.empty()) return {};
  if (budgets.size() > 1) {
    return fail(Reason::kInternalError,
                "This pod has more than one PodDisruptionBudget, which the eviction subresource "
                "does not support.");
  }
  const auto& stored = kube::as<PodDisruptionBudget>(*budgets.front());
  if (!is_ready(pod) && unhealthy_may_go(stored)) return {};
  RETURN_IF_ERROR(check_budget(stored));
  if (persist == Persist::kDryRun) return {};
  auto budget = std::make_unique<PodDisruptionBudget>(stored);
  --budget->status.disruptions_allowed;
  if (budget->status.disruptions_allowed == 0) update_allowed_condition(*budget, now());
  budget->status.disrupted_pods[pod.metadata.name] = now();
  const auto written = store_.update(budgets.front(), std::move(budget));
  if (!written) return std::unexpected(written.error());
  return {};
}

}  // namespace minato::registry
