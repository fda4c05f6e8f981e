// How many Pods of some description are in each topology domain ("zone-a", a hostname): the
// counters behind spread constraints and Pod (anti-)affinity.
//
// Upstream counts afresh for every Pod that it places (PreFilter walks all Nodes and Pods). Here a
// counter is made when a Pod template first needs it and is then kept current by every Pod and Node
// that comes or goes, at the cost of the few counters that the template concerns. Asking is O(1).
//
// Owned by Snapshot, which tells it of every change. Copyable; everything is by index. Loop thread
// only. Nothing here fails. Counter ids stay valid until epoch() changes.
// Rules: pkg/scheduler/framework/plugins/{podtopologyspread,interpodaffinity}/filtering.go.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scheduling/node_info.h"

namespace minato::scheduling {

using CounterId = std::uint32_t;

inline constexpr std::int32_t kNoDomain = -1;

class TopologyCounters {
 public:
  using Nodes = std::vector<NodeInfo>;  // By slot; always the Snapshot's.

  // Counters beyond this are all dropped and made again when needed: old ones belong to templates
  // that have gone.
  static constexpr std::size_t kMaxCounters = 4096;
  static constexpr std::size_t kMaxIdleTemplates = 1024;
  // Likewise for domains, per topology: those of Nodes that have gone.
  static constexpr std::size_t kMaxEmptyDomains = 16'384;

  // Changes when ids become invalid or when a term of a new template may concern others.
  std::uint64_t epoch() const { return epoch_; }

  // --- What Snapshot reports.
  void attach(NodeSlot slot, const NodeInfo& info);
  void detach(NodeSlot slot, const NodeInfo& info);
  // Requires: pods of this template are added and removed in pairs.
  TemplateIndex acquire(const PodTemplatePtr& pod_template, const Nodes& nodes);
  void release(TemplateIndex index);
  void count(NodeSlot slot, TemplateIndex index, bool terminating, std::int64_t delta);
  void set_namespace(const std::string& name, const kube::Labels& labels, const Nodes& nodes);
  void remove_namespace(const std::string& name, const Nodes& nodes);

  // --- Counters, made on first use. Before the first of a new plan: make_room().
  void make_room(const Nodes& nodes);
  // Pods that a spread constraint counts, on the Nodes that it includes. `all` is every constraint
  // of the same kind: a Node must have the keys of all of them, unless they are the defaults.
  CounterId spread_counter(const PodTemplatePtr& pod_template, const SpreadConstraint& constraint,
                           const std::vector<SpreadConstraint>& all,
                           const Nodes& nodes);
  // Pods that match every one of `terms`, by the topology of `topology_key`.
  CounterId matching_counter(const std::vector<AffinityTerm>& terms,
                             const std::string& topology_key, const Nodes& nodes);
  bool matches_all(const std::vector<AffinityTerm>& terms, const PodTemplate& pod) const;
  // Counters of placed Pods whose own terms concern this template.
  std::vector<CounterId> anti_affinity_against(const PodTemplate& incoming) const;
  std::vector<CounterId> preferences_about(const PodTemplate& incoming) const;

  // --- Questions.
  std::int32_t domain(CounterId id, NodeSlot slot) const {
    const auto& domains = topologies_[counters_[id].topology].domain_of;
    return slot < domains.size() ? domains[slot] : kNoDomain;
  }
  // In the Node's domain; zero when it has none.
  std::int64_t pods_near(CounterId id, NodeSlot slot) const {
    const auto at = static_cast<std::size_t>(domain(id, slot));  // kNoDomain is past every end.
    return at < counters_[id].pods.size() ? counters_[id].pods[at] : 0;
  }
  std::int64_t total(CounterId id) const { return counters_[id].total; }
  // Every domain of the counter's topology is below this.
  std::size_t domain_limit(CounterId id) const {
    return topologies_[counters_[id].topology].ids.size();
  }
  // Over the domains that have an included Node; zero with fewer than `min_domains` of them.
  std::int64_t global_minimum(CounterId id, std::int64_t min_domains);

  // Recounts everything and compares; the first difference, or "".
  std::string audit(const Nodes& nodes) const;

 private:
  using TopologyId = std::uint32_t;
  enum class Kind { kSpread, kMatching, kOwnAntiAffinity, kOwnPreference };

  struct Topology {
    std::string key;
    std::map<std::string, std::int32_t> ids;  // Looked up only.
    std::vector<std::int32_t> domain_of;                // By slot.
  };
  struct Counter {
    Kind kind = Kind::kMatching;
    TopologyId topology = 0;
    std::vector<AffinityTerm> terms;  // kOwn…: the one term that the Pods have.
    // kSpread: the Nodes that count.
    PodTemplatePtr chooser;
    NodeInclusion affinity_policy = NodeInclusion::kIgnore;
    NodeInclusion taints_policy = NodeInclusion::kIgnore;
    std::vector<std::string> required_keys;

    std::vector<std::uint8_t> included;  // By slot.
    std::vector<std::int64_t> pods;      // By domain.
    std::vector<std::int64_t> nodes;     // By domain: included ones.
    std::int64_t total = 0;
    std::int64_t domains = 0;  // With an included Node.
    std::int64_t minimum = 0;
    std::int64_t at_minimum = 0;  // Domains that have just this many.
    bool minimum_known = false;
  };
  struct Feed {
    CounterId counter = 0;
    std::int64_t weight = 0;
    bool skips_terminating = false;
  };
  struct TemplateState {
    PodTemplatePtr pod_template;
    std::int64_t pods = 0;
    std::vector<Feed> feeds;
  };

  TopologyId topology(const std::string& key, const Nodes& nodes);
  // The counter called `name`, made from `counter` and counted when there is none yet.
  CounterId ensure(std::string name, Counter counter, const Nodes& nodes);
  void feed(TemplateIndex index, CounterId id);
  std::vector<CounterId> own_counters_about(Kind kind, const PodTemplate& incoming) const;
  void register_own_terms(TemplateIndex index, const Nodes& nodes);
  void register_own_term(Kind kind, const AffinityTerm& term, const Nodes& nodes);
  std::int64_t weight_of(const Counter& counter, const PodTemplate& pod_template) const;
  bool includes(const Counter& counter, const kube::Node& node) const;
  void rebuild_counters(const Nodes& nodes);
  bool chooses_by_namespace_labels() const;
  const kube::Labels* labels_of(const std::string& namespace_) const;
  std::int32_t locate(Topology& topology, const kube::Node& node);
  void include(Counter& counter, NodeSlot slot, const kube::Node& node);
  void exclude(Counter& counter, NodeSlot slot);
  void add(Counter& counter, NodeSlot slot, std::int64_t delta);
  static bool minimum_holds(const Counter& counter);
  void count_shares(NodeSlot slot, const NodeInfo& info, std::int64_t sign);
  void forget_idle_templates();

  std::uint64_t epoch_ = 1;
  std::vector<Topology> topologies_;
  std::map<std::string, TopologyId> topology_ids_;
  std::vector<Counter> counters_;
  std::map<std::string, CounterId> counter_ids_;
  std::vector<TemplateState> templates_;
  std::map<const PodTemplate*, TemplateIndex> template_ids_;  // Looked up only.
  std::vector<TemplateIndex> free_templates_;
  std::size_t idle_templates_ = 0;
  std::map<std::string, kube::Labels> namespaces_;
};

}  // namespace minato::scheduling
