#include "kube/types/batch.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(PodFailurePolicyOnExitCodesRequirement,
  FIELD(container_name, "containerName", 1),
  FIELD(operator_, "operator", 2, kAlways),
  FIELD(values, "values", 3, kSet))

MINATO_STRUCT(PodFailurePolicyOnPodConditionsPattern,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways))

MINATO_STRUCT(PodFailurePolicyRule,
  FIELD(action, "action", 1, kAlways),
  FIELD(on_exit_codes, "onExitCodes", 2),
  FIELD(on_pod_conditions, "onPodConditions", 3, kAtomic))

MINATO_STRUCT(PodFailurePolicy,
  FIELD(rules, "rules", 1, kAtomic))

MINATO_STRUCT(SuccessPolicyRule,
  FIELD(succeeded_indexes, "succeededIndexes", 1),
  FIELD(succeeded_count, "succeededCount", 2))

MINATO_STRUCT(SuccessPolicy,
  FIELD(rules, "rules", 1, kAtomic))

MINATO_STRUCT(JobSpec,
  FIELD(parallelism, "parallelism", 1),
  FIELD(completions, "completions", 2),
  FIELD(active_deadline_seconds, "activeDeadlineSeconds", 3),
  FIELD(pod_failure_policy, "podFailurePolicy", 11),
  FIELD(success_policy, "successPolicy", 16),
  FIELD(backoff_limit, "backoffLimit", 7),
  FIELD(backoff_limit_per_index, "backoffLimitPerIndex", 12),
  FIELD(max_failed_indexes, "maxFailedIndexes", 13),
  FIELD(selector, "selector", 4),
  FIELD(manual_selector, "manualSelector", 5),
  FIELD(template_, "template", 6, kAlways),
  FIELD(ttl_seconds_after_finished, "ttlSecondsAfterFinished", 8),
  FIELD(completion_mode, "completionMode", 9),
  FIELD(suspend, "suspend", 10),
  FIELD(pod_replacement_policy, "podReplacementPolicy", 14),
  FIELD(managed_by, "managedBy", 15))

MINATO_STRUCT(JobCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_probe_time, "lastProbeTime", 3),
  FIELD(last_transition_time, "lastTransitionTime", 4),
  FIELD(reason, "reason", 5),
  FIELD(message, "message", 6))

MINATO_STRUCT(UncountedTerminatedPods,
  FIELD(succeeded, "succeeded", 1, kSet),
  FIELD(failed, "failed", 2, kSet))

MINATO_STRUCT(JobStatus,
  FIELD(conditions, "conditions", 1, kMerge | kAtomic, "type"),
  FIELD(start_time, "startTime", 2),
  FIELD(completion_time, "completionTime", 3),
  FIELD(active, "active", 4),
  FIELD(succeeded, "succeeded", 5),
  FIELD(failed, "failed", 6),
  FIELD(terminating, "terminating", 11),
  FIELD(completed_indexes, "completedIndexes", 7),
  FIELD(failed_indexes, "failedIndexes", 10),
  FIELD(uncounted_terminated_pods, "uncountedTerminatedPods", 8),
  FIELD(ready, "ready", 9))

DEFINE_SPECIAL_MEMBERS(Job);
MINATO_STRUCT(Job,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(JobTemplateSpec,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2))

MINATO_STRUCT(CronJobSpec,
  FIELD(schedule, "schedule", 1, kAlways),
  FIELD(time_zone, "timeZone", 8),
  FIELD(starting_deadline_seconds, "startingDeadlineSeconds", 2),
  FIELD(concurrency_policy, "concurrencyPolicy", 3),
  FIELD(suspend, "suspend", 4),
  FIELD(job_template, "jobTemplate", 5, kAlways),
  FIELD(successful_jobs_history_limit, "successfulJobsHistoryLimit", 6),
  FIELD(failed_jobs_history_limit, "failedJobsHistoryLimit", 7))

MINATO_STRUCT(CronJobStatus,
  FIELD(active, "active", 1, kAtomic),
  FIELD(last_schedule_time, "lastScheduleTime", 4),
  FIELD(last_successful_time, "lastSuccessfulTime", 5))

DEFINE_SPECIAL_MEMBERS(CronJob);
MINATO_STRUCT(CronJob,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
