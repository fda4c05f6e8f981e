// apps/v1.
#include "kube/defaults.h"
#include "registry/pod_template.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::IntOrString;
using kube::Object;

namespace {

// Deployments count changes of annotations too (they carry the revision).
bool deployment_changed(const Object& before, const Object& after) {
  return spec_changed<kube::Deployment>(before, after) ||
         before.metadata.annotations != after.metadata.annotations;
}

void validate_amount(const std::optional<IntOrString>& amount, const FieldPath& path,
                     FieldErrors& errors) {
  if (!amount) return;
  if (amount->is_int()) {
    errors.non_negative(path, amount->number());
  } else if (!kube::scaled_value(*amount, 100, kube::Rounding::kUp)) {
    errors.invalid(path, amount->text(),
                   "must be an integer or a percentage (for example '25%')");
  }
}

bool is_zero(const std::optional<IntOrString>& amount) {
  if (!amount) return true;
  return amount->is_int() ? amount->number() == 0 : amount->text() == "0%";
}

bool is_over_all(const std::optional<IntOrString>& amount) {
  if (!amount || amount->is_int()) return false;
  const auto scaled = kube::scaled_value(*amount, 100, kube::Rounding::kUp);
  return scaled && *scaled > 100;
}

template <class RollingUpdate>
void validate_rolling(const RollingUpdate& rolling, const FieldPath& path, FieldErrors& errors) {
  const FieldPath unavailable = path.child("maxUnavailable"), surge = path.child("maxSurge");
  validate_amount(rolling.max_unavailable, unavailable, errors);
  validate_amount(rolling.max_surge, surge, errors);
  if (is_zero(rolling.max_unavailable) && is_zero(rolling.max_surge)) {
    errors.invalid(unavailable, 0, "may not be 0 when `maxSurge` is 0");
  }
  if (is_over_all(rolling.max_unavailable)) {
    errors.invalid(unavailable, rolling.max_unavailable->text(), "must not be greater than 100%");
  }
}

void validate_always_restarts(const kube::PodTemplateSpec& pod_template, const FieldPath& spec,
                              FieldErrors& errors) {
  constexpr std::string_view kAlways[] = {"Always"};
  const FieldPath path = spec.child("template.spec.restartPolicy");
  errors.one_of(path, pod_template.spec.restart_policy, kAlways);
}

void validate_deployment(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kTypes[] = {"Recreate", "RollingUpdate"};
  const kube::DeploymentSpec& deployment = kube::as<kube::Deployment>(object).spec;
  const FieldPath spec("spec");
  const FieldPath strategy = spec.child("strategy");
  const FieldPath rolling = strategy.child("rollingUpdate");
  errors.non_negative(spec.child("replicas"), deployment.replicas.value_or(0));
  errors.non_negative(spec.child("minReadySeconds"), deployment.min_ready_seconds);
  errors.non_negative(spec.child("revisionHistoryLimit"),
                      deployment.revision_history_limit.value_or(0));
  const std::int32_t deadline = deployment.progress_deadline_seconds.value_or(0);
  errors.non_negative(spec.child("progressDeadlineSeconds"), deadline);
  if (deployment.progress_deadline_seconds && deadline <= deployment.min_ready_seconds) {
    errors.invalid(spec.child("progressDeadlineSeconds"), deadline,
                   "must be greater than minReadySeconds");
  }
  errors.one_of(strategy.child("type"), deployment.strategy.type, kTypes);
  if (deployment.strategy.type == "Recreate" && deployment.strategy.rolling_update) {
    errors.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
  } else if (deployment.strategy.rolling_update) {
    validate_rolling(*deployment.strategy.rolling_update, rolling, errors);
  }
  validate_template(deployment.selector, deployment.template_, spec, errors);
  validate_always_restarts(deployment.template_, spec, errors);
}

// No more of a part than of the whole; of Deployments and ReplicaSets.
template <class Status>
void validate_replicas(const Status& status, std::initializer_list<std::pair<std::string_view, std::int32_t>> parts,
                       FieldErrors& errors) {
  const FieldPath path("status");
  errors.non_negative(path.child("replicas"), status.replicas);
  errors.non_negative(path.child("observedGeneration"), status.observed_generation);
  for (const auto& [name, count] : parts) {
    const FieldPath at = path.child(name);
    errors.non_negative(at, count);
    if (count > status.replicas) errors.invalid(at, count, "cannot be greater than status.replicas");
  }
  if (status.available_replicas > status.ready_replicas) {
    errors.invalid(path.child("availableReplicas"), status.available_replicas,
                   "cannot be greater than readyReplicas");
  }
}

void validate_deployment_status(const Object&, const Object& after, FieldErrors& errors) {
  const kube::DeploymentStatus& status = kube::as<kube::Deployment>(after).status;
  validate_replicas(status,
                    {{"updatedReplicas", status.updated_replicas},
                     {"readyReplicas", status.ready_replicas},
                     {"availableReplicas", status.available_replicas}},
                    errors);
}

void validate_replica_set_status(const Object&, const Object& after, FieldErrors& errors) {
  const kube::ReplicaSetStatus& status = kube::as<kube::ReplicaSet>(after).status;
  validate_replicas(status,
                    {{"fullyLabeledReplicas", status.fully_labeled_replicas},
                     {"readyReplicas", status.ready_replicas},
                     {"availableReplicas", status.available_replicas}},
                    errors);
}

void validate_replica_set(const Object& object, FieldErrors& errors) {
  const kube::ReplicaSetSpec& replica_set = kube::as<kube::ReplicaSet>(object).spec;
  const FieldPath spec("spec");
  errors.non_negative(spec.child("replicas"), replica_set.replicas.value_or(0));
  errors.non_negative(spec.child("minReadySeconds"), replica_set.min_ready_seconds);
  validate_template(replica_set.selector, replica_set.template_, spec, errors);
  validate_always_restarts(replica_set.template_, spec, errors);
}

void validate_daemon_set(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kTypes[] = {"RollingUpdate", "OnDelete"};
  const kube::DaemonSetSpec& daemon_set = kube::as<kube::DaemonSet>(object).spec;
  const FieldPath spec("spec");
  const FieldPath strategy = spec.child("updateStrategy");
  const FieldPath rolling = strategy.child("rollingUpdate");
  errors.non_negative(spec.child("minReadySeconds"), daemon_set.min_ready_seconds);
  errors.non_negative(spec.child("revisionHistoryLimit"),
                      daemon_set.revision_history_limit.value_or(0));
  errors.one_of(strategy.child("type"), daemon_set.update_strategy.type, kTypes);
  if (daemon_set.update_strategy.rolling_update) {
    const kube::RollingUpdateDaemonSet& update = *daemon_set.update_strategy.rolling_update;
    validate_rolling(update, rolling, errors);
    if (!is_zero(update.max_unavailable) && !is_zero(update.max_surge)) {
      errors.invalid(rolling.child("maxSurge"),
                     update.max_surge->is_int() ? std::to_string(update.max_surge->number())
                                                : update.max_surge->text(),
                     "may not be set when maxUnavailable is non-zero");
    }
  }
  validate_template(daemon_set.selector, daemon_set.template_, spec, errors);
  validate_always_restarts(daemon_set.template_, spec, errors);
}

template <class T>
void keep_selector(const Object& before, const Object& after, FieldErrors& errors) {
  const FieldPath spec("spec");
  if (!kube::equal(kube::as<T>(before).spec.selector, kube::as<T>(after).spec.selector)) {
    errors.invalid(spec.child("selector"), "", "field is immutable");
  }
}

template <class T>
Strategy workload_strategy() {
  Strategy out = make_strategy<T>();
  out.changes_generation = &spec_changed<T>;
  out.set_defaults = &defaults_of<T>;
  out.validate_update = &keep_selector<T>;
  return out;
}

constexpr FieldSelectorEntry kReplicaSetFields[] = {
    {"status.replicas",
     [](const Object& o) { return std::to_string(kube::as<kube::ReplicaSet>(o).status.replicas); }},
};

}  // namespace

Strategy daemon_set_strategy() {
  Strategy out = workload_strategy<kube::DaemonSet>();
  out.validate = &validate_daemon_set;
  return out;
}

Strategy deployment_strategy() {
  Strategy out = workload_strategy<kube::Deployment>();
  out.changes_generation = &deployment_changed;
  out.validate = &validate_deployment;
  out.validate_status = &validate_deployment_status;
  return out;
}

Strategy replica_set_strategy() {
  Strategy out = workload_strategy<kube::ReplicaSet>();
  out.validate = &validate_replica_set;
  out.validate_status = &validate_replica_set_status;
  out.fields = kReplicaSetFields;
  return out;
}

}  // namespace minato::registry
