// What a Pod says about Nodes one at a time: nodeSelector, node affinity terms, tolerations.
//
// Compiled once per Pod template, then asked per Node. Values; immutable once made; thread-safe.
// Rules: k8s.io/component-helpers scheduling/corev1/nodeaffinity (a term without requirements
// matches nothing; matchFields knows metadata.name only; Gt and Lt want whole numbers on both
// sides) and k8s.io/api core/v1 toleration.go.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::scheduling {

class NodeTerm {
 public:
  explicit NodeTerm(const kube::NodeSelectorTerm& term);
  bool matches(const kube::Node& node) const;
  bool empty() const { return expressions_.empty() && fields_.empty(); }
  // The names that its matchFields allow; nullopt: it does not choose by name.
  std::optional<std::set<std::string>> names() const;

 private:
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist, kGt, kLt, kInvalid };
  struct Requirement {
    std::string key;
    Operator op = Operator::kInvalid;
    std::vector<std::string> values;
    std::optional<std::int64_t> bound;  // Gt, Lt.
  };
  static Requirement compile(const kube::NodeSelectorRequirement& requirement);
  static bool holds(const Requirement& requirement, const std::string* value);

  std::vector<Requirement> expressions_;
  std::vector<Requirement> fields_;
};

// nodeSelector and the required node affinity: both must hold; of the terms, one.
class RequiredNodes {
 public:
  RequiredNodes() = default;
  explicit RequiredNodes(const kube::PodSpec& spec);
  bool matches(const kube::Node& node) const;
  bool matches_everything() const { return labels_.empty() && !terms_; }
  // When every term chooses Nodes by name: all names that can match.
  const std::optional<std::set<std::string>>& names() const { return names_; }

 private:
  std::map<std::string, std::string> labels_;
  std::optional<std::vector<NodeTerm>> terms_;
  std::optional<std::set<std::string>> names_;
};

struct PreferredNodes {
  NodeTerm term;
  std::int64_t weight = 0;
};
std::vector<PreferredNodes> preferred_nodes(const kube::PodSpec& spec);

bool tolerates(const kube::Toleration& toleration, const kube::Taint& taint);
// The first taint that keeps a Pod from being placed (NoSchedule, NoExecute); null: none does.
const kube::Taint* untolerated_taint(const kube::Node& node,
                                     std::span<const kube::Toleration> tolerations);
// How many PreferNoSchedule taints of the Node the Pod would rather avoid.
std::int64_t count_avoided_taints(const kube::Node& node,
                                  std::span<const kube::Toleration> tolerations);

}  // namespace minato::scheduling
