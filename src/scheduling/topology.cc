#include "scheduling/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace minato::scheduling {
namespace {

// Weight of an existing Pod's required affinity when others are scored
// (InterPodAffinityArgs.hardPodAffinityWeight).
constexpr std::int64_t kHardPodAffinityWeight = 1;

template <class T>
T& at_grown(std::vector<T>& list, std::size_t index, T fill = {}) {
  if (index >= list.size()) list.resize(index + 1, fill);
  return list[index];
}

bool counted(const NodeInfo& info) { return info.node != nullptr; }

}  // namespace

void TopologyCounters::attach(NodeSlot slot, const NodeInfo& info) {
  for (Topology& topology : topologies_) {
    at_grown(topology.domain_of, slot, kNoDomain) = locate(topology, *info.node);
  }
  for (Counter& counter : counters_) include(counter, slot, *info.node);
  count_shares(slot, info, 1);
}

void TopologyCounters::detach(NodeSlot slot, const NodeInfo& info) {
  count_shares(slot, info, -1);
  for (Counter& counter : counters_) exclude(counter, slot);
  for (Topology& topology : topologies_) at_grown(topology.domain_of, slot, kNoDomain) = kNoDomain;
}

TemplateIndex TopologyCounters::acquire(const PodTemplatePtr& pod_template, const Nodes& nodes) {
  const auto [found, is_new] = template_ids_.try_emplace(pod_template.get(), 0);
  if (!is_new) {
    TemplateState& state = templates_[found->second];
    if (state.pods++ == 0) --idle_templates_;
    return found->second;
  }
  TemplateIndex index = static_cast<TemplateIndex>(templates_.size());
  if (free_templates_.empty()) {
    templates_.emplace_back();
  } else {
    index = free_templates_.back();
    free_templates_.pop_back();
  }
  found->second = index;
  templates_[index] = {pod_template, 1, {}};
  for (CounterId id = 0; id < counters_.size(); ++id) feed(index, id);
  register_own_terms(index, nodes);
  return index;
}

void TopologyCounters::release(TemplateIndex index) {
  TemplateState& state = templates_[index];
  CHECK(state.pods > 0, "template released more often than acquired");
  if (--state.pods > 0) return;
  if (++idle_templates_ > kMaxIdleTemplates) forget_idle_templates();
}

void TopologyCounters::forget_idle_templates() {
  for (TemplateIndex index = 0; index < templates_.size(); ++index) {
    TemplateState& state = templates_[index];
    if (!state.pod_template || state.pods > 0) continue;
    template_ids_.erase(state.pod_template.get());
    state = {};
    free_templates_.push_back(index);
  }
  idle_templates_ = 0;
}

void TopologyCounters::count(NodeSlot slot, TemplateIndex index, bool terminating,
                             std::int64_t delta) {
  for (const Feed& feed : templates_[index].feeds) {
    if (terminating && feed.skips_terminating) continue;
    add(counters_[feed.counter], slot, delta * feed.weight);
  }
}

void TopologyCounters::count_shares(NodeSlot slot, const NodeInfo& info, std::int64_t sign) {
  for (const TemplateShare& share : info.shares) {
    if (share.live > 0) count(slot, share.index, false, sign * share.live);
    if (share.terminating > 0) count(slot, share.index, true, sign * share.terminating);
  }
}

void TopologyCounters::set_namespace(const std::string& name, const kube::Labels& labels,
                                     const Nodes& nodes) {
  const auto [found, is_new] = namespaces_.try_emplace(name, labels);
  if (!is_new && found->second == labels) return;
  found->second = labels;
  if (chooses_by_namespace_labels()) rebuild_counters(nodes);
}

void TopologyCounters::remove_namespace(const std::string& name, const Nodes& nodes) {
  if (namespaces_.erase(name) > 0 && chooses_by_namespace_labels()) rebuild_counters(nodes);
}

bool TopologyCounters::chooses_by_namespace_labels() const {
  return std::ranges::any_of(counters_, [](const Counter& counter) {
    return std::ranges::any_of(
        counter.terms, [](const AffinityTerm& t) { return t.namespace_selector.has_value(); });
  });
}

const kube::Labels* TopologyCounters::labels_of(const std::string& namespace_) const {
  const auto found = namespaces_.find(namespace_);
  return found == namespaces_.end() ? nullptr : &found->second;
}

