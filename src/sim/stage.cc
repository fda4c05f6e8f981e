#include "sim/stage.h"

#include <algorithm>

#include "blueprint/system.h"
#include "cluster/explain.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/policy.h"

namespace minato::sim {
namespace {

constexpr Duration kLook = 1s;

bool is_ready(const kube::Pod& pod) {
  return !is_set(pod.metadata.deletion_timestamp) &&
         std::ranges::any_of(pod.status.conditions, [](const kube::PodCondition& condition) {
           return condition.type == kube::kReady && condition.status == kube::kTrue;
         });
}

std::string label(const kube::Object& object, std::string_view name) {
  const auto found = object.metadata.labels.find(std::string(name));
  return found == object.metadata.labels.end() ? "" : found->second;
}

}  // namespace

void Stage::load(LoadCurve curve, std::string text) {
  say("load: " + std::move(text));
  world_.set_load(std::move(curve));
}

void Stage::deploy(const std::string& image) {
  say("deploy " + image);
  const Status status = world_.deploy(image);
  expect(status.has_value(), "deploying " + image);
}

void Stage::patch(const kube::Kind& kind, const kube::ObjectKey& key, const std::string& json) {
  const auto patched = cluster().client().patch(kind, key, kube::PatchType::kMerge, json, kube::Subresource::kNone);
  expect(patched.has_value(), fmt::format("changing {} {}{}", kind.kind, key.to_string(),
                                          patched ? "" : ": " + patched.error().message));
}

void Stage::scale_role(std::string_view role, int replicas) {
  say(fmt::format("{} replicas of {}", replicas, role));
  patch(kube::Deployment::static_kind(), {std::string(kube::kNamespaceSystem), "minato-" + std::string(role)},
        fmt::format(R"({{"spec":{{"replicas":{}}}}})", replicas));
}

void Stage::set_budget(const std::string& json) {
  say("PodDisruptionBudget " + json);
  patch(kube::PodDisruptionBudget::static_kind(), service(), fmt::format(R"({{"spec":{}}})", json));
}

void Stage::interrupt(int percent, const cloudmodel::Interruption& how, const cloudmodel::PoolFilter& pools) {
  const auto ids = cloud().interrupt_share(pools, percent, how);
  say(fmt::format("EC2 takes back {} Spot Instances ({} %)", ids.size(), percent));
  expect(!ids.empty(), "there are Spot Instances to take back");
}

void Stage::interrupt_node(const std::string& node) {
  say("EC2 takes back the instance of " + node);
  for (const cloud::Instance& instance : cloud().describe_auto_scaling_instances()) {
    if (instance.hostname != node) continue;
    const Status status = cloud().interrupt(instance.id, {});
    expect(status.has_value(), "interrupting " + node);
  }
}

void Stage::drain(const std::string& node) {
  say("drain " + node);
  const Status status = cluster().remover().begin({.node = node,
                                                   .cause = removal::Cause::kDrain,
                                                   .after = removal::After::kTerminateAndReplace,
                                                   .message = "the scenario drains it"});
  expect(status.has_value(), "draining " + node);
}

void Stage::kill_node(const std::string& node) {
  say(node + " dies");
  for (const cloud::Instance& instance : cloud().describe_auto_scaling_instances()) {
    if (instance.hostname == node) (void)cloud().kill_instance(instance.id);
  }
}

void Stage::fail_pod(const kube::ObjectKey& pod, const std::string& reason) {
  const auto patched = cluster().client().patch(kube::Pod::static_kind(), pod, kube::PatchType::kMerge,
                                                fmt::format(R"({{"status":{{"phase":"Failed","reason":"{}"}}}})", reason),
                                                kube::Subresource::kStatus);
  expect(patched.has_value(), "failing " + pod.to_string());
}

void Stage::fail_zone(const std::string& letter) {
  say("zone " + spec_.region + letter + " fails");
  world_.fail_zone(spec_.region + letter);
}

void Stage::restore_zone(const std::string& letter) {
  say("zone " + spec_.region + letter + " is back");
  world_.restore_zone(spec_.region + letter);
}

void Stage::no_capacity(const cloudmodel::PoolFilter& pools, const std::string& what) {
  say("EC2 has no capacity: " + what);
  cloud().set_capacity(pools, cloudmodel::Capacity::kExhausted);
}

void Stage::capacity_again() {
  say("EC2 has capacity again");
  cloud().set_capacity({}, cloudmodel::Capacity::kAvailable);
}

bool Stage::run_until(Duration limit, const std::function<bool()>& holds) {
  const MonoTime until = world_.time().monotonic() + limit;
  while (world_.violations().empty() && world_.time().monotonic() < until) {
    if (holds()) return true;
    world_.run_for(kLook);
  }
  return holds();
}

void Stage::recover(Duration limit) {
  const MonoTime begun = world_.time().monotonic();
  const bool done = world_.run_until_converged(limit);
  recovery_ = world_.time().monotonic() - begun;
  say(done ? fmt::format("all is as it should be, after {}", format_minutes(recovery_)) : "it does not come to rest");
  expect(done, fmt::format("comes to rest within {}", format_minutes(limit)));
}

void Stage::stay_quiet(Duration duration, std::uint64_t per_hour) {
  const auto count = [&] {
    std::uint64_t sum = 0;
    for (const auto& [resource, writes] : world_.trace().writes_by_resource()) {
      // Heartbeats, and the status that the autoscaler renews with every scan, come by the clock.
      if (resource != "leases" && resource != "configmaps" && resource != "nodes") sum += writes;
    }
    return sum;
  };
  const std::uint64_t before = count();
  world_.run_for(duration);
  const auto writes = count() - before;
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(writes) * 3600e9 / static_cast<double>(duration.count()));
  fact(fmt::format("{} writes per hour at rest, heartbeats aside", rate));
  expect(rate <= per_hour, fmt::format("at most {} writes per hour at rest, not {}", per_hour, rate));
}

