#include "apiserver/reviews.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "kube/json.h"
#include "kube/types/authorization.h"

namespace minato::apiserver {
namespace {

template <class T>
std::string with_kind(const Call& call, const T& value) {
  const std::string body = kube::to_json_text(value);
  return fmt::format(R"({{"kind":"{}","apiVersion":"{}/{}",{})", call.served->kind,
                     call.served->group, call.served->version, std::string_view(body).substr(1));
}

RequestInfo asked(const kube::SubjectAccessReviewSpec& spec) {
  RequestInfo out;
  if (spec.resource_attributes) {
    const kube::ResourceAttributes& what = *spec.resource_attributes;
    out.is_resource = true;
    out.verb = what.verb;
    out.group = what.group;
    out.version = what.version;
    out.resource = what.resource;
    out.subresource = what.subresource;
    out.namespace_ = what.namespace_;
    out.name = what.name;
  } else if (spec.non_resource_attributes) {
    out.verb = to_lower(spec.non_resource_attributes->verb);
    out.path = spec.non_resource_attributes->path;
  }
  return out;
}

Status check_spec(const kube::SubjectAccessReviewSpec& spec) {
  if (static_cast<bool>(spec.resource_attributes) ==
      static_cast<bool>(spec.non_resource_attributes)) {
    return minato::fail(Reason::kInvalid,
                        "spec.resourceAttributes: Invalid value: null: exactly one of "
                        "nonResourceAttributes or resourceAttributes must be specified");
  }
  return {};
}

}  // namespace

Result<std::string> Reviews::self_access(const Call& call) const {
  ASSIGN_OR_RETURN(auto review, read_message<kube::SubjectAccessReview>(call.request));
  RETURN_IF_ERROR(check_spec(review.spec));
  const Decision decision = authorizer_.authorize(call.user, asked(review.spec));
  review.status.allowed = decision.allowed;
  review.status.reason = decision.reason;
  return with_kind(call, review);
}

Result<std::string> Reviews::access(const Call& call) const {
  ASSIGN_OR_RETURN(auto review, read_message<kube::SubjectAccessReview>(call.request));
  RETURN_IF_ERROR(check_spec(review.spec));
  if (review.spec.user.empty() && review.spec.groups.empty()) {
    return minato::fail(
        Reason::kInvalid,
        "spec.user: Invalid value: \"\": at least one of user or group must be specified");
  }
  const Decision decision = authorizer_.authorize(
      {review.spec.user, review.spec.uid, review.spec.groups}, asked(review.spec));
  review.status.allowed = decision.allowed;
  review.status.reason = decision.reason;
  return with_kind(call, review);
}

Result<std::string> Reviews::self_rules(const Call& call) const {
  ASSIGN_OR_RETURN(auto review, read_message<kube::SelfSubjectRulesReview>(call.request));
  for (const Rules::Rule& rule : authorizer_.rules_of(call.user, review.spec.namespace_).rules) {
    if (!rule.paths.empty()) {
      review.status.non_resource_rules.push_back({rule.verbs, rule.paths, {}});
    } else {
      review.status.resource_rules.push_back(
          {rule.verbs, rule.groups, rule.resources, rule.names, {}});
    }
  }
  return with_kind(call, review);
}

Result<std::string> Reviews::self_subject(const Call& call) const {
  ASSIGN_OR_RETURN(auto review, read_message<kube::SelfSubjectReview>(call.request));
  review.status.user_info = {call.user.name, call.user.uid, call.user.groups, {}};
  return with_kind(call, review);
}

Result<std::string> Reviews::token(const Call& call) const {
  ASSIGN_OR_RETURN(auto review, read_message<kube::TokenReview>(call.request));
  if (const auto user = authenticator_.check_token(review.spec.token)) {
    review.status.authenticated = true;
    review.status.user = {user->name, user->uid, user->groups, {}};
  } else {
    review.status.error = user.error().message;
  }
  review.spec.token.clear();
  return with_kind(call, review);
}

void Reviews::create(const CallPtr& call) const {
  const std::string_view resource = call->served->resource;
  const auto answer = resource == "selfsubjectaccessreviews"  ? self_access(*call)
                      : resource == "selfsubjectrulesreviews" ? self_rules(*call)
                      : resource == "selfsubjectreviews"      ? self_subject(*call)
                      : resource == "tokenreviews"            ? token(*call)
                                                              : access(*call);
  if (!answer) return call->fail(answer.error());
  call->answer({.status = 201, .body = *answer + "\n"});
}

}  // namespace minato::apiserver
