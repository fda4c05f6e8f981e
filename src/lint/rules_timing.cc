// How long things take must fit into how long there is.
#include <fmt/format.h>

#include "lint/rules.h"

namespace minato::lint {
namespace {

// Rule: EC2 User Guide, "Spot Instance interruption notices".
constexpr Duration kSpotNotice = 120s;
constexpr Duration kNoticeSeen = 5s;  // The metadata are polled.
constexpr Duration kLongestSpotGrace = 90s;
constexpr Duration kLongestDetection = 30s;
constexpr Duration kShortestDrain = 5s;
constexpr Duration kLongStart = 300s;

std::string show(Duration duration) { return format_duration(duration); }

void check_spot(const spec::Spec& spec, const Sink& found) {
  const Duration grace = spec.stop.drain + spec.stop.timeout;
  const Duration delay = spec.load_balancer.deregistration_delay;
  const Duration left = kSpotNotice - kNoticeSeen;
  if (spec.scaling.spot_percent == 0) return;
  if (delay > left) {
    found("S1", "load_balancer.deregistration_delay",
          fmt::format("{} of a notice of {}", show(delay), show(kSpotNotice)));
  } else if (delay + grace > left) {
    found("S3", "load_balancer.deregistration_delay",
          fmt::format("{} + {} + {} is longer than the {} that are left of the notice", show(delay),
                      show(spec.stop.drain), show(spec.stop.timeout), show(left)));
  }
  if (grace > kLongestSpotGrace) {
    found("S2", "stop",
          fmt::format("{} + {} of a notice of {}", show(spec.stop.drain), show(spec.stop.timeout),
                      show(kSpotNotice)));
  }
}

void check_health(const spec::Spec& spec, const Sink& found) {
  const spec::HealthCheck& health = spec.load_balancer.health_check;
  const Duration detection = health.interval * health.unhealthy;
  if (detection > kLongestDetection) {
    found("S4", "load_balancer.health_check",
          fmt::format("{} × {}: a dead node gets requests for {}", show(health.interval),
                      health.unhealthy, show(detection)));
  }
  if (health.interval < 5s || health.timeout < 2s || health.timeout >= health.interval) {
    found("T2", "load_balancer.health_check",
          fmt::format("interval {}, timeout {}", show(health.interval), show(health.timeout)));
  }
  if (health.timeout < spec.slo.p99) {
    found("S5", "load_balancer.health_check.timeout",
          fmt::format("{} is below the {} of slo.p99", show(health.timeout), show(spec.slo.p99)));
  }
}

void check_stop(const spec::Spec& spec, const Sink& found) {
  const Duration delay = spec.load_balancer.deregistration_delay,
                 idle = spec.load_balancer.idle_timeout;
  if (spec.stop.drain < kShortestDrain) {
    found("D3", "stop.drain",
          fmt::format("{}: nodes still send to a Pod whose end they have not heard of",
                      show(spec.stop.drain)));
  }
  if (spec.stop.timeout < spec.slo.p99) {
    found(
        "S6", "stop.timeout",
        fmt::format("{} is below the {} of slo.p99", show(spec.stop.timeout), show(spec.slo.p99)));
  }
  if (delay < spec.slo.p99) {
    found("S8", "load_balancer.deregistration_delay",
          fmt::format("{} is below the {} of slo.p99", show(delay), show(spec.slo.p99)));
  }
  if (idle > delay + spec.stop.timeout + spec.stop.drain) {
    found("S9", "load_balancer.idle_timeout",
          fmt::format("{} is longer than the {} that a Pod has to finish", show(idle),
                      show(delay + spec.stop.timeout + spec.stop.drain)));
  }
  if (spec.startup > kLongStart) found("S7", "startup", show(spec.startup));
  if (spec.keep_alive > Duration{} && spec.keep_alive <= idle) {
    found("T7", "keep_alive",
          fmt::format("{} is not above the {} of load_balancer.idle_timeout", show(spec.keep_alive),
                      show(idle)));
  }
}

}  // namespace

void check_timings(const spec::Spec& spec, const Sink& found) {
  check_spot(spec, found);
  check_health(spec, found);
  check_stop(spec, found);
}

}  // namespace minato::lint
