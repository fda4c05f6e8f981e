#include "linux_net/policy_rules.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "base/check.h"
#include "linux_net/address_ranges.h"
#include "linux_net/netns.h"

namespace minato::linux_net {
namespace {

using network::Allowance;
using network::NodePolicies;
using network::PodPolicy;
using network::PortRange;

constexpr const char* kPolicyTable = "ip minato-policy";
// Of the instance metadata and the like: not the Node, though the Node answers for them.
constexpr std::string_view kLinkLocal = "169.254.0.0/16";

// How the two directions read a packet: the restricted Pod's address, and its peer's.
struct Direction {
  std::string_view name;
  std::string_view own;
  std::string_view peer;
};
constexpr Direction kIngress{"ingress", "daddr", "saddr"};
constexpr Direction kEgress{"egress", "saddr", "daddr"};

std::string pods_map(const Direction& direction) { return fmt::format("{}-pods", direction.name); }
std::string pod_chain(const Direction& direction, const std::string& ip) {
  return fmt::format("{}-{}", direction.name, ip);
}
std::string peers_set(const std::string& peers) { return "peers-" + peers; }

std::string_view to_string(network::Transport transport) {
  switch (transport) {
    case network::Transport::kUdp: return "udp";
    case network::Transport::kSctp: return "sctp";
    default: return "tcp";
  }
}

// "tcp dport 80 ", "meta l4proto udp "; a space behind each so that parts can be joined.
std::string port_match(const PortRange& ports) {
  const std::string_view transport = to_string(ports.transport);
  if (ports == PortRange{.transport = ports.transport}) return fmt::format("meta l4proto {} ", transport);
  if (ports.first == ports.last) return fmt::format("{} dport {} ", transport, ports.first);
  return fmt::format("{} dport {}-{} ", transport, ports.first, ports.last);
}

Result<std::vector<std::string>> peer_matches(const Direction& direction, const NodePolicies& policies,
                                              const std::string& name) {
  if (name.empty()) return std::vector<std::string>{""};
  std::vector<std::string> out;
  const auto found = policies.peers.find(name);
  CHECK(found != policies.peers.end(), "no peers are called {}", name);
  const network::Peers& peers = found->second;
  if (!peers.pods.empty()) out.push_back(fmt::format("ip {} @{} ", direction.peer, peers_set(name)));
  for (const network::AddressBlock& block : peers.blocks) {
    ASSIGN_OR_RETURN(const auto ranges, ranges_without(block.cidr, block.except));
    for (const AddressRange& range : ranges) out.push_back(fmt::format("ip {} {} ", direction.peer, range.to_string()));
  }
  return out;
}

Status add_pod(NftScript& script, const Direction& direction, const NodePolicies& policies, const std::string& ip,
               const std::vector<Allowance>& allowances) {
  const std::string chain = pod_chain(direction, ip);
  script.chain(chain);
  script.element(pods_map(direction), ip, "goto " + chain);
  // By way of a Service: what was itself still is.
  script.rule(chain, fmt::format("ip {} {} accept", direction.peer, ip));
  for (const Allowance& allowance : allowances) {
    ASSIGN_OR_RETURN(const auto peers, peer_matches(direction, policies, allowance.peers));
    for (const std::string& peer : peers) {
      if (allowance.ports.empty()) script.rule(chain, peer + "accept");
      for (const PortRange& ports : allowance.ports) script.rule(chain, peer + port_match(ports) + "accept");
    }
  }
  script.rule(chain, "drop");
  return {};
}

// "accept" ends one of these chains only: the next is asked as well.
void add_hooks(NftScript& script) {
  script.verdict_map(pods_map(kEgress), "ipv4_addr");
  script.verdict_map(pods_map(kIngress), "ipv4_addr");
  script.chain("forward-egress", "type filter hook forward priority 10;");
  script.chain("forward-ingress", "type filter hook forward priority 20;");
  script.chain("input-egress", "type filter hook input priority 10;");
  for (const char* chain : {"forward-egress", "forward-ingress", "input-egress"}) {
    script.rule(chain, "ct state established,related accept");
  }
  script.rule("input-egress", fmt::format("ip daddr != {} accept", kLinkLocal));
  script.rule("forward-egress", "ip saddr vmap @egress-pods");
  script.rule("forward-ingress", "ip daddr vmap @ingress-pods");
  script.rule("input-egress", "ip saddr vmap @egress-pods");
}

}  // namespace

Result<NftScript> policy_script(const NodePolicies& policies) {
  NftScript script(kPolicyTable);
  add_hooks(script);
  for (const auto& [name, peers] : policies.peers) {
    if (peers.pods.empty()) continue;
    script.set(peers_set(name), "type ipv4_addr;");
    for (const std::string& address : peers.pods) script.element(peers_set(name), address);
  }
  for (const PodPolicy& pod : policies.pods) {
    if (pod.ingress) RETURN_IF_ERROR(add_pod(script, kIngress, policies, pod.ip, *pod.ingress));
    if (pod.egress) RETURN_IF_ERROR(add_pod(script, kEgress, policies, pod.ip, *pod.egress));
  }
  return script;
}

Status NftPolicyRules::apply(const std::string& node, const NodePolicies& policies) {
  ASSIGN_OR_RETURN(const PodLink link, pods_.node_link(node));
  ASSIGN_OR_RETURN(const NftScript script, policy_script(policies));
  // Unknown after a restart or a failure: then the kernel is asked what is there.
  std::optional<Applied> last;
  if (auto known = applied_.extract(node); known && known.mapped().netns_path == link.netns_path) {
    last = std::move(known.mapped());
  }
  ASSIGN_OR_RETURN(const NetnsGuard guard, NetnsGuard::enter(link.netns_path));
  if (!last) {
    ASSIGN_OR_RETURN(std::set<std::string> found, list_nft_objects(kPolicyTable));
    last = Applied{link.netns_path, std::move(found)};
  }
  // A world without policies has no table: its packets are not looked at.
  if (!policies.pods.empty() || !last->objects.empty()) {
    RETURN_IF_ERROR(run_nft(script.finish(last->objects)));
    last->objects = script.objects();
  }
  applied_[node] = *std::move(last);
  return {};
}

void NftPolicyRules::forget(const std::string& node) { applied_.erase(node); }

}  // namespace minato::linux_net
