#include "bounds/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "blueprint/blueprint.h"
#include "blueprint/objects.h"
#include "kube/types/apps.h"

namespace minato::bounds {
namespace {

std::int32_t divide_up(std::int32_t what, std::int32_t by) { return by <= 0 ? what : (what + by - 1) / by; }

}  // namespace

Settings::Settings(const spec::Spec& the_spec, const cluster::Profile& the_profile, const Allowances& allowances)
    : spec(the_spec), profile(the_profile), allow(allowances) {
  check = cluster::at_pace(blueprint::compile(spec, {}).target_group.health_check, profile);
  const kube::Deployment deployment = blueprint::make_deployment(spec, "", "");
  const kube::PodSpec& pod = deployment.spec.template_.spec;
  const kube::Container& container = pod.containers.at(0);
  const kube::Probe& startup_probe = *container.startup_probe;
  const kube::Probe& readiness = *container.readiness_probe;
  startup = std::chrono::seconds(startup_probe.period_seconds) * startup_probe.failure_threshold;
  readiness_period = std::chrono::seconds(readiness.period_seconds);
  readiness_timeout = std::chrono::seconds(readiness.timeout_seconds);
  readiness_failures = readiness.failure_threshold;
  for (const kube::Toleration& each : pod.tolerations) {
    if (each.toleration_seconds) toleration = std::max<Duration>(toleration, std::chrono::seconds(*each.toleration_seconds));
  }
  grace = std::chrono::seconds(pod.termination_grace_period_seconds.value_or(30));
  progress_deadline = std::chrono::seconds(deployment.spec.progress_deadline_seconds.value_or(600));
  replicas = std::max(1, spec.replicas.min);
  surge = std::max(1, divide_up(replicas * 25, 100));
  targets = std::max(1, spec.scaling.min);
  zones = std::max<std::int32_t>(1, static_cast<std::int32_t>(spec.zones.size()));
  // Spread is a wish (ScheduleAnyway): one more than even is what it may come to.
  pods_on_node = std::min(replicas, divide_up(replicas, targets) + 1);
  targets_in_zone = divide_up(targets, zones);
  pods_in_zone = std::min(replicas, divide_up(replicas, zones) + 1);
}

Duration sum(const Terms& terms) {
  Duration out{};
  for (const Term& term : terms) out += term.duration;
  return out;
}

void add_decision(const Settings& settings, Phase phase, std::string what, Terms& out) {
  out.push_back({phase, std::move(what), "allowance: control", text(settings.allow.control), settings.allow.control,
                 "controllers act in the turn of a change; flow of one write through the caches"});
}

void add_restart(const Settings& settings, Terms& out) {
  const Allowances& allow = settings.allow;
  out.push_back({Phase::kStarted, "container is made and its process runs", "allowance: create", text(allow.create),
                 allow.create, "kubelet: sandbox, container, start"});
  out.push_back({Phase::kReady, "first answer on the health path", "startup", text(settings.startup), settings.startup,
                 "startup probe: every 1s, startup times; then the container is restarted"});
  out.push_back({Phase::kReady, "readiness probe passes", "readiness probe: periodSeconds",
                 fmt::format("{} + {}", text(settings.readiness_period), text(settings.readiness_timeout)),
                 settings.readiness_period + settings.readiness_timeout,
                 "asked at once when the startup probe has passed, else every period"});
  add_decision(settings, Phase::kInService, "EndpointSlice and rules of every Node", out);
}

void add_start(const Settings& settings, Terms& out) {
  add_decision(settings, Phase::kStarted, "Pod is made and bound to a Node", out);
  out.push_back({Phase::kStarted, "image comes to the Node", "allowance: pull", text(settings.allow.pull),
                 settings.allow.pull, "IfNotPresent: only where it is not there yet"});
  add_restart(settings, out);
}

void add_machine(const Settings& settings, Terms& out) {
  const Allowances& allow = settings.allow;
  const Duration boot = settings.profile.boot_delay + allow.boot;
  add_decision(settings, Phase::kProvisioned, "RunInstances", out);
  out.push_back({Phase::kBooted, "instance boots", "profile: boot_delay",
                 fmt::format("{} + {}", text(settings.profile.boot_delay), text(allow.boot)), boot,
                 "from RunInstances to a machine that can join"});
  out.push_back({Phase::kBooted, "Node joins and is ready", "allowance: join", text(allow.join), allow.join,
                 "kubelet registers, rules are written"});
}

// A new target needs one pass; checks come an interval apart and a failed one may last as long.
void add_target(const Settings& settings, Terms& out) {
  const Duration duration = settings.check.interval * 2;
  out.push_back({Phase::kInService, "first health check of the new target", "load_balancer.health_check.interval",
                 fmt::format("{} × 2", text(settings.check.interval)), duration,
                 "ELB: initial ends with one passed check"});
  add_decision(settings, Phase::kInService, "target is seen healthy", out);
}

Duration target_detection(const Settings& settings) {
  return settings.check.interval * settings.check.unhealthy_threshold +
         std::max(settings.check.timeout, settings.check.interval);
}

Term target_detection_term(const Settings& settings) {
  const balancer::HealthCheck& check = settings.check;
  return {Phase::kDetected, "the load balancer's checks fail", "load_balancer.health_check.interval",
          fmt::format("{} × {} + {}", text(check.interval), check.unhealthy_threshold,
                      text(std::max(check.timeout, check.interval))),
          target_detection(settings),
          "the last check may just have passed; a check that reaches nothing lasts up to an interval"};
}

Duration node_detection(const Settings& settings) {
  const cluster::Profile& profile = settings.profile;
  const Duration silent = profile.node_monitor_grace_period + profile.node_monitor_period;
  // The group ends a dead instance, and its Node goes with it: what comes first counts.
  return std::min(silent, profile.instance_check_interval + profile.node_monitor_period) + settings.allow.control;
}

Term node_detection_term(const Settings& settings) {
  const cluster::Profile& profile = settings.profile;
  const bool by_group = profile.instance_check_interval < profile.node_monitor_grace_period;
  const Duration first = by_group ? profile.instance_check_interval : profile.node_monitor_grace_period;
  return {Phase::kDetected, by_group ? "the group's health check, and the Node goes with the instance" : "the Node falls silent",
          by_group ? "profile: instance_check_interval" : "profile: node_monitor_grace_period",
          fmt::format("{} + {} + {}", text(first), text(profile.node_monitor_period), text(settings.allow.control)),
          node_detection(settings), "node lifecycle: last heartbeat + grace, looked at every monitor period"};
}

Allowances allowances_of(const cluster::Profile& profile) {
  // Of a real EC2 Node with containerd, by the slower of what AWS documents; and of this machine.
  const bool realistic = profile.name == cluster::kRealistic.name;
  Allowances out;
  out.control = realistic ? 1s : 500ms;
  out.boot = realistic ? 20s : 1500ms;
  out.join = realistic ? 20s : 2s;
  out.pull = realistic ? 30s : 1s;
  out.create = realistic ? 5s : 1500ms;
  out.restart = realistic ? 10s : 5s;
  return out;
}

std::string advice_for(const Term& term) {
  const std::string half = text(term.duration / 2);
  const std::string& setting = term.setting;
  if (setting == "startup") {
    return fmt::format("startup at half would take {} off; a container that needs longer is then killed before it serves", half);
  }
  if (setting == "progress_deadline") {
    return fmt::format("the deadline is startup + 60s: a shorter startup ends bad releases sooner, and slow good ones too");
  }
  if (setting.starts_with("load_balancer.health_check")) {
    return fmt::format("interval at half would take {} off; twice as many checks, and a short hiccup takes a target out", half);
  }
  if (setting == "profile: boot_delay") {
    return "one Node more than needed (nodes.scaling.min) takes it out of the way, at that Node's price";
  }
  if (setting == "profile: spot_notice") return "AWS's own: nothing to set; the instance serves meanwhile";
  if (setting == "stop") return "a shorter stop.drain or stop.timeout cuts requests that take long";
  if (setting == "profile: hpa_upscale") return "AWS and Kubernetes defaults; more replicas.min take it out of the way, at their price";
  if (setting.starts_with("profile:")) return "an interval of Kubernetes or AWS: shorter ones mistake a slow machine for a dead one more often";
  if (setting == "allowance: pull") return "a smaller image, or one that is on the Nodes already";
  return "";
}

}  // namespace minato::bounds
