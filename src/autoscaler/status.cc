#include "autoscaler/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "autoscaler/discovery.h"
#include "autoscaler/pools.h"
#include "autoscaler/scale_up.h"

namespace minato::autoscaler {
namespace {

std::string market_text(const NodeGroup& group, const Options& options) {
  const auto base = configured_on_demand_base(*group.config, options.spot);
  const std::int32_t now = group.config->distribution.on_demand_base_capacity;
  if (base && now > *base) {
    return fmt::format("on-demand until spot returns (base {}, configured {})", now, *base);
  }
  return fmt::format("{} on-demand of {}", live_on_demand(group), group.live);
}

class Writer {
 public:
  Writer(const Observation& seen, Memory& memory, std::string indent)
      : seen_(seen), memory_(memory), indent_(std::move(indent)) {}

  template <class... Args>
  void line(int depth, fmt::format_string<Args...> form, Args&&... args) {
    out_ += indent_ + std::string(static_cast<std::size_t>(depth) * 2, ' ');
    fmt::format_to(std::back_inserter(out_), form, std::forward<Args>(args)...);
    out_ += '\n';
  }
  void counts(const Readiness& of) {
    line(1, "nodeCounts:");
    line(2, "registered:");
    line(3, "total: {}", of.registered());
    line(3, "ready: {}", of.ready);
    line(3, "notStarted: {}", of.not_started);
    if (of.going > 0) line(3, "beingDeleted: {}", of.going);
    line(3, "unready:");
    line(4, "total: {}", of.unready);
    line(4, "resourceUnready: 0");
    line(2, "longUnregistered: {}", of.long_unregistered);
    line(2, "unregistered: {}", of.unregistered);
  }
  // `name` tells the condition from all others.
  void times(const std::string& name, const std::string& status) {
    StatusSince& known = memory_.status[name];
    if (known.status != status) known = {status, seen_.wall};
    line(1, "lastProbeTime: \"{}\"", format_rfc3339(seen_.wall));
    line(1, "lastTransitionTime: \"{}\"", format_rfc3339(known.since));
  }
  std::string take() { return std::move(out_); }

 private:
  const Observation& seen_;
  Memory& memory_;
  std::string indent_;
  std::string out_;
};

std::string scale_up_status(const Memory& memory, const GroupVerdict& group) {
  if (memory.scale_ups.contains(group.group)) return "InProgress";
  return group.backoff_left ? "Backoff" : "NoActivity";
}

std::string cluster_text(const Observation& seen, const Groups& groups, Memory& memory,
                         const Plan& plan) {
  Writer out(seen, memory, "  ");
  const std::string health = groups.healthy ? "Healthy" : "Unhealthy";
  out.line(0, "health:");
  out.line(1, "status: {}", health);
  out.counts(groups.total);
  out.times("/health", health);
  const std::string scale_up = memory.scale_ups.empty() ? "NoActivity" : "InProgress";
  out.line(0, "scaleUp:");
  out.line(1, "status: {}", scale_up);
  out.times("/scaleUp", scale_up);
  const auto candidates = std::ranges::count_if(plan.nodes, &NodeVerdict::unneeded);
  const std::string scale_down = candidates > 0 ? "CandidatesPresent" : "NoCandidates";
  out.line(0, "scaleDown:");
  out.line(1, "status: {}", scale_down);
  out.line(1, "candidates: {}", candidates);
  out.times("/scaleDown", scale_down);
  return out.take();
}

std::string group_text(const Observation& seen, const NodeGroup& group,
                       const GroupVerdict& verdict, Memory& memory) {
  Writer out(seen, memory, "  ");
  out.line(0, "health:");
  const std::string health = group.healthy ? "Healthy" : "Unhealthy";
  out.line(1, "status: {}", health);
  out.counts(group.readiness);
  out.line(1, "cloudProviderTarget: {}", group.desired());
  out.line(1, "minSize: {}", group.config->min_size);
  out.line(1, "maxSize: {}", group.config->max_size);
  out.times(group.name() + "/health", health);
  const std::string scale_up = scale_up_status(memory, verdict);
  out.line(0, "scaleUp:");
  out.line(1, "status: {}", scale_up);
  if (verdict.backoff_left) {
    out.line(1, "backoffInfo:");
    out.line(2, "errorCode: {}", verdict.backoff_code);
    // The cloud's words: quoted, whatever they are.
    out.line(2, "errorMessage: {:?}", verdict.backoff_message);
  }
  out.times(group.name() + "/scaleUp", scale_up);
  const std::string scale_down = verdict.candidates > 0 ? "CandidatesPresent" : "NoCandidates";
  out.line(0, "scaleDown:");
  out.line(1, "status: {}", scale_down);
  out.line(1, "candidates: {}", verdict.candidates);
  out.times(group.name() + "/scaleDown", scale_down);
  return out.take();
}

}  // namespace

std::vector<GroupVerdict> group_verdicts(const Observation& seen, const Groups& groups,
                                         const Options& options, const Memory& memory,
                                         const Plan& plan) {
  const Totals totals = count_totals(seen, groups);
  std::vector<GroupVerdict> out;
  for (const NodeGroup& group : groups.all) {
    GroupVerdict verdict{.group = group.name(),
                         .min_size = group.config->min_size,
                         .max_size = group.config->max_size,
                         .desired = group.desired(),
                         .ready = group.readiness.ready,
                         .unready = group.readiness.unready,
                         .not_started = group.readiness.not_started,
                         .unregistered = group.readiness.unregistered,
                         .long_unregistered = group.readiness.long_unregistered,
                         .going = group.readiness.going,
                         .upcoming = static_cast<std::int32_t>(group.upcoming.size()),
                         .healthy = group.healthy,
                         .cannot_grow = why_not_grow(group, totals, options, memory, seen.now),
                         .pools_out = pools_in_backoff(*group.config, memory, seen.now),
                         .market = market_text(group, options)};
    if (const auto uneven = plan.zones.find(group.name()); uneven != plan.zones.end()) {
      verdict.zones = uneven->second;
    }
    verdict.candidates = static_cast<std::int32_t>(
        std::ranges::count_if(plan.nodes, [&](const NodeVerdict& node) {
          return node.unneeded && node.group == group.name();
        }));
    if (memory.groups.active(group.name(), seen.now)) {
      const Backoff::Entry& backoff = *memory.groups.find(group.name());
      verdict.backoff_left = backoff.until - seen.now;
      verdict.backoff_code = backoff.code;
      verdict.backoff_message = backoff.message;
    }
    out.push_back(std::move(verdict));
  }
  return out;
}

std::string status_text(const Observation& seen, const Groups& groups, Memory& memory,
                        const Plan& plan) {
  std::string out = fmt::format("time: {}\nautoscalerStatus: Running\nclusterWide:\n",
                                format_rfc3339(seen.wall));
  out += cluster_text(seen, groups, memory, plan);
  out += groups.all.empty() ? "nodeGroups: []\n" : "nodeGroups:\n";
  for (std::size_t i = 0; i < groups.all.size(); ++i) {
    out += fmt::format("- name: {}\n", groups.all[i].name());
    out += group_text(seen, groups.all[i], plan.groups[i], memory);
  }
  return out;
}

}  // namespace minato::autoscaler
