// The autoscaled groups as they stand: their instances matched with Nodes, what is ready, on its
// way, going or lost, and whether all that is healthy enough to act on.
//
// Values made afresh for each decision; they point into the Observation, which outlives them.
// Rules: cluster-autoscaler clusterstate/clusterstate.go (readiness, acceptable ranges, health,
// incorrect sizes, long unregistered instances, timed out requests).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autoscaler/node_template.h"
#include "autoscaler/plan.h"

namespace minato::autoscaler {

enum class MemberState {
  kUnregistered,      // No Node yet.
  kLongUnregistered,  // And none will come.
  kNotStarted,        // A Node that has not been ready yet.
  kReady,
  kUnready,
};

struct Member {
  const cloud::Instance* instance = nullptr;  // Not terminating.
  NodePtr node;                               // Null: none is registered.
  MemberState state = MemberState::kUnregistered;
  const removal::Progress* removal = nullptr;  // Under way; null: none.

  bool going() const { return removal != nullptr; }
  bool shrinking() const {
    return removal && removal->request.after == removal::After::kTerminateAndShrink;
  }
};

struct Readiness {
  std::int32_t ready = 0;
  std::int32_t unready = 0;
  std::int32_t not_started = 0;
  std::int32_t going = 0;  // Counted here only.
  std::int32_t unregistered = 0;
  std::int32_t long_unregistered = 0;
  std::int32_t registered() const { return ready + unready + not_started + going; }
};

// How many ready Nodes there may be while everything is as expected.
struct AcceptableRange {
  std::int32_t min = 0;
  std::int32_t max = 0;
  std::int32_t target = 0;
  bool operator==(const AcceptableRange&) const = default;
};
AcceptableRange acceptable_range(std::int32_t target, std::int32_t increase,
                                 std::int32_t deletions, std::int32_t long_unregistered);
bool group_is_healthy(const AcceptableRange& range, const Readiness& readiness,
                      const Options& options);
bool cluster_is_healthy(const Readiness& total, const Options& options);
// Of a Node that is registered, for `since` when it was made.
MemberState registered_state(bool ready, WallTime created, WallTime now, Duration startup_time);

struct Upcoming {
  std::string type;  // "": any.
  std::string zone;
};

struct NodeGroup {
  const cloud::AutoScalingGroup* config = nullptr;
  GroupScaleDownOptions scale_down;
  Duration provision_time{};
  std::vector<Member> members;  // By instance id.
  Readiness readiness;
  AcceptableRange range;
  bool healthy = true;
  std::int32_t live = 0;       // Members.
  std::int32_t missing = 0;    // Wanted and not launched …
  std::string unlaunchable;    // … and why it will not be; "": it may yet.
  std::int32_t shrinking = 0;  // Going, and nothing comes instead.
  std::vector<Upcoming> upcoming;
  std::map<std::string, std::int32_t> by_zone;  // Members that stay; every zone of the group.
  GroupTemplates templates;

  const std::string& name() const { return config->name; }
  std::int32_t desired() const { return config->desired_capacity; }
  // What it comes to when what goes is gone.
  std::int32_t settled() const { return desired() - shrinking; }
};

struct Groups {
  std::vector<NodeGroup> all;  // By name.
  std::map<std::string, std::pair<std::size_t, std::size_t>> by_node;  // Group and member.
  std::map<std::string, const removal::Progress*> going;               // By Node.
  Readiness total;  // Every Node of the cluster, and instances of the groups.
  bool healthy = true;

  const NodeGroup* of_node(const std::string& node) const;
  const Member* member_of_node(const std::string& node) const;
};

// Also learns from what it sees: requests that came true or timed out, instances without a Node.
// What there is to say and to clean up goes into `plan`.
Groups observe_groups(const Observation& seen, const Options& options, Memory& memory, Plan& plan);

}  // namespace minato::autoscaler
