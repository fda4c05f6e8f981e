#include "autoscaler/zones.h"

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/drainability.h"
#include "autoscaler/markets.h"
#include "autoscaler/pools.h"
#include "autoscaler/scale_down.h"

namespace minato::autoscaler {
namespace {

using scheduling::NodeSlot;
using scheduling::PodInfoPtr;
using Counts = std::map<std::string, std::int32_t>;

bool rebalances_itself(const NodeGroup& group) {
  const auto& suspended = group.config->suspended_processes;
  return std::ranges::find(suspended, "AZRebalance") == suspended.end();
}

Counts::const_iterator fewest(const Counts& zones) {
  return std::ranges::min_element(zones, {}, [](const auto& zone) { return zone.second; });
}

std::int32_t most(const Counts& zones) {
  return std::ranges::max_element(zones, {}, [](const auto& zone) { return zone.second; })->second;
}

std::string in_words(const Counts& zones) {
  std::string out;
  for (const auto& [zone, count] : zones) {
    out += fmt::format("{}{} in {}", out.empty() ? "" : ", ", count, zone);
  }
  return out;
}

class ZonePlan {
 public:
  ZonePlan(const Observation& seen, const Groups& groups, const Pending& pending,
           const Options& options, Memory& memory, Plan& plan)
      : seen_(seen), groups_(groups), pending_(pending), options_(options), memory_(memory),
        plan_(plan), budgets_(seen.budgets) {}

  void run() {
    std::erase_if(memory_.imbalances, [&](const auto& entry) {
      return std::ranges::find(groups_.all, entry.first, &NodeGroup::name) == groups_.all.end();
    });
    for (const NodeGroup& group : groups_.all) {
      const bool is_ours = options_.zones.balance && group.templates.usable() &&
                           group.by_zone.size() > 1 && !rebalances_itself(group);
      if (!is_ours || !is_uneven(group)) {
        memory_.imbalances.erase(group.name());
        continue;
      }
      ZoneImbalance& known =
          memory_.imbalances
              .try_emplace(group.name(), ZoneImbalance{seen_.now, options_.zones.settle, {}})
              .first->second;
      const std::string why = known.move ? watch(group, known) : consider(group, known);
      plan_.zones[group.name()] = fmt::format("{}; {}", in_words(group.by_zone), why);
    }
  }

 private:
  // A Node that moves is not counted where it is any more, and its replacement not yet where it
  // will be: under way, all is uneven.
  bool is_uneven(const NodeGroup& group) const {
    const auto known = memory_.imbalances.find(group.name());
    if (known != memory_.imbalances.end() && known->second.move) return true;
    return most(group.by_zone) - fewest(group.by_zone)->second >= 2;
  }

  void in_vain(ZoneImbalance& known) const {
    known.move.reset();
    known.since = seen_.now;
    known.patience = std::min(known.patience * 2, options_.zones.settle_max);
  }

  // --- A move that has begun.

  std::string watch(const NodeGroup& group, ZoneImbalance& known) {
    ZoneMove& move = *known.move;
    const auto there = group.by_zone.find(move.zone);
    const bool has_come = there != group.by_zone.end() && there->second > move.there_before;
    const Member* member = groups_.member_of_node(move.node);
    if (member && member->going()) {
      move.ordered = move.ordered || group.desired() > move.size_before;
      const bool came_elsewhere = move.ordered && group.missing == 0 && !has_come;
      if (!came_elsewhere || member->removal->phase != removal::Phase::kWaiting) {
        return fmt::format("{} gives way to a Node in {}", move.node, move.zone);
      }
      plan_.cancel.push_back(move.node);
    }
    if (has_come) {
      known.move.reset();
      known.patience = options_.zones.settle;
      return "one has moved";
    }
    std::string why = fmt::format("no Node came in {}", move.zone);
    in_vain(known);
    return why;
  }

  // --- Whether one may begin, and which.

  std::string consider(const NodeGroup& group, ZoneImbalance& known) {
    const Counts open = open_zones(group, memory_, seen_.now);
    const auto target = fewest(open);
    if (target == open.end() || most(group.by_zone) - target->second < 2) {
      known.since = seen_.now;
      return "zones with fewer cannot launch now";
    }
    if (group.desired() >= group.config->max_size) return "the group is at its maximum";
    if (!is_at_rest(group, pending_, plan_) || plan_removes_of(group)) {
      return "waits until the group is at rest";
    }
    if (may_shrink(group)) return "waits for a Node that nobody needs to go";
    if (const Duration left = known.patience - (seen_.now - known.since); left > Duration::zero()) {
      return fmt::format("one moves in {}", format_duration(left));
    }
    const Member* chosen = choose(group, target->first);
    if (!chosen) {
      in_vain(known);
      return fmt::format("no Node can move to {}", target->first);
    }
    begin(group, *chosen, *target, known);
    return fmt::format("{} gives way to a Node in {}", chosen->node->metadata.name, target->first);
  }

