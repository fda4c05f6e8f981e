// Services in a Node's kernel: network::ServiceRules with nftables, in kube-proxy's shape
// (k8s.io/kubernetes pkg/proxy/nftables/README.md), by libnftables inside this process.
//
// Table "ip minato" of the Node's namespace: verdict maps lead from ClusterIP or NodePort to a
// chain per Service port, which picks an endpoint's chain at random; that one rewrites the
// destination. Differences from kube-proxy: one table for everything, no rules for host firewalls,
// and nothing is masqueraded but hairpins and NodePort traffic of policy Cluster, since every
// address of the VPC is routed.
//
// Each change is one transaction: packets see the old rules or the new ones, and no new connection
// is refused for coming in between (kube-proxy's rules lose one in some ten thousand). Session
// affinity lives in sets that a change leaves alone. Rules stay when the process ends. Loop thread only; blocking,
// a few milliseconds.
#pragma once

#include <map>
#include <set>
#include <string>

#include "env/env.h"
#include "linux_net/pod_network.h"
#include "network/network.h"

namespace minato::linux_net {

// The script that makes the table hold exactly `rules`, given which chains, maps, sets and elements
// of maps ("chain service-…", "element service-ips { … }") are in it now. Pure; same input, same text.
std::string render_rules(const network::NodeRules& rules, const std::string& pod_range,
                         const std::set<std::string>& existing = {});

class NftServiceRules final : public network::ServiceRules {
 public:
  // `pod_range`: addresses of Pods, "10.77.16.0-10.77.255.255" (AddressPlan::pod_range()). They see
  // NodePorts as from within the cluster. The load balancer's address must not be among them: for
  // it, policy Local means what it says.
  NftServiceRules(PodNetwork& pods, std::string pod_range, env::Log& log);

  Status apply(const std::string& node, const network::NodeRules& rules) override;
  void forget(const std::string& node);  // After the Node is gone.

 private:
  // `last` is what the table holds, if that is known.
  Status replace(const PodLink& link, const network::NodeRules* last,
                 const network::NodeRules& rules);

  PodNetwork& pods_;
  std::string pod_range_;
  env::Log& log_;
  struct Applied {
    std::string netns_path;
    network::NodeRules rules;
  };
  std::map<std::string, Applied> applied_;  // By Node; what this process wrote last.
};

}  // namespace minato::linux_net
