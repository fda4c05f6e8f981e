// Seam: whom Pods may be connected with, as a Node's kernel carries it out (NetworkPolicy; on EKS the
// part of the VPC CNI).
//
// Implementation: linux_net (nftables in the Node's network namespace). The simulation has none: its
// traffic is that of the load balancer, which these rules let through. Owned by the world; called on
// the loop. apply() is idempotent: the whole desired state each time, written as one transaction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace minato::network {

// Addresses of a block ("10.0.0.0/8", IPv4) but for those of others.
struct AddressBlock {
  std::string cidr;
  std::vector<std::string> except;
  bool operator==(const AddressBlock&) const = default;
};

struct Peers {
  std::vector<std::string> pods;  // Addresses, sorted.
  std::vector<AddressBlock> blocks;
  bool operator==(const Peers&) const = default;
};

enum class Transport { kTcp, kUdp, kSctp };

// `first` to `last`, both included; 0 to 65535 is every port.
struct PortRange {
  Transport transport = Transport::kTcp;
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
  auto operator<=>(const PortRange&) const = default;
};

struct Allowance {
  std::string peers;             // Key of NodePolicies::peers; "" is anyone.
  std::vector<PortRange> ports;  // None: all traffic, also of other protocols.
  bool operator==(const Allowance&) const = default;
};

// Nothing: the direction is not restricted. Empty: nobody.
using Allowances = std::optional<std::vector<Allowance>>;

struct PodPolicy {
  std::string ip;
  Allowances ingress;
  Allowances egress;
  bool operator==(const PodPolicy&) const = default;
};

// Of the Pods of one Node that any policy selects; sorted by address, so that equal states compare
// equal. What has one name stands for the same rule of the same policy over all changes.
struct NodePolicies {
  std::vector<PodPolicy> pods;
  std::map<std::string, Peers> peers;
  bool operator==(const NodePolicies&) const = default;
};

class PolicyRules {
 public:
  virtual ~PolicyRules() = default;
  // Errors: NotFound (no such Node; it may just have died), Invalid (an address), Internal.
  virtual Status apply(const std::string& node, const NodePolicies& policies) = 0;
};

}  // namespace minato::network
