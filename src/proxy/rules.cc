#include "proxy/rules.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "kube/names.h"

namespace minato::proxy {
namespace {

struct Candidate {
  network::Endpoint address;
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  bool local = false;
  const kube::EndpointHints* hints = nullptr;

  bool lingers() const { return serving && terminating; }
};

enum class Locality { kAny, kLocal };

bool hinted_for(const Candidate& candidate, const std::string& zone) {
  return candidate.hints != nullptr &&
         std::any_of(candidate.hints->for_zones.begin(), candidate.hints->for_zones.end(),
                     [&](const kube::ForZone& hint) { return hint.name == zone; });
}

bool uses_hints(const std::vector<Candidate>& candidates, const std::string& zone) {
  bool any_for_zone = false;
  for (const Candidate& candidate : candidates) {
    if (!candidate.ready) continue;
    if (candidate.hints == nullptr || candidate.hints->for_zones.empty()) return false;
    any_for_zone = any_for_zone || hinted_for(candidate, zone);
  }
  return any_for_zone;
}

std::vector<network::Endpoint> usable(const std::vector<Candidate>& candidates, Locality locality,
                                      const std::string& zone) {
  const bool by_zone = locality == Locality::kAny && !zone.empty() && uses_hints(candidates, zone);
  std::vector<network::Endpoint> ready;
  std::vector<network::Endpoint> lingering;
  for (const Candidate& candidate : candidates) {
    if (locality == Locality::kLocal && !candidate.local) continue;
    if (candidate.ready) {
      if (!by_zone || hinted_for(candidate, zone)) ready.push_back(candidate.address);
    } else if (candidate.lingers()) {
      lingering.push_back(candidate.address);
    }
  }
  return ready.empty() ? lingering : ready;
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

std::vector<Candidate> candidates_of(const Slices& slices, const kube::ServicePort& port,
                                     const NodeView& node) {
  // By address: while an endpoint moves between slices it is in two of them.
  std::map<network::Endpoint, Candidate> found;
  for (const auto& slice : slices) {
    const std::uint16_t number = port_in(*slice, port);
    if (number == 0 || slice->address_type == "FQDN") continue;
    for (const kube::Endpoint& endpoint : slice->endpoints) {
      if (endpoint.addresses.empty()) continue;
      Candidate candidate;
      candidate.address = {endpoint.addresses.front(), number};
      candidate.ready = endpoint.conditions.ready.value_or(true);
      candidate.serving = endpoint.conditions.serving.value_or(candidate.ready);
      candidate.terminating = endpoint.conditions.terminating.value_or(false);
      candidate.local = endpoint.node_name == node.name;
      candidate.hints = endpoint.hints.get();
      found.try_emplace(candidate.address, candidate);
    }
  }
  std::vector<Candidate> out;
  for (const auto& [address, candidate] : found) out.push_back(candidate);
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

auto order_of(const network::ServicePort& port) {
  return std::tie(port.name_space, port.service, port.port_name);
}

}  // namespace

kube::ObjectKey service_of(const kube::EndpointSlice& slice) {
  const auto found = slice.metadata.labels.find(std::string(kube::kLabelServiceName));
  if (found == slice.metadata.labels.end()) return {};
  return {slice.metadata.namespace_, found->second};
}

std::vector<network::ServicePort> build_service_ports(const kube::Service& service,
                                                      const Slices& slices, const NodeView& node) {
  std::vector<network::ServicePort> out;
  if (!has_rules(service)) return out;
  const bool internal_local = service.spec.internal_traffic_policy == "Local";
  const bool reachable_from_outside =
      service.spec.type == "NodePort" || service.spec.type == "LoadBalancer";
  for (const kube::ServicePort& port : service.spec.ports) {
    if (protocol_of(port.protocol) == "SCTP") continue;
    const std::vector<Candidate> candidates = candidates_of(slices, port, node);
    network::ServicePort& rule = out.emplace_back();
    rule.name_space = service.metadata.namespace_;
    rule.service = service.metadata.name;
    rule.port_name = port.name;
    rule.protocol = protocol_of(port.protocol) == "UDP" ? network::Protocol::kUdp
                                                        : network::Protocol::kTcp;
    rule.cluster_ip = service.spec.cluster_ip;
    rule.port = static_cast<std::uint16_t>(port.port);
    rule.node_port = static_cast<std::uint16_t>(reachable_from_outside ? port.node_port : 0);
    rule.cluster_endpoints =
        usable(candidates, internal_local ? Locality::kLocal : Locality::kAny, node.zone);
    rule.external_local =
        reachable_from_outside && service.spec.external_traffic_policy == "Local";
    if (rule.external_local) rule.local_endpoints = usable(candidates, Locality::kLocal, {});
    rule.client_ip_affinity = affinity_of(service.spec);
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
  return out;
}

network::NodeRules build_rules(const Services& services, const Slices& slices,
                               const NodeView& node) {
  std::map<kube::ObjectKey, Slices> by_service;
  for (const auto& slice : slices) by_service[service_of(*slice)].push_back(slice);
  network::NodeRules out;
  for (const auto& service : services) {
    for (network::ServicePort& port :
         build_service_ports(*service, by_service[service->key()], node)) {
      out.services.push_back(std::move(port));
    }
  }
  std::sort(out.services.begin(), out.services.end(),
            [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
  return out;
}

}  // namespace minato::proxy
