#include "proxy/rules.h"

#include <algorithm>
#include <set>

#include "kube/names.h"

namespace minato::proxy {
namespace {

struct Candidate {
  network::Endpoint address;
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  const kube::Endpoint* source = nullptr;

  bool lingers() const { return serving && terminating; }
  bool hinted_for(const std::string& zone) const {
    return std::ranges::any_of(source->hints->for_zones, [&](const kube::ForZone& hint) { return hint.name == zone; });
  }
};

// Zones that hints are for; none when any ready endpoint is without.
std::set<std::string> hinted_zones(const std::vector<Candidate>& candidates) {
  std::set<std::string> out;
  for (const Candidate& candidate : candidates) {
    if (!candidate.ready) continue;
    const auto& hints = candidate.source->hints;
    if (!hints || hints->for_zones.empty()) return {};
    for (const kube::ForZone& hint : hints->for_zones) out.insert(hint.name);
  }
  return out;
}

// The ready ones that `wanted` admits; when none is ready, those that still serve.
template <typename Wanted>
network::Endpoints usable(const std::vector<Candidate>& candidates, Wanted wanted) {
  std::vector<network::Endpoint> ready;
  std::vector<network::Endpoint> lingering;
  for (const Candidate& candidate : candidates) {
    if (candidate.ready) {
      if (wanted(candidate)) ready.push_back(candidate.address);
    } else if (candidate.lingers()) {
      lingering.push_back(candidate.address);
    }
  }
  return ready.empty() ? lingering : ready;
}

std::map<std::string, network::Endpoints> usable_by_zone(const std::vector<Candidate>& candidates) {
  std::map<std::string, network::Endpoints> out;
  for (const std::string& zone : hinted_zones(candidates)) {
    out[zone] = usable(candidates, [&](const Candidate& each) { return each.hinted_for(zone); });
  }
  return out;
}

std::map<std::string, network::Endpoints> usable_by_node(const std::vector<Candidate>& candidates) {
  std::map<std::string, std::vector<Candidate>> nodes;
  for (const Candidate& candidate : candidates) {
    if (candidate.source->node_name) nodes[*candidate.source->node_name].push_back(candidate);
  }
  std::map<std::string, network::Endpoints> out;
  for (const auto& [node, own] : nodes) {
    out[node] = usable(own, [](const Candidate&) { return true; });
  }
  return out;
}

std::string protocol_of(const std::string& protocol) { return protocol.empty() ? "TCP" : protocol; }

// The number that the port called `name` has in this slice; 0 when the slice lacks it.
std::uint16_t port_in(const kube::EndpointSlice& slice, const kube::ServicePort& wanted) {
  for (const kube::EndpointPort& port : slice.ports) {
    if (port.name.value_or("") != wanted.name) continue;
    if (protocol_of(port.protocol.value_or("")) != protocol_of(wanted.protocol)) continue;
    return static_cast<std::uint16_t>(port.port.value_or(0));
  }
  return 0;
}

// By address, each once: while an endpoint moves between slices it is in two of them.
std::vector<Candidate> candidates_of(const Slices& slices, const kube::ServicePort& port) {
  std::vector<Candidate> out;
  for (const auto& slice : slices) {
    const std::uint16_t number = port_in(*slice, port);
    if (number == 0 || slice->address_type == "FQDN") continue;
    for (const kube::Endpoint& endpoint : slice->endpoints) {
      if (endpoint.addresses.empty()) continue;
      Candidate& candidate = out.emplace_back();
      candidate.address = {endpoint.addresses.front(), number};
      candidate.ready = endpoint.conditions.ready.value_or(true);
      candidate.serving = endpoint.conditions.serving.value_or(candidate.ready);
      candidate.terminating = endpoint.conditions.terminating.value_or(false);
      candidate.source = &endpoint;
    }
  }
  std::ranges::stable_sort(out, {}, &Candidate::address);
  const auto repeated = std::ranges::unique(out, {}, &Candidate::address);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

Duration affinity_of(const kube::ServiceSpec& spec) {
  constexpr std::int32_t kDefaultTimeoutSeconds = 10800;
  if (spec.session_affinity != "ClientIP") return {};
  std::int32_t timeout = kDefaultTimeoutSeconds;
  if (spec.session_affinity_config && spec.session_affinity_config->client_ip) {
    timeout = spec.session_affinity_config->client_ip->timeout_seconds.value_or(timeout);
  }
  return std::chrono::seconds(timeout);
}

bool has_rules(const kube::Service& service) {
  const std::string& ip = service.spec.cluster_ip;
  return service.spec.type != "ExternalName" && !ip.empty() && ip != "None";
}

bool reachable_from_outside(const kube::Service& service) {
  return service.spec.type == "NodePort" || service.spec.type == "LoadBalancer";
}

// All of a port's rule but its endpoints.
network::ServicePort rule_of(const kube::Service& service, const kube::ServicePort& port) {
  network::ServicePort out;
  out.name_space = service.metadata.namespace_;
  out.service = service.metadata.name;
  out.port_name = port.name;
  out.protocol = protocol_of(port.protocol) == "UDP" ? network::Protocol::kUdp : network::Protocol::kTcp;
  out.cluster_ip = service.spec.cluster_ip;
  out.port = static_cast<std::uint16_t>(port.port);
  const bool outside = reachable_from_outside(service);
  out.node_port = static_cast<std::uint16_t>(outside ? port.node_port : 0);
  out.external_local = outside && service.spec.external_traffic_policy == "Local";
  out.client_ip_affinity = affinity_of(service.spec);
  return out;
}

template <typename Key>
network::Endpoints find_or(const std::map<Key, network::Endpoints>& map, const Key& key,
                           const network::Endpoints& otherwise) {
  const auto found = map.find(key);
  return found == map.end() ? otherwise : found->second;
}

}  // namespace

kube::ObjectKey service_of(const kube::EndpointSlice& slice) {
  const auto found = slice.metadata.labels.find(std::string(kube::kLabelServiceName));
  if (found == slice.metadata.labels.end()) return {};
  return {slice.metadata.namespace_, found->second};
}

ServicePorts::ServicePorts(const kube::Service& service, const Slices& slices) {
  if (!has_rules(service)) return;
  for (const kube::ServicePort& wanted : service.spec.ports) {
    if (protocol_of(wanted.protocol) == "SCTP") continue;
    const std::vector<Candidate> candidates = candidates_of(slices, wanted);
    endpoints_ += candidates.size();
    Port& port = ports_.emplace_back();
    port.common = rule_of(service, wanted);
    port.is_local = service.spec.internal_traffic_policy == "Local";
    if (!port.is_local) {
      port.common.cluster_endpoints = usable(candidates, [](const Candidate&) { return true; });
      port.by_zone = usable_by_zone(candidates);
    }
    if (port.is_local || port.common.external_local) port.by_node = usable_by_node(candidates);
  }
  std::ranges::sort(ports_, {}, [](const Port& port) -> const std::string& { return port.common.port_name; });
}

std::vector<network::ServicePort> ServicePorts::on(const NodeView& node) const {
  std::vector<network::ServicePort> out;
  for (const Port& port : ports_) {
    network::ServicePort& rule = out.emplace_back(port.common);
    const network::Endpoints local = find_or(port.by_node, node.name, {});
    rule.cluster_endpoints = port.is_local ? local : find_or(port.by_zone, node.zone, rule.cluster_endpoints);
    if (rule.external_local) rule.local_endpoints = local;
  }
  return out;
}

}  // namespace minato::proxy
