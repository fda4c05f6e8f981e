#include "apiserver/rbac.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kube/selector.h"

namespace minato::apiserver {
namespace {

using kube::PolicyRule;

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::ranges::find(all, one) != all.end();
}

bool has(const std::vector<std::string>& all, std::string_view one) {
  return contains(all, "*") || contains(all, one);
}

// `wanted` is "pods", "pods/log" or, in a rule that somebody writes, a pattern itself.
bool has_resource(const std::vector<std::string>& all, const std::string& wanted) {
  if (has(all, wanted)) return true;
  const std::size_t slash = wanted.find('/');
  return slash != std::string::npos && contains(all, "*" + wanted.substr(slash));
}

bool has_path(const std::vector<std::string>& all, std::string_view wanted) {
  return std::ranges::any_of(all, [&](std::string_view known) {
    if (known == "*" || known == wanted) return true;
    if (!known.ends_with('*')) return false;
    known.remove_suffix(1);
    return wanted.starts_with(known);
  });
}

bool allows(const PolicyRule& rule, const RequestInfo& info) {
  if (!has(rule.verbs, info.verb)) return false;
  if (!info.is_resource) return has_path(rule.non_resource_urls, info.path);
  const std::string resource =
      info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
  return has(rule.api_groups, info.group) && has_resource(rule.resources, resource) &&
         (rule.resource_names.empty() || contains(rule.resource_names, info.name));
}

bool is_about(const kube::Subject& subject, const User& user) {
  if (subject.kind == "User") return subject.name == user.name;
  if (subject.kind == "Group") return user.is_in(subject.name);
  return subject.kind == "ServiceAccount" && !subject.namespace_.empty() &&
         user.name ==
             fmt::format("system:serviceaccount:{}:{}", subject.namespace_, subject.name);
}

template <class Binding>
bool binds(const Binding& binding, const User& user) {
  return std::ranges::any_of(binding.subjects,
                             [&](const auto& subject) { return is_about(subject, user); });
}

std::string because(const kube::Object& binding, const kube::RoleRef& reference) {
  return fmt::format("RBAC: allowed by {} \"{}\" of {} \"{}\"", binding.kind().kind,
                     binding.key().to_string(), reference.kind, reference.name);
}

// One verb, group, resource and name (or path) of a rule: what has to be covered as a whole.
void split_rule(const PolicyRule& rule, std::vector<PolicyRule>& out) {
  for (const std::string& verb : rule.verbs) {
    for (const std::string& path : rule.non_resource_urls) {
      out.push_back({.verbs = {verb}, .non_resource_urls = {path}});
    }
    for (const std::string& group : rule.api_groups) {
      for (const std::string& resource : rule.resources) {
        PolicyRule one{.verbs = {verb}, .api_groups = {group}, .resources = {resource}};
        if (rule.resource_names.empty()) out.push_back(one);
        for (const std::string& name : rule.resource_names) {
          one.resource_names = {name};
          out.push_back(one);
        }
      }
    }
  }
}

bool covers(const PolicyRule& owned, const PolicyRule& one) {
  if (!has(owned.verbs, one.verbs[0])) return false;
  if (!one.non_resource_urls.empty())
    return has_path(owned.non_resource_urls, one.non_resource_urls[0]);
  return has(owned.api_groups, one.api_groups[0]) &&
         has_resource(owned.resources, one.resources[0]) &&
         (owned.resource_names.empty() ||
          (!one.resource_names.empty() && contains(owned.resource_names, one.resource_names[0])));
}

std::string describe(const PolicyRule& one) {
  if (!one.non_resource_urls.empty())
    return fmt::format("{{NonResourceURLs:[\"{}\"], Verbs:[\"{}\"]}}", one.non_resource_urls[0],
                       one.verbs[0]);
  return fmt::format("{{APIGroups:[\"{}\"], Resources:[\"{}\"]{}, Verbs:[\"{}\"]}}",
                     one.api_groups[0], one.resources[0],
                     one.resource_names.empty()
                         ? ""
                         : fmt::format(", ResourceNames:[\"{}\"]", one.resource_names[0]),
                     one.verbs[0]);
}

}  // namespace

std::vector<PolicyRule> RoleAuthorizer::rules_of_cluster_role(const kube::ClusterRole& role) const {
  std::vector<PolicyRule> out = role.rules;
  if (!role.aggregation_rule) return out;
  const auto all = registry_.list(kube::ClusterRole::static_kind(), {});
  if (!all) return out;
  for (const kube::LabelSelector& wanted : role.aggregation_rule->cluster_role_selectors) {
    const auto selector = kube::Selector::from(wanted);
    if (!selector) continue;
    for (const kube::ObjectPtr& object : all->items) {
      if (!selector->matches(object->metadata.labels)) continue;
      const auto& more = kube::as<kube::ClusterRole>(*object).rules;
      out.insert(out.end(), more.begin(), more.end());
    }
  }
  return out;
}

std::vector<PolicyRule> RoleAuthorizer::rules_of_role(const kube::RoleRef& reference,
                                                      const std::string& namespace_) const {
  if (reference.kind == "ClusterRole") {
    const auto role = registry_.get(kube::ClusterRole::static_kind(), {"", reference.name});
    return role ? rules_of_cluster_role(kube::as<kube::ClusterRole>(**role))
                : std::vector<PolicyRule>();
  }
  const auto role = registry_.get(kube::Role::static_kind(), {namespace_, reference.name});
  return role ? kube::as<kube::Role>(**role).rules : std::vector<PolicyRule>();
}

