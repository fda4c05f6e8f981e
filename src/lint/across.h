// What rules over both sides read of each: tags and health checks of Terraform, values of charts.
// Internal to the module.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lint/rules.h"

namespace minato::lint {

// Tags of an Auto Scaling group, from tag blocks or from the for_each of a dynamic one.
std::map<std::string, std::string> tags_of(const HclModule& module, const HclBlock& group);
// The port of a target group's health check where that is not the one that requests go to; "".
std::string health_port(const HclModule& module, const HclBlock& group);
// What stands there: text, or "true" and "false"; "" for anything else.
std::string text_at(const boost::json::value& value, const std::vector<std::string_view>& path);
// The values of a chart as they are rendered; null where there are none.
const boost::json::value* values_file(const Manifests& manifests, std::string_view chart);

// The cluster's charts: their versions, and the autoscaler's values against the cluster.
void check_charts(const HclModule& module, const Manifests& manifests, const Sink& found);

}  // namespace minato::lint
