#include "autoscaler/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "autoscaler/discovery.h"
#include "autoscaler/markets.h"
#include "autoscaler/pools.h"

namespace minato::autoscaler {
namespace {

bool under_way(const removal::Progress& progress) {
  return progress.phase != removal::Phase::kDone && progress.phase != removal::Phase::kCancelled;
}

std::map<std::string, NodePtr> nodes_of_instances(const Observation& seen) {
  std::map<std::string, NodePtr> by_provider_id;
  std::map<std::string, NodePtr> by_name;
  for (const NodePtr& node : seen.nodes) {
    by_name[node->metadata.name] = node;
    if (!node->spec.provider_id.empty()) by_provider_id[node->spec.provider_id] = node;
  }
  std::map<std::string, NodePtr> out;
  for (const cloud::Instance& instance : seen.instances) {
    const auto known = by_provider_id.find(instance.provider_id());
    if (known != by_provider_id.end()) {
      out[instance.id] = known->second;
      continue;
    }
    const auto named = by_name.find(instance.hostname);
    if (named != by_name.end() && named->second->spec.provider_id.empty()) {
      out[instance.id] = named->second;
    }
  }
  return out;
}

void count(Readiness& readiness, MemberState state, bool going) {
  if (state == MemberState::kUnregistered) ++readiness.unregistered;
  if (state == MemberState::kLongUnregistered) ++readiness.long_unregistered;
  if (state == MemberState::kUnregistered || state == MemberState::kLongUnregistered) return;
  if (going) {
    ++readiness.going;
  } else if (state == MemberState::kReady) {
    ++readiness.ready;
  } else if (state == MemberState::kNotStarted) {
    ++readiness.not_started;
  } else {
    ++readiness.unready;
  }
}

class Observer {
 public:
  Observer(const Observation& seen, const Options& options, Memory& memory, Plan& plan)
      : seen_(seen), options_(options), memory_(memory), plan_(plan) {}

  Groups run() {
    node_of_ = nodes_of_instances(seen_);
    learn_examples(seen_, node_of_, options_, memory_);
    for (const removal::Progress& progress : seen_.removals) {
      if (under_way(progress)) out_.going[progress.request.node] = &progress;
    }
    forget_gone();
    for (const cloud::AutoScalingGroup& config : seen_.groups) add_group(config);
    for (const NodePtr& node : seen_.nodes) {
      const bool going = out_.going.contains(node->metadata.name);
      count(out_.total, state_of(*node), going);
    }
    for (NodeGroup& group : out_.all) {
      out_.total.unregistered += group.readiness.unregistered;
      out_.total.long_unregistered += group.readiness.long_unregistered;
      settle_request(group);
    }
    out_.healthy = cluster_is_healthy(out_.total, options_);
    return std::move(out_);
  }

 private:
  MemberState state_of(const kube::Node& node) const {
    return registered_state(is_node_ready(node, options_.scale_up),
                            node.metadata.creation_timestamp, seen_.wall,
                            options_.scale_up.max_node_startup_time);
  }

  void forget_gone() {
    std::set<std::string> live;
    for (const cloud::Instance& instance : seen_.instances) {
      if (!is_terminating(instance.state)) live.insert(instance.id);
    }
    std::erase_if(memory_.unregistered, [&](const auto& entry) {
      return !live.contains(entry.first) || node_of_.contains(entry.first);
    });
    const auto is_gone = [&](const auto& entry) {
      return std::ranges::find(seen_.groups, entry.first, &cloud::AutoScalingGroup::name) ==
             seen_.groups.end();
    };
    std::erase_if(memory_.scale_ups, is_gone);
    std::erase_if(memory_.short_since, is_gone);
    std::erase_if(memory_.last_spot_failure, is_gone);
    memory_.groups.forget_stale(seen_.now);
    memory_.pools.forget_stale(seen_.now);
  }

  MemberState unregistered_state(const cloud::Instance& instance, Duration provision_time) {
    const MonoTime since = memory_.unregistered.try_emplace(instance.id, seen_.now).first->second;
    return since + provision_time < seen_.now ? MemberState::kLongUnregistered
                                              : MemberState::kUnregistered;
  }

  void add_group(const cloud::AutoScalingGroup& config) {
    NodeGroup group;
    group.config = &config;
    group.scale_down = scale_down_options(config.tags, options_.scale_down.group);
    group.provision_time =
        max_node_provision_time(config.tags, options_.scale_up.max_node_provision_time);
    for (const std::string& zone : config.zones) group.by_zone[zone] = 0;
    for (const cloud::Instance& instance : seen_.instances) {
      if (instance.group == config.name && !is_terminating(instance.state)) {
        add_member(group, instance);
      }
    }
    group.live = static_cast<std::int32_t>(group.members.size());
    group.missing = std::max(0, group.desired() - group.live);
    if (group.missing == 0) {
      memory_.short_since.erase(config.name);
    } else {
      memory_.short_since.try_emplace(config.name, seen_.now);
      group.unlaunchable = why_unlaunchable(group, options_, memory_, seen_.now);
    }
    group.templates = make_templates(config, seen_, options_, memory_);
    add_upcoming(group);
    out_.all.push_back(std::move(group));
  }