bool RoleAuthorizer::visit_role(const kube::RoleRef& reference, const std::string& namespace_,
                                const std::string& why, const Visit& visit) const {
  for (const PolicyRule& rule : rules_of_role(reference, namespace_)) {
    // A binding in a namespace gives nothing outside of it.
    if (!namespace_.empty() && !rule.non_resource_urls.empty()) continue;
    if (!visit(rule, why)) return false;
  }
  return true;
}

void RoleAuthorizer::visit_rules(const User& user, const std::string& namespace_,
                                 const Visit& visit) const {
  const auto everywhere = registry_.list(kube::ClusterRoleBinding::static_kind(), {});
  for (const kube::ObjectPtr& object :
       everywhere ? everywhere->items : std::vector<kube::ObjectPtr>()) {
    const auto& binding = kube::as<kube::ClusterRoleBinding>(*object);
    if (binds(binding, user) &&
        !visit_role(binding.role_ref, "", because(binding, binding.role_ref), visit))
      return;
  }
  if (namespace_.empty()) return;
  const auto here = registry_.list(kube::RoleBinding::static_kind(), {.namespace_ = namespace_});
  for (const kube::ObjectPtr& object : here ? here->items : std::vector<kube::ObjectPtr>()) {
    const auto& binding = kube::as<kube::RoleBinding>(*object);
    if (binds(binding, user) &&
        !visit_role(binding.role_ref, namespace_, because(binding, binding.role_ref), visit))
      return;
  }
}

Decision RoleAuthorizer::authorize(const User& user, const RequestInfo& info) const {
  Decision out = base_.authorize(user, info);
  if (out.allowed) return out;
  visit_rules(user, info.is_resource ? info.namespace_ : "",
              [&](const PolicyRule& rule, const std::string& why) {
                if (allows(rule, info)) out = {true, why};
                return !out.allowed;
              });
  return out;
}

Rules RoleAuthorizer::rules_of(const User& user, const std::string& namespace_) const {
  Rules out = base_.rules_of(user, namespace_);
  visit_rules(user, namespace_, [&](const PolicyRule& rule, const std::string&) {
    out.rules.push_back({rule.verbs, rule.api_groups, rule.resources, rule.resource_names,
                         rule.non_resource_urls});
    return true;
  });
  return out;
}

bool RoleAuthorizer::has_verb_on(const User& user, std::string_view verb, const kube::Kind& kind,
                                 const kube::ObjectKey& key) const {
  RequestInfo info{.is_resource = true, .verb = std::string(verb)};
  info.group = kind.group;
  info.version = kind.version;
  info.resource = kind.resource;
  info.namespace_ = key.namespace_;
  info.name = key.name;
  return authorize(user, info).allowed;
}

Status RoleAuthorizer::check_rules(const User& user, const std::string& namespace_,
                                   const std::vector<PolicyRule>& rules) const {
  std::vector<PolicyRule> wanted, owned;
  for (const PolicyRule& rule : rules) split_rule(rule, wanted);
  visit_rules(user, namespace_, [&](const PolicyRule& rule, const std::string&) {
    owned.push_back(rule);
    return true;
  });
  for (const Rules::Rule& rule : base_.rules_of(user, namespace_).rules) {
    owned.push_back({.verbs = rule.verbs,
                     .api_groups = rule.groups,
                     .resources = rule.resources,
                     .non_resource_urls = rule.paths});
  }
  std::vector<std::string> missing;
  for (const PolicyRule& one : wanted) {
    if (std::ranges::none_of(owned, [&](const auto& rule) { return covers(rule, one); }))
      missing.push_back(describe(one));
  }
  if (missing.empty()) return {};
  return fail(Reason::kForbidden,
              fmt::format("user \"{}\" (groups=[\"{}\"]) is attempting to grant RBAC permissions "
                          "not currently held:\n{}",
                          user.name, join(user.groups, "\" \""), join(missing, "\n")));
}

Status RoleAuthorizer::check_escalation(const User& user, const kube::Object& object) const {
  const kube::Kind& kind = object.kind();
  const std::string& namespace_ = object.metadata.namespace_;
  Status out;
  if (kind == kube::Role::static_kind() || kind == kube::ClusterRole::static_kind()) {
    if (has_verb_on(user, "escalate", kind, object.key())) return {};
    out = check_rules(user, namespace_,
                      kind == kube::Role::static_kind()
                          ? kube::as<kube::Role>(object).rules
                          : rules_of_cluster_role(kube::as<kube::ClusterRole>(object)));
  } else if (kind == kube::RoleBinding::static_kind() ||
             kind == kube::ClusterRoleBinding::static_kind()) {
    const kube::RoleRef& reference =
        kind == kube::RoleBinding::static_kind()
            ? kube::as<kube::RoleBinding>(object).role_ref
            : kube::as<kube::ClusterRoleBinding>(object).role_ref;
    const bool is_cluster_role = reference.kind == "ClusterRole";
    const kube::Kind& role =
        is_cluster_role ? kube::ClusterRole::static_kind() : kube::Role::static_kind();
    // Whoever may bind a ClusterRole in one namespace only asks for it there.
    if (has_verb_on(user, "bind", role, {namespace_, reference.name})) return {};
    const auto found =
        registry_.get(role, {is_cluster_role ? "" : namespace_, reference.name});
    // What does not exist yet could be anything tomorrow.
    out = found ? check_rules(user, namespace_, rules_of_role(reference, namespace_))
                : Status(std::unexpected(found.error()));
  }
  if (out) return {};
  return fail(out.error().reason == Reason::kNotFound ? Reason::kNotFound : Reason::kForbidden,
              out.error().reason == Reason::kNotFound
                  ? out.error().message
                  : fmt::format("{} \"{}\" is forbidden: {}", kind.group_resource(),
                                object.metadata.name, out.error().message));
}

}  // namespace minato::apiserver
