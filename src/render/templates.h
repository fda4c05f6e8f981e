// The Terraform files, as texts with holes (render/template.h). Which value fills which hole says
// terraform.cc. Trailing comments name the key of the file that a setting comes from. Pure data.
#pragma once

#include <string_view>

namespace minato::render {

extern const std::string_view kVersionsTf;
extern const std::string_view kLocalsTf;
extern const std::string_view kNetworkTf;
extern const std::string_view kExistingNetworkTf;
extern const std::string_view kLoadBalancerTf;
extern const std::string_view kCertificateTf;
extern const std::string_view kClusterTf;
extern const std::string_view kAddonsTf;
extern const std::string_view kNodesTf;      // What the groups share.
extern const std::string_view kNodeGroupTf;  // Once per group.
extern const std::string_view kUserDataTpl;  // Amazon Linux 2023: MIME around a NodeConfig.
extern const std::string_view kBottlerocketTpl;
extern const std::string_view kIdentityTf;
// After the identities: what whoever scales the groups may do, upstream's autoscaler or minato's.
extern const std::string_view kAutoscalerPolicyTf;
extern const std::string_view kControllerPolicyTf;
extern const std::string_view kRegistryTf;
extern const std::string_view kSecretsTf;
extern const std::string_view kObservabilityTf;
extern const std::string_view kOutputsTf;
extern const std::string_view kReadme;

}  // namespace minato::render
