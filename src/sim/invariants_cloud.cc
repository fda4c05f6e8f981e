// Invariants about the cloud: looked at every so often, since it has no watch.
#include <fmt/format.h>

#include <algorithm>

#include "blueprint/system.h"
#include "kube/names.h"
#include "removal/record.h"
#include "sim/invariants.h"

namespace minato::sim {
namespace {

// Amazon EC2 Auto Scaling: rebalancing may exceed the maximum by 10 % or one, whichever is more.
std::int32_t most(const cloud::AutoScalingGroup& group) {
  const bool may_exceed = group.capacity_rebalance ||
                          std::ranges::find(group.suspended_processes, "AZRebalance") == group.suspended_processes.end();
  return group.max_size + (may_exceed ? std::max(1, group.max_size / 10) : 0);
}

}  // namespace

void Invariants::check_cloud(cluster::Cluster& cluster) {
  const auto instances = cluster.cloud().describe_auto_scaling_instances();
  check_groups(cluster, instances);
  check_notices(cluster, instances);
  check_helped(cluster);
  if (clock_.monotonic() < next_bill_check_) return;
  next_bill_check_ = clock_.monotonic() + kBillInterval;
  check_bills(cluster);
}

void Invariants::check_groups(const cluster::Cluster& cluster, const std::vector<cloud::Instance>& instances) {
  std::map<std::string, std::int32_t> members;
  for (const cloud::Instance& instance : instances) {
    if (!cloud::is_terminating(instance.state)) ++members[instance.group];
  }
  for (const cloud::AutoScalingGroup& group : cluster.cloud().describe_auto_scaling_groups()) {
    if (members[group.name] <= most(group)) continue;
    broken(fmt::format("I14: group {} has {} instances; its maximum is {}", group.name, members[group.name], group.max_size));
  }
}

void Invariants::check_bills(const cluster::Cluster& cluster) {
  for (const cloudmodel::Bill& bill : cluster.cloud().costs().instances) {
    if (!is_set(bill.from) || is_set(bill.until)) continue;
    if (datacenter_.by_id(bill.instance_id) != nullptr) continue;
    broken(fmt::format("I3: instance {} is billed and there is no such machine", bill.instance_id));
  }
}

void Invariants::check_notices(cluster::Cluster& cluster, const std::vector<cloud::Instance>& instances) {
  const MonoTime now = clock_.monotonic();
  std::set<std::string> standing;
  for (const cloud::Instance& instance : instances) {
    if (!cluster.cloud().notice(instance.id) || cloud::is_terminating(instance.state)) continue;
    standing.insert(instance.id);
    const MonoTime since = std::max(noticed_.try_emplace(instance.id, now).first->second, control_since_);
    if (now - since <= options_.agent_poll + kOrderedWithin + kCloudInterval) continue;
    const auto node = store_.get(kube::Node::static_kind(), {"", instance.hostname});
    if (!node || !cluster.roles().is_active(std::string(blueprint::kRoleController))) {
      noticed_[instance.id] = now;
      continue;
    }
    const auto record = removal::record_of(kube::as<kube::Node>(*node));
    const bool is_known = record && record->has_value();
    const bool is_replaced = is_known && ((*record)->replacement || (*record)->request.after != removal::After::kTerminateAndReplace);
    const auto groups = cluster.cloud().describe_auto_scaling_groups();
    const auto group = std::ranges::find(groups, instance.group, &cloud::AutoScalingGroup::name);
    if (is_replaced || group == groups.end() || group->capacity_rebalance || (is_known && group->desired_capacity >= group->max_size)) continue;
    broken(fmt::format("I15: {} was noticed {} ago; {}", instance.id, format_duration(now - since),
                       is_known ? "no replacement is ordered" : "nobody heeded it"));
  }
  std::erase_if(noticed_, [&](const auto& entry) { return !standing.contains(entry.first); });
}

// By what the autoscaler itself says: a Pod that it can help must not go on waiting.
void Invariants::check_helped(cluster::Cluster& cluster) {
  const MonoTime now = clock_.monotonic();
  const autoscaler::Plan* plan = cluster.autoscaler().last_plan();
  const auto& pools = cluster.cloud().pools().state();
  const bool is_short = !pools.failed_zones.empty() || std::ranges::any_of(pools.rules, [](const auto& rule) {
    return rule.capacity == cloudmodel::Capacity::kExhausted;
  });
  if (is_short || !has_capacity_) help_since_ = now;
  if (waiting_.empty() || plan == nullptr || !plan->halted.empty()) return;
  for (const autoscaler::PodOutcome& outcome : plan->pods) {
    if (outcome.fate == autoscaler::PodFate::kNotHelped || outcome.fate == autoscaler::PodFate::kIgnored) continue;
    const auto found = waiting_.find(outcome.pod->pod->key());
    if (found == waiting_.end() || now - std::max({found->second.since, control_since_, help_since_}) <= options_.help_within) continue;
    broken(fmt::format("I17: pod {} has waited for {}, and the autoscaler says {}", found->first.to_string(),
                       format_duration(now - found->second.since), autoscaler::to_string(outcome.fate)));
    return;
  }
}

}  // namespace minato::sim
