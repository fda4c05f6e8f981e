#include "kube/types/token.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(BoundObjectReference,
  FIELD(kind, "kind", 1),
  FIELD(api_version, "apiVersion", 2),
  FIELD(name, "name", 3),
  FIELD(uid, "uid", 4))

MINATO_STRUCT(TokenRequestSpec,
  FIELD(audiences, "audiences", 1, kAtomic),
  FIELD(expiration_seconds, "expirationSeconds", 4, kAlways),
  FIELD(bound_object_ref, "boundObjectRef", 3, kAlways))

MINATO_STRUCT(TokenRequestStatus,
  FIELD(token, "token", 1, kAlways),
  FIELD(expiration_timestamp, "expirationTimestamp", 2, kAlways))

DEFINE_SPECIAL_MEMBERS(TokenRequest);
MINATO_STRUCT(TokenRequest,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2, kAlways),
  FIELD(status, "status", 3))

}  // namespace minato::kube
