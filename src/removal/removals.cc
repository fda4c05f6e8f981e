#include "removal/removals.h"

namespace minato::removal {

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::kScaleDown: return "ScaleDown";
    case Cause::kReplacement: return "Replacement";
    case Cause::kDrain: return "Drain";
    case Cause::kMaintenance: return "Maintenance";
    case Cause::kRebalanceRecommendation: return "RebalanceRecommendation";
    case Cause::kSpotInterruption: return "SpotInterruption";
  }
  return "";
}

std::string_view to_string(After after) {
  switch (after) {
    case After::kTerminateAndShrink: return "TerminateAndShrink";
    case After::kTerminateAndReplace: return "TerminateAndReplace";
    case After::kKeep: return "Keep";
  }
  return "";
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kWaiting: return "Waiting";
    case Phase::kDraining: return "Draining";
    case Phase::kEvicting: return "Evicting";
    case Phase::kTerminating: return "Terminating";
    case Phase::kDone: return "Done";
    case Phase::kCancelled: return "Cancelled";
  }
  return "";
}

}  // namespace minato::removal
