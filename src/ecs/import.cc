#include "ecs/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "ecs/parts.h"
#include "render/yaml.h"
#include "spec/spec.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

// The object inside what the command line tool prints.
const json::value& inside(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr ? value : *found;
}

json::object pairs(const std::vector<std::pair<std::string, std::string>>& list) {
  json::object out;
  for (const auto& [name, value] : list) out[name] = value;
  return out;
}

json::array texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

std::string seconds(std::int64_t value) { return fmt::format("{}s", value); }

json::object nodes_of(const Draft& draft) {
  json::object scaling, out;
  if (draft.arm64) out["master"] = json::object{{"types", {"t4g.medium"}}};
  scaling["types"] = texts(draft.types);
  if (draft.spot_percent.value_or(0) > 0) scaling["spot"] = fmt::format("{}%", *draft.spot_percent);
  if (draft.on_demand_base > 0) scaling["on_demand_base"] = draft.on_demand_base;
  scaling["min"] = draft.min_nodes;
  scaling["max"] = draft.max_nodes;
  out["scaling"] = std::move(scaling);
  return out;
}

json::object balancer_of(const Draft& draft) {
  json::object out;
  if (!draft.health_check.empty()) {
    json::object check;
    for (const auto& [key, value] : draft.health_check) {
      // Counts are numbers, durations are text.
      if (value.ends_with('s'))
        check[key] = value;
      else
        check[key] = std::stoll(value);
    }
    out["health_check"] = std::move(check);
  }
  if (draft.deregistration_seconds >= 0)
    out["deregistration_delay"] = seconds(draft.deregistration_seconds);
  if (draft.slow_start_seconds > 0) out["slow_start"] = seconds(draft.slow_start_seconds);
  return out;
}

json::object file_of(const Draft& draft) {
  json::object out{{"service", draft.service}, {"image", draft.image}, {"port", draft.port}};
  if (!draft.health.empty()) out["health"] = draft.health;
  if (!draft.command.empty()) out["command"] = texts(draft.command);
  if (!draft.args.empty()) out["args"] = texts(draft.args);
  if (draft.cpu_milli > 0) out["cpu"] = fmt::format("{}m", draft.cpu_milli);
  if (draft.memory_mib > 0) out["memory"] = fmt::format("{}Mi", draft.memory_mib);
  json::object replicas;
  if (draft.min_replicas > 0) {
    replicas["min"] = draft.min_replicas;
    replicas["max"] = most_replicas(draft);
  }
  if (draft.cpu_percent > 0) replicas["cpu"] = fmt::format("{}%", draft.cpu_percent);
  if (!replicas.empty()) out["replicas"] = std::move(replicas);
  if (!draft.env.empty()) out["env"] = pairs(draft.env);
  if (!draft.secrets.empty()) out["secrets"] = pairs(draft.secrets);
  if (draft.stop_seconds > 0)
    out["stop"] = json::object{{"drain", "10s"}, {"timeout", seconds(draft.stop_seconds)}};
  if (draft.startup_seconds > 0)
    out["startup"] = seconds(std::max<std::int64_t>(draft.startup_seconds, 30));
  if (draft.read_only_root) out["read_only_root"] = true;
  if (!draft.region.empty()) out["region"] = draft.region;
  if (json::object nodes = nodes_of(draft); !nodes.empty()) out["nodes"] = std::move(nodes);
  if (json::object balancer = balancer_of(draft); !balancer.empty())
    out["load_balancer"] = std::move(balancer);
  return out;
}

}  // namespace

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::kKept: return "kept";
    case Fate::kChanged: return "changed";
    case Fate::kLost: return "lost";
  }
  return {};
}

Result<Import> import_service(const Input& input) {
  const json::value& task = inside(input.task, "taskDefinition");
  if (!task.is_object() || !task.get_object().contains("containerDefinitions")) {
    return fail(Reason::kInvalid,
                "no task definition: expected what 'aws ecs describe-task-definition' prints");
  }
  Draft draft;
  Import out;
  read_service(input.service, draft, out.report);
  read_target_group(input.target_group, draft, out.report);
  RETURN_IF_ERROR(read_task(task, draft, out.report));
  fit(draft, out.report);
  out.yaml =
      "# Imported from Amazon ECS. Still to be said: 'domain', under which people reach the "
      "service.\n" +
      render::to_yaml(file_of(draft));
  // What is written must be a file that minato takes: whatever is wrong with it came from the
  // input.
  if (const auto spec = spec::read({{"minato.yaml", out.yaml}}); !spec)
    return wrap("the imported file", spec.error());
  return out;
}

}  // namespace minato::ecs
