#include "scheduling/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "kube/names.h"

namespace minato::scheduling {
namespace {

bool same_taints(const kube::Node& a, const kube::Node& b) {
  return std::ranges::equal(a.spec.taints, b.spec.taints,
                            [](const kube::Taint& x, const kube::Taint& y) {
                              return x.key == y.key && x.value == y.value && x.effect == y.effect;
                            });
}

// Heartbeats and conditions change Nodes all the time; placement looks at this only.
bool same_for_placement(const kube::Node& a, const kube::Node& b) {
  return a.spec.unschedulable == b.spec.unschedulable && same_taints(a, b) &&
         a.metadata.labels == b.metadata.labels && a.status.allocatable == b.status.allocatable;
}

std::string zone_of(const kube::Node& node) {
  const auto value = [&](std::string_view key) {
    const auto found = node.metadata.labels.find(std::string(key));
    return found == node.metadata.labels.end() ? std::string() : found->second;
  };
  return value(kube::kLabelRegion) + "\x1f" + value(kube::kLabelZone);
}

std::int64_t allowed_pods(const kube::Node& node) {
  const auto found = node.status.allocatable.find(std::string(kube::kPods));
  return found == node.status.allocatable.end() ? 0 : found->second.value();
}

void add_load(NodeInfo& info, const PodTemplate& pod) {
  info.requested += pod.requests;
  info.scoring_milli_cpu += pod.scoring_milli_cpu;
  info.scoring_memory_bytes += pod.scoring_memory_bytes;
  info.used_ports.insert(info.used_ports.end(), pod.host_ports.begin(), pod.host_ports.end());
}

void remove_load(NodeInfo& info, const PodTemplate& pod) {
  info.requested -= pod.requests;
  info.scoring_milli_cpu -= pod.scoring_milli_cpu;
  info.scoring_memory_bytes -= pod.scoring_memory_bytes;
  for (const HostPort& port : pod.host_ports) {
    info.used_ports.erase(std::ranges::find(info.used_ports, port));
  }
}

// Null: no Pod of this template is here.
TemplateShare* find_share(NodeInfo& info, const PodTemplate& pod_template) {
  const auto found =
      std::ranges::find(info.shares, &pod_template, &TemplateShare::pod_template);
  return found == info.shares.end() ? nullptr : &*found;
}

}  // namespace

NodeSlot Snapshot::ensure_slot(const std::string& name) {
  const auto [found, is_new] = slots_.try_emplace(name, static_cast<NodeSlot>(nodes_.size()));
  if (!is_new) return found->second;
  if (free_slots_.empty()) {
    nodes_.emplace_back();
    versions_.emplace_back();
  } else {
    found->second = free_slots_.back();
    free_slots_.pop_back();
  }
  nodes_[found->second].name = name;
  return found->second;
}

void Snapshot::free_if_empty(NodeSlot slot) {
  NodeInfo& info = nodes_[slot];
  if (info.node || !info.pods.empty() || !info.nominated.empty()) return;
  slots_.erase(info.name);
  info = {};
  free_slots_.push_back(slot);
}

bool Snapshot::set_node(std::shared_ptr<const kube::Node> node) {
  const NodeSlot slot = ensure_slot(node->metadata.name);
  NodeInfo& info = nodes_[slot];
  note(UndoNode{info.name, info.node});
  if (info.node && same_for_placement(*info.node, *node)) {
    // Taints are referred to by address: keep them where caches saw them.
    return false;
  }
  if (info.node) counters_.detach(slot, info);
  const bool moved = !info.node || zone_of(*info.node) != zone_of(*node);
  info.allocatable = parse_resources(node->status.allocatable);
  info.allowed_pods = allowed_pods(*node);
  info.node = std::move(node);
  versions_[slot].spec = ++stamp_;
  counters_.attach(slot, info);
  if (moved) order_known_ = false;
  return true;
}

void Snapshot::remove_node(const std::string& name) {
  const auto found = slots_.find(name);
  if (found == slots_.end() || !nodes_[found->second].node) return;
  const NodeSlot slot = found->second;
  NodeInfo& info = nodes_[slot];
  note(UndoNode{name, info.node});
  counters_.detach(slot, info);
  info.node = nullptr;
  info.allocatable = {};
  info.allowed_pods = 0;
  versions_[slot].spec = ++stamp_;
  order_known_ = false;
  free_if_empty(slot);
}

bool Snapshot::knows(const std::string& name) const {
  const auto found = slots_.find(name);
  return found != slots_.end() && nodes_[found->second].node != nullptr;
}

void Snapshot::add_pod(const PodInfoPtr& pod, const std::string& node) {
  add_pod(pod, ensure_slot(node));
}

void Snapshot::add_pod(const PodInfoPtr& pod, NodeSlot slot) {
  const bool is_new = pods_.try_emplace(pod->uid(), Place{slot, pod}).second;
  CHECK(is_new, "Pod {} is placed twice", pod->pod->key().to_string());
  NodeInfo& info = nodes_[slot];
  note(UndoAdd{pod->uid()});
  const PodTemplate& pod_template = *pod->pod_template;
  add_load(info, pod_template);
  info.pods.push_back(pod);
  ++priorities_[pod_template.priority];
  const TemplateIndex index = counters_.acquire(pod->pod_template, nodes_);
  if (info.node) counters_.count(slot, index, pod->terminating, 1);
  // After count(): a counter made inside acquire() counts shares, which must not have this Pod yet.
  TemplateShare* share = find_share(info, pod_template);
  if (!share) share = &info.shares.emplace_back(TemplateShare{index, &pod_template, 0, 0});
  ++(pod->terminating ? share->terminating : share->live);
  versions_[slot].load = ++stamp_;
}

PodInfoPtr Snapshot::remove_pod(const std::string& uid) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return nullptr;
  const auto [slot, pod] = std::move(found->second);
  pods_.erase(found);
  NodeInfo& info = nodes_[slot];
  note(UndoRemove{pod, info.name});
  const PodTemplate& pod_template = *pod->pod_template;
  remove_load(info, pod_template);
  info.pods.erase(std::ranges::find(info.pods, pod));
  if (--priorities_[pod_template.priority] == 0) priorities_.erase(pod_template.priority);
  TemplateShare* share = find_share(info, pod_template);
  CHECK(share, "no share for a placed Pod");
  const TemplateIndex index = share->index;
  --(pod->terminating ? share->terminating : share->live);
  if (share->live + share->terminating == 0) {
    *share = info.shares.back();
    info.shares.pop_back();
  }
  if (info.node) counters_.count(slot, index, pod->terminating, -1);
  counters_.release(index);
  versions_[slot].load = ++stamp_;
  free_if_empty(slot);
  return pod;
}

