#include "autoscaler/scale_down.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kube/names.h"

namespace minato::autoscaler {
namespace {

using scheduling::NodeSlot;
using scheduling::PodInfoPtr;

struct Candidate {
  const NodeGroup* group = nullptr;
  const Member* member = nullptr;
  NodeVerdict* verdict = nullptr;
  bool empty = false;
  bool ready = true;
  std::vector<PodInfoPtr> moving;

  const std::string& node() const { return verdict->node; }
};

class ScaleDown {
 public:
  ScaleDown(const Observation& seen, const Groups& groups, const Pending& pending,
            const Options& options, Memory& memory, Plan& plan)
      : seen_(seen),
        groups_(groups),
        pending_(pending),
        options_(options.scale_down),
        scan_interval_(options.scan_interval),
        memory_(memory),
        plan_(plan),
        budgets_(seen.budgets),
        totals_(count_totals(seen, groups)) {}

  void run() {
    watch_removals();
    for (const NodePtr& node : seen_.nodes) plan_.nodes.push_back({.node = node->metadata.name});
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < seen_.nodes.size(); ++i) {
      judge(*seen_.nodes[i], plan_.nodes[i], candidates);
    }
    sort(candidates);
    std::vector<Candidate> unneeded = simulate(std::move(candidates));
    remember(unneeded);
    select(unneeded);
    plan_soft_taints();
  }

 private:
  // Our own removals: when one has ended, cooling begins.
  void watch_removals() {
    std::map<std::string, removal::Phase> now;
    for (const removal::Progress& progress : seen_.removals) {
      if (progress.request.cause != removal::Cause::kScaleDown) continue;
      const std::string& node = progress.request.node;
      now[node] = progress.phase;
      const auto before = memory_.removals.find(node);
      if (before == memory_.removals.end() || before->second == progress.phase) continue;
      if (memory_.spared.erase(node) > 0) continue;
      if (progress.phase == removal::Phase::kDone) memory_.last_delete = seen_.now;
      if (progress.phase == removal::Phase::kCancelled) {
        memory_.last_delete_failure = seen_.now;
        plan_.announcements.push_back(
            {.warning = true,
             .reason = "ScaleDownFailed",
             .message = fmt::format("failed to remove node {}: {}", node, progress.detail)});
      }
    }
    std::erase_if(memory_.spared, [&](const std::string& node) { return !now.contains(node); });
    memory_.removals = std::move(now);
  }

  // --- Which Nodes may be unneeded at all. Collects every reason, not only the first.

  void judge(const kube::Node& node, NodeVerdict& verdict, std::vector<Candidate>& candidates) {
    Candidate candidate{.group = groups_.of_node(verdict.node),
                        .member = groups_.member_of_node(verdict.node),
                        .verdict = &verdict};
    verdict.going = groups_.going.contains(verdict.node);
    Reasons& reasons = verdict.reasons;
    if (verdict.going) reasons.push_back("CurrentlyBeingDeleted");
    if (!candidate.group) {
      reasons.push_back("NotAutoscaled");
      return;
    }
    verdict.group = candidate.group->name();
    const auto disabled =
        node.metadata.annotations.find(std::string(kAnnotationScaleDownDisabled));
    if (disabled != node.metadata.annotations.end() && disabled->second == "true") {
      reasons.push_back("ScaleDownDisabledAnnotation");
    }
    candidate.ready = candidate.member->state == MemberState::kReady;
    if (candidate.member->state == MemberState::kNotStarted) reasons.push_back("NotStartedYet");
    if (!candidate.ready && !options_.unready_enabled) {
      reasons.push_back("ScaleDownUnreadyDisabled");
    }
    judge_load(candidate);
    if (reasons.empty()) candidates.push_back(std::move(candidate));
  }

