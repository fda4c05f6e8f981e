#include "autoscaler/pending.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/common/ownership.h"
#include "kube/names.h"
#include "removal/record.h"

namespace minato::autoscaler {
namespace {

using scheduling::NodeSlot;
using scheduling::PodInfoPtr;
using scheduling::Snapshot;

const kube::PodCondition* scheduled_condition(const kube::Pod& pod) {
  const auto found =
      std::ranges::find(pod.status.conditions, kube::kPodScheduled, &kube::PodCondition::type);
  return found == pod.status.conditions.end() ? nullptr : &*found;
}

bool is_expendable(const kube::Pod& pod, const ScaleUpOptions& options) {
  return pod.spec.priority && *pod.spec.priority < options.expendable_priority_cutoff;
}

void drop_expendable(Snapshot& snapshot, const ScaleUpOptions& options) {
  if (!snapshot.has_pods_below(options.expendable_priority_cutoff)) return;
  std::vector<std::string> expendable;
  for (const scheduling::NodeInfo& node : snapshot.nodes()) {
    for (const PodInfoPtr& pod : node.pods) {
      if (is_expendable(*pod->pod, options)) expendable.push_back(pod->uid());
    }
  }
  for (const std::string& uid : expendable) snapshot.remove_pod(uid);
}

void add_upcoming(const Observation& seen, const NodeGroup& group, const Options& options,
                  const Memory& memory, std::vector<std::string>& names) {
  std::map<std::pair<std::string, std::string>, NodeTemplate> known;
  for (const Upcoming& node : group.upcoming) {
    std::string name = fmt::format("{}{}/{}", kUpcomingPrefix, group.name(), names.size());
    const NodeTemplate* least = group.templates.least_in(node.zone);
    const bool describable = !node.type.empty() &&
                             std::ranges::find(group.config->types, node.type) !=
                                 group.config->types.end() &&
                             group.templates.usable();
    if (describable) {
      auto [found, is_new] = known.try_emplace({node.type, node.zone});
      if (is_new) {
        found->second =
            make_template(*group.config, node.type, node.zone, seen, options, memory);
      }
      found->second.add_to(seen.snapshot(), name);
    } else if (least) {
      least->add_to(seen.snapshot(), name);
    } else {
      continue;
    }
    names.push_back(std::move(name));
  }
}

// Places Pods of one template after another where they fit first. Nodes only fill up meanwhile, so
// for Pods that stand alone a Node that was refused once stays refused.
class FirstFit {
 public:
  FirstFit(const Observation& seen, std::vector<NodeSlot> slots)
      : placer_(*seen.placer), slots_(std::move(slots)) {}

  void next_template(const scheduling::PodTemplate& pod_template) {
    alone_ = stands_alone(pod_template, placer_.snapshot());
    at_ = 0;
    helpless_ = false;
  }
  // Null: nowhere.
  const scheduling::NodeInfo* place(const PodInfoPtr& pod) {
    // An equal Pod has just been refused everywhere, and nothing has changed since.
    if (helpless_) return nullptr;
    for (std::size_t tried = alone_ ? at_ : 0; tried < slots_.size(); ++tried) {
      const std::size_t index = alone_ ? tried : (at_ + tried) % slots_.size();
      if (placer_.check(*pod, slots_[index])) continue;
      at_ = index;
      placer_.snapshot().add_pod(pod, slots_[index]);
      return &placer_.snapshot().node(slots_[index]);
    }
    helpless_ = true;
    return nullptr;
  }

