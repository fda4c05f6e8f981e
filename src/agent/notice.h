// What the instance metadata say about the end of an instance, and how the documents are read.
//
// Pure. Documents are untrusted: anything that is not as documented is Invalid, with the path and
// what is wrong. Rules: Amazon EC2 User Guide, "Spot Instance interruption notices", "EC2 instance
// rebalance recommendations", "Scheduled events"; EC2 Auto Scaling User Guide, "Retrieve the target
// lifecycle state".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace minato::agent {

enum class Kind { kSpotInterruption, kRebalanceRecommendation, kMaintenance, kTargetLifecycle };
inline constexpr Kind kKinds[] = {Kind::kSpotInterruption, Kind::kRebalanceRecommendation,
                                  Kind::kMaintenance, Kind::kTargetLifecycle};
std::string_view to_string(Kind kind);         // "SpotInterruption", …
std::string_view metadata_path(Kind kind);     // Below /latest/.

struct Notice {
  Kind kind = Kind::kSpotInterruption;
  // When the instance ends or is disturbed; the rebalance recommendation's is when it was given.
  // Nothing where there is no lead (hibernation) or no time is told (target lifecycle state).
  std::optional<WallTime> time;
  std::string text;  // For people: "terminate", "instance-retirement (event-1)".
  bool operator==(const Notice&) const = default;
};

// The notice in a document of that kind; nothing when it tells of none ("[]", "InService").
// Errors: Invalid.
Result<std::optional<Notice>> read_notice(Kind kind, std::string_view document);

// "21 Jan 2019 09:00:43 GMT". Errors: Invalid.
Result<WallTime> parse_maintenance_time(std::string_view text);

}  // namespace minato::agent
