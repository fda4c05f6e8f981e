// The saved form: everything that must outlive the control process and cannot be found out again.
// Unchanged parts keep their text (Kept), so that one save costs little more than copying it.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "cloudmodel/cloud.h"
#include "cloudmodel/state_json.h"

namespace minato::cloudmodel {
namespace json = boost::json;
namespace {

constexpr std::int64_t kVersion = 2;

template <class T>
std::string serialized(const T& value) {
  return json::serialize(write(value));
}

// Appends `"name":[…],`; `one` appends one item.
template <class Items, class One>
void append(std::string& out, std::string_view name, const Items& items, One one) {
  out.append("\"").append(name).append("\":[");
  bool first = true;
  for (const auto& item : items) {
    if (!std::exchange(first, false)) out += ',';
    one(item);
  }
  out += "],";
}

}  // namespace

std::string Cloud::state() const {
  std::string out;
  out.reserve(last_state_size_ + last_state_size_ / 8);
  const auto kept = [&](const auto& value) {
    out += value.text([](const auto& changed) { return serialized(changed); });
  };
  out += fmt::format("{{\"version\":{},", kVersion);
  append(out, "groups", groups_, [&](const auto& entry) { out += serialized(entry.second); });
  append(out, "instances", instances_, [&](const auto& entry) { kept(entry.second); });
  append(out, "targets", targets_, [&](const auto& entry) {
    const bool draining = entry.second.health.state == cloud::TargetState::kDraining;
    fmt::format_to(std::back_inserter(out), "[\"{}\",{},{},{}]", entry.first, draining,
                   entry.second.idle, entry.second.health.since.time_since_epoch().count());
  });
  out += "\"agenda\":[";
  agenda_.append_to(out);
  out += "],";
  append(out, "activities", activities_.all(), [&](const auto& entry) { kept(entry.second); });
  append(out, "endedBills", ended_bills_.recent(), kept);
  append(out, "sums", ended_bills_.sums(), [&](const auto& entry) {
    const auto& [group, market] = entry.first;
    out += json::serialize(
        json::array{group, static_cast<std::int64_t>(market), entry.second.exact});
  });
  out += fmt::format("\"nextActivity\":{},\"pools\":{}}}", activities_.next_id(),
                     serialized(pools_.state()));
  last_state_size_ = out.size();
  return out;
}

Status Cloud::restore(const std::string& text) {
  try {
    const json::object in = json::parse(text).as_object();
    if (in.at("version").to_number<std::int64_t>() != kVersion) {
      return fail(Reason::kInvalid, "the saved cloud state is of another version of minato; "
                                    "run 'minato down' and start again");
    }
    const auto read = [&](std::string_view name, auto one) {
      std::vector<decltype(one(json::object{}))> out;
      for (const json::value& value : in.at(name).as_array()) out.push_back(one(value.as_object()));
      return out;
    };
    const auto groups = read("groups", read_group);
    const auto records = read("instances", read_record);
    std::vector<Agenda::Entry> agenda;
    for (const json::value& value : in.at("agenda").as_array()) {
      agenda.push_back(read_entry(value.as_array()));
    }
    const auto activities = read("activities", read_activity);
    const auto bills = read("endedBills", read_bill);
    Pools::State pools = read_pools(in.at("pools").as_object());
    const auto next_activity = in.at("nextActivity").to_number<std::uint64_t>();
    std::map<std::pair<std::string, cloud::Market>, Cost> sums;
    for (const json::value& value : in.at("sums").as_array()) {
      const json::array& sum = value.as_array();
      sums[{std::string(sum.at(0).as_string()),
            static_cast<cloud::Market>(sum.at(1).to_number<int>())}] = {
          sum.at(2).to_number<std::int64_t>()};
    }
    std::map<std::string, Target> targets;
    for (const json::value& value : in.at("targets").as_array()) {
      const json::array& saved = value.as_array();
      Target target;
      target.health.instance_id = saved.at(0).as_string();
      if (saved.at(1).as_bool()) target.health.state = cloud::TargetState::kDraining;
      target.idle = saved.at(2).as_bool();
      target.health.since = WallTime{Duration{saved.at(3).to_number<std::int64_t>()}};
      targets.emplace(target.health.instance_id, std::move(target));
    }

    // Nothing is changed before all of it could be read.
    groups_.clear();
    for (const Group& group : groups) groups_.emplace(group.spec.name, group);
    instances_.clear();
    for (const Record& record : records) instances_.emplace(record.instance.id, Kept(record));
    targets_ = std::move(targets);
    agenda_.restore(agenda);
    activities_.restore(next_activity, activities);
    ended_bills_.restore(bills, std::move(sums));
    pools_.restore(std::move(pools));
  } catch (const std::exception& error) {
    return fail(Reason::kInvalid, std::string("the saved cloud state is damaged: ") + error.what());
  }
  rebuild_indexes();
  return {};
}

void Cloud::rebuild_indexes() {
  relief_of_.clear();
  for (const auto& [id, kept] : instances_) {
    if (!is_terminating(kept->instance.state)) {
      groups_[kept->instance.group].members.insert(id);
    }
    if (!kept->relieves.empty()) relief_of_[kept->relieves] = id;
  }
  std::erase_if(targets_, [&](const auto& entry) { return !instances_.contains(entry.first); });
  for (auto& [id, target] : targets_) {
    const cloud::Instance& instance = (*find(id))->instance;
    target.health.ip = instance.private_ip;
    target.health.port = options_.node_port;
    target.health.zone = instance.zone;
    if (target.health.state == cloud::TargetState::kDraining) {
      target.health.reason = "Target.DeregistrationInProgress";
      target.health.description = "Target deregistration is in progress";
    } else {
      target.health.reason = "Elb.InitialHealthChecking";
      target.health.description = "Initial health checks in progress";
    }
  }
}

}  // namespace minato::cloudmodel
