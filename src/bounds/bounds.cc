#include "bounds/bounds.h"

#include <algorithm>
#include <cmath>

#include "bounds/settings.h"

namespace minato::bounds {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kDetected: return "detected";
    case Phase::kDecided: return "decided";
    case Phase::kProvisioned: return "provisioned";
    case Phase::kBooted: return "booted";
    case Phase::kStarted: return "started";
    case Phase::kReady: return "ready";
    case Phase::kInService: return "in service";
    case Phase::kRecovered: return "recovered";
  }
  return "";
}

Duration Bound::total() const { return sum(terms); }

Duration Bound::length_of(Phase phase) const {
  Duration out{};
  for (const Term& term : terms) {
    if (term.phase == phase) out += term.duration;
  }
  return out;
}

Duration Bound::loss_window() const {
  Duration out{};
  for (const Loss& loss : losses) out += loss.window;
  return out;
}

std::uint64_t Bound::failed_at(double requests_per_second) const {
  double out = 0;
  for (const Loss& loss : losses) {
    out += std::ceil(requests_per_second * to_seconds(loss.window) * loss.share);
    out += 2;  // Cut in the middle, beyond what was due in the window.
  }
  return static_cast<std::uint64_t>(out);
}

std::vector<Bound> compute(const spec::Spec& spec, const cluster::Profile& profile, const Allowances& allowances) {
  const Settings settings(spec, profile, allowances);
  std::vector<Bound> out = {process_crash(settings),
                            crash_loop(settings),
                            pod_deleted(settings),
                            failing_readiness(settings),
                            bad_release(settings),
                            rollout(settings),
                            certificate_rotated(settings),
                            node_drained(settings),
                            machines_killed(settings, "node-killed"),
                            spot_interruption(settings),
                            machines_killed(settings, "zone-lost"),
                            load_step(settings),
                            registry_unreachable(settings),
                            role_stopped(settings),
                            control_killed(settings)};
  for (Bound& bound : out) {
    const auto longest = std::ranges::max_element(bound.terms, {}, &Term::duration);
    if (longest == bound.terms.end()) continue;
    bound.dominating = longest->setting;
    bound.advice = advice_for(*longest);
  }
  return out;
}

std::vector<Bound> compute(const spec::Spec& spec, const cluster::Profile& profile) {
  return compute(spec, profile, allowances_of(profile));
}

const Bound* find(const std::vector<Bound>& bounds, std::string_view kind) {
  const auto found = std::ranges::find(bounds, kind, &Bound::kind);
  return found == bounds.end() ? nullptr : &*found;
}

}  // namespace minato::bounds
