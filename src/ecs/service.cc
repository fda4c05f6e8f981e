#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

void read_balancers(Fields& in, Draft& draft) {
  const json::array& balancers = in.list("loadBalancers");
  if (balancers.empty()) return;
  std::vector<Entry> unused;
  Fields first(balancers.front(), "", unused);
  draft.main_container = first.text("containerName");
  draft.main_port = first.number("containerPort").value_or(0);
  in.changed(
      "loadBalancers",
      "a load balancer and a target group of its own; the old ones stay until you remove them");
  if (balancers.size() > 1) in.lost("loadBalancers", "one target group only is served");
}

// FARGATE_SPOT, or a provider that is called after spot.
bool is_spot(const std::string& provider) {
  return to_lower(provider).find("spot") != std::string::npos;
}

void read_capacity(Fields& in, Draft& draft) {
  const json::array& strategy = in.list("capacityProviderStrategy");
  if (strategy.empty()) return;
  std::int64_t spot = 0, all = 0, base = 0;
  for (const json::value& value : strategy) {
    std::vector<Entry> unused;
    Fields item(value, "", unused);
    const std::string provider = item.text("capacityProvider");
    const std::int64_t weight = item.number("weight").value_or(0);
    all += weight;
    if (is_spot(provider))
      spot += weight;
    else
      base += item.number("base").value_or(0);
  }
  draft.spot_percent = all == 0 ? 0 : spot * 100 / all;
  if (*draft.spot_percent > 0 && base > 0) draft.on_demand_base = 1;
  in.changed(
      "capacityProviderStrategy",
      fmt::format("nodes.scaling.spot: {}%{}; a share of nodes, where ECS has one of tasks",
                  *draft.spot_percent, draft.on_demand_base > 0 ? ", on_demand_base: 1" : ""));
}

void read_deployment(Fields& in) {
  const json::value& value = in.object("deploymentConfiguration");
  if (value.is_null()) return;
  std::vector<Entry> unused;
  Fields deployment(value, "", unused);
  in.changed(
      "deploymentConfiguration",
      fmt::format(
          "{}/{} % become maxUnavailable 0 and maxSurge 25%: no task ends before a new one serves",
          deployment.number("minimumHealthyPercent").value_or(100),
          deployment.number("maximumPercent").value_or(200)));
  const json::value& breaker = deployment.object("deploymentCircuitBreaker");
  if (!says_nothing(breaker)) {
    in.changed("deploymentConfiguration.deploymentCircuitBreaker",
               "minato deploy rolls back by itself; kubectl shows ProgressDeadlineExceeded");
  }
  if (!says_nothing(deployment.object("alarms")))
    in.lost("deploymentConfiguration.alarms", "alarms do not stop a deploy");
}

void read_network(Fields& in) {
  const json::value& value = in.object("networkConfiguration");
  if (value.is_null()) return;
  std::vector<Entry> unused;
  Fields network(value, "", unused);
  Fields vpc(network.object("awsvpcConfiguration"), "", unused);
  std::vector<std::string> subnets;
  for (const json::value& subnet : vpc.list("subnets")) {
    if (subnet.is_string()) subnets.emplace_back(subnet.get_string());
  }
  in.changed("networkConfiguration",
             fmt::format("a VPC of its own; to stay in the present one, say eks.vpc: {{id, "
                         "public_subnets, private_subnets}} (tasks were in {})",
                         join(subnets, ", ")));
}

// The number that runs is the least there shall be, unless auto scaling says what that is.
void read_count(Fields& in, const json::value& around, Draft& draft) {
  draft.min_replicas = in.number("desiredCount").value_or(0);
  if (draft.min_replicas == 0) return;
  std::vector<Entry> unused;
  if (Fields(around, "", unused).list("ScalableTargets").empty())
    in.kept("desiredCount", fmt::format("replicas.min: {}", draft.min_replicas));
  else
    in.changed("desiredCount", "the autoscaler finds the number, within ScalableTargets");
}

