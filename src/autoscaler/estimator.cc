#include "autoscaler/estimator.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/names.h"

namespace minato::autoscaler {
namespace {

using scheduling::NodeSlot;
using scheduling::PodInfoPtr;
using scheduling::PodTemplate;

// Share of a Node that one Pod takes, both resources together.
double weight(const PodTemplate& pod, const NodeTemplate& node) {
  double out = 0;
  if (node.info.allocatable.milli_cpu > 0) {
    out += static_cast<double>(pod.requests.milli_cpu) /
           static_cast<double>(node.info.allocatable.milli_cpu);
  }
  if (node.info.allocatable.memory_bytes > 0) {
    out += static_cast<double>(pod.requests.memory_bytes) /
           static_cast<double>(node.info.allocatable.memory_bytes);
  }
  return out;
}

bool spreads_over_hosts(const PodTemplate& pod) {
  return std::ranges::any_of(pod.spread.required, [](const scheduling::SpreadConstraint& each) {
    return each.counted.topology_key == kube::kLabelHostname;
  });
}

class Packing {
 public:
  Packing(scheduling::Placer& placer, const GroupTemplates& templates, ZoneBalance zones,
          NodeLimiter limiter)
      : placer_(placer),
        snapshot_(placer.snapshot()),
        templates_(templates),
        zones_(std::move(zones)),
        limiter_(limiter) {}

  void pack(const PodGroup& group) {
    const bool alone = stands_alone(*group.pod_template, snapshot_);
    const bool hosts = spreads_over_hosts(*group.pod_template);
    std::size_t first = 0;  // For Pods that stand alone, Nodes before it are full.
    for (const PodInfoPtr& pod : group.pods) {
      if (place_on_new(pod, alone, first)) continue;
      if (hosts && place_anywhere(pod)) continue;
      if (!open_for(pod)) return;
      if (alone) first = nodes_.size() - 1;
    }
  }

  Estimate result() {
    out_.nodes = static_cast<std::int32_t>(nodes_.size());
    return std::move(out_);
  }

 private:
  struct NewNode {
    NodeSlot slot = 0;
    std::string name;
    std::string zone;
  };

  void put(const PodInfoPtr& pod, NodeSlot slot) {
    snapshot_.add_pod(pod, slot);
    out_.requested += pod->pod_template->requests;
    out_.pods.push_back(pod);
  }

  bool place_on_new(const PodInfoPtr& pod, bool alone, std::size_t& first) {
    for (std::size_t i = alone ? first : 0; i < nodes_.size(); ++i) {
      if (placer_.check(*pod, nodes_[i].slot)) continue;
      first = i;
      put(pod, nodes_[i].slot);
      return true;
    }
    if (alone) first = nodes_.size();
    return false;
  }

  // New Nodes are new hosts to spread over: where a Pod had one too many it may go now.
  bool place_anywhere(const PodInfoPtr& pod) {
    for (const NodeSlot slot : snapshot_.order()) {
      if (placer_.check(*pod, slot)) continue;
      put(pod, slot);
      return true;
    }
    return false;
  }

  // Opens Nodes, in the group's order of zones, until one takes the Pod. Every zone is tried once;
  // when none does, all is as before and the Pod cannot be helped.
  bool open_for(const PodInfoPtr& pod) {
    const std::size_t before = nodes_.size();
    for (std::size_t tried = 0; tried < zones_.size(); ++tried) {
      if (!limiter_.permit()) {
        out_.limited = true;
        break;
      }
      const NewNode& node = open();
      if (placer_.check(*pod, node.slot)) continue;
      put(pod, node.slot);
      return true;
    }
    while (nodes_.size() > before) close();
    return false;
  }

  const NewNode& open() {
    const std::string zone = zones_.take();
    std::string name = fmt::format("new/{}", opened_++);
    templates_.least_in(zone)->add_to(snapshot_, name);
    const NodeSlot slot = snapshot_.slot_of(name);
    return nodes_.emplace_back(NewNode{slot, std::move(name), zone});
  }

  void close() {
    const NewNode& node = nodes_.back();
    std::vector<std::string> daemons;
    for (const PodInfoPtr& pod : snapshot_.node(node.slot).pods) daemons.push_back(pod->uid());
    for (const std::string& uid : daemons) snapshot_.remove_pod(uid);
    snapshot_.remove_node(node.name);
    zones_.give_back(node.zone);
    limiter_.give_back();
    nodes_.pop_back();
  }

  scheduling::Placer& placer_;
  scheduling::Snapshot& snapshot_;
  const GroupTemplates& templates_;
  ZoneBalance zones_;
  NodeLimiter limiter_;
  std::vector<NewNode> nodes_;
  std::int64_t opened_ = 0;
  Estimate out_;
};

}  // namespace

NodeLimiter::NodeLimiter(const std::vector<std::int32_t>& limits) {
  for (const std::int32_t limit : limits) {
    if (limit < 0) limit_ = -1;
    if (limit_ < 0 || limit == 0) continue;
    limit_ = limit_ == 0 ? limit : std::min(limit_, limit);
  }
}

bool NodeLimiter::permit() {
  if (limit_ < 0 || (limit_ > 0 && used_ >= limit_)) return false;
  ++used_;
  return true;
}

std::int32_t cluster_headroom(std::int32_t max_nodes_total, std::int32_t nodes) {
  if (max_nodes_total <= 0) return 0;
  return nodes >= max_nodes_total ? -1 : max_nodes_total - nodes;
}

std::int32_t similar_groups_headroom(
    const std::vector<std::pair<std::int32_t, std::int32_t>>& of) {
  std::int32_t out = 0;
  for (const auto& [size, max] : of) out += std::max(0, max - size);
  return out > 0 ? out : -1;
}

Estimate estimate(scheduling::Placer& placer, const GroupTemplates& least, ZoneBalance zones,
                  const std::vector<const PodGroup*>& pods, NodeLimiter limiter) {
  if (zones.empty() || least.least.empty()) return {};
  std::vector<const PodGroup*> order = pods;
  std::ranges::stable_sort(order, std::greater{}, [&](const PodGroup* group) {
    return weight(*group->pod_template, least.least.front());
  });
  placer.snapshot().fork();
  Packing packing(placer, least, std::move(zones), limiter);
  for (const PodGroup* group : order) packing.pack(*group);
  Estimate out = packing.result();
  placer.snapshot().revert();
  return out;
}

}  // namespace minato::autoscaler
