// EC2 instance types that minato knows: size, Pod limit, price. Pure data.
//
// Facts: Amazon EC2 instance type pages and the AWS VPC CNI limits, as published 2026-07; maximum
// Pods = ENIs × (IPv4 addresses per ENI − 1) + 2. On-demand prices: Linux, shared tenancy,
// us-east-1, as published by the AWS Price List 2026-02. Spot discounts are typical savings by
// family, rounded, from the EC2 Spot Instance Advisor (families since the fifth generation: taken
// to be like their predecessors): an assumption for models, not a quotation. Whoever needs facts of
// a type asks a Catalogue (catalogue_file.h), which may have other regions, types and prices.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cloud/auto_scaling.h"

namespace minato::cloud {

struct InstanceType {
  std::string_view name;
  std::string_view architecture;  // "amd64", "arm64": as Kubernetes and OCI spell it.
  std::int32_t vcpus = 0;
  std::int32_t memory_mib = 0;
  std::int32_t max_pods = 0;
  std::int64_t on_demand_micro_usd = 0;    // Per hour; 0: not known.
  std::int32_t spot_discount_percent = 0;  // Typical.
  std::int64_t spot_micro_usd = 0;         // Per hour, where it was observed; 0: by the discount.
};

// Those that are built in; ordered by name.
std::span<const InstanceType> built_in_types();
// Of their prices.
inline constexpr std::string_view kBuiltInRegion = "us-east-1";
inline constexpr std::string_view kBuiltInDate = "2026-02";

// Millionths of a US dollar. 0: not known.
std::int64_t micro_usd_per_hour(const InstanceType& type, Market market);

// What EKS keeps for the system on a Node: memory by Pod count, CPU by size.
// Rule: awslabs/amazon-eks-ami nodeadm, kubelet reserved resources.
struct KubeReserved {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};
KubeReserved kube_reserved(const InstanceType& type);

}  // namespace minato::cloud
