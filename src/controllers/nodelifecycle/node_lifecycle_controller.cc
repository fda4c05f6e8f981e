#include "controllers/nodelifecycle/node_lifecycle_controller.h"

#include <fmt/format.h>

#include <array>

#include "controllers/common/pods.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

// What only the kubelet can know.
constexpr std::array<std::string_view, 4> kReportedConditions{kube::kReady, "MemoryPressure",
                                                              "DiskPressure", "PIDPressure"};

std::string zone_of(const kube::Node& node) {
  const auto label = [&](std::string_view name) {
    const auto found = node.metadata.labels.find(std::string(name));
    return found == node.metadata.labels.end() ? std::string() : found->second;
  };
  return label(kube::kLabelRegion) + "/" + label(kube::kLabelZone);
}

bool is_heartbeat(const kube::Node& before, const kube::Node& after) {
  const auto* was = find_condition(before.status.conditions, kube::kReady);
  const auto* is_now = find_condition(after.status.conditions, kube::kReady);
  if (is_now == nullptr) return false;
  if (was == nullptr || was->last_heartbeat_time != is_now->last_heartbeat_time) return true;
  // Unknown is what this controller writes itself.
  return was->status != is_now->status && is_now->status != kube::kUnknown;
}

}  // namespace

NodeLifecycleController::NodeLifecycleController(env::Env env, kube::Client& client,
                                                 informer::Informers& informers, Options options)
    : env_(env.fork("node-controller")),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, "node-controller"),
      nodes_(informers.of<kube::Node>()),
      pods_(informers.of<kube::Pod>()),
      leases_(informers.of<kube::Lease>()),
      eviction_(options.rates),
      runner_(env_.fork("runner"), *this) {
  index_pods_by_node(pods_);
  nodes_.on_change([this](const auto& delta) { node_changed(delta); });
  leases_.on_change([this](const auto& delta) { lease_changed(delta); });
}

void NodeLifecycleController::start() {
  // Whatever was written before the caches were complete counts as seen now.
  for (auto& [name, health] : health_) health.last_heartbeat = env_.clock.monotonic();
  runner_.start();
  monitor_timer_ = env_.executor.after(Duration{0}, [this] { monitor(); });
}

void NodeLifecycleController::node_changed(const informer::Delta<kube::Node>& delta) {
  const kube::Node& node = delta.object();
  if (delta.change == informer::Change::kDeleted) {
    health_.erase(node.metadata.name);
    eviction_.remove(node.metadata.name);
    removed_.push_back(delta.before);
    return;
  }
  if (delta.change == informer::Change::kAdded) {
    const Readiness state = readiness(node);
    health_[node.metadata.name] = Health{.last_heartbeat = env_.clock.monotonic(),
                                         .last_seen = state,
                                         .pods_marked = state == Readiness::kReady};
  } else if (is_heartbeat(*delta.before, *delta.after)) {
    health_[node.metadata.name].last_heartbeat = env_.clock.monotonic();
  }
  if (corrected_no_schedule(node, api_now(env_.clock))) runner_.queue().add(node.key());
}

void NodeLifecycleController::lease_changed(const informer::Delta<kube::Lease>& delta) {
  if (!delta.after || delta.after->metadata.namespace_ != kube::kNamespaceNodeLease) return;
  // Any other time counts, also an earlier one: the kubelet's clock may have been set back.
  if (delta.before && delta.before->spec.renew_time == delta.after->spec.renew_time) return;
  const auto found = health_.find(delta.after->metadata.name);
  if (found != health_.end()) found->second.last_heartbeat = env_.clock.monotonic();
}

Result<informer::Requeue> NodeLifecycleController::reconcile(const kube::ObjectKey& key) {
  const NodePtr node = nodes_.get(key);
  if (!node) return informer::Requeue::done();
  if (auto taints = corrected_no_schedule(*node, api_now(env_.clock))) {
    RETURN_IF_ERROR(write_taints(*node, std::move(*taints)));
  }
  return informer::Requeue::done();
}

