#include "autoscaler/scale_up.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "autoscaler/balancing.h"
#include "autoscaler/expander.h"
#include "autoscaler/markets.h"
#include "scheduling/filters.h"

namespace minato::autoscaler {
namespace {

// Events of one scan about Pods; the others' are in the plan.
constexpr std::size_t kMaxPodEvents = 500;
constexpr Duration kTellAgainAfter = 5min;  // As upstream, unless the message has changed.

scheduling::Refusal refusal_of(const scheduling::PodTemplate& pod, const NodeTemplate& node) {
  auto refusal = scheduling::filter_taints(pod, *node.node);
  if (!refusal) refusal = scheduling::filter_node_affinity(pod, *node.node);
  if (!refusal) refusal = scheduling::filter_ports(pod, node.info);
  if (!refusal) refusal = scheduling::filter_resources(pod, node.info);
  return refusal;
}

struct GrowthOption {
  const NodeGroup* group = nullptr;
  std::vector<const NodeGroup*> similar;  // Not the group itself.
  Estimate estimate;
};

class ScaleUp {
 public:
  ScaleUp(const Observation& seen, const Groups& groups, const Pending& pending,
          const Options& options, Memory& memory, env::Rng& rng, Plan& plan)
      : seen_(seen),
        groups_(groups),
        pending_(pending),
        options_(options),
        memory_(memory),
        rng_(rng),
        plan_(plan),
        totals_(count_totals(seen, groups)) {}

  void run() {
    rejected_.resize(pending_.groups.size());
    std::vector<GrowthOption> growth;
    for (const NodeGroup& group : groups_.all) {
      if (const Reasons reasons =
              why_not_grow(group, totals_, options_, memory_, seen_.now);
          !reasons.empty()) {
        for (GroupReasons& by_group : rejected_) by_group[group.name()] = reasons;
        continue;
      }
      consider(group, growth);
    }
    if (!growth.empty()) grow(growth);
    for (const GrowthOption& option : growth) {
      for (const auto& pod : option.estimate.pods) could_help_.insert(pod->uid());
    }
    write_outcomes();
  }

 private:
  std::vector<const NodeGroup*> similar_to(const NodeGroup& group) const {
    std::vector<const NodeGroup*> out;
    if (!options_.scale_up.balance_similar_groups) return out;
    for (const NodeGroup& other : groups_.all) {
      if (&other == &group ||
          !why_not_grow(other, totals_, options_, memory_, seen_.now).empty() ||
          !similar(group.templates.least.front(), other.templates.least.front(),
                   options_.scale_up.balancing_ignored_labels)) {
        continue;
      }
      out.push_back(&other);
    }
    return out;
  }

  // `most`: of Nodes; 0: no limit.
  NodeLimiter limiter(const NodeGroup& group, const std::vector<const NodeGroup*>& alike,
                      std::int32_t most) const {
    std::vector<std::pair<std::int32_t, std::int32_t>> sizes = {
        {group.desired(), group.config->max_size}};
    for (const NodeGroup* other : alike) {
      sizes.emplace_back(other->desired(), other->config->max_size);
    }
    return NodeLimiter({options_.scale_up.max_nodes_per_scale_up,
                        cluster_headroom(options_.scale_up.max_nodes_total, totals_.nodes),
                        similar_groups_headroom(sizes), most});
  }

  // A zone that has failed before is tried with one Node, since others would be filled in its
  // place, and only for Pods that no other zone helps.
  Estimate estimate_growth(const NodeGroup& group, const std::vector<const NodeGroup*>& alike,
                           const std::vector<const PodGroup*>& fitting) const {
    const auto [trusted, possible] = launch_zones(group, memory_, seen_.now);
    const auto in = [&](const ZoneBalance& zones, std::int32_t most) {
      return estimate(*seen_.placer, group.templates, zones, fitting,
                      limiter(group, alike, most));
    };
    if (trusted.empty()) return in(possible, 0);
    Estimate out = in(trusted, 0);
    return out.nodes > 0 || trusted.size() == possible.size() ? out : in(possible, 1);
  }

