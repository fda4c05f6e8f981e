// EC2 instance types that minato knows: size and Pod limit. Pure data.
//
// Facts: Amazon EC2 instance type pages and the AWS VPC CNI limits, as published 2026-07; maximum
// Pods = ENIs × (IPv4 addresses per ENI − 1) + 2.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace minato::cloud {

struct InstanceType {
  std::string_view name;
  std::string_view architecture;  // "amd64", "arm64": as Kubernetes and OCI spell it.
  std::int32_t vcpus = 0;
  std::int32_t memory_mib = 0;
  std::int32_t max_pods = 0;
};

// Ordered by name.
std::span<const InstanceType> catalogue();
// Null when the type is not in the catalogue.
const InstanceType* find_instance_type(std::string_view name);

}  // namespace minato::cloud
