#include "controllers/disruption/disruption_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kDisruptionAllowed = "DisruptionAllowed";

void set_allowed(kube::PodDisruptionBudgetStatus& status, std::string_view value,
                 std::string_view reason, std::string message, kube::Time now) {
  kube::Condition condition;
  condition.type = kDisruptionAllowed;
  condition.status = value;
  condition.reason = reason;
  condition.message = std::move(message);
  condition.observed_generation = status.observed_generation;
  condition.last_transition_time = now;
  if (const auto* existing = find_condition(status.conditions, kDisruptionAllowed)) {
    if (existing->status == value) {
      condition.last_transition_time = existing->last_transition_time;
    }
    remove_condition(status.conditions, kDisruptionAllowed);
  }
  status.conditions.push_back(std::move(condition));
}

// The controller whose scale counts for a Pod, and how many Pods it wants.
struct Scale {
  std::string uid;
  std::int32_t replicas = 0;
};

}  // namespace

DisruptionController::DisruptionController(env::Env env, kube::Client& client,
                                           informer::Informers& informers, Options options)
    : env_(env.fork("disruption-controller")),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, "controllermanager"),
      budgets_(informers.of<kube::PodDisruptionBudget>()),
      pods_(informers.of<kube::Pod>()),
      replica_sets_(informers.of<kube::ReplicaSet>()),
      deployments_(informers.of<kube::Deployment>()),
      runner_(env_.fork("runner"), *this) {
  budgets_.on_change([this](const auto& delta) { runner_.queue().add(delta.object().key()); });
  pods_.on_change([this](const auto& delta) { pod_changed(delta); });
  // The wanted number is theirs: a scaled Deployment changes every percentage in its namespace.
  const auto scaled = [](const auto& delta) {
    return !delta.before || !delta.after ||
           delta.before->spec.replicas != delta.after->spec.replicas;
  };
  replica_sets_.on_change([this, scaled](const auto& delta) {
    if (scaled(delta)) enqueue_namespace(delta.object().metadata.namespace_);
  });
  deployments_.on_change([this, scaled](const auto& delta) {
    if (scaled(delta)) enqueue_namespace(delta.object().metadata.namespace_);
  });
}

void DisruptionController::enqueue_namespace(const std::string& name) {
  for (const auto& budget : budgets_.in_namespace(name)) runner_.queue().add(budget->key());
}

void DisruptionController::pod_changed(const informer::Delta<kube::Pod>& delta) {
  if (delta.before) enqueue_selecting(*delta.before);
  if (delta.after) enqueue_selecting(*delta.after);
}

void DisruptionController::enqueue_selecting(const kube::Pod& pod) {
  for (const auto& budget : budgets_.in_namespace(pod.metadata.namespace_)) {
    const auto selector = kube::Selector::from(budget->spec.selector);
    if (selector && selector->matches(pod.metadata.labels)) runner_.queue().add(budget->key());
  }
}

Result<informer::Requeue> DisruptionController::reconcile(const kube::ObjectKey& key) {
  const auto budget = budgets_.get(key);
  if (!budget || is_deleting(budget->metadata)) return informer::Requeue::done();
  const Result<Pods> pods = selected_pods(*budget);
  if (!pods) {
    RETURN_IF_ERROR(fail_safe(*budget, pods.error()));
    return std::unexpected(pods.error());
  }
  if (pods->empty()) events_.normal(*budget, "NoPods", "No matching pods found");
  const Result<Expected> wanted = expected(*budget, *pods);
  if (!wanted) {
    events_.warning(
        *budget, "CalculateExpectedPodCountFailed",
        fmt::format("Failed to calculate the number of expected pods: {}", wanted.error().message));
    RETURN_IF_ERROR(fail_safe(*budget, wanted.error()));
    return std::unexpected(wanted.error());
  }
  kube::PodDisruptionBudgetStatus status = budget->status;
  const std::optional<Duration> recheck = age_disrupted(*budget, *pods, status);
  status.observed_generation = budget->metadata.generation;
  status.expected_pods = wanted->pods;
  status.desired_healthy = wanted->healthy;
  status.current_healthy =
      static_cast<std::int32_t>(std::ranges::count_if(*pods, [&](const auto& pod) {
        return !is_deleting(pod->metadata) && is_pod_ready(*pod) &&
               !status.disrupted_pods.contains(pod->metadata.name);
      }));
  status.disruptions_allowed =
      wanted->pods <= 0 ? 0 : std::max(0, status.current_healthy - status.desired_healthy);
  const bool allowed = status.disruptions_allowed > 0;
  set_allowed(status, allowed ? kube::kTrue : kube::kFalse,
              allowed ? "SufficientPods" : "InsufficientPods", {}, api_now(env_.clock));
  RETURN_IF_ERROR(write_status(*budget, std::move(status)));
  // What is evicted while this rests is counted by the eviction itself.
  return informer::Requeue{.after = recheck, .rest = informer::rest_after(pods->size())};
}

