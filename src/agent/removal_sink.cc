#include "agent/removal_sink.h"

#include <fmt/format.h>

namespace minato::agent {

RemovalSink::RemovalSink(env::Env env, kube::Client& client, informer::Informers& informers,
                         removal::Removals& removals, Options options)
    : env_(env.fork("removal-sink")),
      client_(client),
      nodes_(informers.of<kube::Node>()),
      removals_(removals),
      options_(std::move(options)),
      events_(env_.fork("events"), client, "agent", options_.node) {}

Status RemovalSink::notice(const Notice& notice) {
  const WallTime now = env_.clock.wall();
  using removal::After;
  using removal::Cause;
  switch (notice.kind) {
    case Kind::kSpotInterruption:
      return remove(notice, Cause::kSpotInterruption, After::kTerminateAndReplace,
                    notice.time.value_or(now + kNoLead));
    case Kind::kMaintenance:
      return remove(notice, Cause::kMaintenance, After::kTerminateAndReplace, notice.time);
    case Kind::kTargetLifecycle: {
      const auto seen = begun_.find(notice.kind);
      const WallTime since = seen == begun_.end() ? now : seen->second;
      return remove(notice, Cause::kMaintenance, After::kTerminateAndShrink,
                    since + options_.lifecycle_timeout);
    }
    case Kind::kRebalanceRecommendation: break;
  }
  switch (options_.rebalance) {
    case RebalancePolicy::kIgnore: return {};
    case RebalancePolicy::kCordon: return cordon(notice);
    case RebalancePolicy::kRemove: break;
  }
  return remove(notice, Cause::kRebalanceRecommendation, After::kTerminateAndReplace, {});
}

Status RemovalSink::remove(const Notice& notice, removal::Cause cause, removal::After after,
                           std::optional<WallTime> end) {
  removal::Request request{options_.node, cause, after, {}, notice.text};
  if (end) request.deadline = *end - options_.margin;
  RETURN_IF_ERROR(removals_.begin(std::move(request)));
  begun_.try_emplace(notice.kind, env_.clock.wall());
  return {};
}

void RemovalSink::cancelled(Kind kind) {
  if (kind == Kind::kRebalanceRecommendation) uncordon();
  if (begun_.erase(kind) == 0 || !begun_.empty()) return;
  const Status status = removals_.cancel(options_.node);
  if (!status) {
    env_.log.write(env::Level::kInfo, "agent",
                   fmt::format("{} was withdrawn, but the removal goes on: {}", to_string(kind),
                               status.error().message));
  }
}

// ---- Rebalance recommendations that only cordon.

Status RemovalSink::cordon(const Notice& notice) {
  const auto node = nodes_.get({"", options_.node});
  if (node && node->spec.unschedulable) return {};
  RETURN_IF_ERROR(set_unschedulable(true));
  is_cordoned_by_us_ = true;
  events_.normal(*nodes_.get({"", options_.node}), "RebalanceRecommendation",
                 "no new Pods: " + notice.text);
  return {};
}

void RemovalSink::uncordon() {
  if (!std::exchange(is_cordoned_by_us_, false)) return;
  const Status status = set_unschedulable(false);
  if (!status) env_.log.write(env::Level::kWarning, "agent", status.error().message);
}

Status RemovalSink::set_unschedulable(bool unschedulable) {
  const auto node = nodes_.get({"", options_.node});
  if (!node) return fail(Reason::kNotFound, fmt::format("nodes \"{}\" not found", options_.node));
  kube::Node changed = *node;
  changed.spec.unschedulable = unschedulable;
  RETURN_IF_ERROR(kube::update(client_, std::move(changed)));
  return {};
}

// ---- The metadata service.

void RemovalSink::troubled(const std::string& message) {
  const auto node = nodes_.get({"", options_.node});
  if (node) events_.warning(*node, "InstanceMetadataUnavailable", message);
}

void RemovalSink::recovered() {
  const auto node = nodes_.get({"", options_.node});
  if (node) events_.normal(*node, "InstanceMetadataAvailable", "notices are seen again");
}

}  // namespace minato::agent
