// What one kubelet is told about its Node and how patient it is. Values; the defaults are those of
// k8s.io/kubelet config/v1beta1 (KubeletConfiguration) and of the constants in pkg/kubelet.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "kube/types/node.h"
#include "kubelet/backoff.h"

namespace minato::kubelet {

// CPU in milli-CPU, memory in bytes.
struct Capacity {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t pods = 110;
};

// Normal Events (Pulled, Created, Started, …) are several writes per Pod; large simulations may do
// without.
enum class EventDetail { kAll, kWarnings };

struct Options {
  std::string node_name;
  std::string hostname;    // "" for the node name.
  std::string private_ip;
  std::string provider_id;  // "aws:///ap-northeast-1a/i-0123456789abcdef0"
  std::map<std::string, std::string> labels;  // Zone, region, instance type, arch, os, node group.
  std::vector<kube::Taint> taints;            // Registered with a new Node only, as upstream.
  Capacity capacity;
  Capacity reserved{.pods = 0};  // systemReserved + kubeReserved; what is left is allocatable.
  std::string kubelet_version = "v1.32.4";
  std::string architecture = "amd64";

  Duration lease_interval = 10s;  // A quarter of the lease's duration.
  Duration lease_duration = 40s;
  Duration status_interval = 5min;  // nodeStatusReportFrequency, when nothing changes.
  Duration ready_after{};  // From start() until the Node reports Ready (CNI, images, boot scripts).

  Backoff::Limits crash_backoff;  // CrashLoopBackOff
  Backoff::Limits image_backoff;  // ImagePullBackOff
  Duration retry_period = 10s;    // Missing ConfigMaps, volumes, sandboxes: backOffPeriod.
  Duration api_retry = 1s;        // Failed writes to the API and failed calls of the runtime.
  Duration minimum_grace = 2s;    // Between stop signal and SIGKILL whatever preStop used up.

  std::string dns_server;  // "" leaves resolv.conf to the runtime.
  std::string cluster_domain = "cluster.local";

  Duration metrics_interval = 15s;  // 0 turns stats, and with them eviction, off.
  std::int64_t eviction_memory_available_bytes = 100 << 20;  // evictionHard; 0 turns it off.
  Duration pressure_transition = 5min;  // evictionPressureTransitionPeriod

  EventDetail events = EventDetail::kAll;
};

inline Capacity allocatable(const Options& options) {
  return {.cpu_milli = options.capacity.cpu_milli - options.reserved.cpu_milli,
          .memory_bytes = options.capacity.memory_bytes - options.reserved.memory_bytes,
          .pods = options.capacity.pods - options.reserved.pods};
}

}  // namespace minato::kubelet
