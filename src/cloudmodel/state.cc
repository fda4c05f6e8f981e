// The saved form: what must outlive the control process and cannot be found out again.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {
namespace json = boost::json;
namespace {

constexpr std::int64_t kVersion = 1;

json::array to_array(const std::vector<std::string>& items) {
  return json::array(items.begin(), items.end());
}

std::vector<std::string> from_array(const json::value& value) {
  std::vector<std::string> out;
  for (const json::value& item : value.as_array()) out.emplace_back(item.as_string());
  return out;
}

json::object write(const GroupSpec& spec) {
  return {{"name", spec.name},
          {"types", to_array(spec.types)},
          {"zones", to_array(spec.zones)},
          {"minSize", spec.min_size},
          {"maxSize", spec.max_size},
          {"desiredCapacity", spec.desired_capacity},
          {"attached", spec.attached_to_target_group}};
}

GroupSpec read_group(const json::object& in) {
  GroupSpec out;
  out.name = std::string(in.at("name").as_string());
  out.types = from_array(in.at("types"));
  out.zones = from_array(in.at("zones"));
  out.min_size = in.at("minSize").to_number<std::int32_t>();
  out.max_size = in.at("maxSize").to_number<std::int32_t>();
  out.desired_capacity = in.at("desiredCapacity").to_number<std::int32_t>();
  out.attached_to_target_group = in.at("attached").as_bool();
  return out;
}

json::object write(const Instance& instance) {
  return {{"id", instance.id},
          {"type", instance.type},
          {"zone", instance.zone},
          {"group", instance.group},
          {"state", static_cast<std::int64_t>(instance.state)},
          {"healthy", instance.healthy},
          {"privateIp", instance.private_ip},
          {"hostname", instance.hostname},
          {"launchTime", instance.launch_time.time_since_epoch().count()}};
}

Instance read_instance(const json::object& in) {
  const auto text = [&](const char* name) { return std::string(in.at(name).as_string()); };
  Instance out;
  out.id = text("id");
  out.type = text("type");
  out.zone = text("zone");
  out.group = text("group");
  out.state = static_cast<LifecycleState>(in.at("state").to_number<int>());
  out.healthy = in.at("healthy").as_bool();
  out.private_ip = text("privateIp");
  out.hostname = text("hostname");
  out.launch_time = WallTime{Duration{in.at("launchTime").to_number<std::int64_t>()}};
  return out;
}

}  // namespace

void Cloud::save() {
  if (!options_.save) return;
  json::object out{{"version", kVersion}};
  json::array& groups = out["groups"].emplace_array();
  for (const auto& [name, group] : groups_) groups.push_back(write(group.spec));
  json::array& instances = out["instances"].emplace_array();
  for (const auto& [id, instance] : instances_) instances.push_back(write(instance));
  json::array& targets = out["targets"].emplace_array();
  for (const auto& [id, target] : targets_) {
    if (target.health.state != TargetState::kDraining) targets.emplace_back(id);
  }
  options_.save(json::serialize(out));
}

Status Cloud::restore(const std::string& text) {
  try {
    const json::object in = json::parse(text).as_object();
    if (in.at("version").to_number<std::int64_t>() != kVersion) {
      return fail(Reason::kInvalid, "the saved cloud state is of another version of minato; "
                                    "run 'minato down' and start again");
    }
    for (const json::value& value : in.at("groups").as_array()) {
      GroupSpec spec = read_group(value.as_object());
      groups_[spec.name].spec = std::move(spec);
    }
    for (const json::value& value : in.at("instances").as_array()) {
      Instance instance = read_instance(value.as_object());
      instances_.emplace(instance.id, std::move(instance));
    }
    for (const std::string& id : from_array(in.at("targets"))) {
      const auto found = instances_.find(id);
      if (found == instances_.end() || found->second.private_ip.empty()) continue;
      Target target;
      target.health.target = {id, found->second.private_ip, options_.node_port, found->second.zone};
      target.health.since = env_.clock.wall();
      targets_.emplace(id, std::move(target));
    }
    return {};
  } catch (const std::exception& error) {
    return fail(Reason::kInvalid, std::string("the saved cloud state is damaged: ") + error.what());
  }
}

}  // namespace minato::cloudmodel