  void judge_load(Candidate& candidate) {
    NodeVerdict& verdict = *candidate.verdict;
    // Unready Nodes are not in the Snapshot; their Pods are.
    scheduling::NodeInfo info = seen_.snapshot().node(slot_of(verdict.node));
    const NodePtr& node = candidate.member->node;
    info.node = node;
    info.allocatable = scheduling::parse_resources(node->status.allocatable);
    const GroupScaleDownOptions& of_group = candidate.group->scale_down;
    const auto used = utilization(info, of_group.ignore_daemon_sets_utilization,
                                  options_.ignore_mirror_pods_utilization, seen_.wall);
    if (!used) {
      verdict.reasons.push_back("UnexpectedError: " + used.error().message);
      return;
    }
    verdict.utilization = used->highest();
    const double threshold =
        used->gpu ? of_group.gpu_utilization_threshold : of_group.utilization_threshold;
    if (candidate.ready && verdict.utilization > threshold) {
      verdict.reasons.push_back(
          fmt::format("NotUnderutilized: {:.2f} is above {:.2f}", verdict.utilization, threshold));
    }
    judge_pods(candidate, info);
  }

  NodeSlot slot_of(const std::string& node) {
    if (!seen_.snapshot().knows(node)) {
      // Known from here on until the fork ends, but as a place it is not looked at.
      const auto found = std::ranges::find(
          seen_.nodes, node, [](const NodePtr& each) { return each->metadata.name; });
      not_places_.insert(node);
      seen_.snapshot().set_node(*found);
    }
    return seen_.snapshot().slot_of(node);
  }

  void judge_pods(Candidate& candidate, const scheduling::NodeInfo& info) {
    for (const PodInfoPtr& pod : info.pods) {
      // Waiting Pods that were put here to see whether they fit are not here.
      if (pod->pod->spec.node_name.empty()) {
        candidate.moving.push_back(pod);
        continue;
      }
      const DrainVerdict drain = drainability(*pod->pod, seen_, budgets_, options_);
      if (drain.drainability == Drainability::kMove) candidate.moving.push_back(pod);
      if (drain.drainability != Drainability::kBlock &&
          drain.drainability != Drainability::kWait) {
        continue;
      }
      candidate.verdict->reasons.push_back(fmt::format("BlockedByPod: {} ({}: {})",
                                                       pod->pod->key().to_string(), drain.reason,
                                                       drain.detail));
    }
    candidate.empty = candidate.moving.empty();
  }

  // Empty ones first, then those that were unneeded before, from the fullest zone, the least used.
  void sort(std::vector<Candidate>& candidates) const {
    const auto key = [&](const Candidate& candidate) {
      return std::tuple(!candidate.empty, !memory_.unneeded.contains(candidate.node()),
                        -candidate.group->by_zone.at(candidate.member->instance->zone),
                        candidate.verdict->utilization, candidate.node());
    };
    std::ranges::sort(candidates, {}, key);
  }

  // --- Whether their Pods fit elsewhere, all candidates together.

  std::vector<Candidate> simulate(std::vector<Candidate> candidates) {
    for (const std::string& name : pending_.upcoming_nodes) seen_.snapshot().remove_node(name);
    std::vector<NodeSlot> places = seen_.snapshot().order();
    std::erase_if(places, [&](NodeSlot slot) {
      return not_places_.contains(seen_.snapshot().node(slot).name);
    });
    std::map<std::string, Unremovable> still_unremovable;
    std::vector<Candidate> out;
    const std::int32_t limit =
        unneeded_limit(options_.max_parallelism, options_.group.unneeded_time, scan_interval_,
                       static_cast<std::int32_t>(memory_.unneeded.size()));
    for (Candidate& candidate : candidates) {
      const auto known = memory_.unremovable.find(candidate.node());
      if (known != memory_.unremovable.end() && known->second.until > seen_.now) {
        still_unremovable.insert(*known);
        candidate.verdict->reasons.push_back(
            fmt::format("RecentlyUnremovable: {}, looked at again in {}", known->second.detail,
                        format_duration(known->second.until - seen_.now)));
      } else if (static_cast<std::int32_t>(out.size()) >= limit) {
        candidate.verdict->reasons.push_back("EnoughUnneededNodes: looked at when others are gone");
      } else if (const std::string stuck = move_pods(candidate, places); !stuck.empty()) {
        const std::string detail = fmt::format("NoPlaceToMovePods: {}", stuck);
        still_unremovable[candidate.node()] = {seen_.now + options_.unremovable_recheck, detail};
        candidate.verdict->reasons.push_back(detail);
      } else {
        out.push_back(std::move(candidate));
      }
    }
    memory_.unremovable = std::move(still_unremovable);
    return out;
  }

