#include "controllers/nodelifecycle/taint_eviction_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/common/disruption_target.h"
#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

std::vector<kube::Taint> no_execute_taints(const kube::Node& node) {
  std::vector<kube::Taint> out = node.spec.taints;
  std::erase_if(out, [](const kube::Taint& taint) { return taint.effect != kube::kNoExecute; });
  return out;
}

}  // namespace

std::optional<Duration> toleration_time(const std::vector<kube::Taint>& taints,
                                        const std::vector<kube::Toleration>& tolerations) {
  std::optional<Duration> shortest;
  for (const kube::Taint& taint : taints) {
    const auto found = std::ranges::find_if(
        tolerations, [&](const kube::Toleration& each) { return tolerates(each, taint); });
    if (found == tolerations.end()) return Duration{0};
    if (!found->toleration_seconds) continue;
    const Duration allowed =
        std::chrono::seconds(std::max<std::int64_t>(0, *found->toleration_seconds));
    if (!shortest || allowed < *shortest) shortest = allowed;
  }
  return shortest;
}

TaintEvictionController::TaintEvictionController(env::Env env, kube::Client& client,
                                                 informer::Informers& informers)
    : env_(env.fork("taint-eviction-controller")),
      client_(client),
      events_(env_.fork("events"), client, "taint-eviction-controller"),
      nodes_(informers.of<kube::Node>()),
      pods_(informers.of<kube::Pod>()),
      runner_(env_.fork("runner"), *this) {
  index_pods_by_node(pods_);
  nodes_.on_change([this](const auto& delta) { node_changed(delta); });
  pods_.on_change([this](const auto& delta) { pod_changed(delta); });
}

void TaintEvictionController::node_changed(const informer::Delta<kube::Node>& delta) {
  const auto taints = [](const auto& node) {
    return node ? no_execute_taints(*node) : std::vector<kube::Taint>{};
  };
  if (kube::equal(taints(delta.before), taints(delta.after))) return;
  for (const auto& pod : pods_on_node(pods_, delta.object().metadata.name)) {
    runner_.queue().add(pod->key());
  }
}

void TaintEvictionController::pod_changed(const informer::Delta<kube::Pod>& delta) {
  const bool is_same = delta.before && delta.after &&
                       delta.before->metadata.uid == delta.after->metadata.uid &&
                       delta.before->spec.node_name == delta.after->spec.node_name &&
                       kube::equal(delta.before->spec.tolerations, delta.after->spec.tolerations);
  if (!is_same && !delta.object().spec.node_name.empty()) runner_.queue().add(delta.object().key());
}

Result<informer::Requeue> TaintEvictionController::reconcile(const kube::ObjectKey& key) {
  const auto pod = pods_.get(key);
  if (!pod || is_deleting(pod->metadata)) {
    scheduled_.erase(key);
    return informer::Requeue::done();
  }
  const auto node = nodes_.get({"", pod->spec.node_name});
  const std::vector<kube::Taint> taints =
      node ? no_execute_taints(*node) : std::vector<kube::Taint>{};
  if (taints.empty()) {
    cancel(key, *pod);
    return informer::Requeue::done();
  }
  const std::optional<Duration> allowed = toleration_time(taints, pod->spec.tolerations);
  if (!allowed) {
    cancel(key, *pod);
    return informer::Requeue::done();
  }
  const MonoTime now = env_.clock.monotonic();
  Scheduled& scheduled = scheduled_[key];
  if (scheduled.uid != pod->metadata.uid) scheduled = {pod->metadata.uid, now};
  const Duration left = scheduled.since + *allowed - now;
  if (left > Duration{0}) return informer::Requeue::in(left);
  RETURN_IF_ERROR(evict(*pod));
  scheduled_.erase(key);
  return informer::Requeue::done();
}

void TaintEvictionController::cancel(const kube::ObjectKey& key, const kube::Pod& pod) {
  if (scheduled_.erase(key) == 0) return;
  events_.normal(pod, "TaintManagerEviction",
                 fmt::format("Cancelling deletion of Pod {}", key.to_string()));
}

Status TaintEvictionController::evict(const kube::Pod& pod) {
  events_.normal(pod, "TaintManagerEviction",
                 fmt::format("Marking for deletion Pod {}", pod.key().to_string()));
  RETURN_IF_ERROR(ignore_not_found(add_disruption_target(
      client_, pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint",
      api_now(env_.clock))));
  kube::RemoveOptions options;
  options.precondition_uid = pod.metadata.uid;
  return ignore_not_found(client_.remove(kube::Pod::static_kind(), pod.key(), options));
}

}  // namespace minato::controllers
