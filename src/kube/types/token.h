// authentication.k8s.io/v1: TokenRequest; a question, nothing of it is stored.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (authentication.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct BoundObjectReference {
  std::string kind;
  std::string api_version;
  std::string name;
  std::string uid;
  UnknownFields unknown;
};
const TypeInfo& reflect(const BoundObjectReference*);

struct TokenRequestSpec {
  std::vector<std::string> audiences;
  std::optional<std::int64_t> expiration_seconds;
  Box<BoundObjectReference> bound_object_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TokenRequestSpec*);

struct TokenRequestStatus {
  std::string token;
  Time expiration_timestamp;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TokenRequestStatus*);

struct TokenRequest final : ObjectOf<TokenRequest> {
  DECLARE_SPECIAL_MEMBERS(TokenRequest);
  static const Kind& static_kind();
  TokenRequestSpec spec;
  TokenRequestStatus status;
};
const TypeInfo& reflect(const TokenRequest*);

}  // namespace minato::kube