void Snapshot::replace_pod(const PodInfoPtr& pod, const std::string& node) {
  Place& place = pods_.at(pod->uid());
  NodeInfo& info = nodes_[place.slot];
  const bool same = place.pod->pod_template == pod->pod_template &&
                    place.pod->terminating == pod->terminating && info.name == node;
  if (!same || !fork_points_.empty()) {
    remove_pod(pod->uid());
    add_pod(pod, node);
    return;
  }
  *std::ranges::find(info.pods, place.pod) = pod;
  place.pod = pod;
}

PodInfoPtr Snapshot::find_pod(const std::string& uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : found->second.pod;
}

const std::string* Snapshot::node_of(const std::string& uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : &nodes_[found->second.slot].name;
}

void Snapshot::nominate(const PodInfoPtr& pod, const std::string& node) {
  clear_nomination(pod->uid());
  nodes_[ensure_slot(node)].nominated.push_back(pod);
  nominations_[pod->uid()] = {node, counters_.acquire(pod->pod_template, nodes_)};
  note(UndoNominate{pod->uid()});
}

void Snapshot::clear_nomination(const std::string& uid) {
  const auto found = nominations_.find(uid);
  if (found == nominations_.end()) return;
  const NodeSlot slot = slots_.at(found->second.node);
  auto& nominated = nodes_[slot].nominated;
  const auto at =
      std::ranges::find_if(nominated, [&](const PodInfoPtr& pod) { return pod->uid() == uid; });
  note(UndoClear{*at, found->second.node});
  nominated.erase(at);
  counters_.release(found->second.index);
  nominations_.erase(found);
  free_if_empty(slot);
}