  void consider(const NodeGroup& group, std::vector<GrowthOption>& growth) {
    GrowthOption option{.group = &group, .similar = similar_to(group)};
    std::vector<const PodGroup*> fitting;
    for (std::size_t i = 0; i < pending_.groups.size(); ++i) {
      Reasons reasons = why_not_fit(group, *pending_.groups[i].pod_template);
      if (reasons.empty()) {
        fitting.push_back(&pending_.groups[i]);
      } else {
        rejected_[i][group.name()] = std::move(reasons);
      }
    }
    option.estimate = estimate_growth(group, option.similar, fitting);
    std::set<const scheduling::PodTemplate*> helped;  // Looked up only.
    for (const auto& pod : option.estimate.pods) helped.insert(pod->pod_template.get());
    for (const PodGroup* pods : fitting) {
      if (helped.contains(pods->pod_template.get())) continue;
      rejected_[index_of(*pods)][group.name()] =
          option.estimate.limited ? Reasons{"max node group size reached"}
                                  : why_not_together(group, *pods);
    }
    if (option.estimate.nodes > 0) growth.push_back(std::move(option));
  }

  std::size_t index_of(const PodGroup& pods) const {
    return static_cast<std::size_t>(&pods - pending_.groups.data());
  }

  // What the other Pods have against it being on a new Node.
  Reasons why_not_together(const NodeGroup& group, const PodGroup& pods) const {
    scheduling::Snapshot& snapshot = seen_.snapshot();
    snapshot.fork();
    group.templates.least.front().add_to(snapshot, "new/0");
    const auto refusal = seen_.placer->check(pods.first(), snapshot.slot_of("new/0"));
    Reasons out = refusal ? scheduling::reasons(refusal, *pods.pod_template)
                          : Reasons{"it does not fit beside more important Pods"};
    snapshot.revert();
    return out;
  }

  std::int64_t price_of(const NodeGroup& group, std::int32_t nodes) const {
    const Markets next = next_markets(group, group.desired() + nodes);
    std::int64_t on_demand = 0;
    std::int64_t spot = 0;
    for (const std::string& name : group.config->types) {
      const cloud::InstanceType* type = options_.catalogue->find(name);
      if (type == nullptr) continue;
      on_demand = std::max(on_demand, cloud::micro_usd_per_hour(*type, cloud::Market::kOnDemand));
      spot = std::max(spot, cloud::micro_usd_per_hour(*type, cloud::Market::kSpot));
    }
    return next.on_demand > 0 || next.spot > 0
               ? (on_demand * next.on_demand + spot * next.spot) * nodes /
                     (next.on_demand + next.spot)
               : 0;
  }

  void grow(const std::vector<GrowthOption>& growth) {
    ExpanderInput input{.priorities = seen_.priorities};
    for (const GrowthOption& option : growth) {
      const Estimate& estimate = option.estimate;
      input.options.push_back({option.group->name(), estimate.nodes, estimate.pods.size(),
                               estimate.requested, option.group->templates.least.front().capacity,
                               price_of(*option.group, estimate.nodes)});
    }
    std::vector<ExpanderWarning> warnings;
    const GrowthOption& chosen =
        growth[choose_option(options_.scale_up.expanders, input, rng_, warnings)];
    for (ExpanderWarning& warning : warnings) {
      plan_.announcements.push_back({.warning = true,
                                     .reason = std::move(warning.reason),
                                     .message = std::move(warning.message)});
    }
    const std::int32_t nodes = within_limits(totals_, chosen.group->templates.largest,
                                             chosen.estimate.nodes, options_.scale_up);
    std::vector<Share> shares = {
        {chosen.group->name(), chosen.group->desired(), chosen.group->config->max_size}};
    for (const NodeGroup* other : chosen.similar) {
      shares.push_back({other->name(), other->desired(), other->config->max_size});
    }
    for (const Share& share : balance(std::move(shares), nodes)) {
      const auto group = std::ranges::find(groups_.all, share.group, &NodeGroup::name);
      plan_resize(*group, share.new_size, fmt::format("{} Pods", chosen.estimate.pods.size()),
                  seen_, memory_, plan_);
    }
    if (plan_.resize.empty()) return;
    for (const auto& pod : chosen.estimate.pods) triggered_.insert(pod->uid());
  }

  std::string growth_text() const {
    std::vector<std::string> parts;
    for (const Resize& resize : plan_.resize) {
      parts.push_back(
          fmt::format("{{{} {}->{} (max: {})}}", resize.group, resize.from, resize.to, resize.max));
    }
    return fmt::format("pod triggered scale-up: [{}]", fmt::join(parts, " "));
  }

