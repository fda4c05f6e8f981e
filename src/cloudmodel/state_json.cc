#include "cloudmodel/state_json.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace minato::cloudmodel {
namespace json = boost::json;
namespace {

template <class T>
std::int64_t number(T value) {
  return static_cast<std::int64_t>(value);
}
std::int64_t number(Duration value) { return value.count(); }
std::int64_t number(WallTime value) { return value.time_since_epoch().count(); }

std::int64_t integer(const json::object& in, std::string_view name) {
  return in.at(name).to_number<std::int64_t>();
}
std::int32_t small(const json::object& in, std::string_view name) {
  return in.at(name).to_number<std::int32_t>();
}
template <class T>
T choice(const json::object& in, std::string_view name) {
  return static_cast<T>(in.at(name).to_number<int>());
}
Duration duration(const json::object& in, std::string_view name) {
  return Duration{integer(in, name)};
}
WallTime wall(const json::object& in, std::string_view name) {
  return WallTime{duration(in, name)};
}
std::string text(const json::object& in, std::string_view name) {
  return std::string(in.at(name).as_string());
}
bool flag(const json::object& in, std::string_view name) { return in.at(name).as_bool(); }

template <class Items>
json::array texts(const Items& items) {
  return json::array(items.begin(), items.end());
}
std::vector<std::string> texts(const json::object& in, std::string_view name) {
  std::vector<std::string> out;
  for (const json::value& item : in.at(name).as_array()) out.emplace_back(item.as_string());
  return out;
}

template <class Read>
auto each(const json::object& in, std::string_view name, Read read) {
  std::vector<decltype(read(json::object{}))> out;
  for (const json::value& item : in.at(name).as_array()) out.push_back(read(item.as_object()));
  return out;
}

json::object write(const cloud::InstancesDistribution& in) {
  return {{"base", in.on_demand_base_capacity},
          {"percentage", in.on_demand_percentage_above_base_capacity},
          {"onDemandStrategy", number(in.on_demand_allocation_strategy)},
          {"spotStrategy", number(in.spot_allocation_strategy)}};
}
cloud::InstancesDistribution read_distribution(const json::object& in) {
  return {.on_demand_base_capacity = small(in, "base"),
          .on_demand_percentage_above_base_capacity = small(in, "percentage"),
          .on_demand_allocation_strategy =
              choice<cloud::OnDemandAllocationStrategy>(in, "onDemandStrategy"),
          .spot_allocation_strategy = choice<cloud::SpotAllocationStrategy>(in, "spotStrategy")};
}

json::object write(const cloud::LifecycleHook& in) {
  return {{"name", in.name},
          {"transition", number(in.transition)},
          {"heartbeat", number(in.heartbeat_timeout)},
          {"default", number(in.default_result)}};
}
cloud::LifecycleHook read_hook(const json::object& in) {
  return {.name = text(in, "name"),
          .transition = choice<cloud::LifecycleTransition>(in, "transition"),
          .heartbeat_timeout = duration(in, "heartbeat"),
          .default_result = choice<cloud::LifecycleResult>(in, "default")};
}

json::object write(const cloud::Instance& in) {
  return {{"id", in.id},
          {"type", in.type},
          {"zone", in.zone},
          {"group", in.group},
          {"market", number(in.market)},
          {"state", number(in.state)},
          {"healthy", in.healthy},
          {"protected", in.protected_from_scale_in},
          {"privateIp", in.private_ip},
          {"hostname", in.hostname},
          {"launchTime", number(in.launch_time)}};
}
cloud::Instance read_instance(const json::object& in) {
  return {.id = text(in, "id"),
          .type = text(in, "type"),
          .zone = text(in, "zone"),
          .group = text(in, "group"),
          .market = choice<cloud::Market>(in, "market"),
          .state = choice<cloud::LifecycleState>(in, "state"),
          .healthy = flag(in, "healthy"),
          .protected_from_scale_in = flag(in, "protected"),
          .private_ip = text(in, "privateIp"),
          .hostname = text(in, "hostname"),
          .launch_time = wall(in, "launchTime")};
}

json::object write(const HookWait& in) {
  return {{"hook", in.hook},
          {"heartbeat", number(in.heartbeat_timeout)},
          {"default", number(in.default_result)},
          {"limit", number(in.limit)}};
}
HookWait read_wait(const json::object& in) {
  return {.hook = text(in, "hook"),
          .heartbeat_timeout = duration(in, "heartbeat"),
          .default_result = choice<cloud::LifecycleResult>(in, "default"),
          .limit = wall(in, "limit")};
}

json::object write(const MaintenanceEvent& in) {
  return {{"eventId", in.event_id},
          {"code", in.code},
          {"description", in.description},
          {"notBefore", number(in.not_before)},
          {"state", in.state}};
}
MaintenanceEvent read_event(const json::object& in) {
  return {.event_id = text(in, "eventId"),
          .code = text(in, "code"),
          .description = text(in, "description"),
          .not_before = wall(in, "notBefore"),
          .state = text(in, "state")};
}

// After what it calls, which no other lookup would find.
template <class T>
json::array each(const std::vector<T>& items) {
  json::array out;
  for (const T& item : items) out.push_back(write(item));
  return out;
}

}  // namespace

