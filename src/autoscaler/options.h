// Everything about the node autoscaler that can be set. Defaults are cluster-autoscaler's own; the
// fast profile shortens the times. Values; what is said per group by tags wins (see discovery.h).
//
// Rules: kubernetes/autoscaler cluster-autoscaler FAQ.md, table of flags.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cloud/auto_scaling.h"
#include "cloud/catalogue_file.h"

namespace minato::autoscaler {

inline constexpr std::int64_t kGib = std::int64_t{1} << 30;  // Bytes.

// How one of several ways to grow is chosen. A later one decides between those that an earlier one
// finds equal; what is still equal is drawn by lot.
enum class Expander { kLeastWaste, kMostPods, kLeastNodes, kPrice, kPriority, kRandom };
// "least-waste", …
std::string_view to_string(Expander expander);
// "least-waste,price". Errors: Invalid (unknown or repeated).
Result<std::vector<Expander>> parse_expanders(std::string_view text);

struct ScaleUpOptions {
  Duration new_pod_delay{};
  // Pods below it neither make the cluster grow nor keep it from shrinking.
  std::int32_t expendable_priority_cutoff = -10;
  std::vector<Expander> expanders = {Expander::kLeastWaste};
  bool balance_similar_groups = false;
  std::vector<std::string> balancing_ignored_labels;
  bool enforce_group_min_size = false;
  // Zero: no limit.
  std::int32_t max_nodes_total = 0;
  std::int64_t max_cores_total = 320'000;
  std::int64_t max_memory_gib_total = 6'400'000;
  std::int32_t max_nodes_per_scale_up = 1000;
  Duration max_node_provision_time = 15min;  // From the request until a Node is there …
  Duration max_node_startup_time = 15min;    // … and from then until it is ready.
  Duration backoff_initial = 5min;
  Duration backoff_max = 30min;
  Duration backoff_reset = 3h;
  // Taints that every Node of a group starts with and loses (startup), or that say nothing about
  // Nodes to come (ignored). Keys.
  std::vector<std::string> startup_taints;
  std::vector<std::string> ignored_taints;
};

// What a group's tags may set for itself.
struct GroupScaleDownOptions {
  double utilization_threshold = 0.5;
  double gpu_utilization_threshold = 0.5;
  Duration unneeded_time = 10min;
  Duration unready_time = 20min;
  bool ignore_daemon_sets_utilization = false;
  bool operator==(const GroupScaleDownOptions&) const = default;
};

struct ScaleDownOptions {
  bool enabled = true;
  bool unready_enabled = true;
  GroupScaleDownOptions group;
  bool ignore_mirror_pods_utilization = false;
  Duration delay_after_add = 10min;
  Duration delay_after_failure = 3min;
  Duration delay_after_delete{};
  Duration unremovable_recheck = 5min;
  std::int32_t max_parallelism = 10;
  std::int32_t max_drain_parallelism = 1;
  std::int32_t max_soft_taints_per_scan = 10;
  std::int64_t min_cores_total = 0;
  std::int64_t min_memory_gib_total = 0;
  // What keeps a Node with such Pods.
  bool keep_nodes_with_system_pods = true;
  bool keep_nodes_with_local_storage = true;
  std::int32_t min_replica_count = 0;
  Duration blocking_system_pod_timeout = 1h;
};

struct SpotOptions {
  // On-demand when no spot pool of a group has capacity.
  bool fall_back_to_on_demand = true;
  // For so long spot must not have failed before on-demand instances are given back.
  Duration back_to_spot_after = 30min;
  // On-demand base by group, where no tag minato.dev/on-demand-base says it.
  std::map<std::string, std::int32_t> on_demand_base;
};

// Groups that do not even out their zones themselves (AZRebalance is suspended, because it ends
// instances without care).
struct ZoneOptions {
  bool balance = true;
  Duration settle = 10min;      // For so long zones differ before a Node moves.
  Duration settle_max = 1h;     // Doubles up to this when a move was in vain.
};

struct Options {
  Duration scan_interval = 10s;
  ScaleUpOptions scale_up;
  ScaleDownOptions scale_down;
  SpotOptions spot;
  ZoneOptions zones;
  // Of all registered Nodes: with more than both unready nothing is done.
  std::int32_t ok_total_unready_count = 3;
  std::int32_t max_total_unready_percentage = 45;
  // Which groups: tag specifications ("asg:tag=a,b=c") and explicit ones ("1:10:name").
  std::vector<std::string> discovery = {"asg:tag=k8s.io/cluster-autoscaler/enabled"};
  std::vector<std::string> node_groups;
  // What a vCPU of a Node is worth here, for types of which there is no Node yet.
  std::int64_t cpu_scale_percent = 100;
  // What is known of such types, and what they cost; outlives the Autoscaler.
  const cloud::Catalogue* catalogue = &cloud::Catalogue::built_in();
};

}  // namespace minato::autoscaler