std::int32_t Stage::replicas() {
  const auto found = cluster().informers().of<kube::Deployment>().get(service());
  return found ? found->spec.replicas.value_or(1) : 0;
}

std::int32_t Stage::desired(std::string_view group) {
  for (const auto& each : cloud().describe_auto_scaling_groups()) {
    if (each.name == group_name(group)) return each.desired_capacity;
  }
  return 0;
}

std::int32_t Stage::instances(std::string_view group) {
  return static_cast<std::int32_t>(std::ranges::count_if(cloud().describe_auto_scaling_instances(), [&](const auto& each) {
    return each.group == group_name(group) && !cloud::is_terminating(each.state);
  }));
}

std::vector<std::shared_ptr<const kube::Pod>> Stage::pods_named(const std::string& name) {
  auto out = cluster().informers().of<kube::Pod>().in_namespace(spec_.service);
  std::erase_if(out, [&](const auto& pod) { return label(*pod, "app.kubernetes.io/name") != name; });
  return out;
}

std::int32_t Stage::headroom() {
  return static_cast<std::int32_t>(std::ranges::count_if(
      pods_named(blueprint::headroom_name(spec_)), [](const auto& pod) { return !pod->spec.node_name.empty(); }));
}

std::int32_t Stage::ready_pods() {
  return static_cast<std::int32_t>(std::ranges::count_if(pods(), [](const auto& pod) { return is_ready(*pod); }));
}

std::int32_t Stage::waiting_pods() {
  return static_cast<std::int32_t>(std::ranges::count_if(pods(), [](const auto& pod) { return pod->spec.node_name.empty(); }));
}

std::string Stage::waiting_reason() {
  for (const auto& pod : pods()) {
    if (!pod->spec.node_name.empty()) continue;
    for (const auto& condition : pod->status.conditions) {
      if (condition.type == kube::kPodScheduled) return condition.reason + ": " + condition.message;
    }
  }
  return {};
}

std::vector<std::string> Stage::nodes(std::string_view group) {
  std::vector<std::string> out;
  for (const auto& [key, node] : cluster().informers().of<kube::Node>().all()) {
    if (label(*node, kube::kLabelNodeGroup) == group) out.push_back(key.name);
  }
  return out;
}

std::string Stage::role_node(std::string_view role) {
  const auto& found = cluster().roles().nodes_of(std::string(role));
  return found.empty() ? "" : *found.begin();
}

std::string Stage::condition(const std::string& type) {
  const auto found = cluster().informers().of<kube::HorizontalPodAutoscaler>().get(service());
  if (!found) return {};
  for (const auto& condition : found->status.conditions) {
    if (condition.type == type) return fmt::format("{} {}: {}", condition.status, condition.reason, condition.message);
  }
  return {};
}

std::string Stage::explain(const std::string& kind, const std::string& name) {
  return cluster::explain(cluster(), kind, name, spec_.service).value_or("");
}

void Stage::expect(bool holds, const std::string& what) {
  if (holds) return;
  failures_.push_back(fmt::format("{}: expected: {}", format_minutes(world_.time().monotonic().time_since_epoch()), what));
}

void Stage::expect_failed(std::uint64_t before, std::uint64_t most, const std::string& when) {
  const std::uint64_t failed = counts().failed() - before;
  fact(fmt::format("{} requests failed {}", failed, when));
  expect(failed <= most, fmt::format("at most {} requests fail {}, not {}", most, when, failed));
}

void Stage::expect_contains(const std::string& text, const std::string& part, const std::string& of_what) {
  expect(text.find(part) != std::string::npos, fmt::format("{} says \"{}\", not \"{}\"", of_what, part, text));
}

}  // namespace minato::sim
