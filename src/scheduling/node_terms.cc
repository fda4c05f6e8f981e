#include "scheduling/node_terms.h"

#include <algorithm>

#include "base/strings.h"
#include "kube/names.h"

namespace minato::scheduling {
namespace {

constexpr std::string_view kFieldName = "metadata.name";

}  // namespace

NodeTerm::NodeTerm(const kube::NodeSelectorTerm& term) {
  for (const auto& requirement : term.match_expressions) {
    expressions_.push_back(compile(requirement));
  }
  for (const auto& requirement : term.match_fields) fields_.push_back(compile(requirement));
}

NodeTerm::Requirement NodeTerm::compile(const kube::NodeSelectorRequirement& requirement) {
  Requirement out{requirement.key, Operator::kInvalid, requirement.values, {}};
  const std::string& op = requirement.operator_;
  if (op == "In") out.op = Operator::kIn;
  if (op == "NotIn") out.op = Operator::kNotIn;
  if (op == "Exists") out.op = Operator::kExists;
  if (op == "DoesNotExist") out.op = Operator::kDoesNotExist;
  if (op == "Gt" || op == "Lt") {
    const auto bound = requirement.values.size() == 1 ? parse_int(requirement.values[0])
                                                      : Result<std::int64_t>(0);
    if (bound && requirement.values.size() == 1) {
      out.op = op == "Gt" ? Operator::kGt : Operator::kLt;
      out.bound = *bound;
    }
  }
  return out;
}

bool NodeTerm::holds(const Requirement& requirement, const std::string* value) {
  const auto listed = [&] {
    return std::ranges::find(requirement.values, *value) != requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::kIn: return value && listed();
    case Operator::kNotIn: return !value || !listed();
    case Operator::kExists: return value != nullptr;
    case Operator::kDoesNotExist: return value == nullptr;
    case Operator::kGt:
    case Operator::kLt: {
      if (!value) return false;
      const auto number = parse_int(*value);
      if (!number) return false;
      return requirement.op == Operator::kGt ? *number > *requirement.bound
                                             : *number < *requirement.bound;
    }
    case Operator::kInvalid: return false;
  }
  return false;
}

bool NodeTerm::matches(const kube::Node& node) const {
  if (empty()) return false;
  for (const Requirement& requirement : expressions_) {
    const auto found = node.metadata.labels.find(requirement.key);
    if (!holds(requirement, found == node.metadata.labels.end() ? nullptr : &found->second)) {
      return false;
    }
  }
  return std::ranges::all_of(fields_, [&](const Requirement& requirement) {
    return requirement.key == kFieldName && holds(requirement, &node.metadata.name);
  });
}

std::optional<std::set<std::string>> NodeTerm::names() const {
  std::optional<std::set<std::string>> out;
  for (const Requirement& requirement : fields_) {
    if (requirement.key != kFieldName || requirement.op != Operator::kIn) continue;
    const std::set<std::string> here(requirement.values.begin(), requirement.values.end());
    if (!out) {
      out = here;
    } else {
      std::erase_if(*out, [&](const std::string& name) { return !here.contains(name); });
    }
  }
  return out;
}

RequiredNodes::RequiredNodes(const kube::PodSpec& spec) : labels_(spec.node_selector) {
  if (!spec.affinity || !spec.affinity->node_affinity) return;
  const auto& required =
      spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return;
  terms_.emplace();
  for (const auto& term : required->node_selector_terms) terms_->emplace_back(term);
  // Terms are alternatives: one that does not choose by name opens the choice to every Node.
  std::set<std::string> all;
  for (const NodeTerm& term : *terms_) {
    const auto names = term.names();
    if (!names) return;
    all.insert(names->begin(), names->end());
  }
  if (!terms_->empty()) names_ = std::move(all);
}

bool RequiredNodes::matches(const kube::Node& node) const {
  for (const auto& [key, value] : labels_) {
    const auto found = node.metadata.labels.find(key);
    if (found == node.metadata.labels.end() || found->second != value) return false;
  }
  if (!terms_) return true;
  return std::ranges::any_of(*terms_, [&](const NodeTerm& term) { return term.matches(node); });
}

std::vector<PreferredNodes> preferred_nodes(const kube::PodSpec& spec) {
  std::vector<PreferredNodes> out;
  if (!spec.affinity || !spec.affinity->node_affinity) return out;
  for (const auto& preferred :
       spec.affinity->node_affinity->preferred_during_scheduling_ignored_during_execution) {
    NodeTerm term(preferred.preference);
    if (preferred.weight == 0 || term.empty()) continue;
    out.push_back({std::move(term), preferred.weight});
  }
  return out;
}

bool tolerates(const kube::Toleration& toleration, const kube::Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  return (toleration.operator_.empty() || toleration.operator_ == "Equal") &&
         toleration.value == taint.value;
}

const kube::Taint* untolerated_taint(const kube::Node& node,
                                     std::span<const kube::Toleration> tolerations) {
  for (const kube::Taint& taint : node.spec.taints) {
    if (taint.effect != kube::kNoSchedule && taint.effect != kube::kNoExecute) continue;
    if (!std::ranges::any_of(tolerations, [&](const auto& t) { return tolerates(t, taint); })) {
      return &taint;
    }
  }
  return nullptr;
}

std::int64_t count_avoided_taints(const kube::Node& node,
                                  std::span<const kube::Toleration> tolerations) {
  return std::ranges::count_if(node.spec.taints, [&](const kube::Taint& taint) {
    return taint.effect == kube::kPreferNoSchedule &&
           std::ranges::none_of(tolerations, [&](const auto& t) { return tolerates(t, taint); });
  });
}

}  // namespace minato::scheduling
