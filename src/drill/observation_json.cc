#include "drill/observation_json.h"

namespace minato::drill {
namespace json = boost::json;
namespace {

std::string text(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

}  // namespace

json::object to_json(const Observation& observation) {
  json::object out{{"atNs", observation.at.time_since_epoch().count()},
                   {"subject", std::string(to_string(observation.subject))},
                   {"name", observation.name},
                   {"state", observation.state}};
  if (!observation.node.empty()) out["node"] = observation.node;
  if (!observation.zone.empty()) out["zone"] = observation.zone;
  if (!observation.group.empty()) out["group"] = observation.group;
  if (!observation.detail.empty()) out["detail"] = observation.detail;
  if (observation.count != 0) out["count"] = observation.count;
  if (observation.is_marked) out["marked"] = true;
  return out;
}

Result<Observation> observation_from(const json::value& value) {
  if (!value.is_object()) return fail(Reason::kInvalid, "an observation is an object");
  const json::object& object = value.get_object();
  Observation out;
  ASSIGN_OR_RETURN(out.subject, subject_named(text(object, "subject")));
  out.at = MonoTime{Duration{number(object, "atNs")}};
  out.name = text(object, "name");
  out.state = text(object, "state");
  out.node = text(object, "node");
  out.zone = text(object, "zone");
  out.group = text(object, "group");
  out.detail = text(object, "detail");
  out.count = static_cast<std::int32_t>(number(object, "count"));
  const json::value* marked = object.if_contains("marked");
  out.is_marked = marked != nullptr && marked->is_bool() && marked->get_bool();
  if (out.name.empty() || out.state.empty()) return fail(Reason::kInvalid, "an observation has a name and a state");
  return out;
}

}  // namespace minato::drill
