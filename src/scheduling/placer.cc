#include "scheduling/placer.h"

#include <algorithm>

namespace minato::scheduling {
namespace {

constexpr std::size_t kMinFeasibleNodes = 100;
constexpr std::size_t kMinPercentage = 5;
constexpr std::size_t kBasePercentage = 50;
constexpr std::size_t kNodesPerPercent = 125;

}  // namespace

Placer::Placer(Snapshot& snapshot, env::Rng rng, const Options& options)
    : snapshot_(snapshot), rng_(std::move(rng)), options_(options) {}

Placer::~Placer() = default;

std::expected<Placement, FitError> Placer::schedule(const PodInfo& pod) {
  FitError refused;
  refused.nodes = snapshot_.order().size();
  TemplateMemory& memory = memory_of(pod);
  feasible_.clear();
  // Room made by preemption is there for this Pod: take it if it still fits.
  const std::string* nominated = snapshot_.nominated_node(pod.uid());
  if (nominated && snapshot_.knows(*nominated)) {
    look_at(memory, pod, snapshot_.slot_of(*nominated), refused);
    refused.refusals.clear();
  }
  if (feasible_.empty()) search(memory, pod, refused);
  if (feasible_.empty()) {
    for (const NodeRefusal& at : refused.refusals) refused.rejecting.add(at.refusal.filter);
    refused.summary = summarize(refused.refusals, *pod.pod_template);
    return std::unexpected(std::move(refused));
  }
  Placement out;
  out.feasible = feasible_.size();
  out.evaluated = feasible_.size() + refused.refusals.size();
  std::size_t chosen = 0;
  if (feasible_.size() > 1) {
    score(memory);
    chosen = choose();
    out.score = totals_[chosen];
  }
  out.slot = feasible_[chosen];
  out.node = snapshot_.node(out.slot).name;
  return out;
}

Refusal Placer::check(const PodInfo& pod, NodeSlot slot) {
  return check(memory_of(pod), pod, slot);
}

std::vector<NodeVerdict> Placer::explain(const PodInfo& pod) {
  TemplateMemory& memory = memory_of(pod);
  FitError refused;
  feasible_.clear();
  for (const NodeSlot slot : snapshot_.order()) look_at(memory, pod, slot, refused);
  score(memory);
  std::vector<NodeVerdict> out;
  for (std::size_t i = 0; i < feasible_.size(); ++i) {
    out.push_back({snapshot_.node(feasible_[i]).name, {}, totals_[i]});
  }
  for (const auto& [slot, refusal] : refused.refusals) {
    out.push_back({snapshot_.node(slot).name, reasons(refusal, *pod.pod_template), 0});
  }
  std::ranges::sort(out, {}, &NodeVerdict::node);
  return out;
}

// --- What is remembered.

Placer::TemplateMemory& Placer::memory_of(const PodInfo& pod) {
  auto& slot = memories_[pod.pod_template.get()];
  if (!slot) {
    slot = std::make_unique<TemplateMemory>();
    slot->pod_template = pod.pod_template;
  }
  TemplateMemory& memory = *slot;
  memory.last_used = ++calls_;
  if (memories_.size() > options_.max_remembered_templates) {
    // last_used is unique, so the order of this walk does not matter.
    memories_.erase(std::ranges::min_element(
        memories_, {}, [](const auto& entry) { return entry.second->last_used; }));
  }
  // Making a plan may itself start a new epoch, by making room.
  if (memory.epoch != snapshot_.counters().epoch()) {
    memory.plan = make_plan(snapshot_, pod.pod_template);
    memory.epoch = snapshot_.counters().epoch();
  }
  return memory;
}

const Placer::Remembered& Placer::remembered(TemplateMemory& memory, NodeSlot slot) {
  if (slot >= memory.nodes.size()) memory.nodes.resize(snapshot_.nodes().size());
  Remembered& out = memory.nodes[slot];
  const NodeVersions& now = snapshot_.versions(slot);
  if (out.versions.spec == now.spec && out.versions.load == now.load) return out;
  const PodTemplate& pod = *memory.pod_template;
  const NodeInfo& info = snapshot_.node(slot);
  if (out.versions.spec != now.spec) {
    out.spec_refusal = filter_unschedulable(pod, *info.node);
    if (!out.spec_refusal) out.spec_refusal = filter_taints(pod, *info.node);
    if (!out.spec_refusal) out.spec_refusal = filter_node_affinity(pod, *info.node);
    out.node_preference = sum_node_preferences(pod, *info.node);
    out.avoided_taints = count_avoided_taints(*info.node, pod.tolerations);
  }
  out.load_refusal = filter_ports(pod, info);
  if (!out.load_refusal) out.load_refusal = filter_resources(pod, info);
  out.load_score = kLeastAllocatedWeight * score_least_allocated(pod, info) +
                   kBalancedAllocationWeight * score_balanced_allocation(pod, info);
  out.versions = now;
  return out;
}

// --- Filters.

Refusal Placer::check_alone(TemplateMemory& memory, const PodInfo& pod, NodeSlot slot) {
  const Remembered& known = remembered(memory, slot);
  const std::string& name = pod.pod->spec.node_name;
  if (!name.empty() && name != snapshot_.node(slot).name &&
      known.spec_refusal.filter != Filter::kNodeUnschedulable) {
    return {Filter::kNodeName, true, 0, nullptr};
  }
  if (known.spec_refusal) return known.spec_refusal;
  if (known.load_refusal) return known.load_refusal;
  if (Refusal refusal = filter_spread(memory.plan, snapshot_.counters(), slot)) return refusal;
  return filter_inter_pod(memory.plan, snapshot_.counters(), slot);
}

std::vector<PodInfoPtr> Placer::reserved_for(const PodInfo& pod, NodeSlot slot) const {
  std::vector<PodInfoPtr> out;
  for (const PodInfoPtr& other : snapshot_.node(slot).nominated) {
    if (other->uid() != pod.uid() && other->priority() >= pod.priority()) out.push_back(other);
  }
  return out;
}

Refusal Placer::check(TemplateMemory& memory, const PodInfo& pod, NodeSlot slot) {
  if (snapshot_.has_nominations() && !snapshot_.node(slot).nominated.empty()) [[unlikely]] {
    // The Pod must fit beside those who wait for room here, and also without them: they may
    // never come, and affinity may lean on them.
    const std::vector<PodInfoPtr> reserved = reserved_for(pod, slot);
    if (!reserved.empty()) {
      for (const PodInfoPtr& other : reserved) snapshot_.add_pod(other, slot);
      const Refusal beside = check_alone(memory, pod, slot);
      for (const PodInfoPtr& other : reserved) snapshot_.remove_pod(other->uid());
      if (beside) return beside;
    }
  }
  return check_alone(memory, pod, slot);
}

std::size_t Placer::wanted_nodes(std::size_t nodes) const {
  if (nodes < kMinFeasibleNodes) return nodes;
  auto percentage = static_cast<std::size_t>(options_.percentage_of_nodes_to_score);
  if (percentage == 0) {
    const std::size_t less = nodes / kNodesPerPercent;
    percentage = less + kMinPercentage < kBasePercentage ? kBasePercentage - less : kMinPercentage;
  }
  return std::max(kMinFeasibleNodes, std::min<std::size_t>(nodes, nodes * percentage / 100));
}

void Placer::look_at(TemplateMemory& memory, const PodInfo& pod, NodeSlot slot,
                     FitError& refused) {
  if (const Refusal refusal = check(memory, pod, slot)) {
    refused.refusals.push_back({slot, refusal});
  } else {
    feasible_.push_back(slot);
  }
}

void Placer::search(TemplateMemory& memory, const PodInfo& pod, FitError& refused) {
  if (memory.pod_template->required_nodes.names()) {
    search_by_name(memory, pod, refused);
    return;
  }
  const std::vector<NodeSlot>& order = snapshot_.order();
  if (order.empty()) return;
  const std::size_t wanted = wanted_nodes(order.size());
  std::size_t at = next_start_ % order.size();
  std::size_t visited = 0;
  while (visited < order.size() && feasible_.size() < wanted) {
    look_at(memory, pod, order[at], refused);
    ++visited;
    if (++at == order.size()) at = 0;
  }
  next_start_ = at;
}

// DaemonSet Pods name their Node: look at that one only.
void Placer::search_by_name(TemplateMemory& memory, const PodInfo& pod, FitError& refused) {
  const auto& names = *memory.pod_template->required_nodes.names();
  for (const std::string& name : names) {
    if (snapshot_.knows(name)) look_at(memory, pod, snapshot_.slot_of(name), refused);
  }
  if (!feasible_.empty()) return;
  for (const NodeSlot slot : snapshot_.order()) {
    if (names.contains(snapshot_.node(slot).name)) continue;
    refused.refusals.push_back({slot, {Filter::kNodeAffinity, true, kNotChosenByName, nullptr}});
  }
}

// --- Scores.

void Placer::score(TemplateMemory& memory) {
  const std::size_t count = feasible_.size();
  totals_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    totals_[i] = remembered(memory, feasible_[i]).load_score;
  }
  const auto add = [&](std::int64_t Remembered::*member, Better better, std::int64_t weight) {
    raw_.resize(count);
    for (std::size_t i = 0; i < count; ++i) raw_[i] = memory.nodes[feasible_[i]].*member;
    normalize(raw_, better);
    for (std::size_t i = 0; i < count; ++i) totals_[i] += weight * raw_[i];
  };
  add(&Remembered::avoided_taints, Better::kLower, kTaintTolerationWeight);
  if (!memory.pod_template->preferred_nodes.empty()) {
    add(&Remembered::node_preference, Better::kHigher, kNodeAffinityWeight);
  }
  spread_scorer_.add(memory.plan, snapshot_.counters(), memory.pod_template->spread.defaulted,
                     feasible_, totals_);
  add_inter_pod_scores(memory.plan, snapshot_.counters(), feasible_, raw_, totals_);
}

// One draw among the best, so that equal Nodes share the load.
std::size_t Placer::choose() {
  const std::int64_t best = *std::ranges::max_element(totals_);
  const auto ties = static_cast<std::uint64_t>(std::ranges::count(totals_, best));
  std::uint64_t skip = ties == 1 ? 0 : rng_.below(ties);
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    if (totals_[i] == best && skip-- == 0) return i;
  }
  return 0;
}

}  // namespace minato::scheduling
