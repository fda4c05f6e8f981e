// What a decision comes to: changes to be made, things to be said, and why everything is as it is.
// Pure data; apply() does it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "removal/removals.h"
#include "scheduling/pod_info.h"

namespace minato::autoscaler {

struct Resize {
  std::string group;
  std::int32_t from = 0;
  std::int32_t to = 0;
  std::int32_t max = 0;
  std::string why;
  bool operator==(const Resize&) const = default;
};

struct Redistribution {
  std::string group;
  cloud::InstancesDistribution distribution;
  std::string why;
};

struct Termination {
  std::string instance;
  std::string group;
  std::string why;
};

enum class TaintChange { kAdd, kRemove };
struct SoftTaint {
  std::string node;
  TaintChange change = TaintChange::kAdd;
};

// About a Pod or a Node, or, with neither, about the autoscaler's status ConfigMap.
struct Announcement {
  std::shared_ptr<const kube::Pod> pod;
  std::shared_ptr<const kube::Node> node;
  bool warning = false;
  std::string reason;
  std::string message;
};

enum class PodFate {
  kFits,            // On a Node that is there; the scheduler will see to it.
  kFitsUpcoming,    // On a Node that is on its way.
  kTriggered,       // A group grows for it.
  kAwaitsNextScan,  // Some group could help, another was chosen first.
  kNotHelped,
  kIgnored,         // It is not the autoscaler's business; the reasons say why.
};
std::string_view to_string(PodFate fate);

using Reasons = std::vector<std::string>;
// By group, why it cannot help. Shared by Pods that cannot be told apart.
using GroupReasons = std::map<std::string, Reasons>;

struct PodOutcome {
  scheduling::PodInfoPtr pod;
  PodFate fate = PodFate::kIgnored;
  std::shared_ptr<const GroupReasons> rejected;  // Null: none.
  std::string detail;
};

struct NodeVerdict {
  std::string node;
  std::string group;     // "": not autoscaled.
  double utilization = 0;
  bool unneeded = false;
  bool going = false;
  std::optional<Duration> unneeded_for;
  std::optional<Duration> goes_in;  // If nothing changes; nothing: it stays for as long as it is so.
  Reasons reasons;                  // Why it stays, or what it waits for.
};

struct GroupVerdict {
  std::string group;
  std::int32_t min_size = 0;
  std::int32_t max_size = 0;
  std::int32_t desired = 0;
  std::int32_t ready = 0;
  std::int32_t unready = 0;
  std::int32_t not_started = 0;
  std::int32_t unregistered = 0;
  std::int32_t long_unregistered = 0;
  std::int32_t going = 0;
  std::int32_t upcoming = 0;
  std::int32_t candidates = 0;  // Unneeded Nodes.
  bool healthy = true;
  Reasons cannot_grow;  // Empty: it can.
  std::optional<Duration> backoff_left;
  std::string backoff_code;
  std::string backoff_message;
  std::vector<std::string> pools_out;  // Pools in back-off.
  std::string zones;   // Why they differ by more than one, and what is done; "": they do not.
  std::string market;  // "1 on-demand of 3", "on-demand until spot returns (base 3, configured 0)"
};

struct Plan {
  std::vector<Resize> resize;
  std::vector<Redistribution> redistribute;
  std::vector<Termination> terminate;
  std::vector<removal::Request> remove;
  std::vector<std::string> cancel;  // Removals, by Node.
  std::vector<SoftTaint> taints;
  std::vector<Announcement> announcements;

  std::string halted;  // Why nothing is done; "": it is.
  std::vector<PodOutcome> pods;
  std::vector<NodeVerdict> nodes;    // By name.
  std::vector<GroupVerdict> groups;  // By name.
  std::map<std::string, std::string> zones;  // By group; see GroupVerdict.
  std::int32_t helpless_pods = 0;    // kNotHelped.
  bool scale_down_cooling = false;
  std::string status;  // Text of the status ConfigMap.

  bool changes_anything() const {
    return !resize.empty() || !redistribute.empty() || !terminate.empty() || !remove.empty() ||
           !cancel.empty() || !taints.empty();
  }
};

}  // namespace minato::autoscaler