void NodeLifecycleController::monitor() {
  announce();
  std::vector<kube::ObjectKey> keys;
  for (const auto& [key, node] : nodes_.all()) keys.push_back(key);
  for (const kube::ObjectKey& key : keys) {
    if (const NodePtr node = nodes_.get(key)) check_heartbeat(node);
    if (const NodePtr node = nodes_.get(key)) note_readiness(*node);
  }
  update_zones();
  for (const kube::ObjectKey& key : keys) {
    if (const NodePtr node = nodes_.get(key)) update_no_execute(*node);
  }
  taint_waiting();
  monitor_timer_ = env_.executor.after(options_.monitor_period, [this] { monitor(); });
}

void NodeLifecycleController::announce() {
  for (const NodePtr& node : std::exchange(removed_, {})) {
    events_.normal(
        *node, "RemovingNode",
        fmt::format("Node {0} event: Removing Node {0} from Controller", node->metadata.name));
  }
  for (auto& [name, health] : health_) {
    if (std::exchange(health.announced, true)) continue;
    if (const NodePtr node = nodes_.get({"", name})) {
      events_.normal(*node, "RegisteredNode",
                     fmt::format("Node {0} event: Registered Node {0} in Controller", name));
    }
  }
}

void NodeLifecycleController::check_heartbeat(const NodePtr& node) {
  const bool has_posted = find_condition(node->status.conditions, kube::kReady) != nullptr;
  const Duration grace = has_posted ? options_.monitor_grace_period : options_.startup_grace_period;
  const Duration silent = env_.clock.monotonic() - health_[node->metadata.name].last_heartbeat;
  if (silent > grace) log_failure("marking unknown", node->metadata.name, mark_unknown(*node));
}

Status NodeLifecycleController::mark_unknown(const kube::Node& node) {
  const kube::Time now = api_now(env_.clock);
  kube::Node changed = node;
  bool is_changed = false;
  for (const std::string_view type : kReportedConditions) {
    kube::NodeCondition* condition = find_condition(changed.status.conditions, type);
    if (condition != nullptr && condition->status == kube::kUnknown) continue;
    is_changed = true;
    if (condition == nullptr) {
      kube::NodeCondition fresh;
      fresh.type = type;
      fresh.reason = "NodeStatusNeverUpdated";
      fresh.message = "Kubelet never posted node status.";
      fresh.last_heartbeat_time = node.metadata.creation_timestamp;
      condition = &changed.status.conditions.emplace_back(std::move(fresh));
    } else {
      condition->reason = "NodeStatusUnknown";
      condition->message = "Kubelet stopped posting node status.";
    }
    condition->status = kube::kUnknown;
    condition->last_transition_time = now;
  }
  if (!is_changed) return {};
  RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  return {};
}

void NodeLifecycleController::note_readiness(const kube::Node& node) {
  Health& health = health_[node.metadata.name];
  const Readiness state = readiness(node);
  if (health.last_seen == Readiness::kReady && state != Readiness::kReady) {
    events_.normal(node, "NodeNotReady",
                   fmt::format("Node {} status is now: NodeNotReady", node.metadata.name));
    health.pods_marked = false;
  }
  health.last_seen = state;
  if (state == Readiness::kReady) {
    health.pods_marked = true;
  } else if (!health.pods_marked) {
    const Status marked = mark_pods_not_ready(node);
    log_failure("marking pods not ready", node.metadata.name, marked);
    health.pods_marked = marked.has_value();
  }
}

// Endpoints follow Pods, not Nodes: this is what takes a dead Node out of the load balancers.
Status NodeLifecycleController::mark_pods_not_ready(const kube::Node& node) {
  Status outcome;
  for (const auto& pod : pods_on_node(pods_, node.metadata.name)) {
    if (!is_pod_ready(*pod)) continue;
    if (Status marked = ignore_not_found(mark_pod_not_ready(*pod)); !marked && outcome) {
      outcome = marked;
    }
  }
  return outcome;
}

