#include "network_policy/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kube/names.h"
#include "kube/selector.h"

namespace minato::network_policy {
namespace {

using network::Allowance;
using network::NodePolicies;
using network::Peers;
using network::PortRange;
using network::Transport;
using PodPtr = std::shared_ptr<const kube::Pod>;
using Pods = std::vector<PodPtr>;

// Has an address of its own, and packets to send.
bool takes_part(const kube::Pod& pod) {
  return !pod.status.pod_ip.empty() && !pod.spec.host_network &&
         pod.status.phase != kube::kPodSucceeded && pod.status.phase != kube::kPodFailed;
}

Transport transport_of(std::string_view protocol) {
  if (protocol == "UDP") return Transport::kUdp;
  return protocol == "SCTP" ? Transport::kSctp : Transport::kTcp;
}

// The number behind a port's name; of containers that run beside each other.
std::optional<std::uint16_t> named_port(const kube::Pod& pod, Transport transport, const std::string& name) {
  const auto in = [&](const std::vector<kube::Container>& containers) -> std::optional<std::uint16_t> {
    for (const kube::Container& container : containers) {
      for (const kube::ContainerPort& port : container.ports) {
        if (port.name == name && transport_of(port.protocol) == transport) {
          return static_cast<std::uint16_t>(port.container_port);
        }
      }
    }
    return std::nullopt;
  };
  const auto found = in(pod.spec.containers);
  return found ? found : in(pod.spec.init_containers);
}

bool is_named(const kube::NetworkPolicyPort& port) { return port.port && !port.port->is_int(); }

PortRange numbered_port(const kube::NetworkPolicyPort& port) {
  const Transport transport = transport_of(port.protocol.value_or("TCP"));
  if (!port.port) return {.transport = transport};
  const auto first = static_cast<std::uint16_t>(port.port->number());
  return {transport, first, static_cast<std::uint16_t>(port.end_port.value_or(first))};
}

// Nothing when the Pod has no port of that name.
std::optional<PortRange> port_on(const kube::Pod& pod, const kube::NetworkPolicyPort& port) {
  if (!is_named(port)) return numbered_port(port);
  const Transport transport = transport_of(port.protocol.value_or("TCP"));
  const auto number = named_port(pod, transport, port.port->text());
  if (!number) return std::nullopt;
  return PortRange{transport, *number, *number};
}

bool selects(const kube::LabelSelector& selector, const kube::Labels& labels) {
  const auto made = kube::Selector::from(selector);
  return made && made->matches(labels);  // The API refuses what cannot be read.
}

class Decision {
 public:
  explicit Decision(const Objects& objects) : objects_(objects) {
    for (const PodPtr& pod : objects.pods) {
      if (takes_part(*pod)) pods_.push_back(pod);
    }
  }

  std::map<std::string, NodePolicies> make() {
    for (const PodPtr& pod : pods_) {
      network::PodPolicy policy{.ip = pod->status.pod_ip, .ingress = {}, .egress = {}};
      NodePolicies& node = nodes_[pod->spec.node_name];
      for (const auto& object : objects_.policies) {
        if (object->metadata.namespace_ != pod->metadata.namespace_) continue;
        if (!selects(object->spec.pod_selector, pod->metadata.labels)) continue;
        add(*object, *pod, policy, node);
      }
      if (policy.ingress || policy.egress) node.pods.push_back(std::move(policy));
    }
    for (auto& [name, node] : nodes_) std::ranges::sort(node.pods, {}, &network::PodPolicy::ip);
    std::erase_if(nodes_, [](const auto& entry) { return entry.second.pods.empty(); });
    return std::move(nodes_);
  }

 private:
  static bool restricts(const kube::NetworkPolicy& policy, std::string_view direction) {
    const auto& types = policy.spec.policy_types;
    if (!types.empty()) return std::ranges::find(types, direction) != types.end();
    return direction == "Ingress" || !policy.spec.egress.empty();
  }

  void add(const kube::NetworkPolicy& policy, const kube::Pod& pod, network::PodPolicy& out, NodePolicies& node) {
    if (restricts(policy, "Ingress")) {
      if (!out.ingress) out.ingress.emplace();
      for (std::size_t i = 0; i < policy.spec.ingress.size(); ++i) {
        add_ingress(policy, i, pod, *out.ingress, node);
      }
    }
    if (restricts(policy, "Egress")) {
      if (!out.egress) out.egress.emplace();
      for (std::size_t i = 0; i < policy.spec.egress.size(); ++i) add_egress(policy, i, *out.egress, node);
    }
  }

