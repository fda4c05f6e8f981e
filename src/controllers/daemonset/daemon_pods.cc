#include "controllers/daemonset/daemon_pods.h"

#include <algorithm>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kNameField = "metadata.name";

void add_toleration(std::vector<kube::Toleration>& tolerations, std::string_view key,
                    std::string_view effect) {
  kube::Toleration wanted = tolerate(key, effect);
  const auto same = std::ranges::find_if(tolerations, [&](const kube::Toleration& each) {
    return each.key == wanted.key && each.effect == wanted.effect &&
           each.operator_ == wanted.operator_;
  });
  if (same == tolerations.end()) {
    tolerations.push_back(std::move(wanted));
  } else {
    same->toleration_seconds.reset();
  }
}

void add_daemon_tolerations(kube::PodSpec& spec) {
  add_toleration(spec.tolerations, kube::kTaintNotReady, kube::kNoExecute);
  add_toleration(spec.tolerations, kube::kTaintUnreachable, kube::kNoExecute);
  add_toleration(spec.tolerations, kTaintDiskPressure, kube::kNoSchedule);
  add_toleration(spec.tolerations, kube::kTaintMemoryPressure, kube::kNoSchedule);
  add_toleration(spec.tolerations, kTaintPidPressure, kube::kNoSchedule);
  add_toleration(spec.tolerations, kube::kTaintUnschedulable, kube::kNoSchedule);
  if (spec.host_network) {
    add_toleration(spec.tolerations, kTaintNetworkUnavailable, kube::kNoSchedule);
  }
}

void require_node(kube::PodSpec& spec, const std::string& node) {
  kube::NodeSelectorRequirement by_name;
  by_name.key = kNameField;
  by_name.operator_ = "In";
  by_name.values = {node};
  auto& required = spec.affinity.ensure()
                       .node_affinity.ensure()
                       .required_during_scheduling_ignored_during_execution.ensure();
  if (required.node_selector_terms.empty()) required.node_selector_terms.emplace_back();
  // Terms are alternatives: each has to name the node.
  for (auto& term : required.node_selector_terms) term.match_fields = {by_name};
}

struct OnNode {
  PodPtr updated;
  PodPtr outdated;
  bool surplus = false;  // More than one of a sort: plan_presence has work to do first.
};

OnNode find_on_node(const std::vector<PodPtr>& pods, const std::string& hash) {
  OnNode out;
  for (const PodPtr& pod : pods) {
    if (is_deleting(pod->metadata)) continue;
    PodPtr& slot = has_hash(*pod, hash) ? out.updated : out.outdated;
    if (slot) out.surplus = true;
    slot = pod;
  }
  return out;
}

struct Limits {
  std::int32_t surge = 0;
  std::int32_t unavailable = 0;
};