  void add_member(NodeGroup& group, const cloud::Instance& instance) {
    Member member{.instance = &instance};
    const auto node = node_of_.find(instance.id);
    if (node == node_of_.end()) {
      member.state = unregistered_state(instance, group.provision_time);
    } else {
      member.node = node->second;
      member.state = state_of(*member.node);
      const std::string& name = member.node->metadata.name;
      if (const auto going = out_.going.find(name); going != out_.going.end()) {
        member.removal = going->second;
      }
      out_.by_node[name] = {out_.all.size(), group.members.size()};
    }
    count(group.readiness, member.state, member.going());
    if (member.shrinking()) ++group.shrinking;
    if (!member.going()) ++group.by_zone[instance.zone];
    group.members.push_back(std::move(member));
  }

  // What a removal orders instead of its Node is on its way already, or will be: neither may be
  // counted twice.
  static std::int32_t replacements_to_come(const NodeGroup& group) {
    std::set<const Member*> taken;
    std::int32_t unlaunched = group.missing;
    std::int32_t out = 0;
    for (const Member& member : group.members) {
      if (!member.going() ||
          member.removal->request.after != removal::After::kTerminateAndReplace) {
        continue;
      }
      const auto replacement = std::ranges::find_if(group.members, [&](const Member& other) {
        return !other.going() && !taken.contains(&other) &&
               other.instance->launch_time >= member.removal->begun;
      });
      if (replacement != group.members.end()) {
        taken.insert(&*replacement);
      } else if (unlaunched > 0) {
        --unlaunched;
      } else {
        ++out;
      }
    }
    return out;
  }

  void add_upcoming(NodeGroup& group) const {
    ZoneBalance zones(group.by_zone);
    for (const Member& member : group.members) {
      if (member.going()) continue;
      if (member.state == MemberState::kUnregistered || member.state == MemberState::kNotStarted) {
        group.upcoming.push_back({member.instance->type, member.instance->zone});
      }
    }
    const std::int32_t unlaunched =
        (group.unlaunchable.empty() ? group.missing : 0) + replacements_to_come(group);
    for (std::int32_t i = 0; i < unlaunched && !group.by_zone.empty(); ++i) {
      group.upcoming.push_back({"", zones.take()});
    }
  }

  // Whether what was asked for has come, still may, or will not.
  void settle_request(NodeGroup& group) {
    const auto request = memory_.scale_ups.find(group.name());
    std::int32_t increase = request == memory_.scale_ups.end() ? 0 : request->second.increase;
    if (increase > 0 && group.upcoming.empty() && group.missing == 0 &&
        group.readiness.long_unregistered == 0) {
      memory_.groups.succeeded(group.name(), seen_.now);
      memory_.scale_ups.erase(request);
      increase = 0;
    } else if (increase > 0 && request->second.expected_by < seen_.now) {
      const std::string took = format_duration(seen_.now - request->second.since);
      const std::string message = fmt::format(
          "Nodes added to group {} failed to register within {}", group.name(), took);
      plan_.announcements.push_back(
          {.warning = true, .reason = "ScaleUpTimedOut", .message = message});
      memory_.groups.failed(group.name(), seen_.now, "timeout", message);
      memory_.scale_ups.erase(request);
      increase = 0;
    }
    group.range = acceptable_range(group.desired(), increase, group.readiness.going,
                                   group.readiness.long_unregistered);
    group.healthy = group_is_healthy(group.range, group.readiness, options_);
  }

  const Observation& seen_;
  const Options& options_;
  Memory& memory_;
  Plan& plan_;
  Groups out_;
  std::map<std::string, NodePtr> node_of_;  // By instance id.
};

}  // namespace

AcceptableRange acceptable_range(std::int32_t target, std::int32_t increase,
                                 std::int32_t deletions, std::int32_t long_unregistered) {
  return {target - increase - long_unregistered, target + deletions, target};
}

bool group_is_healthy(const AcceptableRange& range, const Readiness& readiness,
                      const Options& options) {
  // Nodes that should be ready and for whose absence there is no reason.
  const std::int32_t unjustified = std::max(0, range.min - readiness.ready);
  const std::int32_t known = readiness.ready + readiness.unready + readiness.not_started;
  return unjustified <= options.ok_total_unready_count ||
         unjustified * 100 <= options.max_total_unready_percentage * known;
}

bool cluster_is_healthy(const Readiness& total, const Options& options) {
  return total.unready <= options.ok_total_unready_count ||
         total.unready * 100 <= options.max_total_unready_percentage * total.registered();
}

MemberState registered_state(bool ready, WallTime created, WallTime now, Duration startup_time) {
  if (ready) return MemberState::kReady;
  return created + startup_time > now ? MemberState::kNotStarted : MemberState::kUnready;
}

const NodeGroup* Groups::of_node(const std::string& node) const {
  const auto found = by_node.find(node);
  return found == by_node.end() ? nullptr : &all[found->second.first];
}

const Member* Groups::member_of_node(const std::string& node) const {
  const auto found = by_node.find(node);
  return found == by_node.end() ? nullptr
                                : &all[found->second.first].members[found->second.second];
}

Groups observe_groups(const Observation& seen, const Options& options, Memory& memory,
                      Plan& plan) {
  return Observer(seen, options, memory, plan).run();
}

}  // namespace minato::autoscaler
