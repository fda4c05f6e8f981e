#include "registry/pod_placement.h"

#include <fmt/format.h>

#include <set>

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::PodSpec;

namespace {

constexpr std::string_view kEffects[] = {"NoExecute", "NoSchedule", "PreferNoSchedule"};
constexpr std::string_view kUnsatisfiable[] = {"DoNotSchedule", "ScheduleAnyway"};
constexpr std::string_view kInclusion[] = {"Honor", "Ignore"};
constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";
constexpr std::int64_t kMaxWeight = 100;

void validate_tolerations(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  constexpr std::string_view kOperators[] = {"Equal", "Exists"};
  for (std::size_t i = 0; i < spec.tolerations.size(); ++i) {
    const kube::Toleration& toleration = spec.tolerations[i];
    const FieldPath at = path.index(i);
    const FieldPath op = at.child("operator");
    if (!toleration.key.empty()) {
      errors.grammar(at.child("key"), toleration.key, kube::check_qualified_name(toleration.key));
    } else if (toleration.operator_ != "Exists") {
      errors.invalid(op, toleration.operator_,
                     "operator must be Exists when `key` is empty, which means \"match all values "
                     "and all keys\"");
    }
    if (!toleration.operator_.empty()) errors.one_of(op, toleration.operator_, kOperators);
    if (toleration.operator_ == "Exists" && !toleration.value.empty()) {
      errors.invalid(op, toleration.value, "value must be empty when `operator` is 'Exists'");
    }
    if (!toleration.effect.empty()) {
      errors.one_of(at.child("effect"), toleration.effect, kEffects);
    }
    if (toleration.toleration_seconds && toleration.effect != "NoExecute") {
      errors.invalid(at.child("effect"), toleration.effect,
                     "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
  }
}

void validate_weight(std::int32_t weight, const FieldPath& path, FieldErrors& errors) {
  if (weight < 1 || weight > kMaxWeight)
    errors.invalid(path.child("weight"), weight, "must be in the range 1-100");
}

// Keys of Pods' labels that are added to the selector: each once, and never without one.
void validate_label_keys(const kube::TopologySpreadConstraint& constraint, const FieldPath& path,
                         FieldErrors& errors) {
  const FieldPath keys = path.child("matchLabelKeys");
  if (constraint.match_label_keys.empty()) return;
  if (!constraint.label_selector)
    errors.forbidden(keys, "must not be specified when labelSelector is not set");
  for (std::size_t i = 0; i < constraint.match_label_keys.size(); ++i) {
    const std::string& key = constraint.match_label_keys[i];
    errors.grammar(keys.index(i), key, kube::check_qualified_name(key));
  }
}

void validate_constraint(const kube::TopologySpreadConstraint& constraint, const FieldPath& at,
                         FieldErrors& errors) {
  const FieldPath domains = at.child("minDomains");
  if (constraint.max_skew <= 0)
    errors.invalid(at.child("maxSkew"), constraint.max_skew, "must be greater than zero");
  if (constraint.topology_key.empty())
    errors.required(at.child("topologyKey"), "can not be empty");
  errors.one_of(at.child("whenUnsatisfiable"), constraint.when_unsatisfiable, kUnsatisfiable);
  if (constraint.min_domains.value_or(1) <= 0)
    errors.invalid(domains, *constraint.min_domains, "must be greater than zero");
  if (constraint.min_domains && constraint.when_unsatisfiable != "DoNotSchedule") {
    errors.invalid(domains, *constraint.min_domains,
                   fmt::format("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}",
                               constraint.when_unsatisfiable));
  }
  if (constraint.node_affinity_policy)
    errors.one_of(at.child("nodeAffinityPolicy"), *constraint.node_affinity_policy, kInclusion);
  if (constraint.node_taints_policy)
    errors.one_of(at.child("nodeTaintsPolicy"), *constraint.node_taints_policy, kInclusion);
  validate_label_keys(constraint, at, errors);
  if (constraint.label_selector)
    kube::validate_label_selector(*constraint.label_selector, at.child("labelSelector"), errors);
}

void validate_spread(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const auto& all = spec.topology_spread_constraints;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const FieldPath at = path.index(i);
    validate_constraint(all[i], at, errors);
    for (std::size_t k = i + 1; k < all.size(); ++k) {
      if (all[k].topology_key != all[i].topology_key ||
          all[k].when_unsatisfiable != all[i].when_unsatisfiable) {
        continue;
      }
      errors.duplicate(at.child("{topologyKey, whenUnsatisfiable}"),
                       fmt::format("{{{}, {}}}", all[i].topology_key, all[i].when_unsatisfiable));
      break;
    }
  }
}

void validate_requirement(const kube::NodeSelectorRequirement& requirement, const FieldPath& path,
                          FieldErrors& errors) {
  const std::string& op = requirement.operator_;
  const FieldPath values = path.child("values");
  if ((op == "In" || op == "NotIn") && requirement.values.empty()) {
    errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
  } else if ((op == "Exists" || op == "DoesNotExist") && !requirement.values.empty()) {
    errors.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else if ((op == "Gt" || op == "Lt") && requirement.values.size() != 1) {
    errors.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
  } else if (op != "In" && op != "NotIn" && op != "Exists" && op != "DoesNotExist" && op != "Gt" &&
             op != "Lt") {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  }
  errors.grammar(path.child("key"), requirement.key, kube::check_qualified_name(requirement.key));
}

void validate_field_requirement(const kube::NodeSelectorRequirement& requirement,
                                const FieldPath& path, FieldErrors& errors) {
  const std::string& op = requirement.operator_;
  if (op != "In" && op != "NotIn") {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  } else if (requirement.values.size() != 1) {
    errors.required(path.child("values"),
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  }
  if (requirement.key != "metadata.name")
    errors.invalid(path.child("key"), requirement.key, "not a valid field selector key");
}

void validate_node_term(const kube::NodeSelectorTerm& term, const FieldPath& path,
                        FieldErrors& errors) {
  const FieldPath expressions = path.child("matchExpressions"), fields = path.child("matchFields");
  for (std::size_t i = 0; i < term.match_expressions.size(); ++i)
    validate_requirement(term.match_expressions[i], expressions.index(i), errors);
  for (std::size_t i = 0; i < term.match_fields.size(); ++i)
    validate_field_requirement(term.match_fields[i], fields.index(i), errors);
}

void validate_node_affinity(const kube::NodeAffinity& affinity, const FieldPath& path,
                            FieldErrors& errors) {
  const FieldPath required = path.child(kRequired), preferred = path.child(kPreferred);
  const FieldPath terms = required.child("nodeSelectorTerms");
  if (const auto& selector = affinity.required_during_scheduling_ignored_during_execution) {
    if (selector->node_selector_terms.empty())
      errors.required(terms, "must have at least one node selector term");
    for (std::size_t i = 0; i < selector->node_selector_terms.size(); ++i)
      validate_node_term(selector->node_selector_terms[i], terms.index(i), errors);
  }
  const auto& wishes = affinity.preferred_during_scheduling_ignored_during_execution;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const FieldPath at = preferred.index(i);
    validate_weight(wishes[i].weight, at, errors);
    validate_node_term(wishes[i].preference, at.child("preference"), errors);
  }
}

void validate_pod_term(const kube::PodAffinityTerm& term, const FieldPath& path,
                       FieldErrors& errors) {
  const FieldPath key = path.child("topologyKey"), namespaces = path.child("namespaces");
  if (term.topology_key.empty()) {
    errors.required(key, "can not be empty");
  } else {
    errors.grammar(key, term.topology_key, kube::check_qualified_name(term.topology_key));
  }
  if (term.label_selector)
    kube::validate_label_selector(*term.label_selector, path.child("labelSelector"), errors);
  if (term.namespace_selector)
    kube::validate_label_selector(*term.namespace_selector, path.child("namespaceSelector"), errors);
  for (std::size_t i = 0; i < term.namespaces.size(); ++i) {
    errors.grammar(namespaces.index(i), term.namespaces[i],
                   kube::check_dns1123_label(term.namespaces[i]));
  }
}

template <class Affinity>
void validate_pod_affinity(const kube::Box<Affinity>& affinity, const FieldPath& path,
                           FieldErrors& errors) {
  if (!affinity) return;
  const FieldPath required = path.child(kRequired), preferred = path.child(kPreferred);
  const auto& terms = affinity->required_during_scheduling_ignored_during_execution;
  for (std::size_t i = 0; i < terms.size(); ++i)
    validate_pod_term(terms[i], required.index(i), errors);
  const auto& wishes = affinity->preferred_during_scheduling_ignored_during_execution;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const FieldPath at = preferred.index(i);
    validate_weight(wishes[i].weight, at, errors);
    validate_pod_term(wishes[i].pod_affinity_term, at.child("podAffinityTerm"), errors);
  }
}

}  // namespace

void validate_placement(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  kube::validate_labels(spec.node_selector, path.child("nodeSelector"), errors);
  validate_tolerations(spec, path.child("tolerations"), errors);
  validate_spread(spec, path.child("topologySpreadConstraints"), errors);
  if (!spec.affinity) return;
  const FieldPath affinity = path.child("affinity");
  if (spec.affinity->node_affinity)
    validate_node_affinity(*spec.affinity->node_affinity, affinity.child("nodeAffinity"), errors);
  validate_pod_affinity(spec.affinity->pod_affinity, affinity.child("podAffinity"), errors);
  validate_pod_affinity(spec.affinity->pod_anti_affinity, affinity.child("podAntiAffinity"), errors);
}

}  // namespace minato::registry
