// batch/v1 Job and CronJob, apps/v1 StatefulSet: nothing here acts on them, but what is stored is
// what upstream would store.
// Rules: k8s.io/kubernetes pkg/apis/batch and pkg/apis/apps, defaults.go and validation.go.
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kube/selector.h"
#include "kube/types/batch.h"
#include "kube/types/stateful.h"
#include "registry/pod_template.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

constexpr std::string_view kControllerUid = "batch.kubernetes.io/controller-uid";
constexpr std::size_t kScheduleFields = 5;

template <class T>
void fill(std::optional<T>& value, T fallback) {
  if (!value) value = std::move(fallback);
}

void fill(std::string& value, std::string_view fallback) {
  if (value.empty()) value = fallback;
}

template <class T>
Strategy stored_workload() {
  Strategy out = make_strategy<T>();
  out.changes_generation = &spec_changed<T>;
  return out;
}

void stateful_set_defaults(Object& object) {
  kube::StatefulSetSpec& spec = mutable_as<kube::StatefulSet>(object).spec;
  kube::set_defaults(spec.template_.spec);
  fill(spec.pod_management_policy, "OrderedReady");
  fill(spec.update_strategy.type, "RollingUpdate");
  if (spec.update_strategy.type == "RollingUpdate")
    fill(spec.update_strategy.rolling_update.ensure().partition, 0);
  auto& kept = spec.persistent_volume_claim_retention_policy.ensure();
  fill(kept.when_deleted, "Retain");
  fill(kept.when_scaled, "Retain");
  fill(spec.replicas, 1);
  fill(spec.revision_history_limit, 10);
}

void validate_stateful_set(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kKept[] = {"Delete", "Retain"};
  const kube::StatefulSetSpec& stateful = kube::as<kube::StatefulSet>(object).spec;
  const FieldPath spec("spec");
  const FieldPath update = spec.child("updateStrategy"),
                  kept = spec.child("persistentVolumeClaimRetentionPolicy");
  const std::string& order = stateful.pod_management_policy;
  if (order != "OrderedReady" && order != "Parallel")
    errors.invalid(spec.child("podManagementPolicy"), order, "must be 'OrderedReady' or 'Parallel'");
  const std::string& type = stateful.update_strategy.type;
  if (type != "RollingUpdate" && type != "OnDelete")
    errors.invalid(update, type, "must be 'RollingUpdate' or 'OnDelete'");
  if (const auto& rolling = stateful.update_strategy.rolling_update; rolling && type == "RollingUpdate")
    errors.non_negative(update.child("rollingUpdate.partition"), rolling->partition.value_or(0));
  if (const auto& policy = stateful.persistent_volume_claim_retention_policy) {
    errors.one_of(kept.child("whenDeleted"), policy->when_deleted, kKept);
    errors.one_of(kept.child("whenScaled"), policy->when_scaled, kKept);
  }
  errors.non_negative(spec.child("replicas"), stateful.replicas.value_or(0));
  errors.non_negative(spec.child("minReadySeconds"), stateful.min_ready_seconds);
  validate_template(stateful.selector, stateful.template_, spec, errors);
}

void validate_stateful_set_update(const Object& before, const Object& after, FieldErrors& errors) {
  const kube::StatefulSetSpec& wanted = kube::as<kube::StatefulSet>(after).spec;
  kube::StatefulSetSpec allowed = kube::as<kube::StatefulSet>(before).spec;
  allowed.replicas = wanted.replicas;
  allowed.ordinals = wanted.ordinals;
  allowed.template_ = wanted.template_;
  allowed.update_strategy = wanted.update_strategy;
  allowed.persistent_volume_claim_retention_policy = wanted.persistent_volume_claim_retention_policy;
  allowed.min_ready_seconds = wanted.min_ready_seconds;
  allowed.revision_history_limit = wanted.revision_history_limit;
  if (kube::equal(allowed, wanted)) return;
  errors.forbidden(FieldPath("spec"),
                   "only replicas, ordinals, template, updateStrategy, revisionHistoryLimit, "
                   "persistentVolumeClaimRetentionPolicy and minReadySeconds of a StatefulSet may change");
}

void job_defaults(Object& object) {
  kube::JobSpec& spec = mutable_as<kube::Job>(object).spec;
  kube::set_defaults(spec.template_.spec);
  if (!spec.completions && !spec.parallelism) spec.completions = 1;
  fill(spec.parallelism, 1);
  fill(spec.backoff_limit, 6);
  fill(spec.completion_mode, std::string("NonIndexed"));
  fill(spec.suspend, false);
  fill(spec.pod_replacement_policy,
       std::string(spec.pod_failure_policy ? "Failed" : "TerminatingOrFailed"));
}

// Its Pods are told apart by its uid, unless it says by what itself.
void generate_selector(Object& object) {
  kube::JobSpec& spec = mutable_as<kube::Job>(object).spec;
  if (spec.manual_selector.value_or(false)) return;
  const kube::ObjectMeta& metadata = object.metadata;
  auto& labels = spec.template_.metadata.labels;
  labels[std::string(kControllerUid)] = labels["controller-uid"] = metadata.uid;
  labels["batch.kubernetes.io/job-name"] = labels["job-name"] = metadata.name;
  spec.selector.ensure().match_labels[std::string(kControllerUid)] = metadata.uid;
}

