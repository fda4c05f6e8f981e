#include "sim/network.h"

#include <fmt/format.h>

namespace minato::sim {

Status SimServiceRules::apply(const std::string& node, const network::NodeRules& rules) {
  if (datacenter_.by_node(node) == nullptr) {
    return fail(Reason::kNotFound, fmt::format("node {} is gone", node));
  }
  datacenter_.about_to_change();
  rules_[node] = rules;
  return {};
}

void SimServiceRules::forget(const std::string& node) {
  datacenter_.about_to_change();
  rules_.erase(node);
}

const network::Endpoints* SimServiceRules::endpoints(const std::string& node, std::uint16_t node_port) const {
  const auto found = rules_.find(node);
  if (found == rules_.end()) return nullptr;
  for (const network::ServicePort& port : found->second.services) {
    if (port.node_port == node_port) return port.external_local ? &port.local_endpoints : &port.cluster_endpoints;
  }
  return nullptr;
}

network::Endpoint SimServiceRules::choose(const std::string& node, std::uint16_t node_port,
                                          env::Rng& rng) const {
  const network::Endpoints* list = endpoints(node, node_port);
  return list == nullptr || list->empty() ? network::Endpoint{} : (*list)[rng.below(list->size())];
}

}  // namespace minato::sim
