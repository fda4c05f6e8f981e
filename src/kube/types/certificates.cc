#include "kube/types/certificates.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(CertificateSigningRequestSpec,
  FIELD(request, "request", 1, kAlways | kAtomic),
  FIELD(signer_name, "signerName", 7, kAlways),
  FIELD(expiration_seconds, "expirationSeconds", 8),
  FIELD(usages, "usages", 5, kAtomic),
  FIELD(username, "username", 2),
  FIELD(uid, "uid", 3),
  FIELD(groups, "groups", 4, kAtomic),
  FIELD(extra, "extra", 6))

MINATO_STRUCT(CertificateSigningRequestCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 6, kAlways),
  FIELD(reason, "reason", 2),
  FIELD(message, "message", 3),
  FIELD(last_update_time, "lastUpdateTime", 4),
  FIELD(last_transition_time, "lastTransitionTime", 5))

MINATO_STRUCT(CertificateSigningRequestStatus,
  FIELD(conditions, "conditions", 1, 0, "", "type"),
  FIELD(certificate, "certificate", 2, kAtomic))

DEFINE_SPECIAL_MEMBERS(CertificateSigningRequest);
MINATO_STRUCT(CertificateSigningRequest,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2, kAlways),
  FIELD(status, "status", 3))

}  // namespace minato::kube
