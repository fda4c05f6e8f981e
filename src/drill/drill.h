// Drills as data: what is broken, what has to be seen for each phase, and how it is mended.
//
// A Drill is a value made of words (actions and conditions) that every world understands; the
// built-in ones are in catalogue.cc, and file.h reads a user's own from YAML. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "bounds/bounds.h"

namespace minato::drill {

using bounds::kPhases;
using bounds::Phase;
using bounds::to_string;
Result<Phase> phase_named(std::string_view name);

// What is done to the world.
enum class Verb {
  kKillProcess,      // SIGKILL to the container of a Pod.
  kExhaustMemory,    // The container takes memory until the kernel ends it.
  kCrashRepeatedly,  // SIGKILL whenever it runs, `count` times.
  kDeletePod,
  kBadImage,      // A release whose image does not exist.
  kNeverReady,    // A release whose health path fails.
  kFailReadiness, // One Pod's health path fails while it goes on serving.
  kRollBack,
  kDrainNode,
  kUndrainNode,
  kKillNode,
  kInterrupt,  // Spot notice for one instance; with a `count` below 0, all of a zone.
  kFailZone,
  kRestoreZone,
  kMultiplyLoad,  // By `count`.
  kKillRole,      // SIGKILL to every container of a role of the cluster.
  kKillControl,   // SIGKILL to minato's own control process.
  kRenewCertificate,
  kRotateSecret,
  kCutRegistry,      // Nodes get no image that they do not have, for a while (bounds::registry_fault).
  kRestoreRegistry,
  kScaleOut,  // More replicas than the Nodes have room for (drill/scale_out.h).
  kScaleIn,   // As many as the file says.
};
std::string_view to_string(Verb verb);  // "kill-process", …
Result<Verb> verb_named(std::string_view name);

// On what; chosen by the runner among what is well.
enum class Choice { kNothing, kPod, kNode, kSpot, kZone, kRole };

struct Action {
  Verb verb = Verb::kKillProcess;
  std::int32_t count = 0;
  std::string role;  // kKillRole.
  std::string path;  // kMultiplyLoad: what is asked for from then on; "" for the same.
  bool operator==(const Action&) const = default;
};
Choice choice_of(Verb verb);
// How long kFailReadiness lasts.
inline constexpr Duration kReadinessFault = bounds::kReadinessFault;

// What is seen of a world. Sought in the order of the phases, each from when the one before it held.
// Where nothing is hit, the Pods and instances to come are those of more replicas: as many Pods as
// are wanted more, and an instance.
enum class Seen {
  kPodDown,       // Every victim Pod has been seen not ready.
  kPodReplaced,   // As many Pods have come as are victims, or their containers were restarted.
  kPodStarted,    // … and run.
  kPodReady,      // … and are ready.
  kPodWaiting,    // A Pod waits for `word` ("CrashLoopBackOff", "ErrImagePull", …).
  kNodeDown,      // Every victim Node is not ready or gone.
  kNodeMarked,    // Every victim Node is being taken out of service.
  kTargetOut,     // No victim is a healthy target.
  kInstanceOrdered,  // As many instances have come as are victims.
  kInstanceRunning,  // … and run.
  kNodeReady,        // … and their Nodes are ready.
  kCapacityBack,     // Ready Pods, ready Nodes and healthy targets as many as before.
  kServiceBack,      // Ready Pods as many as wanted, and every target healthy.
  kReleaseBad,       // The rollout does not go on: its deadline has passed.
  kReleaseDone,      // It is complete.
  kReleaseSeen,      // A rollout has begun.
  kReplicasRaised,
  kRoleDown,   // `word` names the role.
  kRoleUp,
  kControlDown,
  kControlUp,
};
std::string_view to_string(Seen seen);  // "pod-down", …
Result<Seen> seen_named(std::string_view name);

struct Condition {
  Seen seen = Seen::kPodDown;
  std::string word;
  bool operator==(const Condition&) const = default;
};

struct Drill {
  std::string kind;      // "node-killed"
  std::string does;      // What it does.
  std::string expects;   // What should happen.
  std::string protects;  // What protects against it.
  std::vector<Action> inject;  // One after the other; the first that hits something says what.
  std::vector<Action> mend;    // Once the service has recovered, or was given up.
  std::map<Phase, std::vector<Condition>> phases;  // All of a phase's conditions must hold.
  bool is_planned = false;  // Planned and noticed events may not lose a single request.
  // Another kind whose bound holds for this one; "" for its own kind.
  std::string bound;
};

// Every built-in drill, in the order of `--list`.
const std::vector<Drill>& catalogue();
// Those of `minato drill` without a name.
const std::vector<std::string>& default_set();
// Errors: NotFound, with the nearest known kind.
Result<Drill> find_drill(const std::string& kind);

}  // namespace minato::drill