Status NodeLifecycleController::mark_pod_not_ready(const kube::Pod& pod) {
  kube::Pod changed = pod;
  kube::PodCondition ready = *find_condition(pod.status.conditions, kube::kReady);
  ready.status = kube::kFalse;
  ready.last_transition_time = api_now(env_.clock);
  set_pod_condition(changed.status, std::move(ready));
  RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  events_.warning(pod, "NodeNotReady", "Node is not ready");
  return {};
}

void NodeLifecycleController::update_zones() {
  std::map<std::string, ZoneCounts> zones;
  for (const auto& [key, node] : nodes_.all()) {
    ZoneCounts& counts = zones[zone_of(*node)];
    ++(readiness(*node) == Readiness::kReady ? counts.ready : counts.not_ready);
  }
  switch (eviction_.update(zones, env_.clock.monotonic())) {
    case ZoneEviction::Turn::kNone: return;
    case ZoneEviction::Turn::kAllZonesWentDown:
      env_.log.write(env::Level::kWarning, name(),
                     "every zone is down: evictions stop until a node reports again");
      all_zones_down_ = true;
      return;
    case ZoneEviction::Turn::kRecoveredFromAllDown:
      env_.log.write(env::Level::kInfo, name(), "a zone reports again: evictions resume");
      all_zones_down_ = false;
      forget_heartbeat_gaps();
      return;
  }
}

// The silence was probably ours: every Node gets a full grace period again.
void NodeLifecycleController::forget_heartbeat_gaps() {
  for (auto& [name, health] : health_) health.last_heartbeat = env_.clock.monotonic();
}

void NodeLifecycleController::update_no_execute(const kube::Node& node) {
  const Readiness state = readiness(node);
  const Readiness shown = all_zones_down_ ? Readiness::kReady : state;
  if (shown == Readiness::kReady) eviction_.remove(node.metadata.name);
  if (shown != Readiness::kReady && !has_lifecycle_no_execute(node)) {
    eviction_.add(zone_of(node), node.metadata.name);
    return;
  }
  // Taking a taint away, or changing which one it is, waits for no one.
  if (auto taints = corrected_no_execute(node, shown, api_now(env_.clock))) {
    log_failure("correcting taints", node.metadata.name, write_taints(node, std::move(*taints)));
  }
}

void NodeLifecycleController::taint_waiting() {
  const MonoTime now = env_.clock.monotonic();
  while (const std::optional<std::string> name = eviction_.take(now)) {
    const NodePtr node = nodes_.get({"", *name});
    if (!node || readiness(*node) == Readiness::kReady) continue;
    auto taints = corrected_no_execute(*node, readiness(*node), api_now(env_.clock));
    if (!taints) continue;
    const Status written = write_taints(*node, std::move(*taints));
    log_failure("tainting", *name, written);
    if (!written) eviction_.add(zone_of(*node), *name);
  }
  const std::optional<MonoTime> next = eviction_.next_turn();
  if (!next) {
    eviction_timer_.cancel();
    return;
  }
  eviction_timer_ = env_.executor.after(*next - now, [this] { taint_waiting(); });
}

Status NodeLifecycleController::write_taints(const kube::Node& node,
                                             std::vector<kube::Taint> taints) {
  kube::Node changed = node;
  changed.spec.taints = std::move(taints);
  RETURN_IF_ERROR(kube::update(client_, std::move(changed)));
  return {};
}

void NodeLifecycleController::log_failure(std::string_view what, const std::string& node,
                                          const Status& status) {
  if (status) return;
  const auto level =
      is(status.error(), Reason::kConflict) ? env::Level::kDebug : env::Level::kWarning;
  env_.log.write(level, name(), fmt::format("{} of {}: {}", what, node, status.error().message));
}

}  // namespace minato::controllers