  // "": every Pod has a new place, and the Node is none any more. Otherwise all is as before.
  std::string move_pods(const Candidate& candidate, std::vector<NodeSlot>& places) {
    scheduling::Snapshot& snapshot = seen_.snapshot();
    const NodeSlot own = snapshot.slot_of(candidate.node());
    // Others' Pods may have been moved here meanwhile: they move on.
    std::vector<PodInfoPtr> moving;
    for (const PodInfoPtr& pod : snapshot.node(own).pods) {
      const bool bound_here = pod->pod->spec.node_name == candidate.node();
      if (!bound_here || std::ranges::find(candidate.moving, pod) != candidate.moving.end()) {
        moving.push_back(pod);
      }
    }
    snapshot.fork();
    for (const PodInfoPtr& pod : moving) snapshot.remove_pod(pod->uid());
    for (const PodInfoPtr& pod : moving) {
      if (move_one(pod, own, places)) continue;
      snapshot.revert();
      return pod->pod->key().to_string();
    }
    snapshot.commit();
    std::erase(places, own);
    snapshot.remove_node(candidate.node());
    return "";
  }

  bool move_one(const PodInfoPtr& pod, NodeSlot own, const std::vector<NodeSlot>& places) {
    const PodInfoPtr free = unbound(pod);
    for (std::size_t tried = 0; tried < places.size(); ++tried) {
      const NodeSlot slot = places[(next_place_ + tried) % places.size()];
      if (slot == own || seen_.placer->check(*free, slot)) continue;
      seen_.snapshot().add_pod(free, slot);
      next_place_ = (next_place_ + tried) % places.size();
      return true;
    }
    return false;
  }

  // --- Timers.

  void remember(const std::vector<Candidate>& unneeded) {
    std::map<std::string, Unneeded> now;
    for (const Candidate& candidate : unneeded) {
      const auto before = memory_.unneeded.find(candidate.node());
      const MonoTime since = before == memory_.unneeded.end() ? seen_.now : before->second.since;
      now[candidate.node()] = {since, candidate.empty};
      candidate.verdict->unneeded = true;
      candidate.verdict->unneeded_for = seen_.now - since;
    }
    memory_.unneeded = std::move(now);
  }

  static Duration needed_time(const Candidate& candidate) {
    const GroupScaleDownOptions& options = candidate.group->scale_down;
    return candidate.ready ? options.unneeded_time : options.unready_time;
  }

  // What is left of the pauses after growth, a removal, or a failed one.
  Duration cooling(std::string& why) const {
    Duration out{};
    const auto look = [&](const std::optional<MonoTime>& last, Duration delay,
                          std::string_view what) {
      if (!last || *last + delay - seen_.now <= out) return;
      out = *last + delay - seen_.now;
      why = fmt::format("{} {} ago", what, format_duration(seen_.now - *last));
    };
    look(memory_.last_scale_up, options_.delay_after_add, "scale-up");
    look(memory_.last_delete, options_.delay_after_delete, "scale-down");
    look(memory_.last_delete_failure, options_.delay_after_failure, "failed scale-down");
    return out;
  }

  // --- Which of them go now.

  void select(std::vector<Candidate>& unneeded) {
    std::string why_cooling;
    const Duration cool = cooling(why_cooling);
    plan_.scale_down_cooling = cool > Duration::zero();
    RemovalBudget under_way;
    for (const auto& [node, progress] : groups_.going) {
      if (progress->request.cause != removal::Cause::kScaleDown) continue;
      const auto known = memory_.going_empty.find(node);
      ++(known != memory_.going_empty.end() && known->second ? under_way.empty
                                                            : under_way.drain);
    }
    std::erase_if(memory_.going_empty,
                  [&](const auto& entry) { return !groups_.going.contains(entry.first); });
    std::map<std::string, std::map<std::string, std::int32_t>> by_zone;
    std::map<std::string, std::int32_t> sizes;
    for (const NodeGroup& group : groups_.all) {
      by_zone[group.name()] = group.by_zone;
      sizes[group.name()] = size_to_come(group);
    }
    std::vector<Candidate*> chosen[2];
    for (Candidate& candidate : unneeded) {
      const Duration wait = std::max(
          cool, needed_time(candidate) - *candidate.verdict->unneeded_for);
      candidate.verdict->goes_in = std::max(Duration::zero(), wait);
      if (wait > Duration::zero()) {
        say_wait(candidate, cool, why_cooling);
      } else if (may_go(candidate, sizes, by_zone)) {
        chosen[candidate.empty ? 0 : 1].push_back(&candidate);
      } else {
        candidate.verdict->goes_in.reset();
      }
    }
    begin(chosen[0], chosen[1], under_way);
  }

