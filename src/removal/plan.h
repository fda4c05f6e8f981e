// The next steps of every removal under way, decided together from one look at the world. Pure:
// the same State gives the same Plan; remover.h looks and acts.
//
// Without a deadline a removal is voluntary: it waits for its turn, its replacement, the target
// group, the load balancer and every PodDisruptionBudget, as long as it takes.
//
// With a deadline D everything ends at E = D − finish_before, and the steps are laid out backwards
// from it. What does not fit shrinks in this order:
//   1. the wait for a replacement, when the target group keeps enough healthy targets without;
//   2. the wait for a replacement when it does not: until E − the drain (its only healthy target
//      keeps serving until last_target_drain before E);
//   3. eviction one by one (a Pod's siblings complete before the next goes): all at once from
//      hurry_lead before a Pod's last call, which is E − its grace period (at most half of the time
//      there was from the beginning);
//   4. the wait for the load balancer: Pods leave at that moment even if requests are in flight;
//   5. the PodDisruptionBudget, at the Pod's last call;
//   6. grace periods, to what is left until E;
//   7. at E the instance is ended with what is on it.
// Every cut from 2 on is said in Decision::cuts, once.
//
// Taking targets out: a removal counts as healthy only what stays, that is, neither its own target
// nor one of another admitted removal; so several notices never empty the group together.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloud/load_balancing.h"
#include "removal/record.h"

namespace minato::removal {

struct Options {
  std::int32_t minimum_healthy_targets = 1;
  // Voluntary removals at a time; and of those, the ones that have Pods to evict (Cluster
  // Autoscaler's --max-scale-down-parallelism and --max-drain-parallelism).
  std::int32_t parallel_voluntary = 10;
  std::int32_t parallel_draining = 1;
  // A deadline nearer than this makes a removal urgent; a farther one lets it wait as others do.
  Duration urgent_horizon = 15min;
  // With nothing in flight for this long the target is drained: load balancer nodes learn of the
  // deregistration one after the other.
  Duration settle = 3s;
  Duration finish_before = 3s;  // The last calls take their time as well.
  Duration hurry_lead = 10s;
  Duration last_target_drain = 5s;
  Duration replacement_patience = 15min;  // Cluster Autoscaler's --max-node-provision-time.
  Duration sibling_patience = 2min;       // Then the next Pod goes if its budget allows.
  // A scale-down that cannot evict for this long is taken back; others go on trying.
  Duration scale_down_patience = 10min;
  // A Pod that is still there this long after its grace period is not waited for (Cluster
  // Autoscaler's rule for long-terminating Pods).
  Duration overdue = 30s;
};

// A Pod that has to leave: no DaemonSet's, no static one, none that tolerates the removal, not
// ended.
struct PodView {
  kube::ObjectKey key;
  std::string uid;
  std::string controller;         // Uid; "" for a bare Pod.
  bool is_system = false;         // Critical priority: leaves after the others.
  bool siblings_complete = true;  // What its controller wants is there and ready.
  bool is_backing_off = false;    // Refused a moment ago.
  bool is_leaving = false;
  WallTime leaves_by{};  // Its deletionTimestamp.
  Duration grace{};
};

struct RemovalView {
  Record record;
  bool node_exists = true;
  bool instance_was_seen = false;  // Described before: absent means gone.
  bool order_pending = false;            // The order of a replacement is on its way.
  std::string instance;                  // "" where the Node is no instance of the cloud.
  std::optional<WallTime> idle_since;    // Nothing in flight since then, after detaching.
  WallTime last_eviction{};
  std::vector<PodView> pods;  // Ordered by key.
};

struct State {
  WallTime now{};
  Options options;
  Duration deregistration_delay{};
  std::vector<cloud::TargetHealth> targets;
  std::vector<cloud::Instance> instances;
  std::vector<cloud::AutoScalingGroup> groups;
  std::set<std::string> leaving;  // Instances that others are taking out.
  std::set<std::string> claimed;  // Instances that replaced Nodes whose removal has ended.
  std::vector<RemovalView> removals;
};

enum class Capacity {
  kNone,
  kOrder,    // Desired capacity up by one.
  kConfirm,  // An order of unknown outcome was taken.
  kLower,    // Down by one, which ends no instance that lives.
  kForget,   // What was ordered lives: it stays until the autoscaler does not need it.
};

struct Eviction {
  kube::ObjectKey pod;
  std::string uid;
  std::optional<std::int64_t> grace_seconds;  // Shorter than the Pod's own.
  bool overrides_budget = false;
  std::string cut;  // What could not be kept, once it is done.
};

enum class Ending { kNone, kCompleteLifecycleAction, kTerminate };

struct Decision {
  std::string node;
  Phase phase = Phase::kWaiting;  // From now on.
  bool admit = false;
  bool detach = false;
  bool drained = false;
  bool is_rejoining = false;  // Cancelled: the target is registered again while this holds.
  bool forget_target = false; // Cancelled: there is no instance to register.
  bool is_complete = false;   // Nothing of it is left to do.
  Capacity capacity = Capacity::kNone;
  std::string replacement;  // The instance that came, when it is first seen.
  std::vector<Eviction> evictions;
  Ending ending = Ending::kNone;
  cloud::Decrement decrement = cloud::Decrement::kNo;
  std::string detail;             // What it waits for.
  std::vector<std::string> cuts;  // New ones only.
};

struct Plan {
  std::vector<Decision> removals;  // Most urgent first.
};

Plan decide(const State& state);

// Whether it is bound to end soon whatever happens.
bool is_urgent(const Record& record, WallTime now, const Options& options);
bool has_ended(Phase phase);
bool is_registered(const cloud::TargetHealth& target);  // New requests may go to it.
std::string in_short(Duration duration);                // In sentences: whole seconds.

}  // namespace minato::removal