void TopologyCounters::make_room(const Nodes& nodes) {
  const bool too_many_domains = std::ranges::any_of(topologies_, [&](const Topology& topology) {
    return topology.ids.size() > nodes.size() + kMaxEmptyDomains;
  });
  if (counters_.size() > kMaxCounters || too_many_domains) rebuild_counters(nodes);
}

void TopologyCounters::rebuild_counters(const Nodes& nodes) {
  counters_.clear();
  counter_ids_.clear();
  topologies_.clear();
  topology_ids_.clear();
  for (TemplateState& state : templates_) state.feeds.clear();
  for (TemplateIndex index = 0; index < templates_.size(); ++index) {
    if (templates_[index].pods > 0) register_own_terms(index, nodes);
  }
  forget_idle_templates();
  ++epoch_;
}

// --- Making counters.

CounterId TopologyCounters::spread_counter(const PodTemplatePtr& pod_template,
                                           const SpreadConstraint& constraint,
                                           const std::vector<SpreadConstraint>& all,
                                           const Nodes& nodes) {
  Counter counter;
  counter.kind = Kind::kSpread;
  counter.terms = {constraint.counted};
  counter.affinity_policy = constraint.affinity_policy;
  counter.taints_policy = constraint.taints_policy;
  counter.chooser = pod_template;
  std::string name = fmt::format("spread\x1e{}", constraint.counted.identity);
  if (!pod_template->spread.defaulted) {
    for (const SpreadConstraint& other : all) {
      counter.required_keys.push_back(other.counted.topology_key);
    }
    std::ranges::sort(counter.required_keys);
    for (const std::string& key : counter.required_keys) name += "\x1e" + key;
  }
  name += "\x1d";
  if (constraint.affinity_policy == NodeInclusion::kHonor) {
    name += pod_template->node_choice_identity;
  }
  name += "\x1d";
  if (constraint.taints_policy == NodeInclusion::kHonor) {
    name += "honor" + pod_template->tolerations_identity;
  }
  counter.topology = topology(constraint.counted.topology_key, nodes);
  return ensure(std::move(name), std::move(counter), nodes);
}

CounterId TopologyCounters::matching_counter(const std::vector<AffinityTerm>& terms,
                                             const std::string& topology_key, const Nodes& nodes) {
  Counter counter;
  counter.kind = Kind::kMatching;
  counter.terms = terms;
  counter.topology = topology(topology_key, nodes);
  std::string name = "matching\x1e" + topology_key;
  for (const AffinityTerm& term : terms) name += "\x1e" + term.identity;
  return ensure(std::move(name), std::move(counter), nodes);
}

void TopologyCounters::register_own_terms(TemplateIndex index, const Nodes& nodes) {
  // A copy of the pointer: registering may move templates_' elements' feeds.
  const PodTemplatePtr pod_template = templates_[index].pod_template;
  for (const AffinityTerm& term : pod_template->terms.required_anti_affinity) {
    register_own_term(Kind::kOwnAntiAffinity, term, nodes);
  }
  for (const AffinityTerm& term : pod_template->terms.required_affinity) {
    register_own_term(Kind::kOwnPreference, term, nodes);
  }
  for (const WeightedTerm& weighted : pod_template->terms.preferred) {
    register_own_term(Kind::kOwnPreference, weighted.term, nodes);
  }
}

void TopologyCounters::register_own_term(Kind kind, const AffinityTerm& term, const Nodes& nodes) {
  Counter counter;
  counter.kind = kind;
  counter.terms = {term};
  counter.topology = topology(term.topology_key, nodes);
  const char* prefix = kind == Kind::kOwnAntiAffinity ? "own-anti\x1e" : "own\x1e";
  const std::size_t before = counters_.size();
  ensure(prefix + term.identity, std::move(counter), nodes);
  if (counters_.size() != before) ++epoch_;
}

CounterId TopologyCounters::ensure(std::string name, Counter counter, const Nodes& nodes) {
  const auto id = static_cast<CounterId>(counters_.size());
  const auto [found, is_new] = counter_ids_.try_emplace(std::move(name), id);
  if (!is_new) return found->second;
  counters_.push_back(std::move(counter));
  for (TemplateIndex index = 0; index < templates_.size(); ++index) {
    if (templates_[index].pod_template) feed(index, id);
  }
  Counter& made = counters_.back();
  for (NodeSlot slot = 0; slot < nodes.size(); ++slot) {
    if (!counted(nodes[slot])) continue;
    include(made, slot, *nodes[slot].node);
    for (const TemplateShare& share : nodes[slot].shares) {
      const auto& feeds = templates_[share.index].feeds;
      if (feeds.empty() || feeds.back().counter != id) continue;
      add(made, slot,
          feeds.back().weight *
              (share.live + (feeds.back().skips_terminating ? 0 : share.terminating)));
    }
  }
  return id;
}

