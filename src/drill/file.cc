#include "drill/file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <set>

namespace minato::drill {
namespace {

std::unexpected<Error> at(const std::string& name, const YAML::Node& node, const std::string& message) {
  return fail(Reason::kInvalid, fmt::format("{}:{}: {}", name, node.Mark().line + 1, message));
}

Result<Action> read_action(const std::string& name, const YAML::Node& root, const YAML::Node& node) {
  const auto verb = verb_named(node.as<std::string>(""));
  if (!verb) return at(name, node, verb.error().message);
  Action out;
  out.verb = *verb;
  out.count = root["count"].as<std::int32_t>(0);
  out.role = root["role"].as<std::string>("");
  out.path = root["path"].as<std::string>("");
  if (out.verb == Verb::kKillRole && out.role.empty()) return at(name, node, "kill-role needs a role");
  if (out.verb == Verb::kMultiplyLoad && out.count < 1) return at(name, node, "multiply-load needs a count of at least 1");
  return out;
}

// One action, or a list of them.
Result<std::vector<Action>> read_actions(const std::string& name, const YAML::Node& root, const char* key) {
  const YAML::Node node = root[key];
  std::vector<Action> out;
  if (!node.IsSequence()) {
    ASSIGN_OR_RETURN(Action action, read_action(name, root, node));
    out.push_back(std::move(action));
  }
  for (std::size_t i = 0; node.IsSequence() && i < node.size(); ++i) {
    ASSIGN_OR_RETURN(Action action, read_action(name, root, node[i]));
    out.push_back(std::move(action));
  }
  if (out.empty()) return at(name, node, fmt::format("{}: an action, or a list of them", key));
  return out;
}

Result<Condition> read_condition(const std::string& name, const YAML::Node& node) {
  const std::string text = node.as<std::string>("");
  const std::size_t space = text.find(' ');
  const auto seen = seen_named(text.substr(0, space));
  if (!seen) return at(name, node, seen.error().message);
  return Condition{*seen, space == std::string::npos ? "" : text.substr(space + 1)};
}

Status read_phases(const std::string& name, const YAML::Node& node, Drill& out) {
  if (!node.IsMap() || node.size() == 0) return at(name, node, "phases: a map from phases to lists of conditions");
  for (const auto& entry : node) {
    const auto phase = phase_named(entry.first.as<std::string>(""));
    if (!phase) return at(name, entry.first, phase.error().message);
    if (*phase == Phase::kRecovered) return at(name, entry.first, "recovered is measured, not declared");
    if (!entry.second.IsSequence()) return at(name, entry.second, "conditions are a list");
    for (const auto& each : entry.second) {
      ASSIGN_OR_RETURN(Condition condition, read_condition(name, each));
      out.phases[*phase].push_back(std::move(condition));
    }
  }
  return {};
}

Result<Drill> read_root(const std::string& name, const YAML::Node& root) {
  static const std::set<std::string> kKeys = {"kind", "does", "expects", "protects", "inject", "mend", "count",
                                              "role", "path", "phases", "bound", "planned"};
  if (!root.IsMap()) return at(name, root, "a drill is a map");
  for (const auto& entry : root) {
    const std::string key = entry.first.as<std::string>("");
    if (!kKeys.contains(key)) return at(name, entry.first, fmt::format("unknown key '{}'", key));
  }
  for (const char* key : {"kind", "inject", "phases"}) {
    if (!root[key]) return at(name, root, fmt::format("'{}' is missing", key));
  }
  Drill out;
  out.kind = root["kind"].as<std::string>("");
  out.does = root["does"].as<std::string>("does what its file says");
  out.expects = root["expects"].as<std::string>("the service recovers");
  out.protects = root["protects"].as<std::string>("what the file says");
  out.is_planned = root["planned"].as<bool>(false);
  ASSIGN_OR_RETURN(out.inject, read_actions(name, root, "inject"));
  if (root["mend"]) {
    ASSIGN_OR_RETURN(out.mend, read_actions(name, root, "mend"));
  }
  for (Action& each : out.mend) {
    if (each.verb == Verb::kMultiplyLoad) each = {.verb = each.verb, .count = 1, .role = {}, .path = {}};
  }
  RETURN_IF_ERROR(read_phases(name, root["phases"], out));
  out.bound = root["bound"].as<std::string>("");
  if (out.bound.empty()) return at(name, root, "'bound' is missing: whose bound holds for it, for example process-crash");
  const auto known = find_drill(out.bound);
  if (!known && out.bound != "rollout" && out.bound != "role-stopped") return at(name, root["bound"], known.error().message);
  if (known) out.bound = known->bound;
  return out;
}

}  // namespace

Result<Drill> read_drill(const std::string& name, const std::string& text) {
  try {
    return read_root(name, YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return fail(Reason::kInvalid, fmt::format("{}:{}: {}", name, error.mark.line + 1, error.msg));
  }
}

}  // namespace minato::drill
