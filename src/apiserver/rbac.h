// Role-based access control: what the stored roles and bindings allow, and that nobody gives away
// what they do not have. Looks the objects up with each question, so a change holds at once.
//
// Ownership: the Registry outlives it. Loop thread only.
// Rules: k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac, pkg/registry/rbac/validation.
#pragma once

#include <functional>

#include "apiserver/access.h"
#include "kube/types/rbac.h"
#include "registry/registry.h"

namespace minato::apiserver {

class RoleAuthorizer final : public Authorizer {
 public:
  explicit RoleAuthorizer(registry::Registry& registry) : registry_(registry) {}

  Decision authorize(const User& user, const RequestInfo& info) const override;
  Rules rules_of(const User& user, const std::string& namespace_) const override;
  // Errors: Forbidden (it gives more than its writer has).
  Status check_escalation(const User& user, const kube::Object& object) const override;

 private:
  // Returns whether to go on.
  using Visit = std::function<bool(const kube::PolicyRule& rule, const std::string& why)>;
  void visit_rules(const User& user, const std::string& namespace_, const Visit& visit) const;
  bool visit_role(const kube::RoleRef& reference, const std::string& namespace_,
                  const std::string& why, const Visit& visit) const;
  std::vector<kube::PolicyRule> rules_of_role(const kube::RoleRef& reference,
                                              const std::string& namespace_) const;
  std::vector<kube::PolicyRule> rules_of_cluster_role(const kube::ClusterRole& role) const;
  Status check_rules(const User& user, const std::string& namespace_,
                     const std::vector<kube::PolicyRule>& rules) const;
  bool has_verb_on(const User& user, std::string_view verb, const kube::Kind& kind,
                   const kube::ObjectKey& key) const;

  BaseAuthorizer base_;
  registry::Registry& registry_;
};

// The roles and bindings that every cluster has (cluster-admin, admin, edit, view, …). Idempotent;
// what people have changed stays.
Status bootstrap_roles(registry::Registry& registry);

}  // namespace minato::apiserver
