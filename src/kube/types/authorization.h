// authorization.k8s.io/v1 reviews and authentication.k8s.io/v1 SelfSubjectReview, TokenReview: who
// somebody is and what they may do. Questions, not objects: nothing of this is stored.
//
// Field names and numbers are those of k8s.io/api v0.32.
#pragma once

#include "kube/types/meta.h"

namespace minato::kube {

struct ResourceAttributes {
  std::string namespace_;
  std::string verb;
  std::string group;
  std::string version;
  std::string resource;
  std::string subresource;
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceAttributes*);

struct NonResourceAttributes {
  std::string path;
  std::string verb;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NonResourceAttributes*);

// The spec of SubjectAccessReview; the Self and Local forms use a part of it.
struct SubjectAccessReviewSpec {
  Box<ResourceAttributes> resource_attributes;
  Box<NonResourceAttributes> non_resource_attributes;
  std::string user;
  std::vector<std::string> groups;
  std::string uid;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SubjectAccessReviewSpec*);

struct SubjectAccessReviewStatus {
  bool allowed = false;
  bool denied = false;
  std::string reason;
  std::string evaluation_error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SubjectAccessReviewStatus*);

struct SubjectAccessReview {
  ObjectMeta metadata;
  SubjectAccessReviewSpec spec;
  SubjectAccessReviewStatus status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SubjectAccessReview*);

struct ResourceRule {
  std::vector<std::string> verbs;
  std::vector<std::string> api_groups;
  std::vector<std::string> resources;
  std::vector<std::string> resource_names;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceRule*);

struct NonResourceRule {
  std::vector<std::string> verbs;
  std::vector<std::string> non_resource_urls;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NonResourceRule*);

struct SelfSubjectRulesReviewSpec {
  std::string namespace_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SelfSubjectRulesReviewSpec*);

struct SubjectRulesReviewStatus {
  std::vector<ResourceRule> resource_rules;
  std::vector<NonResourceRule> non_resource_rules;
  bool incomplete = false;
  std::string evaluation_error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SubjectRulesReviewStatus*);

struct SelfSubjectRulesReview {
  ObjectMeta metadata;
  SelfSubjectRulesReviewSpec spec;
  SubjectRulesReviewStatus status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SelfSubjectRulesReview*);

struct UserInfo {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
  UnknownFields unknown;
};
const TypeInfo& reflect(const UserInfo*);

struct SelfSubjectReviewStatus {
  UserInfo user_info;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SelfSubjectReviewStatus*);

struct SelfSubjectReview {
  ObjectMeta metadata;
  SelfSubjectReviewStatus status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SelfSubjectReview*);

struct TokenReviewSpec {
  std::string token;
  std::vector<std::string> audiences;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TokenReviewSpec*);

struct TokenReviewStatus {
  bool authenticated = false;
  UserInfo user;
  std::vector<std::string> audiences;
  std::string error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TokenReviewStatus*);

struct TokenReview {
  ObjectMeta metadata;
  TokenReviewSpec spec;
  TokenReviewStatus status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TokenReview*);

}  // namespace minato::kube
