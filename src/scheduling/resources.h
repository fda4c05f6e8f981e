// Amounts as the scheduler counts them: whole numbers, parsed once, cheap to add and compare.
//
// CPU in milli-CPU, memory and ephemeral storage in bytes, every other resource in its own unit.
// Values; thread-compatible; nothing here fails.
// Rules: k8s.io/component-helpers resource/helpers.go (PodRequests: init containers run one after
// another, sidecars stay), pkg/scheduler/util/pod_resources.go (defaults for scoring only).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/types/pod.h"

namespace minato::scheduling {

struct Resources {
  std::int64_t milli_cpu = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t ephemeral_storage_bytes = 0;
  // Everything else by name ("nvidia.com/gpu", "hugepages-2Mi"): sorted, never zero.
  std::vector<std::pair<std::string, std::int64_t>> extended = {};

  bool operator==(const Resources&) const = default;
  Resources& operator+=(const Resources& other);
  Resources& operator-=(const Resources& other);
  void raise_to(const Resources& other);  // Per resource, the larger.
  std::int64_t extended_amount(std::string_view name) const;
};

// "pods" is not an amount that containers ask for and is left out.
Resources parse_resources(const std::map<std::string, kube::Quantity>& amounts);

// What a Pod occupies on a Node: the larger of its containers together and its hungriest moment
// during initialisation, plus sidecars and overhead.
Resources pod_requests(const kube::PodSpec& spec);

// The same for scoring, where a container that names no request counts as 100m and 200 MiB so that
// such Pods spread instead of piling up. Only milli_cpu and memory_bytes are meaningful.
Resources pod_requests_for_scoring(const kube::PodSpec& spec);

}  // namespace minato::scheduling
