// The worst case of every kind of failure, from the file and the profile alone: how long until the
// service is whole again, term by term, and how many requests may fail meanwhile.
//
// A bound is the longest chain of waits that can lie between the failure and full service. Waits
// that the file, the profile or the Blueprint's probes set are taken as they are set; what no
// setting bounds (to make a container, to boot beyond the configured delay) is an Allowance, and
// named as such. Pure.
//
// Rules: each Term names its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cluster/profile.h"
#include "spec/spec.h"

namespace minato::bounds {

// The way from the failure to health, in order. What a failure does not need takes no time.
enum class Phase { kDetected, kDecided, kProvisioned, kBooted, kStarted, kReady, kInService, kRecovered };
inline constexpr std::size_t kPhases = 8;
std::string_view to_string(Phase phase);  // "detected", …

struct Term {
  Phase phase = Phase::kDetected;
  std::string what;     // "the load balancer's checks fail"
  std::string setting;  // "load_balancer.health_check.interval"; "profile: boot_delay"; "allowance: create"
  std::string formula;  // "1s × 2 + 1s"
  Duration duration{};
  std::string rule;     // Where this comes from.
};

// A share of the requests fails for so long.
struct Loss {
  std::string what;
  Duration window{};
  double share = 0;
};

struct Bound {
  std::string kind;
  std::vector<Term> terms;   // In the order of the phases.
  std::vector<Loss> losses;  // None: not one request may fail.
  // Of the service's Pods so many are hit at most, when they are spread; 0: it does not matter.
  std::int32_t pods_hit = 0;
  // The setting behind the longest wait, and what it would cost to change it.
  std::string dominating;
  std::string advice;
  // Another way that is shorter, and why it does not count; "" when there is none.
  std::string beside;

  Duration total() const;
  Duration length_of(Phase phase) const;
  Duration loss_window() const;  // From the failure until no request fails any more.
  // At most so many requests fail at a rate per second: every share, rounded up.
  std::uint64_t failed_at(double requests_per_second) const;
};

// How long a drill lets the health path of a Pod fail.
inline constexpr Duration kReadinessFault = 10s;
// How long it keeps the registry away, from the first pull that is refused: at the profile's pace,
// so that back-off grows.
Duration registry_fault(const cluster::Profile& profile);

// What no setting bounds.
struct Allowances {
  Duration control{};      // One decision of a controller with its writes, and what watches it.
  Duration boot{};         // A machine beyond the profile's boot delay.
  Duration join{};         // From a running machine to a Node that is ready.
  Duration pull{};         // An image that is not on the Node yet.
  Duration create{};       // Sandbox and container, until its process runs.
  Duration restart{};      // The control process, until it works again.
};
Allowances allowances_of(const cluster::Profile& profile);

// In the order of the catalogue of drills: process-crash, crash-loop, …
std::vector<Bound> compute(const spec::Spec& spec, const cluster::Profile& profile, const Allowances& allowances);
std::vector<Bound> compute(const spec::Spec& spec, const cluster::Profile& profile);
// Null when there is none of that kind.
const Bound* find(const std::vector<Bound>& bounds, std::string_view kind);

}  // namespace minato::bounds