  bool plan_removes_of(const NodeGroup& group) const {
    return std::ranges::any_of(plan_.remove, [&](const removal::Request& request) {
      return groups_.of_node(request.node) == &group;
    });
  }

  bool may_shrink(const NodeGroup& group) const {
    return group.settled() > group.config->min_size &&
           std::ranges::any_of(group.members, [&](const Member& member) {
             return member.node && memory_.unneeded.contains(member.node->metadata.name);
           });
  }

  // Of the fullest zones, the Node with the fewest Pods to move that may go. Null: none may.
  const Member* choose(const NodeGroup& group, const std::string& target) {
    std::vector<std::tuple<std::size_t, std::string, const Member*>> candidates;
    for (const Member& member : group.members) {
      if (group.by_zone.at(member.instance->zone) != most(group.by_zone) ||
          member.state != MemberState::kReady || is_kept(member) ||
          !seen_.snapshot().knows(member.node->metadata.name)) {
        continue;
      }
      if (const auto moving = pods_to_move(member)) {
        candidates.emplace_back(moving->size(), member.node->metadata.name, &member);
      }
    }
    std::ranges::sort(candidates);
    for (const auto& [pods, name, member] : candidates) {
      if (has_place_in(group, *member, target)) return member;
    }
    return nullptr;
  }

  static bool is_kept(const Member& member) {
    const auto& annotations = member.node->metadata.annotations;
    const auto found = annotations.find(std::string(kAnnotationScaleDownDisabled));
    return found != annotations.end() && found->second == "true";
  }

  // Nothing: one of them keeps the Node.
  std::optional<std::vector<PodInfoPtr>> pods_to_move(const Member& member) const {
    const scheduling::Snapshot& snapshot = seen_.snapshot();
    std::vector<PodInfoPtr> out;
    for (const PodInfoPtr& pod : snapshot.node(snapshot.slot_of(member.node->metadata.name)).pods) {
      switch (drainability(*pod->pod, seen_, budgets_, options_.scale_down).drainability) {
        case Drainability::kIgnore: break;
        case Drainability::kMove: out.push_back(pod); break;
        case Drainability::kWait:
        case Drainability::kBlock: return std::nullopt;
      }
    }
    return out;
  }

  // Whether all its Pods fit into the cluster with a Node in `target` in its stead. Pods that ask for
  // their zone do not, and would make it grow again.
  bool has_place_in(const NodeGroup& group, const Member& member, const std::string& target) {
    const NodeTemplate* node = group.templates.least_in(target);
    if (!node) return false;
    scheduling::Snapshot& snapshot = seen_.snapshot();
    const std::vector<PodInfoPtr> moving = *pods_to_move(member);
    const std::string stand_in = fmt::format("{}{}/{}", kUpcomingPrefix, group.name(), target);
    snapshot.fork();
    for (const PodInfoPtr& pod : moving) snapshot.remove_pod(pod->uid());
    snapshot.remove_node(member.node->metadata.name);
    node->add_to(snapshot, stand_in);
    std::vector<NodeSlot> places = snapshot.order();
    std::ranges::stable_partition(
        places, [&](NodeSlot slot) { return snapshot.node(slot).name == stand_in; });
    const bool all = std::ranges::all_of(moving, [&](const PodInfoPtr& pod) {
      const PodInfoPtr free = unbound(pod);
      const auto slot = std::ranges::find_if(
          places, [&](NodeSlot each) { return !seen_.placer->check(*free, each); });
      if (slot == places.end()) return false;
      snapshot.add_pod(free, *slot);
      return true;
    });
    snapshot.revert();
    return all;
  }

  void begin(const NodeGroup& group, const Member& member, const Counts::value_type& target,
             ZoneImbalance& known) {
    const std::string& node = member.node->metadata.name;
    known.move = ZoneMove{node, target.first, target.second, group.desired(), false};
    const std::string message =
        fmt::format("group {} has {}", group.name(), in_words(group.by_zone));
    plan_.remove.push_back({.node = node,
                            .cause = removal::Cause::kReplacement,
                            .after = removal::After::kTerminateAndReplace,
                            .message = message});
    plan_.announcements.push_back(
        {.node = member.node,
         .reason = "BalanceZones",
         .message = fmt::format("{}: it gives way to a Node in {}", message, target.first)});
  }

  const Observation& seen_;
  const Groups& groups_;
  const Pending& pending_;
  const Options& options_;
  Memory& memory_;
  Plan& plan_;
  BudgetTracker budgets_;
};

}  // namespace

void plan_zones(const Observation& seen, const Groups& groups, const Pending& pending,
                const Options& options, Memory& memory, Plan& plan) {
  ZonePlan(seen, groups, pending, options, memory, plan).run();
}

}  // namespace minato::autoscaler
