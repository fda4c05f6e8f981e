// Asking for a Node to be taken out of service without losing a request, and watching it happen.
// The interface that the autoscaler, the spot agent, `minato drain` and instance refresh share;
// remover.h is the one that does it.
//
// Loop thread only. A removal is recorded on the Node itself, so it goes on after a restart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::removal {

enum class Cause {  // In order of urgency.
  kScaleDown,
  kReplacement,  // Instance refresh, or back to spot.
  kDrain,        // Somebody asked.
  kMaintenance,
  kRebalanceRecommendation,
  kSpotInterruption,
};
std::string_view to_string(Cause cause);  // "ScaleDown", …

// What becomes of the instance when nothing of the service is left on it.
enum class After {
  kTerminateAndShrink,   // The group's desired capacity falls by one.
  kTerminateAndReplace,  // The group launches another; asked for before the Node is taken out.
  kKeep,                 // The Node stays cordoned, until cancel() or until it is uncordoned.
};
std::string_view to_string(After after);  // "TerminateAndShrink", …

struct Request {
  std::string node;
  Cause cause = Cause::kDrain;
  After after = After::kKeep;
  std::optional<WallTime> deadline;  // When the instance ends whatever happens.
  std::string message;               // Why, for people.
};

enum class Phase {
  kWaiting,      // For a healthy target to stay, a replacement, or a budget.
  kDraining,     // Out of the load balancer's choice; requests in flight end.
  kEvicting,     // Pods leave.
  kTerminating,  // Nothing is left; the instance ends.
  kDone,
  kCancelled,
};
std::string_view to_string(Phase phase);  // "Waiting", …

struct Progress {
  Request request;
  Phase phase = Phase::kWaiting;
  WallTime begun{};
  WallTime since{};    // Of the present phase.
  // What it waits for, and what could not be kept: "pod a/b: its eviction is refused".
  std::string detail;
};

class Removals {
 public:
  virtual ~Removals() = default;

  // Again for the same Node: the nearer deadline and the more urgent cause win; an instance that is
  // to end ends, and one that nobody needs (shrink) is not replaced because a notice comes too.
  // Errors: NotFound (no such Node); Conflict (its instance is ending and cannot be kept);
  // Forbidden (a scale-down would lose a Pod that nothing makes anew).
  virtual Status begin(Request request) = 0;
  // Undoes every step: taint, label, target; also of a Node that was taken out and kept. Errors:
  // NotFound (none), Conflict (the instance is already terminating).
  virtual Status cancel(const std::string& node) = 0;
  // Under way, and those that ended within the last ten minutes; ordered by Node.
  virtual std::vector<Progress> progress() const = 0;
};

}  // namespace minato::removal
