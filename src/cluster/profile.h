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
  Duration launch_retry{};             // Of a group whose launch failed; doubles …
  Duration launch_retry_max{};         // … up to this.
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
  Duration metrics_interval{};       // Between samples of a Node, and between those who read them.
  Duration hpa_sync_period{};
  Duration hpa_downscale_stabilization{};
  Duration hpa_cpu_initialization{};
  Duration hpa_initial_readiness{};
  Duration autoscaler_scan{};
  Duration autoscaler_unneeded{};    // Until a Node that nobody needs goes …
  Duration autoscaler_unready{};     // … or one that is not ready.
  Duration autoscaler_after_add{};   // No scale-down for so long after a scale-up.
  Duration autoscaler_provision{};   // Given up when no Node is there by then.
  Duration autoscaler_backoff{};     // Of a pool without capacity, at first …
  Duration autoscaler_backoff_max{};
  Duration back_to_spot{};           // Until spot is trusted again.
  Duration spot_notice{};            // From the notice to the end of the instance.
  Duration agent_poll{};             // Of the instance metadata.
  Duration zones_settle{};           // For so long a group's zones differ before a Node moves.
  Duration descheduler_scan{};       // Between looks for Pods that crowd …
  Duration descheduler_settle{};     // … and how long they may before one moves.
  // Longest time between two health checks of the load balancer, whatever the file says.
  Duration health_check_interval_max = Duration::max();
};

inline constexpr Profile kFast{.name = "fast",
                               .boot_delay = 200ms,
                               .instance_check_interval = 2s,
                               .launch_retry = 1s,
                               .launch_retry_max = 20s,
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
                               .metrics_interval = 2s,
                               .hpa_sync_period = 2s,
                               .hpa_downscale_stabilization = 15s,
                               .hpa_cpu_initialization = 5s,
                               .hpa_initial_readiness = 2s,
                               .autoscaler_scan = 1s,
                               .autoscaler_unneeded = 10s,
                               .autoscaler_unready = 20s,
                               .autoscaler_after_add = 10s,
                               .autoscaler_provision = 30s,
                               .autoscaler_backoff = 10s,
                               .autoscaler_backoff_max = 60s,
                               .back_to_spot = 30s,
                               .spot_notice = 20s,
                               .agent_poll = 500ms,
                               .zones_settle = 15s,
                               .descheduler_scan = 1s,
                               .descheduler_settle = 20s,
                               .health_check_interval_max = 1s};

inline constexpr Profile kRealistic{.name = "realistic",
                                    .boot_delay = 40s,
                                    .instance_check_interval = 60s,
                                    .launch_retry = 10s,
                                    .launch_retry_max = 300s,
                                    .lease_interval = 10s,
                                    .node_monitor_period = 5s,
                                    .node_monitor_grace_period = 40s,
                                    .eviction_interval = 10s,
                                    .crash_backoff_base = 10s,
                                    .crash_backoff_max = 300s,
                                    .image_backoff_base = 10s,
                                    .image_backoff_max = 300s,
                                    .pod_gc_period = 20s,
                                    .pod_gc_quarantine = 40s,
                                    .metrics_interval = 15s,
                                    .hpa_sync_period = 15s,
                                    .hpa_downscale_stabilization = 300s,
                                    .hpa_cpu_initialization = 300s,
                                    .hpa_initial_readiness = 30s,
                                    .autoscaler_scan = 10s,
                                    .autoscaler_unneeded = 600s,
                                    .autoscaler_unready = 1200s,
                                    .autoscaler_after_add = 600s,
                                    .autoscaler_provision = 900s,
                                    .autoscaler_backoff = 300s,
                                    .autoscaler_backoff_max = 1800s,
                                    .back_to_spot = 1800s,
                                    .spot_notice = 120s,
                                    .agent_poll = 2s,
                                    .zones_settle = 600s,
                                    .descheduler_scan = 10s,
                                    .descheduler_settle = 180s};

// The health check of the file at the pace of the profile: interval and timeout shrink together.
balancer::HealthCheck at_pace(balancer::HealthCheck check, const Profile& profile);

}  // namespace minato::cluster
