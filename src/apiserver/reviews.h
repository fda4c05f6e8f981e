// Questions about who somebody is and what they may do: authentication.k8s.io and
// authorization.k8s.io. Answers at once, stores nothing. Loop thread only.
// Rules: k8s.io/kubernetes pkg/registry/{authentication,authorization}.
#pragma once

#include "apiserver/call.h"

namespace minato::apiserver {

class Reviews {
 public:
  Reviews(const Authenticator& authenticator, const Authorizer& authorizer)
      : authenticator_(authenticator), authorizer_(authorizer) {}

  // Requires: the resource is one of the questions. Errors are answered.
  void create(const CallPtr& call) const;

 private:
  Result<std::string> self_access(const Call& call) const;
  Result<std::string> access(const Call& call) const;
  Result<std::string> self_rules(const Call& call) const;
  Result<std::string> self_subject(const Call& call) const;
  Result<std::string> token(const Call& call) const;

  const Authenticator& authenticator_;
  const Authorizer& authorizer_;
};

}  // namespace minato::apiserver
