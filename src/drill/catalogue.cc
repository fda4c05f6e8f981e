// The built-in drills: one declaration each.
#include <fmt/format.h>

#include "base/strings.h"
#include "drill/drill.h"

namespace minato::drill {
namespace {

using Phases = std::map<Phase, std::vector<Condition>>;

Condition see(Seen seen, std::string word = {}) { return {seen, std::move(word)}; }

// The container itself comes back.
Phases restart() {
  return {{Phase::kDetected, {see(Seen::kPodDown)}},
          {Phase::kStarted, {see(Seen::kPodStarted)}},
          {Phase::kReady, {see(Seen::kPodReady)}},
          {Phase::kInService, {see(Seen::kServiceBack)}}};
}

// A machine is gone without notice, and what ran on it starts elsewhere.
Phases machine_lost() {
  return {{Phase::kDetected, {see(Seen::kNodeDown), see(Seen::kTargetOut)}},
          {Phase::kDecided, {see(Seen::kInstanceOrdered), see(Seen::kPodReplaced)}},
          {Phase::kProvisioned, {see(Seen::kInstanceRunning)}},
          {Phase::kBooted, {see(Seen::kNodeReady)}},
          {Phase::kStarted, {see(Seen::kPodStarted)}},
          {Phase::kReady, {see(Seen::kPodReady)}},
          {Phase::kInService, {see(Seen::kCapacityBack)}}};
}

Phases machine_leaves() {
  Phases out = machine_lost();
  out[Phase::kDetected] = {see(Seen::kNodeMarked)};
  out[Phase::kDecided] = {see(Seen::kInstanceOrdered)};
  return out;
}

Phases bad_release() {
  return {{Phase::kDetected, {see(Seen::kReleaseBad)}}, {Phase::kInService, {see(Seen::kReleaseDone)}}};
}

Phases good_release() {
  return {{Phase::kDecided, {see(Seen::kReleaseSeen)}},
          {Phase::kInService, {see(Seen::kReleaseDone), see(Seen::kServiceBack)}}};
}

Phases role_lost(const std::string& role) {
  return {{Phase::kDetected, {see(Seen::kRoleDown, role)}}, {Phase::kInService, {see(Seen::kRoleUp, role)}}};
}

Drill role_stopped(std::string kind, const std::string& role, std::string expects, std::string protects) {
  return {.kind = std::move(kind),
          .does = fmt::format("ends every process of the role '{}' at once", role),
          .expects = std::move(expects),
          .protects = std::move(protects),
          .inject = {{.verb = Verb::kKillRole, .count = 0, .role = role, .path = {}}},
          .mend = {},
          .phases = role_lost(role),
          .is_planned = true,
          .bound = "role-stopped"};
}

Action action(Verb verb, std::int32_t count = 0, std::string path = {}) {
  return {.verb = verb, .count = count, .role = {}, .path = std::move(path)};
}

std::vector<Drill> pods() {
  return {
      {.kind = "process-crash", .does = "kills the process of one Pod",
       .expects = "the container is restarted at once and serves again when its probes pass",
       .protects = "several replicas; the Pod leaves the endpoints when its process ends",
       .inject = {action(Verb::kKillProcess)}, .mend = {}, .phases = restart(), .bound = {}},
      {.kind = "out-of-memory", .does = "makes one container take memory until the kernel ends it",
       .expects = "OOMKilled, then as after a crash", .protects = "a memory limit for every container",
       .inject = {action(Verb::kExhaustMemory)}, .mend = {}, .phases = restart(), .bound = "process-crash"},
      {.kind = "crash-loop", .does = "kills the process of one Pod three times, whenever it runs",
       .expects = "each restart waits longer (back-off); the other Pods serve",
       .protects = "back-off keeps a broken Pod from eating its Node; it gets no requests meanwhile",
       .inject = {action(Verb::kCrashRepeatedly, 3)}, .mend = {},
       .phases = {{Phase::kDetected, {see(Seen::kPodDown)}},
                  {Phase::kDecided, {see(Seen::kPodWaiting, "CrashLoopBackOff")}},
                  {Phase::kStarted, {see(Seen::kPodStarted)}},
                  {Phase::kReady, {see(Seen::kPodReady)}},
                  {Phase::kInService, {see(Seen::kServiceBack)}}},
       .bound = {}},
      {.kind = "pod-deleted", .does = "deletes one Pod",
       .expects = "it serves until its preStop sleep is over; a new one takes its place",
       .protects = "preStop sleep outlasts the change of rules; its ReplicaSet",
       .inject = {action(Verb::kDeletePod)}, .mend = {},
       .phases = {{Phase::kDetected, {see(Seen::kPodDown)}},
                  {Phase::kDecided, {see(Seen::kPodReplaced)}},
                  {Phase::kStarted, {see(Seen::kPodStarted)}},
                  {Phase::kReady, {see(Seen::kPodReady)}},
                  {Phase::kInService, {see(Seen::kServiceBack)}}},
       .is_planned = true, .bound = {}},
      {.kind = "failing-readiness", .does = "makes the health path of one Pod fail; the Pod goes on serving",
       .expects = "the Pod leaves the endpoints after its failed probes; back when they pass",
       .protects = "the readiness probe", .inject = {action(Verb::kFailReadiness)}, .mend = {},
       .phases = {{Phase::kDetected, {see(Seen::kPodDown)}},
                  {Phase::kReady, {see(Seen::kPodReady)}},
                  {Phase::kInService, {see(Seen::kServiceBack)}}},
       .is_planned = true, .bound = {}},
  };
}

std::vector<Drill> releases() {
  return {
      {.kind = "bad-image", .does = "deploys an image that does not exist",
       .expects = "new Pods cannot start, old ones serve; the release is rolled back at its deadline",
       .protects = "maxUnavailable 0; progressDeadlineSeconds; automatic rollback",
       .inject = {action(Verb::kBadImage)}, .mend = {}, .phases = bad_release(), .is_planned = true,
       .bound = "bad-release"},
      {.kind = "bad-release", .does = "deploys a version whose health path never answers",
       .expects = "new Pods never get ready, old ones serve; the release is rolled back at its deadline",
       .protects = "maxUnavailable 0; startup probe; progressDeadlineSeconds; automatic rollback",
       .inject = {action(Verb::kNeverReady)}, .mend = {}, .phases = bad_release(), .is_planned = true, .bound = {}},
      {.kind = "secret-rotated", .does = "gives the service a new secret",
       .expects = "a rollout without a gap", .protects = "Secrets are named by their content",
       .inject = {action(Verb::kRotateSecret)}, .mend = {}, .phases = good_release(), .is_planned = true,
       .bound = "rollout"},
      {.kind = "certificate-rotated", .does = "gives the load balancer a new certificate",
       .expects = "new connections see it, old ones go on", .protects = "seamless reload",
       .inject = {action(Verb::kRenewCertificate)}, .mend = {},
       .phases = {{Phase::kInService, {see(Seen::kServiceBack)}}}, .is_planned = true, .bound = {}},
  };
}

std::vector<Drill> machines() {
  return {
      {.kind = "node-drained", .does = "drains the busiest Node, as for maintenance",
       .expects = "its target drains, its Pods move one by one", .protects = "removal; PodDisruptionBudget",
       .inject = {action(Verb::kDrainNode)}, .mend = {action(Verb::kUndrainNode)},
       .phases = {{Phase::kDetected, {see(Seen::kNodeMarked)}},
                  {Phase::kDecided, {see(Seen::kPodReplaced)}},
                  {Phase::kStarted, {see(Seen::kPodStarted)}},
                  {Phase::kReady, {see(Seen::kPodReady)}},
                  {Phase::kInService, {see(Seen::kServiceBack)}}},
       .is_planned = true, .bound = {}},
      {.kind = "node-killed", .does = "ends the machine of the busiest Node without notice",
       .expects = "its target and its Pods are left out; Pods start elsewhere; a new instance comes",
       .protects = "health checks, node leases, short tolerations, the Auto Scaling Group",
       .inject = {action(Verb::kKillNode)}, .mend = {}, .phases = machine_lost(), .bound = {}},
      {.kind = "spot-interruption", .does = "takes one spot instance back, with notice",
       .expects = "a replacement serves before the instance ends; no request is lost",
       .protects = "the agent on every Node; removal with a deadline", .inject = {action(Verb::kInterrupt)},
       .mend = {}, .phases = machine_leaves(), .is_planned = true, .bound = {}},
      {.kind = "spot-pool-interruption", .does = "takes all spot instances of a zone back at once, with notice",
       .expects = "as for one: they are planned together", .protects = "several zones and types; removal",
       .inject = {action(Verb::kInterrupt, -1)}, .mend = {}, .phases = machine_leaves(), .is_planned = true,
       .bound = "spot-interruption"},
      {.kind = "zone-lost", .does = "loses the zone of the busiest Node, and gives it back in the end",
       .expects = "as for a Node, for all of the zone's; the groups grow in the other zones",
       .protects = "three zones; spread over zones; master Pods in two of them",
       .inject = {action(Verb::kFailZone)}, .mend = {action(Verb::kRestoreZone)}, .phases = machine_lost(), .bound = {}},
  };
}

std::vector<Drill> others() {
  return {
      {.kind = "load-step", .does = "four times as many requests at once, each with 2 ms of work",
       .expects = "replicas rise; where they find no room, Nodes too", .protects = "the HPA; the node autoscaler",
       .inject = {action(Verb::kMultiplyLoad, 4, "/burn?ms=2")}, .mend = {action(Verb::kMultiplyLoad, 1)},
       .phases = {{Phase::kDetected, {see(Seen::kReplicasRaised)}}, {Phase::kInService, {see(Seen::kServiceBack)}}},
       .bound = {}},
      {.kind = "registry-unreachable",
       .does = "cuts the registry off and wants more replicas than the Nodes have room for",
       .expects = "Pods on the new Node wait with ErrImagePull and ImagePullBackOff, and start when the registry is "
                  "back; whatever runs or is on its Node already is not touched",
       .protects = "images stay on their Nodes (IfNotPresent); back-off; Pods that wait are not replaced in a loop",
       .inject = {action(Verb::kCutRegistry), action(Verb::kScaleOut)},
       .mend = {action(Verb::kRestoreRegistry), action(Verb::kScaleIn)},
       .phases = {{Phase::kDetected, {see(Seen::kReplicasRaised)}},
                  {Phase::kDecided, {see(Seen::kInstanceOrdered)}},
                  {Phase::kProvisioned, {see(Seen::kInstanceRunning)}},
                  {Phase::kBooted, {see(Seen::kNodeReady), see(Seen::kPodWaiting, "ImagePullBackOff")}},
                  {Phase::kStarted, {see(Seen::kPodStarted)}},
                  {Phase::kReady, {see(Seen::kPodReady)}},
                  {Phase::kInService, {see(Seen::kServiceBack)}}},
       .is_planned = true, .bound = {}},
      role_stopped("autoscaler-stopped", "controller", "no request notices; another Pod of it takes over",
                   "two Pods in two zones on the master group"),
      role_stopped("dns-stopped", "dns", "requests that need no new name go on", "two Pods in two zones"),
      role_stopped("metrics-stopped", "metrics-server", "replicas stay as they are meanwhile", "two Pods in two zones"),
      {.kind = "control-killed", .does = "kills minato's own control process",
       .expects = "it is started again, finds everything as it is, and no request notices",
       .protects = "what serves traffic does not need it; Node leases get a grace",
       .inject = {action(Verb::kKillControl)}, .mend = {},
       .phases = {{Phase::kDetected, {see(Seen::kControlDown)}},
                  {Phase::kStarted, {see(Seen::kControlUp)}},
                  {Phase::kInService, {see(Seen::kControlUp), see(Seen::kServiceBack)}}},
       .is_planned = true, .bound = {}},
  };
}

std::vector<Drill> make() {
  std::vector<Drill> out;
  for (auto part : {pods(), releases(), machines(), others()}) {
    for (Drill& drill : part) {
      if (drill.bound.empty()) drill.bound = drill.kind;
      out.push_back(std::move(drill));
    }
  }
  return out;
}

}  // namespace

const std::vector<Drill>& catalogue() {
  static const std::vector<Drill> kDrills = make();
  return kDrills;
}

const std::vector<std::string>& default_set() {
  static const std::vector<std::string> kKinds = {"process-crash", "node-killed", "spot-interruption",
                                                  "zone-lost", "bad-release"};
  return kKinds;
}

Result<Drill> find_drill(const std::string& kind) {
  std::vector<std::string> known;
  for (const Drill& drill : catalogue()) {
    if (drill.kind == kind) return drill;
    known.push_back(drill.kind);
  }
  const std::string near = nearest(kind, known);
  return fail(Reason::kInvalid, fmt::format("there is no drill '{}'{}; see: minato drill --list", kind,
                                            near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
}

}  // namespace minato::drill
