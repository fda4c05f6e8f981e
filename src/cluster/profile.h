// How patient everything is. Two named profiles: `fast` for people waiting at a terminal, and
// `realistic` with EC2's, Kubernetes' and AWS's own figures. Every table and status says which.
#pragma once

#include <cstdint>
#include <string_view>

#include "balancer/balancer.h"
#include "base/time.h"

namespace minato::cluster {

struct Profile {
  std::string_view name;
  Duration boot_delay{};               // From RunInstances to a machine that can join.
  Duration instance_check_interval{};  // Until a group notices a dead instance.
  Duration lease_interval{};           // Between a kubelet's heartbeats.
  Duration node_monitor_period{};
  Duration node_monitor_grace_period{};  // From the last heartbeat to NotReady.
  Duration eviction_interval{};          // Between Nodes of one zone that are given up.
  Duration crash_backoff_base{};
  Duration crash_backoff_max{};
  Duration image_backoff_base{};
  Duration image_backoff_max{};
  Duration pod_gc_period{};      // Between looks for Pods whose Node is no more …
  Duration pod_gc_quarantine{};  // … for so long.
  // Longest time between two health checks of the load balancer, whatever the file says.
  Duration health_check_interval_max = Duration::max();
};

inline constexpr Profile kFast{.name = "fast",
                               .boot_delay = 200ms,
                               .instance_check_interval = 2s,
                               .lease_interval = 1s,
                               .node_monitor_period = 500ms,
                               .node_monitor_grace_period = 4s,
                               .eviction_interval = 500ms,
                               .crash_backoff_base = 1s,
                               .crash_backoff_max = 30s,
                               .image_backoff_base = 2s,
                               .image_backoff_max = 30s,
                               .pod_gc_period = 1s,
                               .pod_gc_quarantine = 2s,
                               .health_check_interval_max = 1s};

inline constexpr Profile kRealistic{.name = "realistic",
                                    .boot_delay = 40s,
                                    .instance_check_interval = 60s,
                                    .lease_interval = 10s,
                                    .node_monitor_period = 5s,
                                    .node_monitor_grace_period = 40s,
                                    .eviction_interval = 10s,
                                    .crash_backoff_base = 10s,
                                    .crash_backoff_max = 300s,
                                    .image_backoff_base = 10s,
                                    .image_backoff_max = 300s,
                                    .pod_gc_period = 20s,
                                    .pod_gc_quarantine = 40s};

// The health check of the file at the pace of the profile: interval and timeout shrink together.
balancer::HealthCheck at_pace(balancer::HealthCheck check, const Profile& profile);

}  // namespace minato::cluster
