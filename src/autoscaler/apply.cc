// The Plan carried out: every step on its own, so that one that fails keeps no other from being done.
#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/autoscaler.h"
#include "autoscaler/node_template.h"
#include "kube/names.h"

namespace minato::autoscaler {
namespace {

constexpr std::string_view kAnnotationLastUpdated =
    "cluster-autoscaler.kubernetes.io/last-updated";

kube::ObjectKey status_key() {
  return {std::string(kube::kNamespaceSystem), std::string(kStatusConfigMap)};
}

}  // namespace

void Autoscaler::log(env::Level level, const std::string& text) {
  env_.log.write(level, "autoscaler", text);
}

void Autoscaler::apply(const Plan& plan) {
  write_status(plan.status);
  if (!plan.halted.empty()) log(env::Level::kWarning, plan.halted);
  for (const std::string& node : plan.cancel) {
    if (const Status cancelled = removals_.cancel(node); !cancelled) {
      log(env::Level::kInfo, fmt::format("keeping {}: {}", node, cancelled.error().message));
    }
  }
  // Before sizes: what is launched for a new size shall be of the new kind.
  for (const Redistribution& change : plan.redistribute) apply_redistribution(change);
  for (const Resize& resize : plan.resize) apply_resize(resize);
  for (const Termination& termination : plan.terminate) apply_termination(termination);
  for (const removal::Request& request : plan.remove) apply_removal(request);
  for (const SoftTaint& change : plan.taints) apply_taint(change);
  for (const Announcement& news : plan.announcements) announce(news);
}

cloud::Done Autoscaler::answer(std::string what,
                               std::move_only_function<void(const Error&)> failed) {
  ++calls_under_way_;
  last_call_ = env_.clock.monotonic();
  return [this, alive = std::weak_ptr<bool>(alive_), what = std::move(what),
          failed = std::move(failed)](Status status) mutable {
    if (alive.expired()) return;
    calls_under_way_ = std::max(0, calls_under_way_ - 1);
    if (status) return;
    log(env::Level::kWarning, fmt::format("{}: {}", what, status.error().message));
    failed(status.error());
  };
}

void Autoscaler::apply_resize(const Resize& resize) {
  log(env::Level::kInfo, fmt::format("group {}: {} -> {}: {}", resize.group, resize.from,
                                     resize.to, resize.why));
  const bool grows = resize.to > resize.from;
  cloud_.set_desired_capacity(
      resize.group, resize.to,
      answer(fmt::format("setting the size of {}", resize.group),
             [this, group = resize.group, grows](const Error& error) {
               if (!grows) return;
               memory_.scale_ups.erase(group);
               memory_.groups.failed(group, env_.clock.monotonic(),
                                     std::string(to_string(error.reason)), error.message);
               announce({.warning = true,
                         .reason = "FailedToScaleUpGroup",
                         .message = fmt::format("Scale-up failed for group {}: {}", group,
                                                error.message)});
             }));
}

void Autoscaler::apply_termination(const Termination& termination) {
  const auto groups = cloud_.describe_auto_scaling_groups();
  const auto group =
      std::ranges::find(groups, termination.group, &cloud::AutoScalingGroup::name);
  // At its minimum the group has to launch another one.
  const bool may_shrink = group != groups.end() && group->desired_capacity > group->min_size;
  cloud_.terminate_instance_in_auto_scaling_group(
      termination.instance, may_shrink ? cloud::Decrement::kYes : cloud::Decrement::kNo,
      answer(fmt::format("ending {}", termination.instance), [](const Error&) {}));
}

void Autoscaler::apply_redistribution(const Redistribution& change) {
  log(env::Level::kInfo,
      fmt::format("group {}: on-demand base {}: {}", change.group,
                  change.distribution.on_demand_base_capacity, change.why));
  cloud_.update_instances_distribution(
      change.group, change.distribution,
      answer(fmt::format("changing the distribution of {}", change.group), [](const Error&) {}));
}

void Autoscaler::apply_removal(const removal::Request& request) {
  const Status begun = removals_.begin(request);
  if (begun) return;
  log(env::Level::kWarning,
      fmt::format("removing {}: {}", request.node, begun.error().message));
  if (request.cause == removal::Cause::kScaleDown) {
    memory_.last_delete_failure = env_.clock.monotonic();
  }
}

void Autoscaler::apply_taint(const SoftTaint& change) {
  const auto node = nodes_.get({"", change.node});
  if (!node) return;
  kube::Node changed = *node;
  std::erase_if(changed.spec.taints, [](const kube::Taint& taint) {
    return taint.key == kTaintDeletionCandidate;
  });
  if (change.change == TaintChange::kAdd) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
        env_.clock.wall().time_since_epoch());
    changed.spec.taints.push_back({.key = std::string(kTaintDeletionCandidate),
                                   .value = std::to_string(seconds.count()),
                                   .effect = std::string(kube::kPreferNoSchedule)});
  }
  const auto written = kube::update(client_, std::move(changed));
  if (!written && !is(written.error(), Reason::kConflict)) {
    log(env::Level::kWarning,
        fmt::format("marking {}: {}", change.node, written.error().message));
  }
}

void Autoscaler::write_status(const std::string& text) {
  const auto known = config_maps_.get(status_key());
  kube::ConfigMap map = known ? *known : kube::ConfigMap();
  map.metadata.name = status_key().name;
  map.metadata.namespace_ = status_key().namespace_;
  map.metadata.annotations[std::string(kAnnotationLastUpdated)] =
      format_rfc3339(env_.clock.wall());
  map.data["status"] = text;
  const auto written = known ? kube::update(client_, std::move(map))
                             : kube::create(client_, std::move(map));
  if (!written) {
    log(env::Level::kWarning, fmt::format("writing the status: {}", written.error().message));
  }
}

void Autoscaler::announce(const Announcement& news) {
  kube::ObjectPtr about;
  if (news.pod) {
    about = news.pod;
  } else if (news.node) {
    about = news.node;
  } else {
    about = config_maps_.get(status_key());
  }
  if (!about) return;
  if (news.warning) {
    events_.warning(*about, news.reason, news.message);
  } else {
    events_.normal(*about, news.reason, news.message);
  }
}

}  // namespace minato::autoscaler