  // "1 max node group size reached, 2 Insufficient cpu"
  static std::string reasons_text(const GroupReasons& by_group) {
    std::map<std::string, int> counts;
    for (const auto& [group, reasons] : by_group) {
      for (const std::string& reason : reasons) ++counts[reason];
    }
    std::vector<std::string> parts;
    for (const auto& [reason, times] : counts) parts.push_back(fmt::format("{} {}", times, reason));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  bool told_already(const std::string& uid, const std::string& message) {
    auto& [when, before] = memory_.told[uid];
    if (before == message && when + kTellAgainAfter > seen_.now) return true;
    when = seen_.now;
    before = message;
    return false;
  }

  void announce(const scheduling::PodInfoPtr& pod, std::string reason, std::string message) {
    if (pod_events_ >= kMaxPodEvents || told_already(pod->uid(), message)) return;
    ++pod_events_;
    plan_.announcements.push_back(
        {.pod = pod->pod, .reason = std::move(reason), .message = std::move(message)});
  }

  void write_outcomes() {
    if (memory_.told.size() > Memory::kMaxReportedPods) memory_.told.clear();
    std::erase_if(memory_.told, [&](const auto& entry) {
      return entry.second.first + kTellAgainAfter <= seen_.now;
    });
    const std::string growth = growth_text();
    for (const PodGroup& pods : pending_.groups) {
      const auto reasons =
          std::make_shared<const GroupReasons>(std::move(rejected_[index_of(pods)]));
      const std::string text = reasons_text(*reasons);
      for (const auto& pod : pods.pods) {
        PodOutcome outcome{pod, PodFate::kNotHelped, reasons, text};
        if (triggered_.contains(pod->uid())) {
          outcome.fate = PodFate::kTriggered;
          outcome.detail = growth;
          announce(pod, "TriggeredScaleUp", growth);
        } else if (!plan_.resize.empty() && could_help_.contains(pod->uid())) {
          outcome.fate = PodFate::kAwaitsNextScan;
        } else {
          ++plan_.helpless_pods;
          // While something grows Pods wait and see, as upstream.
          if (plan_.resize.empty()) {
            announce(pod, "NotTriggerScaleUp",
                     "pod didn't trigger scale-up: " + (text.empty() ? limits_text() : text));
          }
        }
        plan_.pods.push_back(std::move(outcome));
      }
    }
  }

  std::string limits_text() const {
    return groups_.all.empty() ? "there are no autoscaled groups"
                               : "the limits of the cluster leave no room";
  }

  const Observation& seen_;
  const Groups& groups_;
  const Pending& pending_;
  const Options& options_;
  Memory& memory_;
  env::Rng& rng_;
  Plan& plan_;
  Totals totals_;
  std::vector<GroupReasons> rejected_;  // As pending_.groups.
  std::set<std::string> triggered_;   // Uids.
  std::set<std::string> could_help_;  // Uids.
  std::size_t pod_events_ = 0;
};

std::string limit_text(const Totals& totals, const scheduling::Resources& node,
                       const ScaleUpOptions& options) {
  std::vector<std::string_view> full;
  if (totals.milli_cpu + node.milli_cpu > options.max_cores_total * 1000) full.push_back("cpu");
  if (totals.memory_bytes + node.memory_bytes > options.max_memory_gib_total * kGib) {
    full.push_back("memory");
  }
  return full.empty() ? ""
                      : fmt::format("max cluster {} limit reached", fmt::join(full, ", "));
}

}  // namespace

Totals count_totals(const Observation& seen, const Groups& groups) {
  Totals out;
  for (const NodePtr& node : seen.nodes) {
    const auto capacity = scheduling::parse_resources(node->status.capacity);
    ++out.nodes;
    out.milli_cpu += capacity.milli_cpu;
    out.memory_bytes += capacity.memory_bytes;
  }
  for (const NodeGroup& group : groups.all) {
    const auto coming = static_cast<std::int32_t>(group.upcoming.size()) -
                        static_cast<std::int32_t>(std::ranges::count_if(
                            group.members, [](const Member& member) {
                              return member.state == MemberState::kNotStarted && !member.going();
                            }));
    out.nodes += coming;
    out.milli_cpu += coming * group.templates.largest.milli_cpu;
    out.memory_bytes += coming * group.templates.largest.memory_bytes;
  }
  return out;
}

std::int32_t within_limits(const Totals& totals, const scheduling::Resources& node,
                           std::int32_t wanted, const ScaleUpOptions& options) {
  std::int64_t out = wanted;
  if (options.max_nodes_total > 0) {
    out = std::min<std::int64_t>(out, options.max_nodes_total - totals.nodes);
  }
  if (node.milli_cpu > 0) {
    out = std::min(out, (options.max_cores_total * 1000 - totals.milli_cpu) / node.milli_cpu);
  }
  if (node.memory_bytes > 0) {
    out = std::min(out, (options.max_memory_gib_total * kGib - totals.memory_bytes) /
                            node.memory_bytes);
  }
  return static_cast<std::int32_t>(std::max<std::int64_t>(0, out));
}

Reasons why_not_grow(const NodeGroup& group, const Totals& totals, const Options& options,
                     const Memory& memory, MonoTime now) {
  Reasons out;
  if (!group.templates.unknown_types.empty()) {
    out.push_back(fmt::format("instance type {} is not in the catalogue and has no Node yet; have it from AWS with: minato "
                              "cloud catalogue --refresh",
                              fmt::join(group.templates.unknown_types, ", ")));
  } else if (!group.templates.usable()) {
    out.push_back("it has no zones or instance types");
  }
  if (group.desired() >= group.config->max_size) out.push_back("max node group size reached");
  if (!group.unlaunchable.empty()) out.push_back(group.unlaunchable);
  if (!group.healthy) out.push_back("not ready for scale-up");
  if (memory.groups.active(group.name(), now)) {
    out.push_back("in backoff after failed scale-up");
  }
  const Markets next = next_markets(group, group.desired() + 1);
  const cloud::Market market = next.spot > 0 ? cloud::Market::kSpot : cloud::Market::kOnDemand;
  const bool stands_in = market == cloud::Market::kSpot &&
                         can_fall_back(*group.config, options, memory, now);
  if (exhausted(*group.config, market, memory, now) && !stands_in) {
    out.push_back(fmt::format("no {} capacity in any of its pools", to_string(market)));
  }
  if (options.scale_up.max_nodes_total > 0 && totals.nodes >= options.scale_up.max_nodes_total) {
    out.push_back("max total nodes in cluster reached");
  }
  if (std::string text = limit_text(totals, group.templates.largest, options.scale_up);
      !text.empty()) {
    out.push_back(std::move(text));
  }
  return out;
}

Reasons why_not_fit(const NodeGroup& group, const scheduling::PodTemplate& pod) {
  Reasons best;
  std::size_t fewest = SIZE_MAX;
  for (const auto& types : group.templates.by_type) {
    std::size_t failing = 0;
    Reasons reasons;
    for (const NodeTemplate& node : types) {
      const auto refusal = refusal_of(pod, node);
      if (!refusal) continue;
      if (failing++ == 0) reasons = scheduling::reasons(refusal, pod);
    }
    if (failing == 0) return {};
    if (failing >= fewest) continue;
    fewest = failing;
    best = std::move(reasons);
    // The group chooses the type: one that does not fit may be the one that comes.
    if (failing < types.size()) {
      best = {fmt::format("{} of {} instance types are too small or unfit: {}", failing,
                          types.size(), fmt::join(best, ", "))};
    }
  }
  return best;
}

void plan_resize(const NodeGroup& group, std::int32_t to, const std::string& why,
                 const Observation& seen, Memory& memory, Plan& plan) {
  const std::int32_t from = group.desired();
  const std::int32_t max = group.config->max_size;
  plan.resize.push_back({group.name(), from, to, max, why});
  ScaleUpRequest& request = memory.scale_ups[group.name()];
  request.increase += to - from;
  request.since = seen.now;
  request.wall = seen.wall;
  request.expected_by = seen.now + group.provision_time;
  memory.last_scale_up = seen.now;
  plan.announcements.push_back(
      {.reason = "ScaledUpGroup",
       .message = fmt::format("Scale-up: setting group {} size to {} instead of {} (max: {})",
                              group.name(), to, from, max)});
}

void plan_scale_up(const Observation& seen, const Groups& groups, const Pending& pending,
                   const Options& options, Memory& memory, env::Rng& rng, Plan& plan) {
  if (options.scale_up.enforce_group_min_size) {
    for (const NodeGroup& group : groups.all) {
      if (group.desired() < group.config->min_size) {
        plan_resize(group, group.config->min_size, "its minimum", seen, memory, plan);
      }
    }
    if (!plan.resize.empty()) return;
  }
  ScaleUp(seen, groups, pending, options, memory, rng, plan).run();
}

}  // namespace minato::autoscaler
