#include "controllers/common/taints.h"

#include <algorithm>

#include "base/strings.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

bool compare_numbers(const std::string* value, const kube::NodeSelectorRequirement& requirement) {
  if (value == nullptr || requirement.values.size() != 1) return false;
  const Result<std::int64_t> left = parse_int(*value);
  const Result<std::int64_t> right = parse_int(requirement.values.front());
  if (!left || !right) return false;
  return requirement.operator_ == "Gt" ? *left > *right : *left < *right;
}

// `value` is null when the node has no such label or field.
bool holds(const kube::NodeSelectorRequirement& requirement, const std::string* value) {
  const std::string& op = requirement.operator_;
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if (op == "Gt" || op == "Lt") return compare_numbers(value, requirement);
  const bool listed =
      value != nullptr && std::ranges::find(requirement.values, *value) != requirement.values.end();
  if (op == "In") return listed;
  return op == "NotIn" && !listed;
}

bool term_matches(const kube::NodeSelectorTerm& term, const kube::Node& node) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  const bool labels_match = std::ranges::all_of(term.match_expressions, [&](const auto& wanted) {
    const auto found = node.metadata.labels.find(wanted.key);
    return holds(wanted, found == node.metadata.labels.end() ? nullptr : &found->second);
  });
  return labels_match && std::ranges::all_of(term.match_fields, [&](const auto& wanted) {
           return holds(wanted, wanted.key == "metadata.name" ? &node.metadata.name : nullptr);
         });
}

}  // namespace

kube::Toleration tolerate(std::string_view key, std::string_view effect) {
  kube::Toleration out;
  out.key = key;
  out.operator_ = "Exists";
  out.effect = effect;
  return out;
}

bool tolerates(const kube::Toleration& toleration, const kube::Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  return (toleration.operator_.empty() || toleration.operator_ == "Equal") &&
         toleration.value == taint.value;
}

bool tolerated(const std::vector<kube::Toleration>& tolerations, const kube::Taint& taint) {
  return std::ranges::any_of(tolerations, [&](const auto& each) { return tolerates(each, taint); });
}

bool has_taint(const std::vector<kube::Taint>& taints, std::string_view key,
               std::string_view effect) {
  return std::ranges::any_of(
      taints, [&](const kube::Taint& taint) { return taint.key == key && taint.effect == effect; });
}

bool matches_required_affinity(const kube::PodSpec& pod, const kube::Node& node) {
  for (const auto& [key, value] : pod.node_selector) {
    const auto found = node.metadata.labels.find(key);
    if (found == node.metadata.labels.end() || found->second != value) return false;
  }
  if (!pod.affinity || !pod.affinity->node_affinity) return true;
  const auto& required =
      pod.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return true;
  return std::ranges::any_of(required->node_selector_terms,
                             [&](const auto& term) { return term_matches(term, node); });
}

}  // namespace minato::controllers