  void add_ingress(const kube::NetworkPolicy& policy, std::size_t rule, const kube::Pod& pod,
                   std::vector<Allowance>& out, NodePolicies& node) {
    const kube::NetworkPolicyIngressRule& from = policy.spec.ingress[rule];
    Allowance allowance;
    for (const kube::NetworkPolicyPort& port : from.ports) {
      if (const auto range = port_on(pod, port)) allowance.ports.push_back(*range);
    }
    if (allowance.ports.empty() && !from.ports.empty()) return;  // Of names that the Pod does not have.
    if (!from.from.empty()) {
      allowance.peers = fmt::format("ingress-{}-{}", policy.metadata.uid, rule);
      if (!node.peers.contains(allowance.peers)) {
        node.peers[allowance.peers] = peers_of(from.from, peer_pods(policy, allowance.peers, from.from));
      }
    }
    out.push_back(std::move(allowance));
  }

  void add_egress(const kube::NetworkPolicy& policy, std::size_t rule, std::vector<Allowance>& out, NodePolicies& node) {
    const kube::NetworkPolicyEgressRule& to = policy.spec.egress[rule];
    const std::string name = fmt::format("egress-{}-{}", policy.metadata.uid, rule);
    Allowance numbered;
    for (const kube::NetworkPolicyPort& port : to.ports) {
      if (is_named(port)) {
        add_named(port, name, to.to.empty() ? pods_ : peer_pods(policy, name, to.to), out, node);
      } else {
        numbered.ports.push_back(numbered_port(port));
      }
    }
    if (numbered.ports.empty() && !to.ports.empty()) return;
    if (!to.to.empty()) {
      numbered.peers = name;
      if (!node.peers.contains(name)) node.peers[name] = peers_of(to.to, peer_pods(policy, name, to.to));
    }
    out.push_back(std::move(numbered));
  }

  // A name may be another number on each Pod: an allowance for each number.
  static void add_named(const kube::NetworkPolicyPort& port, const std::string& rule, const Pods& peers,
                        std::vector<Allowance>& out, NodePolicies& node) {
    std::map<PortRange, std::set<std::string>> by_number;
    for (const PodPtr& peer : peers) {
      if (const auto range = port_on(*peer, port)) by_number[*range].insert(peer->status.pod_ip);
    }
    for (const auto& [range, addresses] : by_number) {
      const std::string name = fmt::format("{}-{}-{}-{}", rule, port.port->text(), static_cast<int>(range.transport), range.first);
      node.peers[name] = {.pods = {addresses.begin(), addresses.end()}, .blocks = {}};
      out.push_back({.peers = name, .ports = {range}});
    }
  }

  // Looked up once for all Nodes.
  const Pods& peer_pods(const kube::NetworkPolicy& policy, const std::string& rule,
                        const std::vector<kube::NetworkPolicyPeer>& peers) {
    const auto [found, made] = peer_pods_.try_emplace(rule);
    if (!made) return found->second;
    for (const PodPtr& pod : pods_) {
      if (std::ranges::any_of(peers, [&](const auto& peer) { return is_peer(policy, peer, *pod); })) {
        found->second.push_back(pod);
      }
    }
    return found->second;
  }

  bool is_peer(const kube::NetworkPolicy& policy, const kube::NetworkPolicyPeer& peer, const kube::Pod& pod) const {
    if (!peer.pod_selector && !peer.namespace_selector) return false;
    if (peer.namespace_selector) {
      const auto labels = objects_.namespaces.find(pod.metadata.namespace_);
      if (labels == objects_.namespaces.end() || !selects(*peer.namespace_selector, labels->second)) return false;
    } else if (pod.metadata.namespace_ != policy.metadata.namespace_) {
      return false;
    }
    return !peer.pod_selector || selects(*peer.pod_selector, pod.metadata.labels);
  }

  static Peers peers_of(const std::vector<kube::NetworkPolicyPeer>& peers, const Pods& pods) {
    Peers out;
    std::set<std::string> addresses;
    for (const PodPtr& pod : pods) addresses.insert(pod->status.pod_ip);
    out.pods.assign(addresses.begin(), addresses.end());
    for (const kube::NetworkPolicyPeer& peer : peers) {
      if (peer.ip_block && !peer.ip_block->cidr.contains(':')) {
        out.blocks.push_back({peer.ip_block->cidr, peer.ip_block->except});
      }
    }
    return out;
  }

  const Objects& objects_;
  Pods pods_;
  std::map<std::string, Pods> peer_pods_;  // By rule.
  std::map<std::string, NodePolicies> nodes_;
};

}  // namespace

std::map<std::string, NodePolicies> decide(const Objects& objects) { return Decision(objects).make(); }

bool same_for_policies(const kube::Pod& a, const kube::Pod& b) {
  // Ports of a Pod never change.
  return takes_part(a) == takes_part(b) && a.status.pod_ip == b.status.pod_ip &&
         a.spec.node_name == b.spec.node_name && a.metadata.labels == b.metadata.labels;
}

}  // namespace minato::network_policy