json::object write(const Group& group) {
  const cloud::AutoScalingGroup& in = group.spec;
  json::object tags;
  for (const auto& [key, value] : in.tags) tags[key] = value;
  return {{"name", in.name},
          {"minSize", in.min_size},
          {"maxSize", in.max_size},
          {"desiredCapacity", in.desired_capacity},
          {"zones", texts(in.zones)},
          {"types", texts(in.types)},
          {"distribution", write(in.distribution)},
          {"capacityRebalance", in.capacity_rebalance},
          {"protectNew", in.new_instances_protected_from_scale_in},
          {"suspended", texts(in.suspended_processes)},
          {"hooks", each(in.lifecycle_hooks)},
          {"elbHealthCheck", in.elb_health_check},
          {"gracePeriod", number(in.health_check_grace_period)},
          {"attached", in.attached_to_target_group},
          {"tags", std::move(tags)},
          {"retry", {number(group.retry[0]), number(group.retry[1])}}};
}

Group read_group(const json::object& in) {
  Group out;
  out.spec = {.name = text(in, "name"),
              .min_size = small(in, "minSize"),
              .max_size = small(in, "maxSize"),
              .desired_capacity = small(in, "desiredCapacity"),
              .zones = texts(in, "zones"),
              .types = texts(in, "types"),
              .distribution = read_distribution(in.at("distribution").as_object()),
              .capacity_rebalance = flag(in, "capacityRebalance"),
              .new_instances_protected_from_scale_in = flag(in, "protectNew"),
              .suspended_processes = texts(in, "suspended"),
              .lifecycle_hooks = each(in, "hooks", read_hook),
              .elb_health_check = flag(in, "elbHealthCheck"),
              .health_check_grace_period = duration(in, "gracePeriod"),
              .attached_to_target_group = flag(in, "attached")};
  for (const auto& tag : in.at("tags").as_object()) {
    out.spec.tags.emplace(tag.key(), tag.value().as_string());
  }
  for (std::size_t i = 0; i < out.retry.size(); ++i) {
    out.retry[i] = Duration{in.at("retry").as_array().at(i).to_number<std::int64_t>()};
  }
  return out;
}

// A thousand of these are saved at every change: what has its usual value is left out.
json::object write(const Record& in) {
  json::object out = write(in.instance);
  if (!in.alive) out["alive"] = false;
  if (in.activity != 0) out["activity"] = in.activity;
  if (!in.relieves.empty()) out["relieves"] = in.relieves;
  if (is_set(in.in_service_since)) out["inServiceSince"] = number(in.in_service_since);
  if (!in.waits.empty()) out["waits"] = each(in.waits);
  out["price"] = in.bill.micro_usd_per_hour;
  if (is_set(in.bill.from)) out["billFrom"] = number(in.bill.from);
  if (is_set(in.bill.until)) out["billUntil"] = number(in.bill.until);
  if (in.bill.waived) out["waived"] = true;
  if (in.rebalance) out["rebalance"] = number(*in.rebalance);
  if (in.notice) {
    out["notice"] = json::object{{"action", in.notice->action}, {"time", number(in.notice->time)}};
  }
  if (in.notice_length != Duration{0}) out["noticeLength"] = number(in.notice_length);
  if (in.reclaim != Reclaim::kNone) out["reclaim"] = number(in.reclaim);
  if (!in.maintenance.empty()) out["maintenance"] = each(in.maintenance);
  return out;
}