  // What the group will have when all removals are through: one that is being replaced counts twice
  // in the desired capacity until it has ended.
  static std::int32_t size_to_come(const NodeGroup& group) {
    const auto staying = static_cast<std::int32_t>(
        std::ranges::count_if(group.members, [](const Member& member) { return !member.going(); }));
    return std::min(group.settled(), staying + (group.unlaunchable.empty() ? group.missing : 0));
  }

  void say_wait(Candidate& candidate, Duration cool, const std::string& why_cooling) {
    Reasons& reasons = candidate.verdict->reasons;
    const Duration unneeded_for = *candidate.verdict->unneeded_for;
    if (unneeded_for < needed_time(candidate)) {
      reasons.push_back(fmt::format(
          "{}: {} of {}", candidate.ready ? "NotUnneededLongEnough" : "NotUnreadyLongEnough",
          format_duration(unneeded_for), format_duration(needed_time(candidate))));
    }
    if (cool > Duration::zero()) {
      reasons.push_back(fmt::format("ScaleDownInCooldown: {}", why_cooling));
    }
  }

  bool may_go(Candidate& candidate, std::map<std::string, std::int32_t>& sizes,
              std::map<std::string, std::map<std::string, std::int32_t>>& by_zone) {
    Reasons& reasons = candidate.verdict->reasons;
    const std::string& group = candidate.group->name();
    const std::string& zone = candidate.member->instance->zone;
    const auto capacity = scheduling::parse_resources(candidate.member->node->status.capacity);
    const auto& suspended = candidate.group->config->suspended_processes;
    const bool rebalances = std::ranges::find(suspended, "AZRebalance") == suspended.end();
    if (sizes[group] - 1 < candidate.group->config->min_size) {
      reasons.push_back("NodeGroupMinSizeReached");
    } else if (totals_.milli_cpu - capacity.milli_cpu < options_.min_cores_total * 1000 ||
               totals_.memory_bytes - capacity.memory_bytes <
                   options_.min_memory_gib_total * kGib) {
      reasons.push_back("MinimalResourceLimitExceeded");
    } else if (rebalances && !keeps_zone_balance(by_zone[group], zone)) {
      reasons.push_back(fmt::format("ZoneBalance: AZRebalance would replace it in {}", zone));
    } else if (!plan_.resize.empty()) {
      reasons.push_back("ScaleUpInProgress");
    } else {
      --sizes[group];
      --by_zone[group][zone];
      totals_.milli_cpu -= capacity.milli_cpu;
      totals_.memory_bytes -= capacity.memory_bytes;
      return true;
    }
    return false;
  }

  void begin(const std::vector<Candidate*>& empty, const std::vector<Candidate*>& drain,
             RemovalBudget under_way) {
    const RemovalBudget allowed =
        removal_budget(options_, under_way,
                       {static_cast<std::int32_t>(empty.size()),
                        static_cast<std::int32_t>(drain.size())});
    std::int32_t left = allowed.empty;
    for (Candidate* candidate : empty) {
      if (left-- > 0) {
        remove(*candidate);
      } else {
        candidate->verdict->reasons.push_back("ScaleDownBudget: enough removals are under way");
      }
    }
    left = allowed.drain;
    for (Candidate* candidate : drain) {
      if (left > 0 && use_budgets(*candidate)) {
        --left;
        remove(*candidate);
      } else {
        candidate->verdict->reasons.push_back("ScaleDownBudget: enough removals are under way");
      }
    }
  }

  bool use_budgets(const Candidate& candidate) {
    const bool allowed = std::ranges::none_of(candidate.moving, [&](const PodInfoPtr& pod) {
      return budgets_.exhausted_for(*pod->pod) != nullptr;
    });
    if (!allowed) return false;
    for (const PodInfoPtr& pod : candidate.moving) budgets_.use(*pod->pod);
    return true;
  }