void TopologyCounters::feed(TemplateIndex index, CounterId id) {
  const Counter& counter = counters_[id];
  const std::int64_t weight = weight_of(counter, *templates_[index].pod_template);
  if (weight == 0) return;
  templates_[index].feeds.push_back({id, weight, counter.kind == Kind::kSpread});
}

bool TopologyCounters::matches_all(const std::vector<AffinityTerm>& terms,
                                   const PodTemplate& pod) const {
  const kube::Labels* labels = labels_of(pod.namespace_);
  return std::ranges::all_of(terms, [&](const AffinityTerm& term) {
    return term.matches(pod.namespace_, labels, pod.labels);
  });
}

std::int64_t TopologyCounters::weight_of(const Counter& counter,
                                         const PodTemplate& pod_template) const {
  const PodTerms& own = pod_template.terms;
  const auto has_term = [&](const AffinityTerm& term) {
    return term.identity == counter.terms[0].identity;
  };
  switch (counter.kind) {
    case Kind::kSpread:
    case Kind::kMatching: return matches_all(counter.terms, pod_template) ? 1 : 0;
    case Kind::kOwnAntiAffinity:
      return std::ranges::count_if(own.required_anti_affinity, has_term);
    case Kind::kOwnPreference: {
      std::int64_t out =
          kHardPodAffinityWeight * std::ranges::count_if(own.required_affinity, has_term);
      for (const WeightedTerm& weighted : own.preferred) {
        if (has_term(weighted.term)) out += weighted.weight;
      }
      return out;
    }
  }
  return 0;
}

std::vector<CounterId> TopologyCounters::own_counters_about(Kind kind,
                                                            const PodTemplate& incoming) const {
  std::vector<CounterId> out;
  const kube::Labels* labels = labels_of(incoming.namespace_);
  for (CounterId id = 0; id < counters_.size(); ++id) {
    if (counters_[id].kind == kind &&
        counters_[id].terms[0].matches(incoming.namespace_, labels, incoming.labels)) {
      out.push_back(id);
    }
  }
  return out;
}

std::vector<CounterId> TopologyCounters::anti_affinity_against(const PodTemplate& incoming) const {
  return own_counters_about(Kind::kOwnAntiAffinity, incoming);
}

std::vector<CounterId> TopologyCounters::preferences_about(const PodTemplate& incoming) const {
  return own_counters_about(Kind::kOwnPreference, incoming);
}

// --- Domains.

TopologyCounters::TopologyId TopologyCounters::topology(const std::string& key,
                                                        const Nodes& nodes) {
  const auto id = static_cast<TopologyId>(topologies_.size());
  const auto [found, is_new] = topology_ids_.try_emplace(key, id);
  if (!is_new) return found->second;
  Topology& made = topologies_.emplace_back();
  made.key = key;
  made.domain_of.assign(nodes.size(), kNoDomain);
  for (NodeSlot slot = 0; slot < nodes.size(); ++slot) {
    if (counted(nodes[slot])) made.domain_of[slot] = locate(made, *nodes[slot].node);
  }
  return id;
}

std::int32_t TopologyCounters::locate(Topology& topology, const kube::Node& node) {
  const auto label = node.metadata.labels.find(topology.key);
  if (label == node.metadata.labels.end()) return kNoDomain;
  const auto next = static_cast<std::int32_t>(topology.ids.size());
  return topology.ids.try_emplace(label->second, next).first->second;
}

bool TopologyCounters::includes(const Counter& counter, const kube::Node& node) const {
  if (!std::ranges::all_of(counter.required_keys, [&](const std::string& key) {
        return node.metadata.labels.contains(key);
      })) {
    return false;
  }
  if (!counter.chooser) return true;
  if (counter.affinity_policy == NodeInclusion::kHonor &&
      !counter.chooser->required_nodes.matches(node)) {
    return false;
  }
  return counter.taints_policy == NodeInclusion::kIgnore ||
         !untolerated_taint(node, counter.chooser->tolerations);
}

