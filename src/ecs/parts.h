// The parts of an import: each reads one input into the draft of the file. Internal to the module.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ecs/fields.h"

namespace minato::ecs {

// What minato.yaml will say; unset where the input says nothing, so that minato's defaults hold.
struct Draft {
  std::string service;
  std::string image;
  std::int64_t port = 0;
  std::string health;
  std::vector<std::string> command, args;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_mib = 0;
  std::int64_t min_replicas = 0, max_replicas = 0, cpu_percent = 0;
  std::vector<std::pair<std::string, std::string>> env, secrets;
  std::int64_t stop_seconds = 0, startup_seconds = 0;
  bool read_only_root = false;
  std::string region;
  bool arm64 = false;
  std::optional<std::int64_t> spot_percent;
  std::int64_t on_demand_base = 0;
  std::vector<std::string> types;  // Of the scaling group.
  std::int64_t min_nodes = 2, max_nodes = 10;
  std::map<std::string, std::string> health_check;  // Keys of load_balancer.health_check.
  std::int64_t deregistration_seconds = -1, slow_start_seconds = 0;
  std::string main_container;  // That the load balancer names; "": the first essential with a port.
  std::int64_t main_port = 0;
};

void read_service(const boost::json::value& service, Draft& draft, std::vector<Entry>& report);
Status read_task(const boost::json::value& task, Draft& draft, std::vector<Entry>& report);
void read_container(Fields& in, Draft& draft);
void read_target_group(const boost::json::value& group, Draft& draft, std::vector<Entry>& report);

// Brings what was taken over within what minato's own rules allow, and finds Nodes that hold it; says
// so in the report.
void fit(Draft& draft, std::vector<Entry>& report);
// replicas.max, given or assumed.
std::int64_t most_replicas(const Draft& draft);

// The region in an ARN; "" where there is none.
std::string region_of(std::string_view arn);
// A name as minato takes it: a-z, 0-9 and '-', at most 40.
std::string service_name(std::string_view text);

}  // namespace minato::ecs
