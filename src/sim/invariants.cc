#include "sim/invariants.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "blueprint/system.h"
#include "kube/names.h"
#include "kube/selector.h"
#include "kube/types/apps.h"
#include "kube/types/policy.h"

namespace minato::sim {
namespace {

bool holds_resources(const kube::Pod& pod) {
  return !pod.spec.node_name.empty() && pod.status.phase != kube::kPodSucceeded &&
         pod.status.phase != kube::kPodFailed;
}

std::int64_t request_of(const kube::Pod& pod, std::string_view resource) {
  std::int64_t total = 0;
  for (const kube::Container& container : pod.spec.containers) {
    const auto found = container.resources.requests.find(std::string(resource));
    if (found != container.resources.requests.end()) total += found->second.milli_value();
  }
  return total;
}

std::int64_t allocatable(const kube::Node& node, std::string_view resource) {
  const auto found = node.status.allocatable.find(std::string(resource));
  return found == node.status.allocatable.end() ? 0 : found->second.milli_value();
}

const kube::PodCondition* condition_of(const kube::Pod& pod, std::string_view type) {
  const auto found = std::ranges::find(pod.status.conditions, type, &kube::PodCondition::type);
  return found == pod.status.conditions.end() ? nullptr : &*found;
}

bool is_evicted(const kube::Pod& pod) {
  const kube::PodCondition* condition = condition_of(pod, kube::kDisruptionTarget);
  return condition != nullptr && condition->reason == "EvictionByEvictionAPI";
}

bool serves(const kube::Pod& pod) {
  const kube::PodCondition* ready = condition_of(pod, kube::kReady);
  return ready != nullptr && ready->status == kube::kTrue && !is_set(pod.metadata.deletion_timestamp);
}

std::string label(const kube::ObjectMeta& meta, std::string_view name) {
  const auto found = meta.labels.find(std::string(name));
  return found == meta.labels.end() ? "" : found->second;
}

std::int64_t part_of(const kube::IntOrString& value, std::int64_t of) {
  return kube::scaled_value(value, static_cast<std::int32_t>(of), kube::Rounding::kUp).value_or(0);
}

}  // namespace

Invariants::Invariants(const env::Clock& clock, store::Store& store, Datacenter& datacenter, Options options)
    : clock_(clock), store_(store), datacenter_(datacenter), options_(options) {
  const auto follow = [&](const kube::Kind& kind, void (Invariants::*changed)(const store::Event&)) {
    auto watch = store.watch(kind, store.resource_version(),
                             [this, changed](const store::Event& event) { (this->*changed)(event); });
    CHECK(watch, "an empty store can be watched");
    watches_.push_back(std::move(watch).value());
  };
  follow(kube::Pod::static_kind(), &Invariants::pod_changed);
  follow(kube::Node::static_kind(), &Invariants::node_changed);
  follow(kube::Deployment::static_kind(), &Invariants::deployment_changed);
}

void Invariants::broken(std::string what) {
  if (broken_.empty()) broken_ = std::move(what);
}

void Invariants::pod_changed(const store::Event& event) {
  const auto& pod = kube::as<kube::Pod>(*event.object);
  const auto add = [&](const kube::Pod& counted, std::int64_t sign) {
    if (!holds_resources(counted)) return;
    Sum& sum = sums_[counted.spec.node_name];
    sum.cpu += sign * request_of(counted, kube::kCpu);
    sum.memory += sign * request_of(counted, kube::kMemory);
    sum.pods += sign;
    if (sign > 0) stale_nodes_.insert(counted.spec.node_name);
  };
  const bool is_gone = event.type == kube::WatchEventType::kDeleted;
  const kube::Pod* before = event.previous ? &kube::as<kube::Pod>(*event.previous) : nullptr;
  if (before != nullptr) add(*before, -1);
  if (!is_gone) add(pod, 1);
  follow_waiting(pod, is_gone);
  if (is_gone) {
    bound_.erase(pod.metadata.uid);
    return;
  }
  follow_binding(pod);
  if (is_evicted(pod) && before != nullptr && !is_evicted(*before)) check_eviction(*before);
}

void Invariants::follow_binding(const kube::Pod& pod) {
  if (pod.spec.node_name.empty()) return;
  const auto [found, is_new] = bound_.try_emplace(pod.metadata.uid, pod.spec.node_name);
  if (found->second != pod.spec.node_name) {
    broken(fmt::format("I1: pod {} moved from {} to {}", pod.key().to_string(), found->second, pod.spec.node_name));
  }
  const std::string role = label(pod.metadata, blueprint::kLabelRole);
  if (!is_new || role.empty() || role == blueprint::kRoleAgent) return;
  const auto node = store_.get(kube::Node::static_kind(), {"", pod.spec.node_name});
  if (node && label(node->metadata, kube::kLabelNodeGroup) == blueprint::kScalingGroup) {
    broken(fmt::format("I16: {} of role {} landed on {} of the scaling group", pod.key().to_string(), role,
                       pod.spec.node_name));
  }
}

void Invariants::follow_waiting(const kube::Pod& pod, bool is_gone) {
  const kube::ObjectKey key = pod.key();
  if (const auto found = waiting_.find(key); found != waiting_.end()) {
    unexplained_.erase({found->second.since, key});
  }
  if (is_gone || !pod.spec.node_name.empty() || is_set(pod.metadata.deletion_timestamp)) {
    waiting_.erase(key);
    return;
  }
  Waiting& waiting = waiting_.try_emplace(key, Waiting{clock_.monotonic()}).first->second;
  const kube::PodCondition* scheduled = condition_of(pod, kube::kPodScheduled);
  waiting.is_explained = scheduled != nullptr && scheduled->status == kube::kFalse && !scheduled->message.empty();
  if (!waiting.is_explained) unexplained_.insert({waiting.since, key});
}

void Invariants::node_changed(const store::Event& event) { stale_nodes_.insert(event.object->metadata.name); }

void Invariants::deployment_changed(const store::Event& event) {
  const auto& deployment = kube::as<kube::Deployment>(*event.object);
  const std::int32_t now = deployment.spec.replicas.value_or(1);
  Replicas& replicas = replicas_.try_emplace(deployment.key(), Replicas{now, 0, {}}).first->second;
  const int direction = now > replicas.last ? 1 : now < replicas.last ? -1 : 0;
  replicas.last = now;
  if (direction == 0) return;
  if (replicas.direction != 0 && direction != replicas.direction) replicas.turns.push_back(clock_.monotonic());
  replicas.direction = direction;
  while (!replicas.turns.empty() && clock_.monotonic() - replicas.turns.front() > 1h) replicas.turns.pop_front();
  most_turns_ = std::max(most_turns_, replicas.turns.size());
  const auto limit = static_cast<std::size_t>(2 * (Duration{1h} / options_.downscale_stabilization));
  if (replicas.turns.size() > limit) {
    broken(fmt::format("I9: replicas of {} turned {} times within an hour; {} is the most that a stabilization of {} allows",
                       deployment.key().to_string(), replicas.turns.size(), limit,
                       format_duration(options_.downscale_stabilization)));
  }
}

// The budget is worked out again, from Pods and Deployments as they were when the eviction came.
void Invariants::check_eviction(const kube::Pod& pod) {
  if (!serves(pod)) return;  // Nobody loses anything by it.
  for (const auto& [key, object] : store_.all(kube::PodDisruptionBudget::static_kind())) {
    const auto& budget = kube::as<kube::PodDisruptionBudget>(*object);
    const auto selector = kube::Selector::from(budget.spec.selector);
    if (key.namespace_ != pod.metadata.namespace_ || !selector || !selector->matches(pod.metadata.labels)) continue;
    std::int64_t expected = 0, healthy = 0;
    for (const auto& [name, deployment] : store_.all(kube::Deployment::static_kind())) {
      const auto& spec = kube::as<kube::Deployment>(*deployment).spec;
      if (name.namespace_ == key.namespace_ && selector->matches(spec.template_.metadata.labels)) expected += spec.replicas.value_or(1);
    }
    for (const auto& [name, other] : store_.all(kube::Pod::static_kind())) {
      if (name.namespace_ != key.namespace_ || !selector->matches(other->metadata.labels)) continue;
      if (name != pod.key() && serves(kube::as<kube::Pod>(*other))) ++healthy;
    }
    const std::int64_t desired = budget.spec.min_available ? part_of(*budget.spec.min_available, expected)
                                 : budget.spec.max_unavailable ? expected - part_of(*budget.spec.max_unavailable, expected)
                                                               : 0;
    if (healthy >= desired) continue;
    broken(fmt::format("I5: evicting {} leaves {} Pods ready, budget {} wants {} of {}", pod.key().to_string(), healthy,
                       key.to_string(), desired, expected));
  }
}

void Invariants::check_started() {
  for (const auto& [uid, node] : datacenter_.take_started()) {
    const auto found = bound_.find(uid);
    if (found != bound_.end() && found->second != node) {
      broken(fmt::format("I1: pod {} runs on {}, but is bound to {}", uid, node, found->second));
    }
  }
}

void Invariants::check_nodes() {
  for (const std::string& name : std::exchange(stale_nodes_, {})) {
    const auto object = store_.get(kube::Node::static_kind(), {"", name});
    if (!object) continue;
    const auto& node = kube::as<kube::Node>(*object);
    const Sum& sum = sums_[name];
    if (sum.cpu > allocatable(node, kube::kCpu) || sum.memory > allocatable(node, kube::kMemory) ||
        sum.pods * 1000 > allocatable(node, kube::kPods)) {
      broken(fmt::format("I2: node {} holds {}m of CPU and {} pods, more than it has", name, sum.cpu, sum.pods));
    }
  }
}

void Invariants::check_waiting() {
  if (unexplained_.empty()) return;
  const auto& [since, key] = *unexplained_.begin();
  // Time in which nobody was there to say why does not count.
  if (clock_.monotonic() - std::max(since, control_since_) > kReasonWithin) {
    broken(fmt::format("I12: pod {} waits and does not say why", key.to_string()));
  }
}

std::string Invariants::check(const RequestCounts& requests, cluster::Cluster* cluster) {
  if (requests.ok + requests.failed() > requests.sent) broken("I4: more requests ended than were sent");
  check_started();
  if (!stale_nodes_.empty()) check_nodes();
  if (cluster == nullptr) {
    control_was_up_ = false;
    return broken_;
  }
  if (!control_was_up_) control_since_ = clock_.monotonic();
  control_was_up_ = true;
  check_waiting();
  if (clock_.monotonic() >= next_cloud_check_) {
    next_cloud_check_ = clock_.monotonic() + kCloudInterval;
    check_cloud(*cluster);
  }
  return broken_;
}

}  // namespace minato::sim
