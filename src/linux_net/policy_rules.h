// NetworkPolicies in a Node's kernel: network::PolicyRules with nftables.
//
// Table "ip minato-policy" of the Node's namespace, after the Service rules: packets bear the addresses
// of Pods by then, and no masquerade yet. Each restricted Pod has a chain for each direction, to
// which a verdict map leads by its address; it accepts what is allowed and drops the rest. Both ends
// of a connection decide, the sender's chain on its Node and the receiver's on its own.
//
// Not asked: replies and whatever belongs to a connection that exists (also when a policy comes later);
// a Pod with itself; the Node with its own Pods, so probes arrive, and Pods with their own Node, but for
// its link-local services such as the instance metadata (kubernetes.io, "Network Policies": "traffic to
// and from the node where a Pod is running is always allowed").
//
// Each change is one transaction without a gap: peers that are Pods live in sets that change element by
// element; blocks and ports stand in the rules themselves, since a packet that is among old rules finds
// their unnamed sets emptied. Rules stay when the process ends and go with the Node. Loop thread only;
// blocking, a few milliseconds.
#pragma once

#include <map>
#include <set>
#include <string>

#include "linux_net/nft.h"
#include "linux_net/pod_network.h"
#include "network/policy.h"

namespace minato::linux_net {

// Errors: Invalid (a block that is none).
Result<NftScript> policy_script(const network::NodePolicies& policies);

class NftPolicyRules final : public network::PolicyRules {
 public:
  explicit NftPolicyRules(PodNetwork& pods) : pods_(pods) {}

  Status apply(const std::string& node, const network::NodePolicies& policies) override;
  void forget(const std::string& node);  // After the Node is gone.

 private:
  struct Applied {
    std::string netns_path;
    std::set<std::string> objects;
  };
  PodNetwork& pods_;
  std::map<std::string, Applied> applied_;  // By Node; what this process wrote last.
};

}  // namespace minato::linux_net
