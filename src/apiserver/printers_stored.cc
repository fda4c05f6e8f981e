// Roles, definitions, and the kinds that are stored only.
#include <fmt/format.h>

#include "apiserver/table.h"
#include "base/strings.h"
#include "kube/selector.h"
#include "kube/types/batch.h"
#include "kube/types/custom_resource.h"
#include "kube/types/networking.h"
#include "kube/types/persistent.h"
#include "kube/types/quota.h"
#include "kube/types/rbac.h"
#include "kube/types/stateful.h"
#include "kube/types/storage.h"

namespace minato::apiserver {

using kube::Object;

namespace {

std::string age(const Object& object, WallTime now) {
  return age_of(object.metadata.creation_timestamp, now);
}

std::string since(kube::Time time, WallTime now) {
  return time == kube::Time{} ? "<none>" : age_of(time, now);
}

constexpr Column kStatefulSetColumns[] = {{"Name"}, {"Ready"}, {"Age"}};

void print_stateful_set(const Object& object, WallTime now, Cells& cells) {
  const auto& set = kube::as<kube::StatefulSet>(object);
  cells.text(set.metadata.name);
  cells.text(fmt::format("{}/{}", set.status.ready_replicas, set.spec.replicas.value_or(1)));
  cells.text(age(set, now));
}

constexpr Column kControllerColumns[] = {
    {"Name"}, {"Desired", "integer"}, {"Current", "integer"}, {"Ready", "integer"}, {"Age"}};

void print_replication_controller(const Object& object, WallTime now, Cells& cells) {
  const auto& controller = kube::as<kube::ReplicationController>(object);
  cells.text(controller.metadata.name);
  cells.number(controller.spec.replicas.value_or(1));
  cells.number(controller.status.replicas);
  cells.number(controller.status.ready_replicas);
  cells.text(age(controller, now));
}

constexpr Column kJobColumns[] = {{"Name"}, {"Status"}, {"Completions"}, {"Duration"}, {"Age"}};

void print_job(const Object& object, WallTime now, Cells& cells) {
  const auto& job = kube::as<kube::Job>(object);
  std::string state = job.spec.suspend.value_or(false) ? "Suspended" : "Running";
  for (const kube::JobCondition& condition : job.status.conditions) {
    if (condition.status == "True" && (condition.type == "Complete" || condition.type == "Failed"))
      state = condition.type;
  }
  const kube::Time end = job.status.completion_time;
  const bool started = job.status.start_time != kube::Time{};
  cells.text(job.metadata.name);
  cells.text(state);
  cells.text(fmt::format("{}/{}", job.status.succeeded, job.spec.completions.value_or(1)));
  cells.text(started ? age_of(job.status.start_time, end == kube::Time{} ? now : WallTime(end)) : "");
  cells.text(age(job, now));
}

constexpr Column kCronJobColumns[] = {{"Name"},    {"Schedule"},          {"Timezone"},
                                      {"Suspend"}, {"Active", "integer"}, {"Last Schedule"},
                                      {"Age"}};

void print_cron_job(const Object& object, WallTime now, Cells& cells) {
  const auto& job = kube::as<kube::CronJob>(object);
  cells.text(job.metadata.name);
  cells.text(job.spec.schedule);
  cells.text(job.spec.time_zone.value_or("<none>"));
  cells.text(job.spec.suspend.value_or(false) ? "True" : "False");
  cells.number(static_cast<std::int64_t>(job.status.active.size()));
  cells.text(since(job.status.last_schedule_time, now));
  cells.text(age(job, now));
}

constexpr Column kIngressColumns[] = {{"Name"}, {"Class"}, {"Hosts"}, {"Address"}, {"Ports"}, {"Age"}};

void print_ingress(const Object& object, WallTime now, Cells& cells) {
  const auto& ingress = kube::as<kube::Ingress>(object);
  std::vector<std::string> hosts, addresses;
  for (const kube::IngressRule& rule : ingress.spec.rules) {
    if (!rule.host.empty()) hosts.push_back(rule.host);
  }
  for (const auto& point : ingress.status.load_balancer.ingress) {
    addresses.push_back(point.ip.empty() ? point.hostname : point.ip);
  }
  cells.text(ingress.metadata.name);
  cells.text(ingress.spec.ingress_class_name.value_or("<none>"));
  cells.text(hosts.empty() ? "*" : join(hosts, ","));
  cells.text(join(addresses, ","));
  cells.text(ingress.spec.tls.empty() ? "80" : "80, 443");
  cells.text(age(ingress, now));
}

constexpr Column kNetworkPolicyColumns[] = {{"Name"}, {"Pod-Selector"}, {"Age"}};

void print_network_policy(const Object& object, WallTime now, Cells& cells) {
  const auto& policy = kube::as<kube::NetworkPolicy>(object);
  const auto selector = kube::Selector::from(policy.spec.pod_selector);
  cells.text(policy.metadata.name);
  cells.text(or_none(selector ? selector->to_string() : "<error>"));
  cells.text(age(policy, now));
}

constexpr Column kVolumeClaimColumns[] = {{"Name"},         {"Status"},       {"Volume"}, {"Capacity"},
                                          {"Access Modes"}, {"StorageClass"}, {"Age"}};

void print_volume_claim(const Object& object, WallTime now, Cells& cells) {
  const auto& claim = kube::as<kube::PersistentVolumeClaim>(object);
  const auto capacity = claim.status.capacity.find("storage");
  cells.text(claim.metadata.name);
  cells.text(claim.status.phase);
  cells.text(claim.spec.volume_name);
  cells.text(capacity == claim.status.capacity.end() ? "" : capacity->second.to_string());
  cells.text(join(claim.status.access_modes, ","));
  cells.text(claim.spec.storage_class_name.value_or(""));
  cells.text(age(claim, now));
}

constexpr Column kStorageClassColumns[] = {
    {"Name"}, {"Provisioner"}, {"ReclaimPolicy"}, {"VolumeBindingMode"}, {"AllowVolumeExpansion", "boolean"}, {"Age"}};

void print_storage_class(const Object& object, WallTime now, Cells& cells) {
  const auto& storage = kube::as<kube::StorageClass>(object);
  cells.text(storage.metadata.name);
  cells.text(storage.provisioner);
  cells.text(storage.reclaim_policy.value_or("Delete"));
  cells.text(storage.volume_binding_mode.value_or("Immediate"));
  cells.text(storage.allow_volume_expansion.value_or(false) ? "true" : "false");
  cells.text(age(storage, now));
}

constexpr Column kQuotaColumns[] = {{"Name"}, {"Age"}, {"Hard"}};

void print_quota(const Object& object, WallTime now, Cells& cells) {
  const auto& quota = kube::as<kube::ResourceQuota>(object);
  std::vector<std::string> hard;
  for (const auto& [resource, amount] : quota.spec.hard) {
    hard.push_back(fmt::format("{}: {}", resource, amount.to_string()));
  }
  cells.text(quota.metadata.name);
  cells.text(age(quota, now));
  cells.text(join(hard, ", "));
}

constexpr Column kCreatedColumns[] = {{"Name"}, {"Created At", "date"}};

void print_created(const Object& object, WallTime, Cells& cells) {
  cells.text(object.metadata.name);
  cells.text(format_rfc3339(object.metadata.creation_timestamp));
}

constexpr Column kBindingColumns[] = {{"Name"},
                                      {"Role"},
                                      {"Age"},
                                      {"Users", "string", 1},
                                      {"Groups", "string", 1},
                                      {"ServiceAccounts", "string", 1}};

template <class T>
void print_binding(const Object& object, WallTime now, Cells& cells) {
  const auto& binding = kube::as<T>(object);
  std::vector<std::string> users, groups, accounts;
  for (const kube::Subject& subject : binding.subjects) {
    if (subject.kind == "User") users.push_back(subject.name);
    if (subject.kind == "Group") groups.push_back(subject.name);
    if (subject.kind == "ServiceAccount")
      accounts.push_back(fmt::format("{}/{}", subject.namespace_, subject.name));
  }
  cells.text(binding.metadata.name);
  cells.text(fmt::format("{}/{}", binding.role_ref.kind, binding.role_ref.name));
  cells.text(age(binding, now));
  cells.text(join(users, ", "));
  cells.text(join(groups, ", "));
  cells.text(join(accounts, ", "));
}

}  // namespace

Printer stored_printer(const kube::Kind& kind) {
  if (kind == kube::StatefulSet::static_kind()) return {kStatefulSetColumns, &print_stateful_set};
  if (kind == kube::ReplicationController::static_kind())
    return {kControllerColumns, &print_replication_controller};
  if (kind == kube::Job::static_kind()) return {kJobColumns, &print_job};
  if (kind == kube::CronJob::static_kind()) return {kCronJobColumns, &print_cron_job};
  if (kind == kube::Ingress::static_kind()) return {kIngressColumns, &print_ingress};
  if (kind == kube::NetworkPolicy::static_kind())
    return {kNetworkPolicyColumns, &print_network_policy};
  if (kind == kube::PersistentVolumeClaim::static_kind())
    return {kVolumeClaimColumns, &print_volume_claim};
  if (kind == kube::StorageClass::static_kind()) return {kStorageClassColumns, &print_storage_class};
  if (kind == kube::ResourceQuota::static_kind()) return {kQuotaColumns, &print_quota};
  if (kind == kube::Role::static_kind() || kind == kube::ClusterRole::static_kind() ||
      kind == kube::CustomResourceDefinition::static_kind())
    return {kCreatedColumns, &print_created};
  if (kind == kube::RoleBinding::static_kind())
    return {kBindingColumns, &print_binding<kube::RoleBinding>};
  if (kind == kube::ClusterRoleBinding::static_kind())
    return {kBindingColumns, &print_binding<kube::ClusterRoleBinding>};
  return {};
}

}  // namespace minato::apiserver
