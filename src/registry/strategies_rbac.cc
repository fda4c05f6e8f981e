// Roles and bindings. Whether somebody may write them is the API server's to check.
// Rules: k8s.io/kubernetes pkg/apis/rbac/validation, pkg/registry/rbac.
#include <fmt/format.h>

#include "kube/types/rbac.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

enum class Reach { kNamespace, kCluster };

// Any path segment: "system:node" and "a.b" are good, "." and "a/b" are not.
std::string_view check_role_name(std::string_view name) {
  if (name == "." || name == "..") return "may not be '.' or '..'";
  if (name.find_first_of("/%") != std::string_view::npos) return "may not contain '/' or '%'";
  return {};
}

void validate_rules(const std::vector<kube::PolicyRule>& rules, Reach reach, FieldErrors& errors) {
  const FieldPath list("rules");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const kube::PolicyRule& rule = rules[i];
    const FieldPath at = list.index(i);
    if (rule.verbs.empty()) errors.required(at.child("verbs"), "verbs must contain at least one value");
    if (!rule.non_resource_urls.empty()) {
      if (reach == Reach::kNamespace)
        errors.invalid(at.child("nonResourceURLs"), "",
                       "namespaced rules cannot apply to non-resource URLs");
      if (!rule.api_groups.empty() || !rule.resources.empty() || !rule.resource_names.empty())
        errors.invalid(at.child("nonResourceURLs"), "",
                       "rules cannot apply to both regular resources and non-resource URLs");
      continue;
    }
    if (rule.api_groups.empty())
      errors.required(at.child("apiGroups"), "resource rules must supply at least one api group");
    if (rule.resources.empty())
      errors.required(at.child("resources"), "resource rules must supply at least one resource");
  }
}

// A ServiceAccount without a namespace is one of the binding's own, where that has one.
void validate_subjects(const std::vector<kube::Subject>& subjects, Reach reach,
                       FieldErrors& errors) {
  const FieldPath list("subjects");
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const kube::Subject& subject = subjects[i];
    const FieldPath at = list.index(i);
    constexpr std::string_view kKinds[] = {"Group", "ServiceAccount", "User"};
    const FieldPath name = at.child("name");
    const bool is_account = subject.kind == "ServiceAccount";
    if (subject.name.empty()) {
      errors.required(name, "");
    } else if (is_account) {
      errors.grammar(name, subject.name, kube::check_dns1123_subdomain(subject.name));
    }
    errors.one_of(at.child("kind"), subject.kind, kKinds);
    if (is_account && subject.namespace_.empty() && reach == Reach::kCluster)
      errors.required(at.child("namespace"), "");
    const std::string_view wanted = subject.kind == "ServiceAccount" ? "" : kGroup;
    if (subject.api_group != wanted)
      errors.invalid(at.child("apiGroup"), subject.api_group,
                     fmt::format("supported values: \"{}\"", wanted));
  }
}

template <class T>
void binding_defaults(Object& object) {
  auto& binding = mutable_as<T>(object);
  if (binding.role_ref.api_group.empty()) binding.role_ref.api_group = kGroup;
  for (kube::Subject& subject : binding.subjects) {
    if (subject.api_group.empty() && subject.kind != "ServiceAccount") subject.api_group = kGroup;
  }
}

template <class T>
void validate_binding(const Object& object, FieldErrors& errors) {
  const auto& binding = kube::as<T>(object);
  const FieldPath reference("roleRef");
  constexpr std::string_view kNamespaced[] = {"ClusterRole", "Role"};
  constexpr std::string_view kCluster[] = {"ClusterRole"};
  if constexpr (std::is_same_v<T, kube::RoleBinding>) {
    errors.one_of(reference.child("kind"), binding.role_ref.kind, kNamespaced);
  } else {
    errors.one_of(reference.child("kind"), binding.role_ref.kind, kCluster);
  }
  if (binding.role_ref.name.empty()) errors.required(reference.child("name"), "");
  if (binding.role_ref.api_group != kGroup)
    errors.invalid(reference.child("apiGroup"), binding.role_ref.api_group,
                   fmt::format("supported values: \"{}\"", kGroup));
  validate_subjects(binding.subjects,
                    std::is_same_v<T, kube::RoleBinding> ? Reach::kNamespace : Reach::kCluster, errors);
}

// Else whoever may change subjects could turn them into somebody with more rights.
template <class T>
void role_stays(const Object& before, const Object& after, FieldErrors& errors) {
  if (!kube::equal(kube::as<T>(before).role_ref, kube::as<T>(after).role_ref))
    errors.invalid(FieldPath("roleRef"), kube::as<T>(after).role_ref.name,
                   "cannot change roleRef");
}

template <class T>
Strategy binding_strategy() {
  Strategy out = make_strategy<T>();
  out.name_rule = &check_role_name;
  out.set_defaults = &binding_defaults<T>;
  out.validate = &validate_binding<T>;
  out.validate_update = &role_stays<T>;
  return out;
}

}  // namespace

Strategy role_strategy() {
  Strategy out = make_strategy<kube::Role>();
  out.name_rule = &check_role_name;
  out.validate = [](const Object& object, FieldErrors& errors) {
    validate_rules(kube::as<kube::Role>(object).rules, Reach::kNamespace, errors);
  };
  return out;
}

Strategy cluster_role_strategy() {
  Strategy out = make_strategy<kube::ClusterRole>();
  out.name_rule = &check_role_name;
  out.validate = [](const Object& object, FieldErrors& errors) {
    validate_rules(kube::as<kube::ClusterRole>(object).rules, Reach::kCluster, errors);
  };
  return out;
}

Strategy role_binding_strategy() { return binding_strategy<kube::RoleBinding>(); }
Strategy cluster_role_binding_strategy() { return binding_strategy<kube::ClusterRoleBinding>(); }

}  // namespace minato::registry
