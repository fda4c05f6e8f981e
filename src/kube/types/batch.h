// batch/v1: Job, CronJob.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (batch/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct PodFailurePolicyOnExitCodesRequirement {
  std::optional<std::string> container_name;
  std::string operator_;
  std::vector<std::int32_t> values;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodFailurePolicyOnExitCodesRequirement*);

struct PodFailurePolicyOnPodConditionsPattern {
  std::string type;
  std::string status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodFailurePolicyOnPodConditionsPattern*);

struct PodFailurePolicyRule {
  std::string action;
  Box<PodFailurePolicyOnExitCodesRequirement> on_exit_codes;
  std::vector<PodFailurePolicyOnPodConditionsPattern> on_pod_conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodFailurePolicyRule*);

struct PodFailurePolicy {
  std::vector<PodFailurePolicyRule> rules;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodFailurePolicy*);

struct SuccessPolicyRule {
  std::optional<std::string> succeeded_indexes;
  std::optional<std::int32_t> succeeded_count;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SuccessPolicyRule*);

struct SuccessPolicy {
  std::vector<SuccessPolicyRule> rules;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SuccessPolicy*);

struct JobSpec {
  std::optional<std::int32_t> parallelism;
  std::optional<std::int32_t> completions;
  std::optional<std::int64_t> active_deadline_seconds;
  Box<PodFailurePolicy> pod_failure_policy;
  Box<SuccessPolicy> success_policy;
  std::optional<std::int32_t> backoff_limit;
  std::optional<std::int32_t> backoff_limit_per_index;
  std::optional<std::int32_t> max_failed_indexes;
  Box<LabelSelector> selector;
  std::optional<bool> manual_selector;
  PodTemplateSpec template_;
  std::optional<std::int32_t> ttl_seconds_after_finished;
  std::optional<std::string> completion_mode;
  std::optional<bool> suspend;
  std::optional<std::string> pod_replacement_policy;
  std::optional<std::string> managed_by;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JobSpec*);

struct JobCondition {
  std::string type;
  std::string status;
  Time last_probe_time;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JobCondition*);

struct UncountedTerminatedPods {
  std::vector<std::string> succeeded;
  std::vector<std::string> failed;
  UnknownFields unknown;
};
const TypeInfo& reflect(const UncountedTerminatedPods*);

struct JobStatus {
  std::vector<JobCondition> conditions;
  Time start_time;
  Time completion_time;
  std::int32_t active = 0;
  std::int32_t succeeded = 0;
  std::int32_t failed = 0;
  std::optional<std::int32_t> terminating;
  std::string completed_indexes;
  std::optional<std::string> failed_indexes;
  Box<UncountedTerminatedPods> uncounted_terminated_pods;
  std::optional<std::int32_t> ready;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JobStatus*);

struct Job final : ObjectOf<Job> {
  DECLARE_SPECIAL_MEMBERS(Job);
  static const Kind& static_kind();
  JobSpec spec;
  JobStatus status;
};
const TypeInfo& reflect(const Job*);

struct JobTemplateSpec {
  ObjectMeta metadata;
  JobSpec spec;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JobTemplateSpec*);

struct CronJobSpec {
  std::string schedule;
  std::optional<std::string> time_zone;
  std::optional<std::int64_t> starting_deadline_seconds;
  std::string concurrency_policy;
  std::optional<bool> suspend;
  JobTemplateSpec job_template;
  std::optional<std::int32_t> successful_jobs_history_limit;
  std::optional<std::int32_t> failed_jobs_history_limit;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CronJobSpec*);

struct CronJobStatus {
  std::vector<ObjectReference> active;
  Time last_schedule_time;
  Time last_successful_time;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CronJobStatus*);

struct CronJob final : ObjectOf<CronJob> {
  DECLARE_SPECIAL_MEMBERS(CronJob);
  static const Kind& static_kind();
  CronJobSpec spec;
  CronJobStatus status;
};
const TypeInfo& reflect(const CronJob*);

}  // namespace minato::kube
