// How many requests fail while nobody knows yet that machines are gone.
#include <algorithm>

#include "bounds/settings.h"

namespace minato::bounds {

// Before the load balancer has noticed, its share of the requests goes to the dead machines; before
// the Nodes' rules have changed, a share of what other Nodes receive goes to dead Pods.
std::vector<Loss> losses_of_machines(const Settings& settings, std::int32_t targets, std::int32_t pods) {
  const Duration balancer = target_detection(settings);
  const Duration rules = node_detection(settings);
  const double to_dead = std::min(1.0, static_cast<double>(targets) / settings.targets);
  const double to_dead_pods = std::min(1.0, static_cast<double>(pods) / settings.replicas);
  std::vector<Loss> out;
  const Duration both = std::min(balancer, rules);
  out.push_back({"requests to dead targets, and by other Nodes to dead Pods", both,
                 to_dead + (1 - to_dead) * to_dead_pods});
  if (balancer > rules) out.push_back({"requests to dead targets", balancer - rules, to_dead});
  if (rules > balancer) out.push_back({"requests by other Nodes to dead Pods", rules - balancer, to_dead_pods});
  return out;
}

}  // namespace minato::bounds
