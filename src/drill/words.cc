// The words of drills, as they are written in files and shown to people.
#include <fmt/format.h>

#include "base/strings.h"
#include "drill/drill.h"

namespace minato::drill {
namespace {

template <class T>
using Words = std::vector<std::pair<T, std::string_view>>;

const Words<Verb>& verbs() {
  static const Words<Verb> kWords = {{Verb::kKillProcess, "kill-process"},
                                     {Verb::kExhaustMemory, "exhaust-memory"},
                                     {Verb::kCrashRepeatedly, "crash-repeatedly"},
                                     {Verb::kDeletePod, "delete-pod"},
                                     {Verb::kBadImage, "bad-image"},
                                     {Verb::kNeverReady, "never-ready"},
                                     {Verb::kFailReadiness, "fail-readiness"},
                                     {Verb::kRollBack, "roll-back"},
                                     {Verb::kDrainNode, "drain-node"},
                                     {Verb::kUndrainNode, "undrain-node"},
                                     {Verb::kKillNode, "kill-node"},
                                     {Verb::kInterrupt, "interrupt"},
                                     {Verb::kFailZone, "fail-zone"},
                                     {Verb::kRestoreZone, "restore-zone"},
                                     {Verb::kMultiplyLoad, "multiply-load"},
                                     {Verb::kKillRole, "kill-role"},
                                     {Verb::kKillControl, "kill-control"},
                                     {Verb::kRenewCertificate, "renew-certificate"},
                                     {Verb::kRotateSecret, "rotate-secret"},
                                     {Verb::kCutRegistry, "cut-registry"},
                                     {Verb::kRestoreRegistry, "restore-registry"},
                                     {Verb::kScaleOut, "scale-out"},
                                     {Verb::kScaleIn, "scale-in"}};
  return kWords;
}

const Words<Seen>& seen_words() {
  static const Words<Seen> kWords = {{Seen::kPodDown, "pod-down"},
                                     {Seen::kPodReplaced, "pod-replaced"},
                                     {Seen::kPodStarted, "pod-started"},
                                     {Seen::kPodReady, "pod-ready"},
                                     {Seen::kPodWaiting, "pod-waiting"},
                                     {Seen::kNodeDown, "node-down"},
                                     {Seen::kNodeMarked, "node-marked"},
                                     {Seen::kTargetOut, "target-out"},
                                     {Seen::kInstanceOrdered, "instance-ordered"},
                                     {Seen::kInstanceRunning, "instance-running"},
                                     {Seen::kNodeReady, "node-ready"},
                                     {Seen::kCapacityBack, "capacity-back"},
                                     {Seen::kServiceBack, "service-back"},
                                     {Seen::kReleaseBad, "release-bad"},
                                     {Seen::kReleaseDone, "release-done"},
                                     {Seen::kReleaseSeen, "release-seen"},
                                     {Seen::kReplicasRaised, "replicas-raised"},
                                     {Seen::kRoleDown, "role-down"},
                                     {Seen::kRoleUp, "role-up"},
                                     {Seen::kControlDown, "control-down"},
                                     {Seen::kControlUp, "control-up"}};
  return kWords;
}

template <class T>
std::string_view word_of(const Words<T>& words, T value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return "";
}

template <class T>
Result<T> named(const Words<T>& words, std::string_view name, std::string_view what) {
  std::vector<std::string> all;
  for (const auto& [value, word] : words) {
    if (word == name) return value;
    all.emplace_back(word);
  }
  return fail(Reason::kInvalid, fmt::format("'{}' is no {}; one of: {}", name, what, join(all, ", ")));
}

}  // namespace

std::string_view to_string(Verb verb) { return word_of(verbs(), verb); }
std::string_view to_string(Seen seen) { return word_of(seen_words(), seen); }
Result<Phase> phase_named(std::string_view name) {
  Words<Phase> words;
  for (std::size_t i = 0; i < kPhases; ++i) words.emplace_back(static_cast<Phase>(i), to_string(static_cast<Phase>(i)));
  return named(words, name, "phase");
}
Result<Verb> verb_named(std::string_view name) { return named(verbs(), name, "action"); }
Result<Seen> seen_named(std::string_view name) { return named(seen_words(), name, "condition"); }

Choice choice_of(Verb verb) {
  switch (verb) {
    case Verb::kKillProcess:
    case Verb::kExhaustMemory:
    case Verb::kCrashRepeatedly:
    case Verb::kFailReadiness:
    case Verb::kDeletePod: return Choice::kPod;
    case Verb::kDrainNode:
    case Verb::kUndrainNode:
    case Verb::kKillNode: return Choice::kNode;
    case Verb::kInterrupt: return Choice::kSpot;
    case Verb::kFailZone:
    case Verb::kRestoreZone: return Choice::kZone;
    case Verb::kKillRole: return Choice::kRole;
    default: return Choice::kNothing;
  }
}

}  // namespace minato::drill
