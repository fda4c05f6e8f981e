#include "controllers/daemonset/daemon_set_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "controllers/common/template_hash.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace minato::controllers {

DaemonSetController::DaemonSetController(env::Env env, kube::Client& client,
                                         informer::Informers& informers, Options options)
    : env_(env.fork("daemonset-controller")),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, "daemonset-controller"),
      daemon_sets_(informers.of<kube::DaemonSet>()),
      pods_(informers.of<kube::Pod>()),
      nodes_(informers.of<kube::Node>()),
      namespaces_(informers.of<kube::Namespace>()),
      runner_(env_.fork("runner"), *this) {
  index_by_controller(pods_);
  daemon_sets_.on_change([this](const auto& delta) {
    if (!delta.after) forget_backoffs(delta.before->metadata.uid);
    runner_.queue().add(delta.object().key());
  });
  pods_.on_change([this](const auto& delta) { pod_changed(delta); });
  nodes_.on_change([this](const auto& delta) { node_changed(delta); });
}

void DaemonSetController::pod_changed(const informer::Delta<kube::Pod>& delta) {
  for (const PodPtr& state : {delta.before, delta.after}) {
    if (!state) continue;
    const kube::OwnerReference* owner = controller_of(state->metadata);
    if (owner == nullptr || owner->kind != kube::DaemonSet::static_kind().kind) continue;
    runner_.queue().add({state->metadata.namespace_, owner->name});
  }
  if (!delta.after || controller_of(delta.after->metadata) != nullptr) return;
  for (const auto& each : daemon_sets_.in_namespace(delta.after->metadata.namespace_)) {
    const auto selector = kube::Selector::from(each->spec.selector);
    if (selector && selector->matches(delta.after->metadata.labels)) {
      runner_.queue().add(each->key());
    }
  }
}

// Heartbeats change Nodes all the time; only labels and taints decide who may run there.
void DaemonSetController::node_changed(const informer::Delta<kube::Node>& delta) {
  if (delta.before && delta.after &&
      kube::equal(delta.before->metadata.labels, delta.after->metadata.labels) &&
      kube::equal(delta.before->spec.taints, delta.after->spec.taints)) {
    return;
  }
  enqueue_all();
}

void DaemonSetController::enqueue_all() {
  for (const auto& [key, daemon_set] : daemon_sets_.all()) runner_.queue().add(key);
}

std::vector<NodePtr> DaemonSetController::all_nodes() const {
  std::vector<NodePtr> out;
  for (const auto& [key, node] : nodes_.all()) out.push_back(node);
  return out;
}

PodsByNode DaemonSetController::present_pods(const kube::DaemonSet& daemon_set) const {
  return group_by_node(controlled_by(pods_, daemon_set.metadata.uid));
}

Result<informer::Requeue> DaemonSetController::reconcile(const kube::ObjectKey& key) {
  const auto daemon_set = daemon_sets_.get(key);
  if (!daemon_set) return informer::Requeue::done();
  ASSIGN_OR_RETURN(const kube::Selector selector, kube::Selector::from(daemon_set->spec.selector));
  if (selector.matches_everything()) {
    events_.warning(*daemon_set, "SelectingAll",
                    "This daemon set is selecting all pods. A non-empty selector is required.");
    return informer::Requeue::done();
  }
  RETURN_IF_ERROR(claim(client_, pods_, *daemon_set, selector));
  if (is_deleting(daemon_set->metadata)) return informer::Requeue::done();

  const std::string hash =
      template_hash(daemon_set->spec.template_, daemon_set->status.collision_count);
  const std::vector<NodePtr> nodes = all_nodes();
  const WallTime now = env_.clock.wall();
  Status applied = apply(
      *daemon_set, plan_presence(*daemon_set, nodes, present_pods(*daemon_set), hash, now), hash);
  if (applied && daemon_set->spec.update_strategy.type != "OnDelete") {
    applied = apply(*daemon_set,
                    plan_update(*daemon_set, nodes, present_pods(*daemon_set), hash, now), hash);
  }
  RETURN_IF_ERROR(write_status(*daemon_set, hash));
  RETURN_IF_ERROR(applied);
  return informer::Requeue{.after = next_look(*daemon_set), .rest = informer::rest_after(nodes.size())};
}

Status DaemonSetController::apply(const kube::DaemonSet& daemon_set, DaemonPlan plan,
                                  const std::string& hash) {
  replace_failed(daemon_set, plan);
  // The remainder follows when the changes of this part come back as changes of Pods.
  plan.remove.resize(std::min(plan.remove.size(), options_.burst_limit));
  plan.create_on.resize(std::min(plan.create_on.size(), options_.burst_limit));
  RETURN_IF_ERROR(remove_pods(daemon_set, plan.remove));
  return create_pods(daemon_set, plan.create_on, hash);
}

