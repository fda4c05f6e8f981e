// Bounds of what happens to Pods, releases and the cluster's own roles.
#include <fmt/format.h>

#include <algorithm>

#include "bounds/settings.h"

namespace minato::bounds {
namespace {

// Requests that go to a Pod whose process is gone, until the rules know; and those it had.
Loss one_pod(const Settings& settings) {
  return {"one Pod of all, until it has left the rules", settings.allow.control + settings.spec.slo.p99,
          1.0 / settings.replicas};
}

}  // namespace

Bound process_crash(const Settings& settings) {
  Bound out{.kind = "process-crash", .terms = {}, .losses = {one_pod(settings)}, .dominating = {}, .advice = {}, .beside = {}};
  add_decision(settings, Phase::kDetected, "kubelet sees the end of the process", out.terms);
  add_restart(settings, out.terms);
  return out;
}

Bound crash_loop(const Settings& settings) {
  constexpr int kCrashes = 3;  // As the drill does.
  Bound out{.kind = "crash-loop", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  // Each time it may serve before it ends again.
  for (int i = 0; i < kCrashes; ++i) out.losses.push_back(one_pod(settings));
  add_decision(settings, Phase::kDetected, "kubelet sees the end of the process", out.terms);
  // The first restart is free, then base, then twice that.
  const Duration base = settings.profile.crash_backoff_base;
  out.terms.push_back({Phase::kStarted, "restarts are held back", "profile: crash_backoff_base",
                       fmt::format("{} + {} × 2", text(base), text(base)), base * 3,
                       "kubelet: crash back-off doubles from base up to its maximum"});
  out.terms.push_back({Phase::kStarted, "two restarts before the last", "allowance: create",
                       fmt::format("{} × 2", text(settings.allow.create + settings.allow.control)),
                       (settings.allow.create + settings.allow.control) * 2, "kubelet: container, start"});
  add_restart(settings, out.terms);
  return out;
}

Bound pod_deleted(const Settings& settings) {
  Bound out{.kind = "pod-deleted", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  add_decision(settings, Phase::kDetected, "deletionTimestamp is set", out.terms);
  add_decision(settings, Phase::kDecided, "its ReplicaSet makes another", out.terms);
  add_start(settings, out.terms);
  out.beside = fmt::format("the old one stops beside it, within {}", text(settings.grace));
  return out;
}

Bound failing_readiness(const Settings& settings) {
  Bound out{.kind = "failing-readiness", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  const Duration detect = settings.readiness_period * settings.readiness_failures + settings.readiness_timeout;
  out.terms.push_back({Phase::kDetected, "readiness probe fails", "readiness probe: failureThreshold",
                       fmt::format("{} × {} + {}", text(settings.readiness_period), settings.readiness_failures,
                                   text(settings.readiness_timeout)),
                       detect, "kubelet: periodSeconds × failureThreshold + timeoutSeconds"});
  const Duration lasts = std::max(Duration{}, kReadinessFault - detect);
  out.terms.push_back({Phase::kReady, "the fault lasts on", "the drill", fmt::format("{} - {}", text(kReadinessFault), text(detect)),
                       lasts, "as injected"});
  out.terms.push_back({Phase::kReady, "readiness probe passes", "readiness probe: periodSeconds",
                       fmt::format("{} + {}", text(settings.readiness_period), text(settings.readiness_timeout)),
                       settings.readiness_period + settings.readiness_timeout, "successThreshold 1"});
  add_decision(settings, Phase::kInService, "EndpointSlice and rules of every Node", out.terms);
  return out;
}

Bound bad_release(const Settings& settings) {
  Bound out{.kind = "bad-release", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  add_decision(settings, Phase::kDetected, "new Pods are made: the last progress there is", out.terms);
  out.terms.push_back({Phase::kDetected, "the release makes no progress", "progress_deadline",
                       fmt::format("{} + 60s + 1s", text(settings.spec.startup)), settings.progress_deadline + 1s,
                       "Deployment: progressDeadlineSeconds since the last progress, looked at a second later"});
  add_decision(settings, Phase::kDecided, "it is rolled back", out.terms);
  out.terms.push_back({Phase::kInService, "Pods of the bad release end", "stop", text(settings.grace), settings.grace,
                       "terminationGracePeriodSeconds"});
  add_decision(settings, Phase::kInService, "the rollback is seen complete", out.terms);
  return out;
}

// Pods are replaced a few at a time, each batch when the one before it is ready.
Bound rollout(const Settings& settings) {
  Bound out{.kind = "rollout", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  const std::int32_t batches = (settings.replicas + settings.surge - 1) / settings.surge;
  Terms start;
  add_decision(settings, Phase::kDecided, "old Pods go, new ones are made", start);
  add_start(settings, start);
  for (Term& term : start) {
    term.duration *= batches;
    term.formula = fmt::format("{} × ({})", batches, term.formula);
    out.terms.push_back(std::move(term));
  }
  out.terms.push_back({Phase::kInService, "the last old Pods end", "stop", text(settings.grace), settings.grace,
                       "terminationGracePeriodSeconds"});
  return out;
}

Bound certificate_rotated(const Settings& settings) {
  Bound out{.kind = "certificate-rotated", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  add_decision(settings, Phase::kInService, "the load balancer takes it", out.terms);
  return out;
}

Bound role_stopped(const Settings& settings) {
  Bound out{.kind = "role-stopped", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  add_decision(settings, Phase::kDetected, "kubelet sees the end of the processes", out.terms);
  out.terms.push_back({Phase::kStarted, "container is made and its process runs", "allowance: create",
                       text(settings.allow.create), settings.allow.create, "kubelet: container, start"});
  // The first probe may come before the program listens; roles are probed every 2 s.
  out.terms.push_back({Phase::kReady, "readiness probe passes", "readiness probe: periodSeconds", "2s × 2 + 1s", 5s,
                       "system add-ons: every 2s, within 1s"});
  add_decision(settings, Phase::kInService, "the role is taken up", out.terms);
  return out;
}

Bound control_killed(const Settings& settings) {
  Bound out{.kind = "control-killed", .terms = {}, .losses = {}, .dominating = {}, .advice = {}, .beside = {}};
  out.terms.push_back({Phase::kStarted, "it is started again and has its state", "allowance: restart",
                       text(settings.allow.restart), settings.allow.restart,
                       "the holder starts it again; it adopts what runs"});
  add_decision(settings, Phase::kInService, "caches are filled", out.terms);
  return out;
}

}  // namespace minato::bounds
