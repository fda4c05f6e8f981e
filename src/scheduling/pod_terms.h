// What a Pod says about other Pods: affinity and anti-affinity terms, spread constraints, ports.
//
// Compiled once per Pod template. Values; immutable once made; thread-safe. A selector that does
// not parse (validation refuses such Pods) matches nothing.
// Rules: pkg/scheduler/framework/types.go (AffinityTerm), plugins/podtopologyspread/common.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kube/selector.h"
#include "kube/types/pod.h"

namespace minato::scheduling {

struct AffinityTerm {
  std::vector<std::string> namespaces;  // Sorted. With namespace_selector null too: the Pod's own.
  std::optional<kube::Selector> namespace_selector;
  kube::Selector selector;
  std::string topology_key;
  std::string identity;  // Equal texts mean the same Pods and topology.

  // `namespace_labels` may be null for a namespace that is not known.
  bool matches(const std::string& namespace_, const kube::Labels* namespace_labels,
               const kube::Labels& labels) const;
};

struct WeightedTerm {
  AffinityTerm term;
  std::int64_t weight = 0;  // Negative for anti-affinity.
};

struct PodTerms {
  std::vector<AffinityTerm> required_affinity;
  std::vector<AffinityTerm> required_anti_affinity;
  std::vector<WeightedTerm> preferred;
};
PodTerms pod_terms(const kube::Pod& pod);

enum class NodeInclusion { kHonor, kIgnore };

struct SpreadConstraint {
  AffinityTerm counted;  // The Pods that count: same namespace, matching the selector.
  std::int64_t max_skew = 1;
  std::int64_t min_domains = 1;
  NodeInclusion affinity_policy = NodeInclusion::kHonor;
  NodeInclusion taints_policy = NodeInclusion::kIgnore;
  bool matches_itself = false;
};

struct SpreadConstraints {
  std::vector<SpreadConstraint> required;   // DoNotSchedule
  std::vector<SpreadConstraint> preferred;  // ScheduleAnyway
  // Preferred ones are the system's (hostname 3, zone 5): Nodes may lack the labels.
  bool defaulted = false;
};
// `default_selector` matches the Pods of the same Service or owner; used when the Pod itself has
// no constraints and the selector is not empty.
SpreadConstraints spread_constraints(const kube::Pod& pod,
                                     const std::optional<kube::Selector>& default_selector);

struct HostPort {
  std::string ip;        // "0.0.0.0" is every address.
  std::string protocol;  // "TCP"
  std::int32_t port = 0;
  bool operator==(const HostPort&) const = default;
  bool conflicts_with(const HostPort& other) const;
};
std::vector<HostPort> host_ports(const kube::PodSpec& spec);

}  // namespace minato::scheduling
