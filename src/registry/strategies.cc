#include <algorithm>
#include <vector>

#include "registry/strategy.h"

namespace minato::registry {

namespace {

std::vector<Strategy> all_strategies() {
  std::vector<Strategy> out{config_map_strategy(),
                            custom_resource_definition_strategy(),
                            event_strategy(),
                            namespace_strategy(),
                            node_strategy(),
                            pod_strategy(),
                            secret_strategy(),
                            service_strategy(),
                            service_account_strategy(),
                            daemon_set_strategy(),
                            deployment_strategy(),
                            replica_set_strategy(),
                            horizontal_pod_autoscaler_strategy(),
                            lease_strategy(),
                            network_policy_strategy(),
                            endpoint_slice_strategy(),
                            pod_disruption_budget_strategy(),
                            priority_class_strategy(),
                            role_strategy(),
                            cluster_role_strategy(),
                            role_binding_strategy(),
                            cluster_role_binding_strategy(),
                            replication_controller_strategy(),
                            pod_template_strategy(),
                            endpoints_strategy(),
                            stateful_set_strategy(),
                            job_strategy(),
                            cron_job_strategy(),
                            claim_strategy(),
                            storage_class_strategy(),
                            limit_range_strategy(),
                            resource_quota_strategy(),
                            ingress_strategy()};
  for (Strategy& strategy : stored_strategies()) out.push_back(strategy);
  return out;
}

}  // namespace

const Strategy* find_strategy(const kube::Kind& kind) {
  if (kind.custom) return &custom_strategy(kind);
  static const std::vector<Strategy> strategies = all_strategies();
  const auto found = std::ranges::find(strategies, &kind, &Strategy::kind);
  return found == strategies.end() ? nullptr : &*found;
}

}  // namespace minato::registry
