#include "kubelet/node_metrics.h"

#include <algorithm>
#include <map>

#include "base/int128.h"

namespace minato::kubelet {
namespace {

// A counter that went back belongs to a new process: its own count is all there is.
std::int64_t milli_between(std::uint64_t earlier_ns, std::uint64_t later_ns, Duration window) {
  const std::uint64_t used = later_ns >= earlier_ns ? later_ns - earlier_ns : later_ns;
  return static_cast<std::int64_t>(static_cast<Int128>(used) * 1000 / window.count());
}

}  // namespace

std::optional<NodeMetrics> usage_between(const container::NodeStats& earlier,
                                         const container::NodeStats& later) {
  const Duration window = later.at - earlier.at;
  if (window <= Duration{}) return std::nullopt;
  NodeMetrics out;
  out.at = later.at;
  out.window = window;
  out.cpu_milli = milli_between(earlier.cpu_usage_ns, later.cpu_usage_ns, window);
  out.memory_working_set_bytes = static_cast<std::int64_t>(later.memory_working_set_bytes);
  std::map<container::ContainerRef, std::uint64_t> before;
  for (const container::ContainerStats& stats : earlier.containers) {
    before[stats.ref] = stats.cpu_usage_ns;
  }
  for (const container::ContainerStats& stats : later.containers) {
    const auto found = before.find(stats.ref);
    if (found == before.end()) continue;
    out.containers.push_back({stats.ref, milli_between(found->second, stats.cpu_usage_ns, window),
                              static_cast<std::int64_t>(stats.memory_working_set_bytes)});
  }
  std::sort(out.containers.begin(), out.containers.end(),
            [](const auto& a, const auto& b) { return a.ref < b.ref; });
  return out;
}

}  // namespace minato::kubelet
