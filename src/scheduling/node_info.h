// One Node as Snapshot keeps it: what it offers, what its Pods take, and versions that tell caches
// when to look again. Owned and changed by Snapshot only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scheduling/pod_info.h"

namespace minato::scheduling {

using NodeSlot = std::uint32_t;  // Index into Snapshot::nodes(); reused after removal.
using TemplateIndex = std::uint32_t;

// Pods of one template on one Node.
struct TemplateShare {
  TemplateIndex index = 0;
  const PodTemplate* pod_template = nullptr;  // Kept alive by the Pods.
  std::int64_t live = 0;
  std::int64_t terminating = 0;
};

struct NodeInfo {
  std::string name;  // "": the slot is free.
  std::shared_ptr<const kube::Node> node;  // Null: known only because Pods are bound to it.
  Resources allocatable;
  std::int64_t allowed_pods = 0;
  Resources requested;
  std::int64_t scoring_milli_cpu = 0;
  std::int64_t scoring_memory_bytes = 0;
  std::vector<HostPort> used_ports;
  std::vector<PodInfoPtr> pods;
  std::vector<PodInfoPtr> nominated;  // Preemptors that wait for room here.
  std::vector<TemplateShare> shares;
};

// Stamps from one growing counter, never reused: equal stamps mean an unchanged Node.
struct NodeVersions {
  std::uint64_t spec = 0;  // Labels, taints, allocatable, unschedulable.
  std::uint64_t load = 0;  // Its Pods.
};

}  // namespace minato::scheduling