void read_policy(const json::value& value, Fields& in, Draft& draft) {
  std::vector<Entry> unused;
  Fields policy(value, "", unused);
  Fields tracking(policy.object("TargetTrackingScalingPolicyConfiguration"), "", unused);
  const std::string metric =
      text_of(tracking.object("PredefinedMetricSpecification"), "PredefinedMetricType");
  const std::string field = fmt::format("ScalingPolicies[{}]", policy.text("PolicyName"));
  const auto follow = [&](const char* key, std::int64_t& percent) {
    percent = std::clamp<std::int64_t>(tracking.number("TargetValue").value_or(60), 1, 100);
    in.changed(field, fmt::format("replicas.{}: {}%, of what a Pod asks for; cooldowns become the "
                                  "autoscaler's stabilisation{}",
                                  key, percent,
                                  tracking.flag("DisableScaleIn") ? "; it scales in, too" : ""));
  };
  if (metric.starts_with("ECSServiceAverageCPUUtilization"))
    return follow("cpu", draft.cpu_percent);
  if (metric.starts_with("ECSServiceAverageMemoryUtilization"))
    return follow("memory", draft.memory_percent);
  const std::string type = policy.text("PolicyType");
  const std::string what = !metric.empty()         ? metric
                           : type == "StepScaling" ? "a scaling by steps"
                                                   : "its metric";
  in.lost(field, what + " is no signal here; replicas follow CPU and memory");
}

// As `aws application-autoscaling describe-scalable-targets` and `describe-scaling-policies` print.
void read_scaling(Fields& in, Draft& draft) {
  for (const json::value& value : in.list("ScalableTargets")) {
    std::vector<Entry> unused;
    Fields target(value, "", unused);
    draft.min_replicas = target.number("MinCapacity").value_or(0);
    draft.max_replicas = target.number("MaxCapacity").value_or(0);
    in.kept("ScalableTargets",
            fmt::format("replicas: {{min: {}, max: {}}}", draft.min_replicas, draft.max_replicas));
  }
  for (const json::value& value : in.list("ScalingPolicies")) read_policy(value, in, draft);
}

void lose_settings_of_ecs(Fields& in) {
  in.lose("serviceConnectConfiguration", "Pods reach each other by the names of Services");
  in.lose("serviceRegistries", "Cloud Map is not filled; names are those of Services");
  in.lose("volumeConfigurations", "no volumes");
  in.lose("placementConstraints", "Pods run on the scaling group");
  in.lose("tags", "resources carry the service's name");
  if (!in.list("placementStrategy").empty())
    in.changed("placementStrategy", "Pods are spread over zones, then nodes");
  if (in.flag("enableExecuteCommand")) in.changed("enableExecuteCommand", "kubectl exec");
  if (const std::int64_t grace = in.number("healthCheckGracePeriodSeconds").value_or(0);
      grace > 0) {
    in.changed("healthCheckGracePeriodSeconds",
               "startup: the container's own check decides when it is up");
  }
  in.ignore({"serviceArn",
             "clusterArn",
             "status",
             "runningCount",
             "pendingCount",
             "taskDefinition",
             "deployments",
             "events",
             "createdAt",
             "createdBy",
             "roleArn",
             "taskSets",
             "propagateTags",
             "enableECSManagedTags",
             "deploymentController",
             "launchType",
             "platformVersion",
             "platformFamily",
             "schedulingStrategy",
             "availabilityZoneRebalancing",
             "serviceRevisions",
             "currentServiceDeployment",
             "currentServiceRevisions"});
}

}  // namespace

const json::value& first_of(const json::value& value, std::string_view list,
                            const json::value& otherwise) {
  const json::object* object = value.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(list);
  const bool any = found != nullptr && found->is_array() && !found->get_array().empty();
  return any ? found->get_array().front() : otherwise;
}

void read_service(const json::value& value, Draft& draft, std::vector<Entry>& report) {
  if (value.is_null()) return;
  const json::value& service = first_of(value, "services", value);
  Fields in(service, "service", report);
  draft.service = service_name(in.text("serviceName"));
  in.kept("serviceName", "service: " + draft.service);
  draft.region = region_of(in.text("serviceArn"));
  read_count(in, value, draft);
  if (const std::int64_t grace = in.number("healthCheckGracePeriodSeconds").value_or(0); grace > 0)
    draft.startup_seconds = grace;
  read_balancers(in, draft);
  read_capacity(in, draft);
  read_deployment(in);
  read_network(in);
  lose_settings_of_ecs(in);
  if (&service == &value) {
    in.ignore({"ScalableTargets", "ScalingPolicies"});
  }
  in.finish();
  Fields around(value, "", report);
  read_scaling(around, draft);
}

}  // namespace minato::ecs
