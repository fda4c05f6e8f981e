// What a drill can see of a world: the state of one thing, and when it became so.
//
// Values. All times of one world come from one clock: CLOCK_MONOTONIC of the machine in the local
// world, which its processes share, and the virtual clock in the simulated one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace minato::drill {

enum class Subject { kPod, kNode, kInstance, kTarget, kRole, kRollout, kControl };
std::string_view to_string(Subject subject);  // "pod", …
Result<Subject> subject_named(std::string_view name);

// States, by subject; "gone" ends each:
//   pod       pending, bound, started, ready, leaving, ended
//   node      ready, not-ready
//   instance  pending, running (it has an address), in-service, terminating
//   target    initial, healthy, unhealthy, draining, unused (AWS's words)
//   role      active, inactive
//   rollout   done, progressing, failed
//   control   up, down; gone: and with it everything
struct Observation {
  MonoTime at{};
  Subject subject = Subject::kPod;
  std::string name;
  std::string state;
  std::string node;    // Pod, instance, target: where it is.
  std::string zone;
  std::string group;   // Pod: its role, "" for the service's own. Node, instance: node group.
  std::string detail;  // Why: "CrashLoopBackOff", "Target.Timeout"; instance: its market.
  std::int32_t count = 0;  // Pod: restarts. Rollout: replicas wanted.
  bool is_marked = false;  // Node: being taken out of service. Instance: it has a notice.

  bool operator==(const Observation& other) const = default;
  // Whether two say the same of the same thing, whenever.
  bool says_the_same(const Observation& other) const;
};

}  // namespace minato::drill
