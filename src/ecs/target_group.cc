#include <fmt/format.h>

#include <algorithm>

#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

std::int64_t attribute(const json::value& group, std::string_view key, std::int64_t otherwise) {
  std::vector<Entry> unused;
  Fields in(group, "", unused);
  for (const json::value& value : in.list("Attributes")) {
    Fields pair(value, "", unused);
    if (pair.text("Key") == key) return pair.number("Value").value_or(otherwise);
  }
  return otherwise;
}

// Those that are off, or as they are here anyway, say nothing.
void lose_attributes(const json::value& value, std::vector<Entry>& report) {
  std::vector<Entry> unused;
  Fields around(value, "", unused);
  const auto lost = [&](const std::string& key, std::string why) {
    report.push_back({Fate::kLost, fmt::format("targetGroup.Attributes[{}]", key), std::move(why)});
  };
  for (const json::value& each : around.list("Attributes")) {
    Fields pair(each, "", unused);
    const std::string key = pair.text("Key"), text = pair.text("Value");
    if (key == "stickiness.enabled" && text == "true")
      lost(key, "requests go to any Pod; keep sessions outside of the process");
    if (key == "load_balancing.algorithm.type" && text != "round_robin")
      lost(key, text + ": targets are nodes here, and requests go to them in turn");
    if (key == "load_balancing.cross_zone.enabled" && text == "false")
      lost(key, "nodes of all zones get requests");
  }
}

}  // namespace

void read_target_group(const json::value& value, Draft& draft, std::vector<Entry>& report) {
  if (value.is_null()) return;
  const json::value& group = first_of(value, "TargetGroups", value);
  Fields in(group, "targetGroup", report);
  if (const std::string path = in.text("HealthCheckPath"); !path.empty()) {
    draft.health = path;
    in.kept("HealthCheckPath", "health: " + path);
  }
  std::vector<std::string> parts;
  const auto take = [&](std::string_view field, const char* key, std::int64_t low,
                        std::int64_t high, const char* unit) {
    const auto number = in.number(field);
    if (!number) return;
    const std::int64_t bounded = std::clamp(*number, low, high);
    draft.health_check[key] = fmt::format("{}{}", bounded, unit);
    if (bounded == *number)
      in.kept(field, fmt::format("load_balancer.health_check.{}: {}{}", key, bounded, unit));
    else
      in.changed(field, fmt::format("load_balancer.health_check.{}: {}{}", key, bounded, unit));
  };
  take("HealthCheckIntervalSeconds", "interval", 5, 300, "s");
  const std::int64_t interval = in.number("HealthCheckIntervalSeconds").value_or(5);
  take("HealthCheckTimeoutSeconds", "timeout", 2,
       std::max<std::int64_t>(2, std::min<std::int64_t>(120, interval - 1)), "s");
  take("HealthyThresholdCount", "healthy", 2, 10, "");
  take("UnhealthyThresholdCount", "unhealthy", 2, 10, "");
  if (!says_nothing(in.object("Matcher"))) in.changed("Matcher", "200 to 399 are healthy");
  if (!in.text("TargetType").empty())
    in.changed("TargetType", "instance: the load balancer sends to nodes, on their NodePort");
  in.ignore({"Port", "Protocol", "ProtocolVersion", "VpcId", "TargetGroupArn", "TargetGroupName",
             "LoadBalancerArns", "HealthCheckPort", "HealthCheckProtocol", "HealthCheckEnabled",
             "IpAddressType"});
  in.finish();
  draft.deregistration_seconds = attribute(value, "deregistration_delay.timeout_seconds", -1);
  if (draft.deregistration_seconds >= 0) {
    report.push_back(
        {Fate::kKept, "targetGroup.Attributes[deregistration_delay.timeout_seconds]",
         fmt::format("load_balancer.deregistration_delay: {}s", draft.deregistration_seconds)});
  }
  draft.slow_start_seconds = attribute(value, "slow_start.duration_seconds", 0);
  if (draft.slow_start_seconds > 0) {
    report.push_back({Fate::kKept, "targetGroup.Attributes[slow_start.duration_seconds]",
                      fmt::format("load_balancer.slow_start: {}s", draft.slow_start_seconds)});
  }
  lose_attributes(value, report);
}

}  // namespace minato::ecs
