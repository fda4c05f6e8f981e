#include "kubelet/eviction.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "kubelet/resources.h"

namespace minato::kubelet {
namespace {

constexpr std::int32_t kSystemCriticalPriority = 2'000'000'000;

struct Candidate {
  const kube::Pod* pod = nullptr;
  std::int64_t used = 0;
  std::int64_t requested = 0;
  // Evicted first is smallest.
  auto rank() const {
    return std::tuple(used <= requested, pod->spec.priority.value_or(0), requested - used,
                      pod->key());
  }
};

}  // namespace

std::optional<Victim> choose_victim(const std::vector<const kube::Pod*>& pods,
                                    const std::map<std::string, std::int64_t>& memory_bytes,
                                    std::int64_t available_bytes, const Options& options) {
  std::vector<Candidate> candidates;
  for (const kube::Pod* pod : pods) {
    const auto used = memory_bytes.find(pod->metadata.uid);
    if (used == memory_bytes.end()) continue;
    if (pod->spec.priority.value_or(0) >= kSystemCriticalPriority) continue;
    candidates.push_back({pod, used->second, pod_requests(*pod).memory_bytes});
  }
  if (candidates.empty()) return std::nullopt;
  const Candidate& worst = *std::min_element(
      candidates.begin(), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.rank() < b.rank(); });
  return Victim{
      worst.pod->metadata.uid,
      fmt::format("The node was low on resource: memory. Threshold quantity: {}, available: {}. "
                  "Pod was using {}, request is {}{}.",
                  kube::Quantity::bytes(options.eviction_memory_available_bytes).to_string(),
                  kube::Quantity::bytes(available_bytes).to_string(),
                  kube::Quantity::bytes(worst.used).to_string(),
                  kube::Quantity::bytes(worst.requested).to_string(),
                  worst.used > worst.requested ? ", has larger consumption of memory" : "")};
}

}  // namespace minato::kubelet
