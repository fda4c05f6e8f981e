#include "cluster/cloud_view.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace minato::cluster {
namespace json = boost::json;
namespace {

constexpr std::size_t kActivitiesShown = 20;

std::int64_t seconds(Duration duration) {
  return std::chrono::floor<std::chrono::seconds>(duration).count();
}

json::array strings(const auto& texts) {
  json::array out;
  for (const std::string& text : texts) out.push_back(json::string(text));
  return out;
}

json::object view_group(const cloud::AutoScalingGroup& group, const cloudmodel::Costs& costs) {
  const auto cost = costs.groups.find(group.name);
  return {{"name", group.name},
          {"minSize", group.min_size},
          {"maxSize", group.max_size},
          {"desiredCapacity", group.desired_capacity},
          {"types", strings(group.types)},
          {"zones", strings(group.zones)},
          {"onDemandBaseCapacity", group.distribution.on_demand_base_capacity},
          {"onDemandPercentageAboveBaseCapacity", group.distribution.on_demand_percentage_above_base_capacity},
          {"microUsd", cost == costs.groups.end() ? 0 : cost->second.micro_usd()}};
}

json::object view_instance(const cloudmodel::Cloud& cloud, const cloud::Instance& instance, WallTime now) {
  json::object out{{"id", instance.id},
                   {"type", instance.type},
                   {"zone", instance.zone},
                   {"group", instance.group},
                   {"market", cloud::to_string(instance.market)},
                   {"state", cloud::to_string(instance.state)},
                   {"health", instance.healthy ? "Healthy" : "Unhealthy"},
                   {"node", instance.hostname},
                   {"ageSeconds", seconds(now - instance.launch_time)}};
  if (const auto notice = cloud.notice(instance.id)) {
    out["notice"] = "spot interruption";
    out["endsInSeconds"] = seconds(notice->time - now);
  } else if (cloud.rebalance_recommendation(instance.id)) {
    out["notice"] = "rebalance recommendation";
  }
  for (const cloudmodel::MaintenanceEvent& event : cloud.maintenance_events(instance.id)) {
    if (event.state != "active") continue;
    out["notice"] = event.code;
    out["endsInSeconds"] = seconds(event.not_before - now);
  }
  return out;
}

json::array view_activities(const cloudmodel::Cloud& cloud, WallTime now) {
  const auto all = cloud.describe_scaling_activities();
  json::array out;
  for (std::size_t i = all.size() > kActivitiesShown ? all.size() - kActivitiesShown : 0; i < all.size(); ++i) {
    const cloud::Activity& activity = all[i];
    out.push_back(json::object{{"ageSeconds", seconds(now - activity.start)},
                               {"group", activity.group},
                               {"status", activity.status},
                               {"description", activity.description},
                               {"cause", activity.cause},
                               {"message", activity.status_message}});
  }
  return out;
}

json::array view_exhausted(const cloudmodel::Cloud& cloud) {
  json::array out;
  for (const cloudmodel::Pools::Rule& rule : cloud.pools().state().rules) {
    if (rule.capacity != cloudmodel::Capacity::kExhausted) continue;
    out.push_back(json::object{{"type", rule.filter.type.empty() ? "any type" : rule.filter.type},
                               {"zone", rule.filter.zone.empty() ? "any zone" : rule.filter.zone},
                               {"market", rule.filter.market ? cloud::to_string(*rule.filter.market) : "any market"}});
  }
  return out;
}

}  // namespace

json::value view_cloud(Cluster& cluster, WallTime now) {
  const cloudmodel::Cloud& cloud = cluster.cloud();
  const cloudmodel::Costs costs = cloud.costs();
  json::array groups, instances;
  for (const auto& group : cloud.describe_auto_scaling_groups()) groups.push_back(view_group(group, costs));
  for (const auto& instance : cloud.describe_auto_scaling_instances()) {
    instances.push_back(view_instance(cloud, instance, now));
  }
  return json::object{{"groups", std::move(groups)},
                      {"instances", std::move(instances)},
                      {"activities", view_activities(cloud, now)},
                      {"failedZones", strings(cloud.pools().state().failed_zones)},
                      {"exhausted", view_exhausted(cloud)},
                      {"costs", json::object{{"totalMicroUsd", costs.total.micro_usd()},
                                             {"onDemandMicroUsd", costs.on_demand.micro_usd()},
                                             {"spotMicroUsd", costs.spot.micro_usd()}}}};
}

}  // namespace minato::cluster