void validate_job_spec(const kube::JobSpec& job, const FieldPath& spec, FieldErrors& errors) {
  constexpr std::string_view kModes[] = {"Indexed", "NonIndexed"};
  const FieldPath pod_template = spec.child("template");
  const FieldPath pod = pod_template.child("spec");
  errors.non_negative(spec.child("parallelism"), job.parallelism.value_or(0));
  errors.non_negative(spec.child("completions"), job.completions.value_or(0));
  errors.non_negative(spec.child("activeDeadlineSeconds"), job.active_deadline_seconds.value_or(0));
  errors.non_negative(spec.child("backoffLimit"), job.backoff_limit.value_or(0));
  errors.non_negative(spec.child("ttlSecondsAfterFinished"),
                      job.ttl_seconds_after_finished.value_or(0));
  if (job.completion_mode) {
    errors.one_of(spec.child("completionMode"), *job.completion_mode, kModes);
    if (*job.completion_mode == "Indexed" && !job.completions)
      errors.required(spec.child("completions"), "when completion mode is Indexed");
  }
  validate_pod_spec(job.template_.spec, pod, errors);
  const std::string& restarts = job.template_.spec.restart_policy;
  if (restarts.empty() || restarts == "Always") {
    errors.required(pod.child("restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
  } else if (restarts != "OnFailure" && restarts != "Never") {
    errors.invalid(pod.child("restartPolicy"), restarts, "must be OnFailure or Never");
  }
}

void validate_job(const Object& object, FieldErrors& errors) {
  const kube::JobSpec& job = kube::as<kube::Job>(object).spec;
  const FieldPath spec("spec");
  const FieldPath selector = spec.child("selector");
  validate_job_spec(job, spec, errors);
  if (!job.selector) {
    errors.required(selector);
    return;
  }
  kube::validate_label_selector(*job.selector, selector, errors);
  const bool is_generated = job.selector->match_labels.size() == 1 &&
                            job.selector->match_labels.contains(std::string(kControllerUid)) &&
                            job.selector->match_expressions.empty();
  if (!job.manual_selector.value_or(false) && !is_generated)
    errors.invalid(selector, "", "`selector` not auto-generated");
  const auto parsed = kube::Selector::from(*job.selector);
  if (parsed && !parsed->matches(job.template_.metadata.labels)) {
    errors.invalid(spec.child("template.metadata.labels"), "",
                   "`selector` does not match template `labels`");
  }
}

void validate_job_update(const Object& before, const Object& after, FieldErrors& errors) {
  const kube::JobSpec& was = kube::as<kube::Job>(before).spec;
  const kube::JobSpec& wanted = kube::as<kube::Job>(after).spec;
  const FieldPath spec("spec");
  const auto refuse = [&](bool is_same, std::string_view field) {
    if (!is_same) errors.invalid(spec.child(field), "", "field is immutable");
  };
  refuse(was.completions == wanted.completions, "completions");
  refuse(kube::equal(was.selector, wanted.selector), "selector");
  refuse(kube::equal(was.template_, wanted.template_), "template");
  refuse(was.completion_mode == wanted.completion_mode, "completionMode");
  refuse(kube::equal(was.pod_failure_policy, wanted.pod_failure_policy), "podFailurePolicy");
}

void cron_job_defaults(Object& object) {
  kube::CronJobSpec& spec = mutable_as<kube::CronJob>(object).spec;
  kube::set_defaults(spec.job_template.spec.template_.spec);
  fill(spec.concurrency_policy, "Allow");
  fill(spec.suspend, false);
  fill(spec.successful_jobs_history_limit, 3);
  fill(spec.failed_jobs_history_limit, 1);
}

// Five fields, or a word for them; what their numbers mean is for who acts on it.
std::string_view check_schedule(std::string_view schedule) {
  if (schedule.starts_with('@')) return {};
  std::size_t fields = 0;
  for (const std::string& field : split(schedule, ' ')) {
    if (field.empty()) continue;
    ++fields;
    const bool well_formed = std::ranges::all_of(field, [](char c) {
      return ('0' <= c && c <= '9') || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') ||
             std::string_view("*,-/?").find(c) != std::string_view::npos;
    });
    if (!well_formed) return "is not a schedule in the format of cron";
  }
  return fields == kScheduleFields ? "" : "expected exactly 5 fields";
}

void validate_cron_job(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kPolicies[] = {"Allow", "Forbid", "Replace"};
  const kube::CronJobSpec& cron = kube::as<kube::CronJob>(object).spec;
  const FieldPath spec("spec");
  const FieldPath schedule = spec.child("schedule"), job = spec.child("jobTemplate");
  if (cron.schedule.empty()) {
    errors.required(schedule);
  } else {
    errors.grammar(schedule, cron.schedule, check_schedule(cron.schedule));
  }
  errors.non_negative(spec.child("startingDeadlineSeconds"),
                      cron.starting_deadline_seconds.value_or(0));
  errors.one_of(spec.child("concurrencyPolicy"), cron.concurrency_policy, kPolicies);
  errors.non_negative(spec.child("successfulJobsHistoryLimit"),
                      cron.successful_jobs_history_limit.value_or(0));
  errors.non_negative(spec.child("failedJobsHistoryLimit"),
                      cron.failed_jobs_history_limit.value_or(0));
  validate_job_spec(cron.job_template.spec, job.child("spec"), errors);
}

}  // namespace

Strategy stateful_set_strategy() {
  Strategy out = stored_workload<kube::StatefulSet>();
  out.set_defaults = &stateful_set_defaults;
  out.validate = &validate_stateful_set;
  out.validate_update = &validate_stateful_set_update;
  return out;
}

Strategy job_strategy() {
  Strategy out = stored_workload<kube::Job>();
  out.set_defaults = &job_defaults;
  out.prepare_create = &generate_selector;
  out.validate = &validate_job;
  out.validate_update = &validate_job_update;
  return out;
}

Strategy cron_job_strategy() {
  Strategy out = stored_workload<kube::CronJob>();
  out.set_defaults = &cron_job_defaults;
  out.validate = &validate_cron_job;
  return out;
}

}  // namespace minato::registry
