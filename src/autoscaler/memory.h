// What the autoscaler remembers from one decision to the next. All of it may be lost: timers then
// begin anew, as upstream after a change of leader. What must not be lost is in the cloud (sizes,
// distributions) and on Nodes (taints, removals).
//
// Value: a copy is a what-if (explain). Changed by decide() and by failures of apply().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "autoscaler/backoff.h"
#include "autoscaler/options.h"
#include "kube/types/node.h"
#include "removal/removals.h"

namespace minato::autoscaler {

struct ScaleUpRequest {
  std::int32_t increase = 0;
  MonoTime since{};
  WallTime wall{};
  MonoTime expected_by{};
};

struct Unneeded {
  MonoTime since{};
  bool empty = false;
};

struct Unremovable {
  MonoTime until{};  // Not simulated again before.
  std::string detail;
};

// When a condition of the status got its present value.
struct StatusSince {
  std::string status;
  WallTime since{};
};

// A Node that is being replaced by one of another zone.
struct ZoneMove {
  std::string node;
  std::string zone;              // Of the replacement.
  std::int32_t there_before = 0;  // Instances in that zone …
  std::int32_t size_before = 0;  // … and wanted of the group, when it began.
  bool ordered = false;          // The group was seen to want more.
};
struct ZoneImbalance {
  MonoTime since{};
  Duration patience{};
  std::optional<ZoneMove> move;
};

struct Memory {
  static constexpr std::size_t kMaxReportedPods = 50'000;

  explicit Memory(const Options& options)
      : groups({options.scale_up.backoff_initial, options.scale_up.backoff_max,
                options.scale_up.backoff_reset}),
        pools({options.scale_up.backoff_initial, options.scale_up.backoff_max,
               options.scale_up.backoff_reset}) {}

  std::optional<MonoTime> active_since;
  Backoff groups;  // By name.
  Backoff pools;   // By pool_name().
  std::map<std::string, ScaleUpRequest> scale_ups;  // By group.
  std::map<std::string, MonoTime> unregistered;     // Instance id: first seen without a Node.
  std::map<std::string, MonoTime> short_since;      // Group: has had fewer instances than desired.
  std::set<std::uint64_t> learned_activities;       // Of those that the cloud still tells of.
  std::map<std::string, MonoTime> last_spot_failure;  // By group.
  // The newest good Node of each "group/type" (type "": any), for templates when there is none.
  std::map<std::string, std::shared_ptr<const kube::Node>> examples;

  std::map<std::string, ZoneImbalance> imbalances;  // By group.

  std::optional<MonoTime> last_scale_up;
  std::optional<MonoTime> last_delete;
  std::optional<MonoTime> last_delete_failure;
  std::map<std::string, Unneeded> unneeded;        // By Node.
  std::map<std::string, Unremovable> unremovable;  // By Node.
  std::map<std::string, bool> going_empty;         // By Node: began without Pods to move.
  std::map<std::string, removal::Phase> removals;  // Scale-downs that have been seen, by Node.

  std::set<std::string> spared;                    // Nodes whose removal was called off by us.

  // Pods that were told why they do not make the cluster grow: uid to when, and the message.
  std::map<std::string, std::pair<MonoTime, std::string>> told;
  std::map<std::string, StatusSince> status;  // By "group/condition"; "" is the whole cluster.
};

}  // namespace minato::autoscaler
