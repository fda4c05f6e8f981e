#include "linux_net/address_plan.h"

#include <fmt/format.h>

namespace minato::linux_net {
namespace {

constexpr std::uint32_t kPodsOffset = 16 << 8;
constexpr int kPodPrefixLength = 25;

}  // namespace

Result<AddressPlan> AddressPlan::make(const std::string& cidr) {
  ASSIGN_OR_RETURN(const Prefix vpc, Prefix::parse(cidr));
  if (vpc.length != 16) {
    return fail(Reason::kInvalid, fmt::format("the VPC's CIDR must be a /16, not {}", cidr));
  }
  return AddressPlan(vpc);
}

Prefix AddressPlan::zone_subnet(int zone) const {
  return {vpc_.base + (static_cast<std::uint32_t>(zone) << 8), 24};
}

Prefix AddressPlan::pod_prefix(std::uint32_t index) const {
  return {vpc_.base + kPodsOffset + (index << (32 - kPodPrefixLength)), kPodPrefixLength};
}

std::string AddressPlan::pod_range() const {
  const Ipv4 last = pod_prefix(kPodPrefixes - 1).base + ((1U << (32 - kPodPrefixLength)) - 1);
  return fmt::format("{}-{}", pod_prefix(0).base.to_string(), last.to_string());
}

std::string instance_hostname(Ipv4 address, const std::string& region) {
  // The oldest region kept its name from before there were regions.
  const std::string domain =
      region == "us-east-1" ? "ec2.internal" : fmt::format("{}.compute.internal", region);
  return fmt::format("ip-{}-{}-{}-{}.{}", address.octet(0), address.octet(1), address.octet(2),
                     address.octet(3), domain);
}

}  // namespace minato::linux_net
