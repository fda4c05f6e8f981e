#include "controllers/podgc/pod_gc_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "controllers/common/disruption_target.h"
#include "controllers/common/taints.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kReason = "DeletionByPodGC";

bool is_out_of_service(const kube::Node& node) {
  const auto* ready = find_condition(node.status.conditions, kube::kReady);
  return (ready == nullptr || ready->status != kube::kTrue) &&
         std::ranges::any_of(node.spec.taints, [](const kube::Taint& taint) {
           return taint.key == kTaintOutOfService;
         });
}

}  // namespace

PodGcController::PodGcController(env::Env env, kube::Client& client, informer::Informers& informers,
                                 Options options)
    : env_(env.fork("pod-garbage-collector-controller")),
      client_(client),
      options_(options),
      nodes_(informers.of<kube::Node>()),
      pods_(informers.of<kube::Pod>()) {}

void PodGcController::start() {
  timer_ = env_.executor.after(options_.check_period, [this] { run(); });
}

void PodGcController::run() {
  std::vector<PodPtr> pods;
  for (const auto& [key, pod] : pods_.all()) pods.push_back(pod);
  if (options_.terminated_threshold > 0) collect_terminated(pods);
  collect_out_of_service(pods);
  collect_orphaned(pods);
  collect_unscheduled_terminating(pods);
  timer_ = env_.executor.after(options_.check_period, [this] { run(); });
}

void PodGcController::collect_terminated(const std::vector<PodPtr>& pods) {
  std::vector<PodPtr> finished = pods;
  std::erase_if(finished, [](const PodPtr& pod) {
    return !is_pod_terminal(*pod) || is_deleting(pod->metadata);
  });
  if (finished.size() <= options_.terminated_threshold) return;
  std::ranges::sort(finished, {}, [](const PodPtr& pod) {
    const bool evicted = pod->status.phase == kube::kPodFailed && pod->status.reason == "Evicted";
    return std::tuple(!evicted, pod->metadata.creation_timestamp, pod->key());
  });
  finished.resize(finished.size() - options_.terminated_threshold);
  for (const PodPtr& pod : finished) remove(*pod, {}, {});
}

void PodGcController::collect_orphaned(const std::vector<PodPtr>& pods) {
  const MonoTime now = env_.clock.monotonic();
  std::set<std::string> missing;
  for (const PodPtr& pod : pods) {
    const std::string& node = pod->spec.node_name;
    if (!node.empty() && !nodes_.get({"", node})) missing.insert(node);
  }
  std::erase_if(missed_since_, [&](const auto& each) { return !missing.contains(each.first); });
  for (const std::string& node : missing) missed_since_.try_emplace(node, now);
  for (const PodPtr& pod : pods) {
    const auto found = missed_since_.find(pod->spec.node_name);
    if (found == missed_since_.end() || now - found->second < options_.quarantine) continue;
    remove(*pod, kReason, "PodGC: node no longer exists");
  }
}

void PodGcController::collect_unscheduled_terminating(const std::vector<PodPtr>& pods) {
  for (const PodPtr& pod : pods) {
    if (is_deleting(pod->metadata) && pod->spec.node_name.empty()) remove(*pod, {}, {});
  }
}

void PodGcController::collect_out_of_service(const std::vector<PodPtr>& pods) {
  for (const PodPtr& pod : pods) {
    if (!is_deleting(pod->metadata)) continue;
    const auto node = nodes_.get({"", pod->spec.node_name});
    if (node && is_out_of_service(*node)) {
      remove(*pod, kReason, "PodGC: node is out of service");
    }
  }
}

void PodGcController::remove(const kube::Pod& pod, std::string_view reason,
                             std::string_view message) {
  Status outcome;
  if (!reason.empty()) {
    outcome = ignore_not_found(add_disruption_target(client_, pod, reason, message,
                                                     api_now(env_.clock), MarkFailed::kYes));
  }
  if (outcome) {
    kube::RemoveOptions options;
    options.grace_period_seconds = 0;
    options.precondition_uid = pod.metadata.uid;
    outcome = ignore_not_found(client_.remove(kube::Pod::static_kind(), pod.key(), options));
  }
  if (outcome) return;
  env_.log.write(env::Level::kWarning, "pod-garbage-collector",
                 fmt::format("{}: {}", pod.key().to_string(), outcome.error().message));
}

}  // namespace minato::controllers
