#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ecs/parts.h"

namespace minato::ecs {
namespace {

// What a noticed spot interruption leaves: 120 s, less the agent's poll; and what of it Pods may
// take. Rule: EC2 User Guide, "Spot Instance interruption notices".
constexpr std::int64_t kNoticeSeconds = 115;
constexpr std::int64_t kLongestGraceSeconds = 90;
constexpr std::int64_t kDrainSeconds = 10;
constexpr std::int64_t kDefaultStopSeconds = 20;
constexpr std::int64_t kDefaultDelaySeconds = 30;
constexpr std::int64_t kLongestDetectionSeconds = 30;
constexpr std::int64_t kShortestIntervalSeconds = 5;
constexpr std::int64_t kSpareNodes =
    1;  // One zone's worth of rounding, or a Node that is replaced.

void amend(std::vector<Entry>& report, std::string_view field, std::string note) {
  const auto found = std::ranges::find_if(
      report, [&](const Entry& entry) { return entry.field.ends_with(field); });
  if (found == report.end()) return;
  found->fate = Fate::kChanged;
  found->note = std::move(note);
}

void fit_spot(Draft& draft, std::vector<Entry>& report) {
  if (draft.spot_percent.value_or(0) == 0) return;
  const std::int64_t longest_stop = kLongestGraceSeconds - kDrainSeconds;
  if (draft.stop_seconds > longest_stop) {
    amend(report, "stopTimeout",
          fmt::format("stop.timeout: {}s instead of {}s: with spot, a node has two minutes",
                      longest_stop, draft.stop_seconds));
    draft.stop_seconds = longest_stop;
  }
  const std::int64_t stop = draft.stop_seconds > 0 ? draft.stop_seconds : kDefaultStopSeconds;
  const std::int64_t longest_delay = kNoticeSeconds - kDrainSeconds - stop;
  const std::int64_t delay =
      draft.deregistration_seconds >= 0 ? draft.deregistration_seconds : kDefaultDelaySeconds;
  if (delay <= longest_delay) return;
  amend(report, "[deregistration_delay.timeout_seconds]",
        fmt::format("load_balancer.deregistration_delay: {}s instead of {}s: with spot, it and the "
                    "Pods' end must fit into two minutes",
                    longest_delay, delay));
  draft.deregistration_seconds = longest_delay;
}

std::int64_t number_of(const Draft& draft, const std::string& key, std::int64_t otherwise) {
  const auto found = draft.health_check.find(key);
  return found == draft.health_check.end() ? otherwise : std::stoll(found->second);
}

// Most target groups were made with AWS's defaults, by which a dead target is noticed after a
// minute.
void fit_health_check(Draft& draft, std::vector<Entry>& report) {
  const std::int64_t interval = number_of(draft, "interval", kShortestIntervalSeconds);
  const std::int64_t unhealthy = number_of(draft, "unhealthy", 2);
  if (interval * unhealthy <= kLongestDetectionSeconds) return;
  const std::int64_t shorter =
      std::max(kShortestIntervalSeconds, kLongestDetectionSeconds / unhealthy);
  draft.health_check["interval"] = fmt::format("{}s", shorter);
  amend(report, "HealthCheckIntervalSeconds",
        fmt::format("load_balancer.health_check.interval: {}s instead of {}s: a dead node gets "
                    "requests until {} checks have failed",
                    shorter, interval, unhealthy));
  if (number_of(draft, "timeout", 2) < shorter) return;
  draft.health_check["timeout"] = fmt::format("{}s", shorter - 1);
  amend(report, "HealthCheckTimeoutSeconds",
        fmt::format("load_balancer.health_check.timeout: {}s, below the interval", shorter - 1));
}

std::vector<std::string> types_of(const Draft& draft, std::string_view size) {
  std::vector<std::string> families{"m6i", "m5"};
  if (draft.arm64)
    families = {"m7g", "m6g"};
  else if (draft.spot_percent.value_or(0) > 0)
    families = {"m6i", "m5", "m5a", "m5d", "m5ad"};
  for (std::string& family : families) family += fmt::format(".{}", size);
  return families;
}

std::int64_t pods_on(const std::string& name, const Draft& draft,
                     const cloud::Catalogue& catalogue) {
  const cloud::InstanceType* type = catalogue.find(name);
  if (type == nullptr) return 0;
  const cloud::KubeReserved reserved = cloud::kube_reserved(*type);
  const std::int64_t cpu = type->vcpus * 1000 - reserved.cpu_milli;
  const std::int64_t memory = type->memory_mib - (reserved.memory_bytes >> 20);
  std::int64_t each_cpu = std::max<std::int64_t>(draft.program.cpu_milli, 250),
               each_memory = std::max<std::int64_t>(draft.program.memory_mib, 256);
  for (const Sidecar& sidecar : draft.sidecars) {
    if (sidecar.runs == spec::Sidecar::Runs::kFirst) continue;
    each_cpu += sidecar.program.cpu_milli;
    each_memory += sidecar.program.memory_mib;
  }
  return std::min({cpu / each_cpu, memory / each_memory, std::int64_t{type->max_pods}});
}

std::int64_t nodes_for(std::int64_t pods, std::int64_t each) { return (pods + each - 1) / each; }

// The smallest size on which two Pods fit, so that one Node is never one Pod; and enough of them.
void fit_nodes(Draft& draft, const cloud::Catalogue& catalogue) {
  constexpr std::array kSizes{"large", "xlarge", "2xlarge", "4xlarge"};
  std::int64_t each = 0;
  for (const char* size : kSizes) {
    draft.types = types_of(draft, size);
    each = pods_on(draft.types.front(), draft, catalogue);
    if (each >= 2) break;
  }
  if (each == 0) return;  // Larger than all of them: lint says so.
  draft.min_nodes =
      std::max<std::int64_t>({2, nodes_for(draft.min_replicas, each), draft.on_demand_base});
  draft.max_nodes = std::max(draft.min_nodes, nodes_for(most_replicas(draft), each)) + kSpareNodes;
}

}  // namespace

std::int64_t most_replicas(const Draft& draft) {
  // ECS without scaling keeps its number; here the autoscaler may go beyond it.
  constexpr std::int64_t kDefaultMaxFactor = 4;
  return draft.max_replicas > 0 ? draft.max_replicas : draft.min_replicas * kDefaultMaxFactor;
}

void fit(Draft& draft, const cloud::Catalogue& catalogue, std::vector<Entry>& report) {
  fit_spot(draft, report);
  fit_health_check(draft, report);
  fit_nodes(draft, catalogue);
}

}  // namespace minato::ecs