Result<DisruptionController::Pods> DisruptionController::selected_pods(
    const kube::PodDisruptionBudget& budget) const {
  ASSIGN_OR_RETURN(const kube::Selector selector, kube::Selector::from(budget.spec.selector));
  Pods out = pods_.in_namespace(budget.metadata.namespace_);
  std::erase_if(out, [&](const auto& pod) { return !selector.matches(pod->metadata.labels); });
  return out;
}

Result<DisruptionController::Expected> DisruptionController::expected(
    const kube::PodDisruptionBudget& budget, const Pods& pods) {
  Expected out;
  if (const auto& most = budget.spec.max_unavailable) {
    ASSIGN_OR_RETURN(out.pods, expected_scale(budget, pods));
    ASSIGN_OR_RETURN(const std::int32_t unavailable,
                     kube::scaled_value(*most, out.pods, kube::Rounding::kUp));
    out.healthy = std::max(0, out.pods - unavailable);
  } else if (const auto& least = budget.spec.min_available) {
    if (least->is_int()) {
      out = {.pods = static_cast<std::int32_t>(pods.size()), .healthy = least->number()};
    } else {
      ASSIGN_OR_RETURN(out.pods, expected_scale(budget, pods));
      ASSIGN_OR_RETURN(out.healthy, kube::scaled_value(*least, out.pods, kube::Rounding::kUp));
    }
  }
  return out;
}

Result<std::int32_t> DisruptionController::expected_scale(const kube::PodDisruptionBudget& budget,
                                                          const Pods& pods) {
  std::map<std::string, std::int32_t> scales;
  bool has_unmanaged = false;
  for (const auto& pod : pods) {
    const kube::OwnerReference* owner = controller_of(pod->metadata);
    if (owner == nullptr) {
      has_unmanaged = true;
      continue;
    }
    const auto replica_set = replica_sets_.get({pod->metadata.namespace_, owner->name});
    if (!replica_set || replica_set->metadata.uid != owner->uid) {
      return fail(Reason::kNotFound,
                  fmt::format("found no controllers for pod \"{}\" ({} {} has no scale)",
                              pod->metadata.name, owner->kind, owner->name));
    }
    Scale scale{replica_set->metadata.uid, replica_set->spec.replicas.value_or(1)};
    if (const kube::OwnerReference* top = controller_of(replica_set->metadata)) {
      const auto deployment = deployments_.get({pod->metadata.namespace_, top->name});
      if (deployment && deployment->metadata.uid == top->uid) {
        scale = {top->uid, deployment->spec.replicas.value_or(1)};
      }
    }
    scales.emplace(std::move(scale.uid), scale.replicas);
  }
  if (has_unmanaged) {
    const auto selector = kube::Selector::from(budget.spec.selector);
    events_.warning(
        budget, "UnmanagedPods",
        fmt::format("Pods selected by this PodDisruptionBudget (selector: {}) were found to be "
                    "unmanaged. As a result, the status of the PDB cannot be calculated correctly, "
                    "which may result in undefined behavior. To account for these pods please set "
                    "\".spec.minAvailable\" field of the PDB to an integer value.",
                    selector ? selector->to_string() : std::string()));
  }
  std::int32_t total = 0;
  for (const auto& [uid, replicas] : scales) total += replicas;
  return total;
}

std::optional<Duration> DisruptionController::age_disrupted(
    const kube::PodDisruptionBudget& budget, const Pods& pods,
    kube::PodDisruptionBudgetStatus& status) {
  const WallTime now = env_.clock.wall();
  const std::map<std::string, kube::Time> noted = std::exchange(status.disrupted_pods, {});
  std::optional<Duration> soonest;
  for (const auto& pod : pods) {
    const auto found = noted.find(pod->metadata.name);
    if (found == noted.end() || is_deleting(pod->metadata)) continue;
    const Duration left = found->second + options_.deletion_timeout - now;
    if (left <= Duration{0}) {
      events_.warning(*pod, "NotDeleted",
                      fmt::format("Pod was expected by PDB {} to be deleted but it wasn't",
                                  budget.key().to_string()));
      continue;
    }
    status.disrupted_pods.insert(*found);
    if (!soonest || left < *soonest) soonest = left;
  }
  return soonest;
}

Status DisruptionController::fail_safe(const kube::PodDisruptionBudget& budget,
                                       const Error& error) {
  kube::PodDisruptionBudgetStatus status = budget.status;
  status.disruptions_allowed = 0;
  status.observed_generation = budget.metadata.generation;
  set_allowed(status, kube::kFalse, "SyncFailed", error.message, api_now(env_.clock));
  return write_status(budget, std::move(status));
}

Status DisruptionController::write_status(const kube::PodDisruptionBudget& budget,
                                          kube::PodDisruptionBudgetStatus status) {
  if (kube::equal(status, budget.status)) return {};
  kube::PodDisruptionBudget changed = budget;
  changed.status = std::move(status);
  RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  return {};
}

}  // namespace minato::controllers
