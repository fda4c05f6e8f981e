#include "sim/network.h"

#include <fmt/format.h>

namespace minato::sim {

Status SimServiceRules::apply(const std::string& node, const network::NodeRules& rules) {
  if (datacenter_.by_node(node) == nullptr) {
    return fail(Reason::kNotFound, fmt::format("node {} is gone", node));
  }
  rules_[node] = rules;
  return {};
}

network::Endpoint SimServiceRules::choose(const std::string& node, std::uint16_t node_port,
                                          env::Rng& rng) const {
  const auto found = rules_.find(node);
  if (found == rules_.end()) return {};
  for (const network::ServicePort& port : found->second.services) {
    if (port.node_port != node_port) continue;
    const auto& endpoints = port.external_local ? port.local_endpoints : port.cluster_endpoints;
    if (endpoints.empty()) return {};
    return endpoints[rng.below(endpoints.size())];
  }
  return {};
}

}  // namespace minato::sim
