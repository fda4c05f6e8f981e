// Bounds of machines that are lost, taken back or drained.
#include <fmt/format.h>

#include <algorithm>

#include "bounds/settings.h"

namespace minato::bounds {
namespace {

constexpr Duration kSettle = 3s;  // removal::Options: nothing in flight for so long.

// Pods of dead Nodes are replaced when the taint evicts them, or when their Node has been gone for
// a while: whichever comes first.
Terms pods_elsewhere(const Settings& settings, std::int32_t nodes) {
  const cluster::Profile& profile = settings.profile;
  Terms by_taint = {node_detection_term(settings)};
  const Duration silent = profile.node_monitor_grace_period + profile.node_monitor_period + settings.allow.control;
  by_taint[0] = {Phase::kDetected, "the Node falls silent", "profile: node_monitor_grace_period",
                 fmt::format("{} + {} + {}", text(profile.node_monitor_grace_period), text(profile.node_monitor_period),
                             text(settings.allow.control)),
                 silent, "node lifecycle: last heartbeat + grace, looked at every monitor period"};
  by_taint.push_back({Phase::kDecided, "the Node is tainted NoExecute", "profile: eviction_interval",
                      fmt::format("{} × {}", text(profile.eviction_interval), nodes), profile.eviction_interval * nodes,
                      "node lifecycle: one Node of a zone at a time"});
  by_taint.push_back({Phase::kDecided, "Pods tolerate it", "Blueprint: tolerationSeconds", text(settings.toleration),
                      settings.toleration, "taint eviction: tolerationSeconds of not-ready and unreachable"});
  Terms by_collector;
  const Duration gone = profile.instance_check_interval + settings.allow.control;
  by_collector.push_back({Phase::kDetected, "the group's health check ends the instance, and its Node",
                          "profile: instance_check_interval",
                          fmt::format("{} + {}", text(profile.instance_check_interval), text(settings.allow.control)), gone,
                          "Auto Scaling: EC2 status checks; cloud node controller"});
  by_collector.push_back({Phase::kDecided, "Pods of a Node that is no more are collected", "profile: pod_gc_quarantine",
                          fmt::format("{} + {}", text(profile.pod_gc_quarantine), text(profile.pod_gc_period)),
                          profile.pod_gc_quarantine + profile.pod_gc_period, "Pod GC: quarantine, looked at every period"});
  Terms out = sum(by_taint) <= sum(by_collector) ? by_taint : by_collector;
  add_decision(settings, Phase::kDecided, "their ReplicaSet makes others", out);
  return out;
}

Terms new_machine(const Settings& settings) {
  const cluster::Profile& profile = settings.profile;
  Terms out;
  out.push_back({Phase::kDetected, "the group's health check finds the instance dead", "profile: instance_check_interval",
                 text(profile.instance_check_interval), profile.instance_check_interval,
                 "Auto Scaling: EC2 status checks"});
  add_decision(settings, Phase::kDecided, "the group launches another", out);
  add_machine(settings, out);
  return out;
}

}  // namespace

Bound machines_killed(const Settings& settings, std::string kind) {
  const bool zone = kind == "zone-lost";
  const std::int32_t nodes = zone ? settings.targets_in_zone + 1 : 1;  // And one of the master group.
  Bound out{.kind = std::move(kind), .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  out.pods_hit = zone ? settings.pods_in_zone : settings.pods_on_node;
  out.losses = losses_of_machines(settings, zone ? settings.targets_in_zone : 1, out.pods_hit);
  // Pods may need the new machine: they start when they are made and it is there, and all is well
  // when they serve and its target does. The longest of the ways counts.
  Terms pods = pods_elsewhere(settings, nodes);
  Terms machine = new_machine(settings);
  Terms target = {target_detection_term(settings)};
  const Duration made = sum(pods), booted = sum(machine);
  const bool pods_are_later = made >= booted;
  Terms start = pods_are_later ? pods : machine;
  add_start(settings, start);
  Terms serve = machine;
  add_target(settings, serve);
  const bool by_start = sum(start) >= sum(serve);
  out.terms = by_start ? start : serve;
  out.beside = fmt::format("beside it: Pods are made elsewhere within {}, a new Node is ready within {}, its target "
                           "healthy within {}; requests go elsewhere within {}",
                           text(made), text(booted), text(sum(serve)), text(out.loss_window()));
  return out;
}

// With its notice the instance serves on while its replacement comes; at the latest when it ends
// its last Pods start anew elsewhere.
Bound spot_interruption(const Settings& settings) {
  const cluster::Profile& profile = settings.profile;
  Bound out{.kind = "spot-interruption", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  out.terms.push_back({Phase::kDetected, "the agent asks for a notice", "profile: agent_poll",
                       fmt::format("{} + {}", text(profile.agent_poll), text(settings.allow.control)),
                       profile.agent_poll + settings.allow.control, "instance metadata: spot/instance-action"});
  add_decision(settings, Phase::kDecided, "a replacement is ordered", out.terms);
  Terms machine;
  add_machine(settings, machine);
  out.terms.insert(out.terms.end(), machine.begin(), machine.end());
  const Duration left = std::max(Duration{}, profile.spot_notice - sum(out.terms));
  out.terms.push_back({Phase::kStarted, "Pods leave one by one until the notice is over", "profile: spot_notice",
                       fmt::format("{} in all", text(profile.spot_notice)), left, "EC2: two minutes from notice to end"});
  add_start(settings, out.terms);
  add_target(settings, out.terms);
  out.beside = "requests go on meanwhile: the old instance serves until its target is drained";
  return out;
}

// Without a deadline each Pod waits for the one before it.
Bound node_drained(const Settings& settings) {
  Bound out{.kind = "node-drained", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  add_decision(settings, Phase::kDetected, "the Node is cordoned", out.terms);
  out.terms.push_back({Phase::kDecided, "its target drains", "load_balancer.deregistration_delay",
                       fmt::format("{} + {}", text(settings.spec.load_balancer.deregistration_delay), text(kSettle)),
                       settings.spec.load_balancer.deregistration_delay + kSettle,
                       "removal: in flight is zero for a while, or the delay is over"});
  Terms start;
  add_start(settings, start);
  for (Term& term : start) {
    term.duration *= settings.pods_on_node;
    term.formula = fmt::format("{} × ({})", settings.pods_on_node, term.formula);
    out.terms.push_back(std::move(term));
  }
  return out;
}

}  // namespace minato::bounds
