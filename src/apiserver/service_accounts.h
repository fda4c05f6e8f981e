// Tokens of ServiceAccounts: issued by the subresource token, checked with each request that shows
// one. A token lasts no longer than its time, its ServiceAccount and the object it is bound to.
// Loop thread only. Errors: NotFound, Invalid; Unauthorized from verify().
// Rules: k8s.io/kubernetes pkg/registry/core/serviceaccount/storage/token.go, pkg/serviceaccount.
#pragma once

#include "apiserver/call.h"
#include "apiserver/jwt.h"
#include "env/env.h"
#include "kube/types/token.h"

namespace minato::apiserver {

inline constexpr std::string_view kIssuer = "https://kubernetes.default.svc";

class ServiceAccountTokens {
 public:
  ServiceAccountTokens(env::Env env, registry::Registry& registry, SigningKey key)
      : env_(std::move(env)), registry_(registry), key_(std::move(key)) {}

  // The request with its status filled in.
  Result<kube::TokenRequest> issue(const kube::ObjectKey& account, kube::TokenRequest request);
  Result<User> verify(std::string_view token) const;

 private:
  Status check_bound(const kube::ObjectKey& account, const kube::BoundObjectReference& bound,
                     std::string& uid) const;

  env::Env env_;
  registry::Registry& registry_;
  SigningKey key_;
};

User service_account_user(std::string_view namespace_, std::string_view name, std::string uid);

}  // namespace minato::apiserver
