#include "drill/observer.h"

#include "blueprint/system.h"
#include "cluster/view.h"
#include "kube/display.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "removal/record.h"

namespace minato::drill {
namespace {

constexpr std::string_view kLabelName = "app.kubernetes.io/name";

std::string label(const kube::Object& object, std::string_view name) {
  const auto found = object.metadata.labels.find(std::string(name));
  return found == object.metadata.labels.end() ? "" : found->second;
}

std::string state_of(const kube::Pod& pod) {
  if (is_set(pod.metadata.deletion_timestamp)) return "leaving";
  if (pod.status.phase == "Succeeded" || pod.status.phase == "Failed") return "ended";
  if (kube::is_condition_true(pod, "Ready")) return "ready";
  for (const kube::ContainerStatus& container : pod.status.container_statuses) {
    if (container.state.running) return "started";
  }
  return pod.spec.node_name.empty() ? "pending" : "bound";
}

std::string reason_of(const kube::Pod& pod) {
  for (const kube::ContainerStatus& container : pod.status.container_statuses) {
    if (container.state.waiting) return container.state.waiting->reason;
    if (container.state.terminated) return container.state.terminated->reason;
  }
  return "";
}

bool is_leaving(const kube::Node& node) {
  if (node.spec.unschedulable) return true;
  for (const kube::Taint& taint : node.spec.taints) {
    if (taint.key == removal::kTaintRemoval) return true;
  }
  return false;
}

std::string state_of(const cloud::Instance& instance) {
  if (cloud::is_terminating(instance.state)) {
    return instance.state == cloud::LifecycleState::kTerminated ? "gone" : "terminating";
  }
  if (instance.state == cloud::LifecycleState::kInService) return "in-service";
  return instance.private_ip.empty() ? "pending" : "running";
}

}  // namespace

Observer::Observer(env::Env env, cluster::Cluster& cluster, Options options, Sink sink)
    : env_(std::move(env)),
      cluster_(cluster),
      options_(std::move(options)),
      sink_(std::move(sink)),
      self_(std::make_shared<Observer*>(this)) {
  const auto wake_up = [self = self_](const auto&) {
    if (*self != nullptr) (*self)->wake();
  };
  cluster_.informers().of<kube::Pod>().on_change(wake_up);
  cluster_.informers().of<kube::Node>().on_change(wake_up);
  cluster_.informers().of<kube::Deployment>().on_change(wake_up);
  wake();
}

Observer::~Observer() { *self_ = nullptr; }

void Observer::wake() {
  if (std::exchange(woken_, true)) return;
  timer_ = env_.executor.after(0s, [this] { look(); });
}

void Observer::look() {
  woken_ = false;
  Seen now;
  see_pods(now);
  see_nodes(now);
  see_cloud(now);
  see_service(now);
  const MonoTime at = env_.clock.monotonic();
  std::vector<Observation> news;
  for (const auto& [key, before] : seen_) {
    if (now.contains(key)) continue;
    news.push_back(before);
    news.back().state = "gone";
  }
  for (const auto& [key, observation] : now) {
    const auto before = seen_.find(key);
    if (before == seen_.end() || !before->second.says_the_same(observation)) news.push_back(observation);
  }
  seen_ = std::move(now);
  timer_ = env_.executor.after(options_.interval, [this] { look(); });
  for (Observation& each : news) {
    each.at = at;
    sink_(each);
  }
}

void Observer::see_pods(Seen& out) const {
  for (const auto& [key, pod] : cluster_.informers().of<kube::Pod>().all()) {
    const std::string role = label(*pod, blueprint::kLabelRole);
    // Pods that hold room for others come and go as they are displaced: nobody waits for them.
    const bool serves = key.namespace_ == options_.service && label(*pod, kLabelName) == options_.service;
    if (!serves && role.empty()) continue;
    Observation seen;
    seen.subject = Subject::kPod;
    seen.name = role.empty() ? key.name : key.to_string();
    seen.state = state_of(*pod);
    seen.node = pod->spec.node_name;
    seen.zone = label(*pod, kube::kLabelZone);
    seen.group = role;
    seen.detail = reason_of(*pod);
    for (const kube::ContainerStatus& container : pod->status.container_statuses) seen.count += container.restart_count;
    out.emplace(Key{seen.subject, seen.name}, seen);
  }
}

void Observer::see_nodes(Seen& out) const {
  for (const auto& [key, node] : cluster_.informers().of<kube::Node>().all()) {
    Observation seen;
    seen.subject = Subject::kNode;
    seen.name = seen.node = key.name;
    seen.state = kube::display_status(*node).starts_with("Ready") ? "ready" : "not-ready";
    seen.zone = label(*node, kube::kLabelZone);
    seen.group = label(*node, kube::kLabelNodeGroup);
    seen.is_marked = is_leaving(*node);
    out.emplace(Key{seen.subject, seen.name}, seen);
  }
}

void Observer::see_cloud(Seen& out) const {
  const cloudmodel::Cloud& cloud = cluster_.cloud();
  for (const cloud::Instance& instance : cloud.describe_auto_scaling_instances()) {
    Observation seen;
    seen.subject = Subject::kInstance;
    seen.name = instance.id;
    seen.state = state_of(instance);
    seen.node = instance.hostname;
    seen.zone = instance.zone;
    seen.group = instance.group;
    seen.detail = std::string(cloud::to_string(instance.market));
    seen.is_marked = cloud.notice(instance.id).has_value();
    if (seen.state != "gone") out.emplace(Key{seen.subject, seen.name}, seen);
  }
  for (const cloud::TargetHealth& target : cloud.describe_target_health()) {
    const cloud::Instance* instance = cloud.find_instance(target.instance_id);
    Observation seen;
    seen.subject = Subject::kTarget;
    seen.name = target.instance_id;
    seen.state = std::string(cloud::to_string(target.state));
    seen.node = instance == nullptr ? "" : instance->hostname;
    seen.zone = target.zone;
    seen.detail = target.reason;
    out.emplace(Key{seen.subject, seen.name}, seen);
  }
}

void Observer::see_service(Seen& out) const {
  for (const std::string_view role : {blueprint::kRoleDns, blueprint::kRoleMetrics, blueprint::kRoleController}) {
    Observation seen;
    seen.subject = Subject::kRole;
    seen.name = role;
    seen.state = cluster_.roles().is_active(seen.name) ? "active" : "inactive";
    out.emplace(Key{seen.subject, seen.name}, seen);
  }
  const auto deployment = cluster_.informers().of<kube::Deployment>().get({options_.service, options_.service});
  if (!deployment) return;
  const cluster::Rollout rollout = cluster::rollout_of(*deployment);
  Observation seen;
  seen.subject = Subject::kRollout;
  seen.name = options_.service;
  seen.state = rollout.failed ? "failed" : rollout.done ? "done" : "progressing";
  seen.detail = rollout.done ? "" : rollout.message;
  seen.count = deployment->spec.replicas.value_or(1);
  out.emplace(Key{seen.subject, seen.name}, seen);
}

}  // namespace minato::drill