const std::string* Snapshot::nominated_node(const std::string& uid) const {
  const auto found = nominations_.find(uid);
  return found == nominations_.end() ? nullptr : &found->second.node;
}

const std::vector<NodeSlot>& Snapshot::order() {
  if (order_known_) return order_;
  std::map<std::string, std::vector<NodeSlot>> zones;
  std::size_t longest = 0;
  for (const auto& [name, slot] : slots_) {
    if (!nodes_[slot].node) continue;
    auto& zone = zones[zone_of(*nodes_[slot].node)];
    zone.push_back(slot);
    longest = std::max(longest, zone.size());
  }
  order_.clear();
  for (std::size_t turn = 0; turn < longest; ++turn) {
    for (const auto& [zone, members] : zones) {
      if (turn < members.size()) order_.push_back(members[turn]);
    }
  }
  order_known_ = true;
  return order_;
}

// --- What-if.

void Snapshot::fork() { fork_points_.push_back(journal_.size()); }

void Snapshot::commit() {
  CHECK(!fork_points_.empty(), "commit without fork");
  fork_points_.pop_back();
  if (fork_points_.empty()) journal_.clear();
}

void Snapshot::revert() {
  CHECK(!fork_points_.empty(), "revert without fork");
  const std::size_t start = fork_points_.back();
  std::vector<Undo> changes(std::make_move_iterator(journal_.begin() + static_cast<long>(start)),
                            std::make_move_iterator(journal_.end()));
  journal_.resize(start);
  // Undoing is not a change of any fork: set the outer ones aside meanwhile.
  std::vector<std::size_t> outer = std::move(fork_points_);
  fork_points_.clear();
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) undo(*change);
  outer.pop_back();
  fork_points_ = std::move(outer);
}

void Snapshot::undo(const Undo& change) {
  if (const auto* added = std::get_if<UndoAdd>(&change)) remove_pod(added->uid);
  if (const auto* removed = std::get_if<UndoRemove>(&change)) add_pod(removed->pod, removed->node);
  if (const auto* node = std::get_if<UndoNode>(&change)) {
    if (node->before) {
      set_node(node->before);
    } else {
      remove_node(node->name);
    }
  }
  if (const auto* nominated = std::get_if<UndoNominate>(&change)) clear_nomination(nominated->uid);
  if (const auto* cleared = std::get_if<UndoClear>(&change)) nominate(cleared->pod, cleared->node);
}

std::string Snapshot::audit() const {
  std::size_t placed = 0;
  for (const NodeInfo& info : nodes_) {
    NodeInfo expected;
    for (const PodInfoPtr& pod : info.pods) add_load(expected, *pod->pod_template);
    placed += info.pods.size();
    if (expected.requested != info.requested ||
        expected.scoring_milli_cpu != info.scoring_milli_cpu ||
        expected.scoring_memory_bytes != info.scoring_memory_bytes ||
        expected.used_ports.size() != info.used_ports.size()) {
      return fmt::format("Node {}: sums differ from its {} Pods", info.name, info.pods.size());
    }
  }
  if (placed != pods_.size()) {
    return fmt::format("{} Pods on Nodes, {} known", placed, pods_.size());
  }
  return counters_.audit(nodes_);
}

}  // namespace minato::scheduling
