// Names on AWS that manifests have to know: with IAM roles for service accounts, each service account
// states the ARN of its role. Pure.
#pragma once

#include <string>
#include <string_view>

#include "spec/spec.h"

namespace minato::render {

// "aws", "aws-cn" or "aws-us-gov".
std::string_view partition_of(const spec::Spec& spec);

// The account that the file names, in `eks.account` or in an address of its own: the registry's, an
// ARN. "" where it names none, or more than one.
std::string account_of(const spec::Spec& spec);

// The role that terraform/identity.tf makes under this key of its local.pod_identities.
std::string role_arn(const spec::Spec& spec, std::string_view key);

inline constexpr std::string_view kRoleAnnotation = "eks.amazonaws.com/role-arn";

inline bool uses_irsa(const spec::Spec& spec) {
  return spec.eks.identity == spec::Eks::Identity::kIrsa;
}

}  // namespace minato::render
