// Bounds of services that grow.
#include <fmt/format.h>

#include <algorithm>

#include "bounds/settings.h"

namespace minato::bounds {
namespace {

constexpr int kRefusedRow = 5;  // Of first back-offs: the third pull that is refused waits four of them.

void add_look_of_autoscaler(const Settings& settings, Terms& out) {
  const Duration period = settings.profile.hpa_sync_period;
  out.push_back({Phase::kDetected, "the HPA looks", "profile: hpa_sync_period", text(period), period,
                 "horizontal-pod-autoscaler-sync-period"});
}

void add_more_machines(const Settings& settings, Terms& out) {
  const Duration scan = settings.profile.autoscaler_scan;
  out.push_back({Phase::kDecided, "the node autoscaler looks", "profile: autoscaler_scan", text(scan), scan,
                 "scan-interval, for Pods without room"});
  add_machine(settings, out);
}

// The longest wait that begins while pulls are refused: it is over only after they are not.
Duration longest_back_off(const cluster::Profile& profile) {
  Duration wait = profile.image_backoff_base;
  for (Duration begins = wait; begins < registry_fault(profile); begins += wait) {
    wait = std::min(wait * 2, profile.image_backoff_max);
  }
  return wait;
}

}  // namespace

Duration registry_fault(const cluster::Profile& profile) { return profile.image_backoff_base * kRefusedRow; }

Bound load_step(const Settings& settings) {
  constexpr Duration kScaleUpPeriod = 15s;  // HPA's default policy: at most 100 % or 4 Pods in it.
  const cluster::Profile& profile = settings.profile;
  Bound out{.kind = "load-step", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  out.terms.push_back({Phase::kDetected, "usage is measured", "profile: metrics_interval",
                       fmt::format("{} × 2", text(profile.metrics_interval)), profile.metrics_interval * 2,
                       "metrics-server: a rate needs two samples"});
  add_look_of_autoscaler(settings, out.terms);
  std::int32_t steps = 0;
  for (std::int32_t now = settings.replicas; now < settings.spec.replicas.max; now += std::max(now, 4)) ++steps;
  const Duration raise = kScaleUpPeriod * std::max(0, steps - 1) + profile.hpa_sync_period + profile.metrics_interval;
  out.terms.push_back({Phase::kDecided, "replicas rise step by step", "profile: hpa_upscale",
                       fmt::format("15s × {} + {} + {}", std::max(0, steps - 1), text(profile.hpa_sync_period),
                                   text(profile.metrics_interval)),
                       raise, "HPA: the larger of 100% and 4 Pods in 15 s"});
  add_more_machines(settings, out.terms);
  add_start(settings, out.terms);
  add_target(settings, out.terms);
  return out;
}

Bound registry_unreachable(const Settings& settings) {
  const cluster::Profile& profile = settings.profile;
  Bound out{.kind = "registry-unreachable", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  add_look_of_autoscaler(settings, out.terms);
  add_decision(settings, Phase::kDetected, "its Deployment makes Pods", out.terms);
  add_more_machines(settings, out.terms);
  const Duration fault = registry_fault(profile), wait = longest_back_off(profile);
  out.terms.push_back({Phase::kStarted, "the registry is away", "the drill",
                       fmt::format("{} × {}", text(profile.image_backoff_base), kRefusedRow), fault,
                       "as injected, from the first pull that is refused"});
  out.terms.push_back({Phase::kStarted, "a pull waits its back-off", "profile: image_backoff",
                       fmt::format("from {}, doubling, begun within {}", text(profile.image_backoff_base), text(fault)), wait,
                       "kubelet: ImagePullBackOff doubles from 10s up to 5m"});
  add_start(settings, out.terms);
  add_target(settings, out.terms);
  out.beside = "requests go on meanwhile: what runs needs no registry";
  return out;
}

}  // namespace minato::bounds
