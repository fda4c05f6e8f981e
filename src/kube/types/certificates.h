// certificates.k8s.io/v1: CertificateSigningRequest.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (certificates.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct CertificateSigningRequestSpec {
  Bytes request;
  std::string signer_name;
  std::optional<std::int32_t> expiration_seconds;
  std::vector<std::string> usages;
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CertificateSigningRequestSpec*);

struct CertificateSigningRequestCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
  Time last_update_time;
  Time last_transition_time;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CertificateSigningRequestCondition*);

struct CertificateSigningRequestStatus {
  std::vector<CertificateSigningRequestCondition> conditions;
  Bytes certificate;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CertificateSigningRequestStatus*);

struct CertificateSigningRequest final : ObjectOf<CertificateSigningRequest> {
  DECLARE_SPECIAL_MEMBERS(CertificateSigningRequest);
  static const Kind& static_kind();
  CertificateSigningRequestSpec spec;
  CertificateSigningRequestStatus status;
};
const TypeInfo& reflect(const CertificateSigningRequest*);

}  // namespace minato::kube