void TopologyCounters::include(Counter& counter, NodeSlot slot, const kube::Node& node) {
  const std::int32_t domain = topologies_[counter.topology].domain_of[slot];
  std::uint8_t& included = at_grown(counter.included, slot);
  included = domain != kNoDomain && includes(counter, node);
  if (!included) return;
  const auto at = static_cast<std::size_t>(domain);
  at_grown(counter.pods, at);
  if (at_grown(counter.nodes, at)++ == 0) ++counter.domains;
  counter.minimum_known = false;
}

void TopologyCounters::exclude(Counter& counter, NodeSlot slot) {
  std::uint8_t& included = at_grown(counter.included, slot);
  if (!included) return;
  included = 0;
  const auto at = static_cast<std::size_t>(topologies_[counter.topology].domain_of[slot]);
  if (--counter.nodes[at] == 0) --counter.domains;
  counter.minimum_known = false;
}

void TopologyCounters::add(Counter& counter, NodeSlot slot, std::int64_t delta) {
  if (slot >= counter.included.size() || !counter.included[slot]) return;
  const auto at = static_cast<std::size_t>(topologies_[counter.topology].domain_of[slot]);
  std::int64_t& pods = counter.pods[at];
  const bool was_lowest = pods == counter.minimum;
  pods += delta;
  counter.total += delta;
  if (!counter.minimum_known || delta == 0) return;
  // The minimum is looked for again only when the last of the lowest domains has risen.
  if (pods < counter.minimum) {
    counter.minimum = pods;
    counter.at_minimum = 1;
  } else if (pods == counter.minimum) {
    ++counter.at_minimum;
  } else if (was_lowest && --counter.at_minimum == 0) {
    counter.minimum_known = false;
  }
}

std::int64_t TopologyCounters::global_minimum(CounterId id, std::int64_t min_domains) {
  Counter& counter = counters_[id];
  if (counter.domains < std::max<std::int64_t>(1, min_domains)) return 0;
  if (!counter.minimum_known) {
    counter.minimum = std::numeric_limits<std::int64_t>::max();
    counter.at_minimum = 0;
    for (std::size_t at = 0; at < counter.pods.size(); ++at) {
      if (counter.nodes[at] == 0 || counter.pods[at] > counter.minimum) continue;
      if (counter.pods[at] < counter.minimum) counter.at_minimum = 0;
      counter.minimum = counter.pods[at];
      ++counter.at_minimum;
    }
    counter.minimum_known = true;
  }
  return counter.minimum;
}

bool TopologyCounters::minimum_holds(const Counter& counter) {
  if (!counter.minimum_known) return true;
  std::int64_t at_minimum = 0;
  for (std::size_t at = 0; at < counter.pods.size(); ++at) {
    if (counter.nodes[at] == 0) continue;
    if (counter.pods[at] < counter.minimum) return false;
    at_minimum += counter.pods[at] == counter.minimum;
  }
  return at_minimum == counter.at_minimum;
}

std::string TopologyCounters::audit(const Nodes& nodes) const {
  for (const auto& [name, id] : counter_ids_) {
    const Counter& counter = counters_[id];
    const Topology& topology = topologies_[counter.topology];
    std::map<std::string, std::int64_t> expected;
    for (const NodeInfo& info : nodes) {
      if (!info.node || !includes(counter, *info.node)) continue;
      const auto label = info.node->metadata.labels.find(topology.key);
      if (label == info.node->metadata.labels.end()) continue;
      for (const PodInfoPtr& pod : info.pods) {
        if (pod->terminating && counter.kind == Kind::kSpread) continue;
        expected[label->second] += weight_of(counter, *pod->pod_template);
      }
    }
    std::int64_t total = 0;
    for (const auto& [value, pods] : expected) {
      total += pods;
      const std::int64_t have = counter.pods[static_cast<std::size_t>(topology.ids.at(value))];
      if (have != pods) {
        return fmt::format("counter {} in {}={}: {} instead of {}", id, topology.key, value, have,
                           pods);
      }
    }
    if (!minimum_holds(counter)) return fmt::format("counter {}: wrong minimum", id);
    if (total != counter.total) {
      return fmt::format("counter {}: total {} instead of {}", id, counter.total, total);
    }
  }
  return "";
}

}  // namespace minato::scheduling
