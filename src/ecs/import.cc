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

void add_program(const Program& program, json::object& out) {
  if (!program.command.empty()) out["command"] = texts(program.command);
  if (!program.args.empty()) out["args"] = texts(program.args);
  if (program.cpu_milli > 0) out["cpu"] = fmt::format("{}m", program.cpu_milli);
  if (program.memory_mib > 0) out["memory"] = fmt::format("{}Mi", program.memory_mib);
  if (!program.env.empty()) out["env"] = pairs(program.env);
  if (!program.user.empty()) out["user"] = program.user;
  if (program.capabilities) out["capabilities"] = texts(*program.capabilities);
  if (program.read_only_root) out["read_only_root"] = true;
  if (!program.mounts.empty()) out["mounts"] = pairs(program.mounts);
}

json::object volumes_of(const Draft& draft) {
  json::object out;
  for (const auto& [name, volume] : draft.volumes) {
    json::object each{{"size", fmt::format("{}Mi", volume.size_mib)}};
    if (volume.in_memory) each["memory"] = true;
    out[name] = std::move(each);
  }
  return out;
}

json::object sidecars_of(const Draft& draft) {
  json::object out;
  for (const Sidecar& sidecar : draft.sidecars) {
    json::object each{{"image", sidecar.program.image}, {"runs", spec::to_string(sidecar.runs)}};
    add_program(sidecar.program, each);
    if (!sidecar.program.secrets.empty()) each["secrets"] = texts(sidecar.program.secrets);
    if (!sidecar.check.empty()) each["check"] = texts(sidecar.check);
    if (sidecar.startup_seconds > 0)
      each["startup"] = seconds(std::max<std::int64_t>(sidecar.startup_seconds, 30));
    out[sidecar.name] = std::move(each);
  }
  return out;
}

json::object replicas_of(const Draft& draft) {
  json::object out;
  if (draft.min_replicas > 0) {
    out["min"] = draft.min_replicas;
    out["max"] = most_replicas(draft);
  }
  if (draft.cpu_percent > 0) out["cpu"] = fmt::format("{}%", draft.cpu_percent);
  if (draft.memory_percent > 0) out["memory"] = fmt::format("{}%", draft.memory_percent);
  return out;
}

json::object file_of(const Draft& draft) {
  json::object out{
      {"service", draft.service}, {"image", draft.program.image}, {"port", draft.port}};
  const auto add = [&](std::string_view key, json::object value) {
    if (!value.empty()) out[key] = std::move(value);
  };
  if (!draft.health.empty()) out["health"] = draft.health;
  add_program(draft.program, out);
  add("replicas", replicas_of(draft));
  add("secrets", pairs(draft.secrets));
  add("volumes", volumes_of(draft));
  add("sidecars", sidecars_of(draft));
  if (draft.stop_seconds > 0)
    out["stop"] = json::object{{"drain", "10s"}, {"timeout", seconds(draft.stop_seconds)}};
  if (draft.startup_seconds > 0)
    out["startup"] = seconds(std::max<std::int64_t>(draft.startup_seconds, 30));
  if (!draft.region.empty()) out["region"] = draft.region;
  add("nodes", nodes_of(draft));
  add("load_balancer", balancer_of(draft));
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

Result<Import> import_service(const Input& input, const cloud::Catalogue& catalogue) {
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
  fit(draft, catalogue, out.report);
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