Limits limits(const kube::DaemonSet& daemon_set, std::int32_t desired) {
  kube::IntOrString surge(0);
  kube::IntOrString unavailable(1);
  if (const auto& rolling = daemon_set.spec.update_strategy.rolling_update) {
    surge = rolling->max_surge.value_or(surge);
    unavailable = rolling->max_unavailable.value_or(unavailable);
  }
  Limits out;
  out.surge = kube::scaled_value(surge, desired, kube::Rounding::kUp).value_or(0);
  out.unavailable = kube::scaled_value(unavailable, desired, kube::Rounding::kUp).value_or(0);
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

bool allows_surge(const kube::DaemonSet& daemon_set) {
  return daemon_set.spec.update_strategy.type != "OnDelete" && limits(daemon_set, 100).surge > 0;
}

// With a surge an old and a new Pod share the node until the new one is available.
void plan_surplus(const kube::DaemonSet& daemon_set, const std::vector<PodPtr>& running,
                  const std::string& hash, WallTime now, std::vector<PodPtr>& remove) {
  if (running.size() <= 1) return;
  if (!allows_surge(daemon_set)) {
    remove.insert(remove.end(), running.begin() + 1, running.end());
    return;
  }
  OnNode kept;
  for (const PodPtr& pod : running) {
    PodPtr& slot = has_hash(*pod, hash) ? kept.updated : kept.outdated;
    if (slot) {
      remove.push_back(pod);
    } else {
      slot = pod;
    }
  }
  if (!kept.updated || !kept.outdated) return;
  if (!is_pod_ready(*kept.outdated) ||
      is_pod_available(*kept.updated, daemon_set.spec.min_ready_seconds, now)) {
    remove.push_back(kept.outdated);
  }
}

void plan_node(const kube::DaemonSet& daemon_set, const kube::Node& node,
               const std::vector<PodPtr>& pods, const std::string& hash, WallTime now,
               DaemonPlan& plan) {
  const Placement place = placement(daemon_set, node);
  if (pods.empty()) {
    if (place == Placement::kWanted) plan.create_on.push_back(node.metadata.name);
    return;
  }
  std::vector<PodPtr> running;
  for (const PodPtr& pod : pods) {
    if (is_deleting(pod->metadata)) continue;
    if (place == Placement::kForbidden) {
      plan.remove.push_back(pod);
    } else if (is_pod_terminal(*pod)) {
      plan.failed.push_back(pod);
    } else {
      running.push_back(pod);
    }
  }
  plan_surplus(daemon_set, running, hash, now, plan.remove);
}

// maxSurge 0: old Pods go first, as many as may be missing.
DaemonPlan plan_replacement(const kube::DaemonSet& daemon_set, const std::vector<NodePtr>& wanted,
                            const PodsByNode& pods, const std::string& hash, WallTime now,
                            std::int32_t max_unavailable) {
  DaemonPlan plan;
  std::vector<PodPtr> candidates;
  std::int32_t unavailable = 0;
  for (const NodePtr& node : wanted) {
    const auto found = pods.find(node->metadata.name);
    const OnNode on = found == pods.end() ? OnNode{} : find_on_node(found->second, hash);
    const auto available = [&](const PodPtr& pod) {
      return is_pod_available(*pod, daemon_set.spec.min_ready_seconds, now);
    };
    if (on.surplus || (!on.updated && !on.outdated)) {
      ++unavailable;
    } else if (on.updated) {
      if (!available(on.updated)) ++unavailable;
    } else if (!available(on.outdated)) {
      // Replacing it costs nothing that is not lost already.
      plan.remove.push_back(on.outdated);
      ++unavailable;
    } else {
      candidates.push_back(on.outdated);
    }
  }
  const auto room = static_cast<std::size_t>(std::max(0, max_unavailable - unavailable));
  candidates.resize(std::min(candidates.size(), room));
  plan.remove.insert(plan.remove.end(), candidates.begin(), candidates.end());
  return plan;
}

// maxSurge > 0: a new Pod beside the old one, which goes when the new one is available.
DaemonPlan plan_surge(const kube::DaemonSet& daemon_set, const std::vector<NodePtr>& wanted,
                      const PodsByNode& pods, const std::string& hash, WallTime now,
                      std::int32_t max_surge) {
  DaemonPlan plan;
  std::vector<std::string> candidates;
  std::int32_t surging = 0;
  for (const NodePtr& node : wanted) {
    const auto found = pods.find(node->metadata.name);
    const OnNode on = found == pods.end() ? OnNode{} : find_on_node(found->second, hash);
    const auto available = [&](const PodPtr& pod) {
      return is_pod_available(*pod, daemon_set.spec.min_ready_seconds, now);
    };
    if (on.surplus) {
      ++surging;
    } else if (on.outdated && on.updated) {
      if (available(on.updated)) {
        plan.remove.push_back(on.outdated);
      } else {
        ++surging;
      }
    } else if (on.outdated && !available(on.outdated)) {
      plan.create_on.push_back(node->metadata.name);
      ++surging;
    } else if (on.outdated) {
      candidates.push_back(node->metadata.name);
    }
  }
  const auto room = static_cast<std::size_t>(std::max(0, max_surge - surging));
  candidates.resize(std::min(candidates.size(), room));
  plan.create_on.insert(plan.create_on.end(), candidates.begin(), candidates.end());
  return plan;
}

}  // namespace

kube::Pod make_daemon_pod(const kube::DaemonSet& daemon_set, const std::string& node,
                          const std::string& hash) {
  kube::Pod pod = pod_from_template(daemon_set.spec.template_, daemon_set.metadata,
                                    controller_reference(daemon_set));
  pod.metadata.labels[std::string(kube::kLabelControllerRevisionHash)] = hash;
  require_node(pod.spec, node);
  add_daemon_tolerations(pod.spec);
  return pod;
}

Placement placement(const kube::DaemonSet& daemon_set, const kube::Node& node) {
  kube::PodSpec spec = daemon_set.spec.template_.spec;
  if (!spec.node_name.empty() && spec.node_name != node.metadata.name) {
    return Placement::kForbidden;
  }
  add_daemon_tolerations(spec);
  if (!matches_required_affinity(spec, node)) return Placement::kForbidden;
  Placement out = Placement::kWanted;
  for (const kube::Taint& taint : node.spec.taints) {
    if (tolerated(spec.tolerations, taint)) continue;
    if (taint.effect == kube::kNoExecute) return Placement::kForbidden;
    if (taint.effect == kube::kNoSchedule) out = Placement::kKeepOnly;
  }
  return out;
}