 private:
  scheduling::Placer& placer_;
  std::vector<NodeSlot> slots_;
  bool alone_ = false;
  bool helpless_ = false;
  std::size_t at_ = 0;
};

std::vector<PodGroup> group_by_template(const Observation& seen, const Options& options,
                                        Pending& out) {
  std::vector<PodGroup> groups;
  std::map<const scheduling::PodTemplate*, std::size_t> index;  // Looked up, not iterated.
  for (const PodInfoPtr& pod : seen.waiting) {
    // Placed by place_nominated(); a nomination for a Node that is gone means nothing.
    if (!pod->pod->status.nominated_node_name.empty() && seen.snapshot().node_of(pod->uid())) {
      continue;
    }
    if (const std::string why = why_ignored(*pod->pod, seen.wall, options); !why.empty()) {
      out.settled.push_back({pod, PodFate::kIgnored, nullptr, why});
      continue;
    }
    const auto [found, is_new] = index.try_emplace(pod->pod_template.get(), groups.size());
    if (is_new) groups.push_back({pod->pod_template, {}});
    groups[found->second].pods.push_back(pod);
  }
  // More important Pods choose first; among equals, by the key of the first.
  std::ranges::stable_sort(groups, std::greater{}, [](const PodGroup& group) {
    return group.pod_template->priority;
  });
  return groups;
}

// Room that preemption is making is as good as taken by whom it is made for.
void place_nominated(const Observation& seen, Pending& out) {
  Snapshot& snapshot = seen.snapshot();
  for (const PodInfoPtr& pod : seen.waiting) {
    const std::string& node = pod->pod->status.nominated_node_name;
    if (node.empty() || !snapshot.knows(node)) continue;
    snapshot.add_pod(pod, node);
    out.settled.push_back({pod, PodFate::kFits, nullptr, "waits for room on " + node});
  }
}

bool is_upcoming(std::string_view node) { return node.starts_with(kUpcomingPrefix); }

// A Node that is on its way out for want of use, but not further than the load balancer.
bool can_be_spared(const removal::Progress& progress) {
  return progress.request.cause == removal::Cause::kScaleDown &&
         (progress.phase == removal::Phase::kWaiting ||
          progress.phase == removal::Phase::kDraining);
}

// Nodes that are being removed though Pods need them: cheaper to keep than to buy anew.
void spare_removals(const Observation& seen, const Groups& groups, Pending& out) {
  for (const NodePtr& node : seen.nodes) {
    if (out.groups.empty()) return;
    const auto going = groups.going.find(node->metadata.name);
    const Member* member = groups.member_of_node(node->metadata.name);
    if (going == groups.going.end() || !can_be_spared(*going->second) || !member ||
        member->state != MemberState::kReady) {
      continue;
    }
    auto restored = std::make_shared<kube::Node>(*node);
    restored->spec.unschedulable = false;
    std::erase_if(restored->spec.taints,
                  [](const kube::Taint& taint) { return taint.key == kTaintToBeDeleted ||
                                                        taint.key == removal::kTaintRemoval ||
                                                        taint.key == kube::kTaintUnschedulable; });
    seen.snapshot().set_node(std::move(restored));
    const NodeSlot slot = seen.snapshot().slot_of(node->metadata.name);
    FirstFit fit(seen, {slot});
    bool useful = false;
    for (PodGroup& group : out.groups) {
      fit.next_template(*group.pod_template);
      std::erase_if(group.pods, [&](const PodInfoPtr& pod) {
        if (!fit.place(pod)) return false;
        useful = true;
        out.settled.push_back({pod, PodFate::kFits, nullptr, "on " + node->metadata.name});
        return true;
      });
    }
    std::erase_if(out.groups, [](const PodGroup& group) { return group.pods.empty(); });
    if (useful) {
      out.spared.push_back(node->metadata.name);
    } else {
      seen.snapshot().remove_node(node->metadata.name);
    }
  }
}

}  // namespace

std::string_view to_string(PodFate fate) {
  switch (fate) {
    case PodFate::kFits: return "Fits";
    case PodFate::kFitsUpcoming: return "FitsUpcoming";
    case PodFate::kTriggered: return "Triggered";
    case PodFate::kAwaitsNextScan: return "AwaitsNextScan";
    case PodFate::kNotHelped: return "NotHelped";
    case PodFate::kIgnored: return "Ignored";
  }
  return "";
}

Duration pod_delay(const kube::Pod& pod, Duration delay) {
  const auto found = pod.metadata.annotations.find(std::string(kAnnotationPodDelay));
  if (found == pod.metadata.annotations.end()) return delay;
  const auto own = parse_duration(found->second);
  return own && *own > delay ? *own : delay;
}

std::string why_ignored(const kube::Pod& pod, WallTime wall, const Options& options) {
  const kube::PodCondition* scheduled = scheduled_condition(pod);
  if (!scheduled || scheduled->status != kube::kFalse || scheduled->reason != "Unschedulable") {
    return scheduled && scheduled->reason == "SchedulingGated"
               ? "it has scheduling gates"
               : "the scheduler has not found it unschedulable";
  }
  if (is_expendable(pod, options.scale_up)) {
    return fmt::format("its priority {} is below the cutoff {}", *pod.spec.priority,
                       options.scale_up.expendable_priority_cutoff);
  }
  const kube::OwnerReference* owner = controllers::controller_of(pod.metadata);
  if (owner && owner->kind == "DaemonSet") return "it belongs to a DaemonSet";
  const Duration delay = pod_delay(pod, options.scale_up.new_pod_delay);
  const Duration age = wall - pod.metadata.creation_timestamp;
  if (delay > Duration::zero() && age < delay) {
    return fmt::format("it is new: counts in {}", format_duration(delay - age));
  }
  return "";
}

bool stands_alone(const scheduling::PodTemplate& pod, const Snapshot& snapshot) {
  return pod.spread.required.empty() && pod.terms.required_affinity.empty() &&
         pod.terms.required_anti_affinity.empty() &&
         snapshot.counters().anti_affinity_against(pod).empty();
}

std::vector<std::string> prepare_snapshot(const Observation& seen, const Groups& groups,
                                          const Options& options, const Memory& memory) {
  Snapshot& snapshot = seen.snapshot();
  drop_expendable(snapshot, options.scale_up);
  for (const NodePtr& node : seen.nodes) {
    const std::string& name = node->metadata.name;
    if (groups.going.contains(name) || !is_node_ready(*node, options.scale_up)) {
      snapshot.remove_node(name);
    }
  }
  std::vector<std::string> upcoming;
  for (const NodeGroup& group : groups.all) {
    add_upcoming(seen, group, options, memory, upcoming);
  }
  return upcoming;
}

Pending find_pending(const Observation& seen, const Groups& groups, const Options& options,
                     const Memory& memory) {
  Pending out;
  out.upcoming_nodes = prepare_snapshot(seen, groups, options, memory);
  place_nominated(seen, out);
  Snapshot& snapshot = seen.snapshot();
  std::vector<PodGroup> waiting = group_by_template(seen, options, out);
  if (waiting.empty()) return out;
  // Nodes that are there come before those that are not.
  std::vector<NodeSlot> slots;
  for (const NodeSlot slot : snapshot.order()) {
    if (!is_upcoming(snapshot.node(slot).name)) slots.push_back(slot);
  }
  for (const std::string& name : out.upcoming_nodes) slots.push_back(snapshot.slot_of(name));
  FirstFit fit(seen, std::move(slots));
  for (PodGroup& group : waiting) {
    fit.next_template(*group.pod_template);
    PodGroup rest{group.pod_template, {}};
    for (PodInfoPtr& pod : group.pods) {
      const scheduling::NodeInfo* node = fit.place(pod);
      if (!node) {
        rest.pods.push_back(std::move(pod));
        continue;
      }
      const bool upcoming = is_upcoming(node->name);
      out.settled.push_back({std::move(pod),
                             upcoming ? PodFate::kFitsUpcoming : PodFate::kFits, nullptr,
                             upcoming ? "a Node is on its way" : "on " + node->name});
    }
    if (!rest.pods.empty()) out.groups.push_back(std::move(rest));
  }
  spare_removals(seen, groups, out);
  return out;
}

}  // namespace minato::autoscaler
