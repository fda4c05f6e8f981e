#include "autoscaler/autoscaler.h"

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/discovery.h"
#include "autoscaler/expander.h"
#include "kube/names.h"

namespace minato::autoscaler {
namespace {

constexpr std::string_view kComponent = "cluster-autoscaler";
// A call to the cloud that has not been answered for so long holds up the scans no more.
constexpr Duration kCallPatience = 1min;

bool finished(const kube::Pod& pod) {
  return pod.status.phase == kube::kPodSucceeded || pod.status.phase == kube::kPodFailed;
}

// First-fit looks at Nodes one by one and never needs the scores.
scheduling::PlacerOptions placer_options() { return {.max_remembered_templates = 256}; }

}  // namespace

Result<std::unique_ptr<Autoscaler>> Autoscaler::make(env::Env env, kube::Client& client,
                                                     informer::Informers& informers,
                                                     cloud::AutoScaling& cloud,
                                                     removal::Removals& removals,
                                                     Options options) {
  RETURN_IF_ERROR(autoscaled_groups({}, options));
  return std::unique_ptr<Autoscaler>(new Autoscaler(std::move(env), client, informers, cloud,
                                                    removals, std::move(options)));
}

Autoscaler::Autoscaler(env::Env env, kube::Client& client, informer::Informers& informers,
                       cloud::AutoScaling& cloud, removal::Removals& removals, Options options)
    : env_(std::move(env)),
      client_(client),
      cloud_(cloud),
      removals_(removals),
      options_(std::move(options)),
      events_(env_.fork("events"), client, std::string(kComponent)),
      pods_(informers.of<kube::Pod>()),
      nodes_(informers.of<kube::Node>()),
      budgets_(informers.of<kube::PodDisruptionBudget>()),
      daemon_sets_(informers.of<kube::DaemonSet>()),
      replica_sets_(informers.of<kube::ReplicaSet>()),
      config_maps_(informers.of<kube::ConfigMap>()),
      placer_(snapshot_, env_.rng.fork("placer"), placer_options()),
      memory_(options_),
      alive_(std::make_shared<bool>(true)) {
  informers.of<kube::Namespace>().on_change([this](const auto& delta) { on_namespace(delta); });
  nodes_.on_change([this](const auto& delta) { on_node(delta); });
  pods_.on_change([this](const auto& delta) { on_pod(delta); });
}

void Autoscaler::start() {
  started_ = true;
  arm();
}

void Autoscaler::set_active(bool active) {
  if (active_ == active) return;
  active_ = active;
  memory_ = Memory(options_);
  last_plan_ = nullptr;
  arm();
}

void Autoscaler::arm() {
  timer_.cancel();
  if (!started_ || !active_) return;
  timer_ = env_.executor.after(options_.scan_interval, [this] {
    scan();
    arm();
  });
}

// --- What the informers say.

void Autoscaler::forget_pod(const std::string& uid) { snapshot_.remove_pod(uid); }

void Autoscaler::on_pod(const informer::Delta<kube::Pod>& delta) {
  const kube::Pod& pod = delta.object();
  if (delta.before && delta.before->metadata.uid != pod.metadata.uid) {
    forget_pod(delta.before->metadata.uid);
  }
  if (!delta.after || finished(pod)) {
    forget_pod(pod.metadata.uid);
    waiting_.erase(pod.key());
    return;
  }
  if (pod.spec.node_name.empty()) {
    if (is_set(pod.metadata.deletion_timestamp)) {
      waiting_.erase(pod.key());
    } else {
      waiting_[pod.key()] = templates_.parse(delta.after);
    }
    return;
  }
  waiting_.erase(pod.key());
  const scheduling::PodInfoPtr info = templates_.parse(delta.after);
  if (snapshot_.node_of(info->uid())) {
    snapshot_.replace_pod(info, pod.spec.node_name);
  } else {
    snapshot_.add_pod(info, pod.spec.node_name);
  }
}

void Autoscaler::on_node(const informer::Delta<kube::Node>& delta) {
  if (delta.after) {
    snapshot_.set_node(delta.after);
  } else {
    snapshot_.remove_node(delta.before->metadata.name);
  }
}

void Autoscaler::on_namespace(const informer::Delta<kube::Namespace>& delta) {
  const kube::ObjectMeta& metadata = delta.object().metadata;
  if (delta.after) {
    snapshot_.set_namespace(metadata.name, metadata.labels);
  } else {
    snapshot_.remove_namespace(metadata.name);
  }
}

// --- Scans.

Observation Autoscaler::observe() {
  Observation out;
  out.now = env_.clock.monotonic();
  out.wall = env_.clock.wall();
  // The specifications were read once already.
  if (auto groups = autoscaled_groups(cloud_.describe_auto_scaling_groups(), options_)) {
    out.groups = std::move(*groups);
  }
  out.instances = cloud_.describe_auto_scaling_instances();
  out.activities = cloud_.describe_scaling_activities();
  out.removals = removals_.progress();
  for (const auto& [key, node] : nodes_.all()) out.nodes.push_back(node);
  for (const auto& [key, pod] : waiting_) out.waiting.push_back(pod);
  for (const auto& [key, budget] : budgets_.all()) out.budgets.push_back(budget);
  for (const auto& [key, daemon_set] : daemon_sets_.all()) out.daemon_sets.push_back(daemon_set);
  out.replica_set = [this](const kube::ObjectKey& key) -> std::optional<std::int32_t> {
    const auto found = replica_sets_.get(key);
    return found ? std::optional(found->spec.replicas.value_or(1)) : std::nullopt;
  };
  const auto priorities = config_maps_.get(
      {std::string(kube::kNamespaceSystem), std::string(kPriorityConfigMap)});
  if (priorities) {
    const auto text = priorities->data.find("priorities");
    if (text != priorities->data.end()) out.priorities = text->second;
  }
  out.placer = &placer_;
  out.templates = &templates_;
  return out;
}

void Autoscaler::scan() {
  // Until the cloud has answered, what it describes may be older than what was asked of it.
  if (calls_under_way_ > 0 && last_call_ + kCallPatience > env_.clock.monotonic()) return;
  calls_under_way_ = 0;
  ++scans_;
  auto plan = std::make_unique<Plan>(decide(observe(), options_, memory_, env_.rng));
  apply(*plan);
  last_plan_ = std::move(plan);
}

// --- Questions.

Plan Autoscaler::preview() {
  Memory memory = memory_;
  env::Rng rng = env_.rng;
  return decide(observe(), options_, memory, rng);
}

Result<PodExplanation> Autoscaler::explain_pod(const kube::ObjectKey& key) {
  const auto pod = pods_.get(key);
  if (!pod) {
    return fail(Reason::kNotFound, fmt::format("pods \"{}\" not found", key.to_string()));
  }
  PodExplanation out;
  const auto waiting = waiting_.find(key);
  if (waiting == waiting_.end()) {
    out.detail = pod->spec.node_name.empty() ? "it has ended or is being deleted"
                                             : "it is on " + pod->spec.node_name;
    return out;
  }
  const Plan plan = preview();
  const auto outcome = std::ranges::find_if(plan.pods, [&](const PodOutcome& each) {
    return each.pod->uid() == waiting->second->uid();
  });
  if (outcome == plan.pods.end()) {
    out.fate = PodFate::kNotHelped;
    out.detail = plan.halted.empty() ? "group sizes are being corrected first" : plan.halted;
  } else {
    out.fate = outcome->fate;
    out.detail = outcome->detail;
    if (outcome->rejected) out.groups = *outcome->rejected;
  }
  out.nodes = placer_.explain(*waiting->second);
  return out;
}

Result<NodeVerdict> Autoscaler::explain_node(const std::string& name) {
  if (!nodes_.get({"", name})) {
    return fail(Reason::kNotFound, fmt::format("nodes \"{}\" not found", name));
  }
  const Plan plan = preview();
  const auto found = std::ranges::find(plan.nodes, name, &NodeVerdict::node);
  if (found != plan.nodes.end()) return *found;
  NodeVerdict out{.node = name};
  out.reasons.push_back(!options_.scale_down.enabled ? "scale-down is switched off"
                        : plan.halted.empty()        ? "group sizes are being corrected first"
                                                     : plan.halted);
  return out;
}

Result<GroupVerdict> Autoscaler::explain_group(const std::string& name) {
  const Plan plan = preview();
  const auto found = std::ranges::find(plan.groups, name, &GroupVerdict::group);
  if (found != plan.groups.end()) return *found;
  return fail(Reason::kNotFound,
              fmt::format("group \"{}\" is not autoscaled: it needs the tag {}enabled", name,
                          kTagPrefix));
}

}  // namespace minato::autoscaler