std::string target_node(const kube::Pod& pod) {
  if (!pod.spec.node_name.empty()) return pod.spec.node_name;
  if (!pod.spec.affinity || !pod.spec.affinity->node_affinity) return {};
  const auto& required =
      pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return {};
  for (const auto& term : required->node_selector_terms) {
    for (const auto& field : term.match_fields) {
      if (field.key == kNameField && field.operator_ == "In" && field.values.size() == 1) {
        return field.values.front();
      }
    }
  }
  return {};
}

PodsByNode group_by_node(const std::vector<PodPtr>& pods) {
  PodsByNode out;
  for (const PodPtr& pod : pods) out[target_node(*pod)].push_back(pod);
  for (auto& [node, on_node] : out) {
    std::ranges::sort(on_node, [](const PodPtr& a, const PodPtr& b) {
      // A bound Pod before an unbound one, then the oldest.
      const auto rank = [](const kube::Pod& pod) {
        return std::tuple(pod.spec.node_name.empty(), pod.metadata.creation_timestamp,
                          pod.metadata.name);
      };
      return rank(*a) < rank(*b);
    });
  }
  return out;
}

bool has_hash(const kube::Pod& pod, const std::string& hash) {
  const auto found = pod.metadata.labels.find(std::string(kube::kLabelControllerRevisionHash));
  return found != pod.metadata.labels.end() && found->second == hash;
}

DaemonPlan plan_presence(const kube::DaemonSet& daemon_set, const std::vector<NodePtr>& nodes,
                         const PodsByNode& pods, const std::string& hash, WallTime now) {
  DaemonPlan plan;
  PodsByNode elsewhere = pods;
  for (const NodePtr& node : nodes) {
    const auto found = pods.find(node->metadata.name);
    plan_node(daemon_set, *node, found == pods.end() ? std::vector<PodPtr>{} : found->second, hash,
              now, plan);
    elsewhere.erase(node->metadata.name);
  }
  // Meant for a node that is gone and never bound: no one else would remove them.
  for (const auto& [node, stranded] : elsewhere) {
    for (const PodPtr& pod : stranded) {
      if (pod->spec.node_name.empty() && !is_deleting(pod->metadata)) plan.remove.push_back(pod);
    }
  }
  return plan;
}

DaemonPlan plan_update(const kube::DaemonSet& daemon_set, const std::vector<NodePtr>& nodes,
                       const PodsByNode& pods, const std::string& hash, WallTime now) {
  std::vector<NodePtr> wanted = nodes;
  std::erase_if(wanted, [&](const NodePtr& node) {
    return placement(daemon_set, *node) != Placement::kWanted;
  });
  const Limits most = limits(daemon_set, static_cast<std::int32_t>(wanted.size()));
  return most.surge == 0 ? plan_replacement(daemon_set, wanted, pods, hash, now, most.unavailable)
                         : plan_surge(daemon_set, wanted, pods, hash, now, most.surge);
}

kube::DaemonSetStatus daemon_status(const kube::DaemonSet& daemon_set,
                                    const std::vector<NodePtr>& nodes, const PodsByNode& pods,
                                    const std::string& hash, WallTime now) {
  kube::DaemonSetStatus status = daemon_set.status;
  status.current_number_scheduled = status.number_misscheduled = status.number_ready = 0;
  status.desired_number_scheduled = status.updated_number_scheduled = status.number_available = 0;
  for (const NodePtr& node : nodes) {
    const bool wanted = placement(daemon_set, *node) == Placement::kWanted;
    const auto found = pods.find(node->metadata.name);
    if (wanted) ++status.desired_number_scheduled;
    if (found == pods.end()) continue;
    if (!wanted) {
      ++status.number_misscheduled;
      continue;
    }
    ++status.current_number_scheduled;
    const kube::Pod& pod = *found->second.front();
    if (has_hash(pod, hash)) ++status.updated_number_scheduled;
    if (!is_pod_ready(pod)) continue;
    ++status.number_ready;
    if (is_pod_available(pod, daemon_set.spec.min_ready_seconds, now)) ++status.number_available;
  }
  status.number_unavailable = status.desired_number_scheduled - status.number_available;
  status.observed_generation = daemon_set.metadata.generation;
  return status;
}

}  // namespace minato::controllers
