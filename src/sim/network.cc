#include "sim/network.h"

#include <fmt/format.h>

namespace minato::sim {

Status SimServiceRules::apply(const std::string& node, const network::NodeRules& rules) {
  if (datacenter_.by_node(node) == nullptr) {
    return fail(Reason::kNotFound, fmt::format("node {} is gone", node));
  }
  datacenter_.about_to_change();
  if (last_ == nullptr || *last_ != rules) last_ = std::make_shared<const network::NodeRules>(rules);
  rules_[node] = last_;
  return {};
}

std::shared_ptr<const network::NodeRules> SimServiceRules::of(const std::string& node) const {
  const auto found = rules_.find(node);
  return found == rules_.end() ? nullptr : found->second;
}

void SimServiceRules::forget(const std::string& node) {
  datacenter_.about_to_change();
  rules_.erase(node);
}

const network::ServicePort* SimServiceRules::port(const network::NodeRules& rules, std::uint16_t node_port) {
  for (const network::ServicePort& port : rules.services) {
    if (port.node_port == node_port) return &port;
  }
  return nullptr;
}

network::Endpoint SimServiceRules::choose(const std::string& node, std::uint16_t node_port,
                                          env::Rng& rng) const {
  const auto found = rules_.find(node);
  const network::ServicePort* service = found == rules_.end() ? nullptr : port(*found->second, node_port);
  if (service == nullptr) return {};
  const auto& endpoints = service->external_local ? service->local_endpoints : service->cluster_endpoints;
  return endpoints.empty() ? network::Endpoint{} : endpoints[rng.below(endpoints.size())];
}

}  // namespace minato::sim
