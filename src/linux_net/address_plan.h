// Which address is what in the VPC. Pure.
//
//   10.77.0.2              Service DNS
//   10.77.0.3              the Kubernetes API, for Pods
//   10.77.0.4              where the load balancer connects from
//   10.77.<zone>.1         the router's address on the zone's bridge
//   10.77.<zone>.11-250    instances
//   10.77.16.0-255.255     480 prefixes of 128 addresses, one per instance, for its Pods
//
// A routed prefix per instance (as the AWS VPC CNI's prefix delegation) and not single addresses:
// the router then needs one route per instance and no neighbour per Pod, of which a kernel keeps
// about a thousand for all namespaces together.
#pragma once

#include <string>

#include "linux_net/address.h"

namespace minato::linux_net {

inline constexpr int kMaxZones = 15;
inline constexpr std::uint32_t kFirstHost = 11;
inline constexpr std::uint32_t kLastHost = 250;
inline constexpr std::uint32_t kPodPrefixes = 480;
// The first and last address of a prefix stay free: some software takes .0 and .255 amiss.
inline constexpr std::uint32_t kFirstPod = 1;
inline constexpr std::uint32_t kLastPod = 126;
// Where Pods send everything; exists only as a permanent neighbour entry (as with the VPC CNI).
inline constexpr Ipv4 kPodGateway{0xA9FE0101};  // 169.254.1.1

class AddressPlan {
 public:
  // The VPC must be a /16: AWS's largest, and what the layout above divides.
  static Result<AddressPlan> make(const std::string& cidr);

  Prefix vpc() const { return vpc_; }
  Ipv4 dns() const { return vpc_.base + 2; }
  Ipv4 api() const { return vpc_.base + 3; }
  Ipv4 load_balancer() const { return vpc_.base + 4; }
  Prefix zone_subnet(int zone) const;  // Zones count from 1.
  Ipv4 router(int zone) const { return zone_subnet(zone).base + 1; }
  Ipv4 host(int zone, std::uint32_t number) const { return zone_subnet(zone).base + number; }
  Prefix pod_prefix(std::uint32_t index) const;
  std::string pod_range() const;  // First and last: "10.77.16.0-10.77.255.255".

 private:
  explicit AddressPlan(Prefix vpc) : vpc_(vpc) {}
  Prefix vpc_;
};

// EC2's private DNS name: "ip-10-77-1-11.ap-northeast-1.compute.internal".
std::string instance_hostname(Ipv4 address, const std::string& region);

}  // namespace minato::linux_net