Record read_record(const json::object& in) {
  const auto when = [&](std::string_view name) {
    return in.contains(name) ? wall(in, name) : WallTime{};
  };
  Record out;
  out.instance = read_instance(in);
  out.alive = !in.contains("alive") || flag(in, "alive");
  if (in.contains("activity")) out.activity = in.at("activity").to_number<std::uint64_t>();
  if (in.contains("relieves")) out.relieves = text(in, "relieves");
  out.in_service_since = when("inServiceSince");
  if (in.contains("waits")) out.waits = each(in, "waits", read_wait);
  out.bill = {.instance_id = out.instance.id,
              .type = out.instance.type,
              .zone = out.instance.zone,
              .group = out.instance.group,
              .market = out.instance.market,
              .micro_usd_per_hour = integer(in, "price"),
              .from = when("billFrom"),
              .until = when("billUntil"),
              .waived = in.contains("waived")};
  if (in.contains("rebalance")) out.rebalance = wall(in, "rebalance");
  if (const json::value* notice = in.if_contains("notice")) {
    out.notice = SpotNotice{text(notice->as_object(), "action"), wall(notice->as_object(), "time")};
  }
  if (in.contains("noticeLength")) out.notice_length = duration(in, "noticeLength");
  if (in.contains("reclaim")) out.reclaim = choice<Reclaim>(in, "reclaim");
  if (in.contains("maintenance")) out.maintenance = each(in, "maintenance", read_event);
  return out;
}

json::object write(const cloud::Activity& in) {
  return {{"id", in.id},
          {"start", number(in.start)},
          {"end", number(in.end)},
          {"group", in.group},
          {"description", in.description},
          {"cause", in.cause},
          {"status", in.status},
          {"statusMessage", in.status_message},
          {"type", in.type},
          {"zone", in.zone},
          {"market", number(in.market)}};
}

cloud::Activity read_activity(const json::object& in) {
  return {.id = in.at("id").to_number<std::uint64_t>(),
          .start = wall(in, "start"),
          .end = wall(in, "end"),
          .group = text(in, "group"),
          .description = text(in, "description"),
          .cause = text(in, "cause"),
          .status = text(in, "status"),
          .status_message = text(in, "statusMessage"),
          .type = text(in, "type"),
          .zone = text(in, "zone"),
          .market = choice<cloud::Market>(in, "market")};
}

json::object write(const Bill& in) {
  return {{"id", in.instance_id},
          {"type", in.type},
          {"zone", in.zone},
          {"group", in.group},
          {"market", number(in.market)},
          {"price", in.micro_usd_per_hour},
          {"from", number(in.from)},
          {"until", number(in.until)},
          {"waived", in.waived}};
}

Bill read_bill(const json::object& in) {
  return {.instance_id = text(in, "id"),
          .type = text(in, "type"),
          .zone = text(in, "zone"),
          .group = text(in, "group"),
          .market = choice<cloud::Market>(in, "market"),
          .micro_usd_per_hour = integer(in, "price"),
          .from = wall(in, "from"),
          .until = wall(in, "until"),
          .waived = flag(in, "waived")};
}

json::object write(const Pools::State& in) {
  json::array rules, depths;
  for (const Pools::Rule& rule : in.rules) {
    rules.push_back(json::object{
        {"type", rule.filter.type},
        {"zone", rule.filter.zone},
        {"market", rule.filter.market ? json::value(number(*rule.filter.market)) : json::value()},
        {"capacity", number(rule.capacity)}});
  }
  for (const auto& [pool, depth] : in.depths) {
    depths.push_back(json::object{{"type", pool.first}, {"zone", pool.second}, {"depth", depth}});
  }
  json::object out{{"rules", std::move(rules)},
                   {"failedZones", texts(in.failed_zones)},
                   {"depths", std::move(depths)}};
  if (in.spot_limit) out["spotLimit"] = *in.spot_limit;
  return out;
}

Pools::State read_pools(const json::object& in) {
  Pools::State out;
  out.rules = each(in, "rules", [](const json::object& rule) {
    Pools::Rule read{{text(rule, "type"), text(rule, "zone"), {}},
                     choice<Capacity>(rule, "capacity")};
    if (!rule.at("market").is_null()) read.filter.market = choice<cloud::Market>(rule, "market");
    return read;
  });
  for (const std::string& zone : texts(in, "failedZones")) out.failed_zones.insert(zone);
  for (const json::value& value : in.at("depths").as_array()) {
    const json::object& depth = value.as_object();
    out.depths[{text(depth, "type"), text(depth, "zone")}] = small(depth, "depth");
  }
  if (in.contains("spotLimit")) out.spot_limit = small(in, "spotLimit");
  return out;
}

Agenda::Entry read_entry(const json::array& in) {
  return {static_cast<Due>(in.at(0).to_number<int>()), std::string(in.at(1).as_string()),
          WallTime{Duration{in.at(2).to_number<std::int64_t>()}}};
}

}  // namespace minato::cloudmodel
