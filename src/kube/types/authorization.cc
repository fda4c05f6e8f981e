#include "kube/types/authorization.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(ResourceAttributes,
  FIELD(namespace_, "namespace", 1),
  FIELD(verb, "verb", 2),
  FIELD(group, "group", 3),
  FIELD(version, "version", 4),
  FIELD(resource, "resource", 5),
  FIELD(subresource, "subresource", 6),
  FIELD(name, "name", 7))

MINATO_STRUCT(NonResourceAttributes,
  FIELD(path, "path", 1),
  FIELD(verb, "verb", 2))

MINATO_STRUCT(SubjectAccessReviewSpec,
  FIELD(resource_attributes, "resourceAttributes", 1),
  FIELD(non_resource_attributes, "nonResourceAttributes", 2),
  FIELD(user, "user", 3),
  FIELD(groups, "groups", 4, kAtomic),
  FIELD(uid, "uid", 6))

MINATO_STRUCT(SubjectAccessReviewStatus,
  FIELD(allowed, "allowed", 1, kAlways),
  FIELD(denied, "denied", 4),
  FIELD(reason, "reason", 2),
  FIELD(evaluation_error, "evaluationError", 3))

MINATO_STRUCT(SubjectAccessReview,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(ResourceRule,
  FIELD(verbs, "verbs", 1, kAtomic),
  FIELD(api_groups, "apiGroups", 2, kAtomic),
  FIELD(resources, "resources", 3, kAtomic),
  FIELD(resource_names, "resourceNames", 4, kAtomic))

MINATO_STRUCT(NonResourceRule,
  FIELD(verbs, "verbs", 1, kAtomic),
  FIELD(non_resource_urls, "nonResourceURLs", 2, kAtomic))

MINATO_STRUCT(SelfSubjectRulesReviewSpec,
  FIELD(namespace_, "namespace", 1))

MINATO_STRUCT(SubjectRulesReviewStatus,
  FIELD(resource_rules, "resourceRules", 1, kAtomic),
  FIELD(non_resource_rules, "nonResourceRules", 2, kAtomic),
  FIELD(incomplete, "incomplete", 3, kAlways),
  FIELD(evaluation_error, "evaluationError", 4))

MINATO_STRUCT(SelfSubjectRulesReview,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(UserInfo,
  FIELD(username, "username", 1),
  FIELD(uid, "uid", 2),
  FIELD(groups, "groups", 3, kAtomic))

MINATO_STRUCT(SelfSubjectReviewStatus,
  FIELD(user_info, "userInfo", 1))

MINATO_STRUCT(SelfSubjectReview,
  FIELD(metadata, "metadata", 1),
  FIELD(status, "status", 2))

MINATO_STRUCT(TokenReviewSpec,
  FIELD(token, "token", 1),
  FIELD(audiences, "audiences", 2, kAtomic))

MINATO_STRUCT(TokenReviewStatus,
  FIELD(authenticated, "authenticated", 1),
  FIELD(user, "user", 2),
  FIELD(error, "error", 3),
  FIELD(audiences, "audiences", 4, kAtomic))

MINATO_STRUCT(TokenReview,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
