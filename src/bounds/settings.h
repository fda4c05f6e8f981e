// What the file, the profile and the Blueprint together say about waiting, read once: probes and
// tolerations from the very Deployment that is applied, health checks at the profile's pace.
//
// Private to the module. Pure.
#pragma once

#include "balancer/balancer.h"
#include "bounds/bounds.h"

namespace minato::bounds {

inline std::string text(Duration duration) { return format_duration(duration); }

struct Settings {
  const spec::Spec& spec;
  const cluster::Profile& profile;
  const Allowances& allow;
  balancer::HealthCheck check;
  Duration startup{};           // Until a started container must have answered.
  Duration readiness_period{};
  Duration readiness_timeout{};
  std::int32_t readiness_failures = 0;
  Duration toleration{};        // On a Node that is known to be lost.
  Duration grace{};             // From the order to stop to SIGKILL.
  Duration progress_deadline{};
  std::int32_t replicas = 0;
  std::int32_t surge = 0;       // Of a rollout.
  std::int32_t targets = 0;
  std::int32_t zones = 0;
  std::int32_t pods_on_node = 0;  // At most, when they are spread.
  std::int32_t pods_in_zone = 0;
  std::int32_t targets_in_zone = 0;

  Settings(const spec::Spec& spec, const cluster::Profile& profile, const Allowances& allowances);
};

// Chains of waits that many failures share, appended to `out`.
using Terms = std::vector<Term>;
// From an unbound Pod to one that gets requests.
void add_start(const Settings& settings, Terms& out);
// From a restarted container to one that gets requests.
void add_restart(const Settings& settings, Terms& out);
void add_decision(const Settings& settings, Phase phase, std::string what, Terms& out);
// From the order of an instance to its Node being ready; and until its target is healthy.
void add_machine(const Settings& settings, Terms& out);
void add_target(const Settings& settings, Terms& out);

Duration target_detection(const Settings& settings);  // Of a machine that is gone.
Duration node_detection(const Settings& settings);
Term target_detection_term(const Settings& settings);
Term node_detection_term(const Settings& settings);
Duration sum(const Terms& terms);

// Each kind's bound; advice and order are added by compute().
Bound process_crash(const Settings& settings);
Bound crash_loop(const Settings& settings);
Bound pod_deleted(const Settings& settings);
Bound failing_readiness(const Settings& settings);
Bound bad_release(const Settings& settings);
Bound rollout(const Settings& settings);
Bound certificate_rotated(const Settings& settings);
Bound role_stopped(const Settings& settings);
Bound control_killed(const Settings& settings);
Bound load_step(const Settings& settings);
Bound registry_unreachable(const Settings& settings);
Bound node_drained(const Settings& settings);
Bound machines_killed(const Settings& settings, std::string kind);  // node-killed, zone-lost
Bound spot_interruption(const Settings& settings);

// Losses of machines that are gone without notice.
std::vector<Loss> losses_of_machines(const Settings& settings, std::int32_t targets, std::int32_t pods);
// The setting's own cost; "" where it is no setting of ours.
std::string advice_for(const Term& term);

}  // namespace minato::bounds
