// CPU and memory in use on one Node, from two samples of its runtime: what the metrics API says.
//
// Rule: kubernetes-sigs/metrics-server pkg/storage: CPU is the rate over the window between two
// samples of the same container attempt, memory the newest working set; a container seen once has
// no usage yet.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "container/runtime.h"

namespace minato::kubelet {

struct ContainerUsage {
  container::ContainerRef ref;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_working_set_bytes = 0;
};

struct NodeMetrics {
  WallTime at{};      // End of the window.
  Duration window{};  // Over which CPU is averaged.
  std::int64_t cpu_milli = 0;
  std::int64_t memory_working_set_bytes = 0;
  std::vector<ContainerUsage> containers;  // Ordered by ref.
};

// Nothing when the samples do not follow one another in time (a jump of the wall clock).
std::optional<NodeMetrics> usage_between(const container::NodeStats& earlier,
                                         const container::NodeStats& later);

}  // namespace minato::kubelet