void DaemonSetController::replace_failed(const kube::DaemonSet& daemon_set, DaemonPlan& plan) {
  for (const PodPtr& pod : plan.failed) {
    if (pod->status.phase == kube::kPodSucceeded) {
      events_.normal(daemon_set, "SucceededDaemonPod",
                     fmt::format("Found succeeded daemon pod {} on node {}, will try to delete it",
                                 pod->key().to_string(), target_node(*pod)));
      plan.remove.push_back(pod);
    } else if (may_replace(daemon_set, *pod)) {
      events_.warning(daemon_set, "FailedDaemonPod",
                      fmt::format("Found failed daemon pod {} on node {}, will try to kill it",
                                  pod->key().to_string(), target_node(*pod)));
      plan.remove.push_back(pod);
    }
  }
}

bool DaemonSetController::may_replace(const kube::DaemonSet& daemon_set, const kube::Pod& pod) {
  const MonoTime now = env_.clock.monotonic();
  Backoff& backoff = backoffs_[{daemon_set.metadata.uid, target_node(pod)}];
  if (now < backoff.until) return false;
  // A Node where Pods have lived well for twice the longest delay starts afresh.
  const bool stale = now - backoff.until > 2 * options_.failed_backoff_max;
  backoff.delay = backoff.delay == Duration{0} || stale
                      ? options_.failed_backoff_base
                      : std::min(2 * backoff.delay, options_.failed_backoff_max);
  backoff.until = now + backoff.delay;
  return true;
}

Status DaemonSetController::remove_pods(const kube::DaemonSet& daemon_set,
                                        const std::vector<PodPtr>& pods) {
  Status outcome;
  for (const PodPtr& pod : pods) {
    kube::RemoveOptions options;
    options.precondition_uid = pod->metadata.uid;
    const Status removed =
        ignore_not_found(client_.remove(kube::Pod::static_kind(), pod->key(), options));
    if (removed) {
      events_.normal(daemon_set, "SuccessfulDelete",
                     fmt::format("Deleted pod: {}", pod->metadata.name));
      continue;
    }
    events_.warning(daemon_set, "FailedDelete",
                    fmt::format("Error deleting: {}", removed.error().message));
    if (outcome) outcome = removed;
  }
  return outcome;
}

Status DaemonSetController::create_pods(const kube::DaemonSet& daemon_set,
                                        const std::vector<std::string>& nodes,
                                        const std::string& hash) {
  const auto home = namespaces_.get({"", daemon_set.metadata.namespace_});
  if (home && is_deleting(home->metadata)) return {};
  // The first failure ends the turn: a template that is refused once is refused everywhere.
  for (const std::string& node : nodes) {
    const auto created = kube::create(client_, make_daemon_pod(daemon_set, node, hash));
    if (!created) {
      events_.warning(daemon_set, "FailedCreate",
                      fmt::format("Error creating: {}", created.error().message));
      return std::unexpected(created.error());
    }
    events_.normal(daemon_set, "SuccessfulCreate",
                   fmt::format("Created pod: {}", (*created)->metadata.name));
  }
  return {};
}

Status DaemonSetController::write_status(const kube::DaemonSet& daemon_set,
                                         const std::string& hash) {
  kube::DaemonSetStatus status =
      daemon_status(daemon_set, all_nodes(), present_pods(daemon_set), hash, env_.clock.wall());
  if (kube::equal(status, daemon_set.status)) return {};
  kube::DaemonSet changed = daemon_set;
  changed.status = std::move(status);
  RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  return {};
}

// Pods become available and back-offs end without anything changing.
std::optional<Duration> DaemonSetController::next_look(const kube::DaemonSet& daemon_set) const {
  std::optional<Duration> soonest;
  const auto consider = [&](Duration delay) {
    if (delay > Duration{0} && (!soonest || delay < *soonest)) soonest = delay;
  };
  for (const PodPtr& pod : controlled_by(pods_, daemon_set.metadata.uid)) {
    if (const auto at = available_at(*pod, daemon_set.spec.min_ready_seconds)) {
      consider(*at - env_.clock.wall());
    }
    const auto backoff = backoffs_.find({daemon_set.metadata.uid, target_node(*pod)});
    if (is_pod_terminal(*pod) && backoff != backoffs_.end()) {
      consider(backoff->second.until - env_.clock.monotonic());
    }
  }
  return soonest;
}

void DaemonSetController::forget_backoffs(const std::string& uid) {
  std::erase_if(backoffs_, [&](const auto& each) { return each.first.first == uid; });
}

}  // namespace minato::controllers
