// core/v1 Pod.
#include <fmt/format.h>

#include <algorithm>

#include "kube/defaults.h"
#include "kube/names.h"
#include "registry/ephemeral_containers.h"
#include "registry/pod_template.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;
using kube::Pod;
using kube::PodSpec;
using kube::Quantity;

namespace {

void pod_defaults(Object& object) { kube::set_defaults(mutable_as<Pod>(object)); }

using Amounts = std::map<std::string, Quantity>;

// The part of cpu and memory that is set, summed over all containers; quality counts no other
// resources.
void add_compute(const Amounts& from, Amounts& sums) {
  for (const std::string_view name : {kube::kCpu, kube::kMemory}) {
    const auto found = from.find(std::string(name));
    if (found != from.end() && !found->second.is_zero()) sums[found->first] += found->second;
  }
}

bool limits_all_compute(const kube::Container& container) {
  Amounts limits;
  add_compute(container.resources.limits, limits);
  return limits.size() == 2;
}

// k8s.io/kubernetes pkg/apis/core/helper/qos ComputePodQOS.
std::string_view quality_of_service(const PodSpec& spec) {
  Amounts requests, limits;
  bool guaranteed = true;
  for (const auto* containers : {&spec.containers, &spec.init_containers}) {
    for (const kube::Container& container : *containers) {
      add_compute(container.resources.requests, requests);
      add_compute(container.resources.limits, limits);
      guaranteed &= limits_all_compute(container);
    }
  }
  if (requests.empty() && limits.empty()) return "BestEffort";
  return guaranteed && requests == limits ? "Guaranteed" : "Burstable";
}

void prepare_pod(Object& object) {
  auto& pod = mutable_as<Pod>(object);
  pod.status.phase = kube::kPodPending;
  pod.status.qos_class = quality_of_service(pod.spec);
  if (pod.spec.scheduling_gates.empty()) return;
  kube::PodCondition& condition = pod.status.conditions.emplace_back();
  condition.type = kube::kPodScheduled;
  condition.status = kube::kFalse;
  condition.reason = "SchedulingGated";
  condition.message = "Scheduling is blocked due to non-empty scheduling gates";
}

// A status without it means that its writer does not know it, not that it has changed.
void keep_quality(const Object& before, Object& after) {
  std::string& quality = mutable_as<Pod>(after).status.qos_class;
  if (quality.empty()) quality = kube::as<Pod>(before).status.qos_class;
}

void validate_pod(const Object& object, FieldErrors& errors) {
  const FieldPath spec("spec");
  validate_pod_spec(kube::as<Pod>(object).spec, spec, errors);
}

void validate_new_pod(const Object& object, FieldErrors& errors) {
  const FieldPath spec("spec");
  refuse_ephemeral_containers(kube::as<Pod>(object).spec, spec, "cannot be set on create", errors);
}

// Takes the images of `from`, where the containers are the same ones.
void copy_images(const std::vector<kube::Container>& from, std::vector<kube::Container>& to) {
  if (from.size() != to.size()) return;
  for (std::size_t i = 0; i < from.size(); ++i) to[i].image = from[i].image;
}

bool keeps_all(const std::vector<kube::Toleration>& before,
               const std::vector<kube::Toleration>& after) {
  return std::ranges::all_of(before, [&](const kube::Toleration& old) {
    return std::ranges::any_of(after, [&](const kube::Toleration& toleration) {
      kube::Toleration same = toleration;
      same.toleration_seconds = old.toleration_seconds;  // The only part that may change.
      return kube::equal(old, same);
    });
  });
}

void validate_gates(const PodSpec& before, const PodSpec& after, const FieldPath& path,
                    FieldErrors& errors) {
  for (const kube::PodSchedulingGate& gate : after.scheduling_gates) {
    const bool was_there = std::ranges::any_of(
        before.scheduling_gates, [&](const auto& old) { return old.name == gate.name; });
    if (!was_there) {
      errors.forbidden(path, fmt::format("only deletion is allowed, but found new scheduling gate "
                                         "'{}'", gate.name));
    }
  }
}

// A running Pod is what was asked for; of its spec only these fields may change.
void validate_pod_update(const Object& before, const Object& after, FieldErrors& errors) {
  const PodSpec& old_spec = kube::as<Pod>(before).spec;
  const PodSpec& new_spec = kube::as<Pod>(after).spec;
  const FieldPath spec("spec");
  validate_gates(old_spec, new_spec, spec.child("schedulingGates"), errors);
  if (!keeps_all(old_spec.tolerations, new_spec.tolerations)) {
    errors.forbidden(spec.child("tolerations"),
                     "existing toleration can not be modified except its tolerationSeconds");
  }
  const auto& old_deadline = old_spec.active_deadline_seconds;
  const auto& new_deadline = new_spec.active_deadline_seconds;
  if (old_deadline && (!new_deadline || *new_deadline > *old_deadline)) {
    errors.invalid(spec.child("activeDeadlineSeconds"), new_deadline.value_or(0),
                   "must be less than or equal to previous value");
  }
  PodSpec allowed = old_spec;
  copy_images(new_spec.containers, allowed.containers);
  copy_images(new_spec.init_containers, allowed.init_containers);
  allowed.tolerations = new_spec.tolerations;
  allowed.active_deadline_seconds = new_deadline;
  allowed.scheduling_gates = new_spec.scheduling_gates;
  if (!old_spec.scheduling_gates.empty()) {
    // Nobody has placed a gated Pod yet, so where it may go is still open.
    allowed.node_selector = new_spec.node_selector;
    allowed.affinity = new_spec.affinity;
  }
  if (!kube::equal(allowed, new_spec)) {
    errors.forbidden(spec,
                     "pod updates may not change fields other than `spec.containers[*].image`,"
                     "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
                     "`spec.tolerations` (only additions to existing tolerations),"
                     "`spec.schedulingGates` (only deletions)");
  }
}

void validate_pod_status(const Object& before, const Object& after, FieldErrors& errors) {
  constexpr std::string_view kPhases[] = {kube::kPodPending, kube::kPodRunning,
                                          kube::kPodSucceeded, kube::kPodFailed, kube::kUnknown};
  const Pod& old_pod = kube::as<Pod>(before);
  const Pod& pod = kube::as<Pod>(after);
  const FieldPath status("status");
  if (!pod.status.phase.empty()) errors.one_of(status.child("phase"), pod.status.phase, kPhases);
  if (old_pod.status.qos_class != pod.status.qos_class) {
    errors.invalid(status.child("qosClass"), pod.status.qos_class, "field is immutable");
  }
}

constexpr FieldSelectorEntry kPodFields[] = {
    {"spec.nodeName", [](const Object& o) { return kube::as<Pod>(o).spec.node_name; }},
    {"spec.restartPolicy", [](const Object& o) { return kube::as<Pod>(o).spec.restart_policy; }},
    {"spec.schedulerName", [](const Object& o) { return kube::as<Pod>(o).spec.scheduler_name; }},
    {"spec.serviceAccountName",
     [](const Object& o) { return kube::as<Pod>(o).spec.service_account_name; }},
    {"spec.hostNetwork",
     [](const Object& o) {
       return std::string(kube::as<Pod>(o).spec.host_network ? "true" : "false");
     }},
    {"status.phase", [](const Object& o) { return kube::as<Pod>(o).status.phase; }},
    {"status.podIP", [](const Object& o) { return kube::as<Pod>(o).status.pod_ip; }},
    {"status.nominatedNodeName",
     [](const Object& o) { return kube::as<Pod>(o).status.nominated_node_name; }},
};

}  // namespace

Strategy pod_strategy() {
  Strategy out = make_strategy<Pod>();
  out.set_defaults = &pod_defaults;
  out.prepare_create = &prepare_pod;
  out.prepare_status = &keep_quality;
  out.validate = &validate_pod;
  out.validate_create = &validate_new_pod;
  out.validate_update = &validate_pod_update;
  out.validate_status = &validate_pod_status;
  out.fields = kPodFields;
  return out;
}

}  // namespace minato::registry