  void remove(const Candidate& candidate) {
    const std::string message =
        candidate.ready ? fmt::format("unneeded for {}, utilization {:.2f}",
                                      format_duration(*candidate.verdict->unneeded_for),
                                      candidate.verdict->utilization)
                        : fmt::format("not ready for {}",
                                      format_duration(*candidate.verdict->unneeded_for));
    plan_.remove.push_back({.node = candidate.node(),
                            .cause = removal::Cause::kScaleDown,
                            .after = removal::After::kTerminateAndShrink,
                            .message = message});
    memory_.going_empty[candidate.node()] = candidate.empty;
    plan_.announcements.push_back(
        {.node = candidate.member->node, .reason = "ScaleDown",
         .message = fmt::format("marked the node as toBeDeleted/unschedulable: {}", message)});
    plan_.announcements.push_back(
        {.reason = candidate.empty ? "ScaleDownEmpty" : "ScaleDown",
         .message = candidate.empty
                        ? fmt::format("Scale-down: removing empty node \"{}\"", candidate.node())
                        : fmt::format("Scale-down: removing node {}, utilization: {:.2f}, pods to "
                                      "reschedule: {}", candidate.node(),
                                      candidate.verdict->utilization, candidate.moving.size())});
  }

  // --- A hint to the scheduler: rather not on Nodes that may go soon. None of a group at its minimum
  // may (processors/nodes/pre_filtering_processor.go), and new Pods must not crowd on the others.

  bool may_shrink(const std::string& node) const {
    const NodeGroup* group = groups_.of_node(node);
    return group != nullptr && size_to_come(*group) > group->config->min_size;
  }

  void plan_soft_taints() {
    if (plan_.scale_down_cooling || !plan_.remove.empty()) return;
    std::int32_t left = options_.max_soft_taints_per_scan;
    for (const NodePtr& node : seen_.nodes) {
      const std::string& name = node->metadata.name;
      const bool has = std::ranges::any_of(node->spec.taints, [](const kube::Taint& taint) {
        return taint.key == kTaintDeletionCandidate;
      });
      const bool wanted = memory_.unneeded.contains(name) && !groups_.going.contains(name) && may_shrink(name);
      if (has == wanted || left-- <= 0) continue;
      plan_.taints.push_back({name, wanted ? TaintChange::kAdd : TaintChange::kRemove});
    }
  }

  const Observation& seen_;
  const Groups& groups_;
  const Pending& pending_;
  const ScaleDownOptions& options_;
  Duration scan_interval_;
  Memory& memory_;
  Plan& plan_;
  BudgetTracker budgets_;
  Totals totals_;
  std::set<std::string> not_places_;
  std::size_t next_place_ = 0;
};

}  // namespace

std::int32_t unneeded_limit(std::int32_t parallelism, Duration unneeded_time,
                            Duration scan_interval, std::int32_t before) {
  const Duration interval = std::max<Duration>(scan_interval, 1ns);
  const auto rounds =
      static_cast<std::int32_t>(std::max(unneeded_time, interval).count() / interval.count());
  return std::min(before + 2 * parallelism, parallelism * rounds + parallelism);
}

RemovalBudget removal_budget(const ScaleDownOptions& options, RemovalBudget under_way,
                             RemovalBudget wanted) {
  const std::int32_t total =
      std::max(0, options.max_parallelism - under_way.empty - under_way.drain);
  const std::int32_t drains = std::max(0, options.max_drain_parallelism - under_way.drain);
  const std::int32_t empty = std::min(wanted.empty, total);
  return {empty, std::min({wanted.drain, drains, total - empty})};
}

bool keeps_zone_balance(const std::map<std::string, std::int32_t>& by_zone,
                        const std::string& zone) {
  const std::int32_t own = by_zone.at(zone);
  std::int32_t highest = 0;
  for (const auto& [name, count] : by_zone) {
    if (name != zone) highest = std::max(highest, count);
  }
  // The fullest zone may always lose one: that only makes the group more even.
  return own >= highest || highest - (own - 1) <= 1;
}

void plan_scale_down(const Observation& seen, const Groups& groups, const Pending& pending,
                     const Options& options, Memory& memory, Plan& plan) {
  ScaleDown(seen, groups, pending, options, memory, plan).run();
}

}  // namespace minato::autoscaler
