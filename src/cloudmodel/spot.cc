// EC2's side of an instance's end: Spot interruptions, rebalance recommendations, scheduled events.
#include <fmt/format.h>

#include <algorithm>

#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::Market;

void Cloud::set_capacity(const PoolFilter& pools, Capacity capacity) {
  pools_.set_capacity(pools, capacity);
  changed();
}

void Cloud::set_pool_depth(const std::string& type, const std::string& zone, std::int32_t depth) {
  pools_.set_depth(type, zone, depth);
  changed();
}

void Cloud::set_spot_limit(std::optional<std::int32_t> instances) {
  pools_.set_spot_limit(instances);
  changed();
}

// It runs, and its end is not decided yet.
bool Cloud::can_be_interrupted(const Record& record) const {
  const std::string& id = record.instance.id;
  return record.instance.market == Market::kSpot && !record.instance.private_ip.empty() &&
         record.alive && record.reclaim == Reclaim::kNone && !destroying_.contains(id) &&
         !record.notice && !agenda_.contains(Due::kSpotNotice, id);
}

Result<Kept<Record>*> Cloud::find_spot(const std::string& id) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return fail(Reason::kNotFound, fmt::format("instance {} not found", id));
  if ((*kept)->instance.market != Market::kSpot) {
    return fail(Reason::kInvalid, fmt::format("instance {} is no Spot Instance", id));
  }
  if (!can_be_interrupted(**kept)) {
    return fail(Reason::kInvalid,
                fmt::format("instance {} does not run, or is being ended already", id));
  }
  return kept;
}

void Cloud::recommend(Record& record) {
  if (!record.rebalance) record.rebalance = env_.clock.wall();
  changed();
}

Status Cloud::recommend_rebalance(const std::string& id) {
  ASSIGN_OR_RETURN(Kept<Record>* kept, find_spot(id));
  recommend(kept->edit());
  hold((*kept)->instance.group);
  return {};
}

Status Cloud::interrupt(const std::string& id, const Interruption& interruption) {
  ASSIGN_OR_RETURN(Kept<Record>* kept, find_spot(id));
  Record& record = kept->edit();
  record.notice_length = interruption.notice.value_or(options_.spot_notice);
  const Duration lead = interruption.rebalance_lead.value_or(options_.rebalance_lead);
  if (lead <= Duration{0}) {
    give_notice(id);
    return {};
  }
  recommend(record);
  agenda_.set(Due::kSpotNotice, id, lead);
  hold(record.instance.group);
  return {};
}

std::vector<std::string> Cloud::interrupt_share(const PoolFilter& pools, std::int32_t percent,
                                                const Interruption& interruption) {
  std::vector<std::string> out;
  for (const auto& [id, kept] : instances_) {
    const Pool pool{kept->instance.type, kept->instance.zone, Market::kSpot};
    if (can_be_interrupted(*kept) && pools.matches(pool)) out.push_back(id);
  }
  const auto hundredths = static_cast<std::size_t>(std::clamp(percent, 0, 100));
  const std::size_t share = (out.size() * hundredths + 99) / 100;
  for (std::size_t i = 0; i < share; ++i) {
    std::swap(out[i], out[i + env_.rng.below(out.size() - i)]);
  }
  out.resize(share);
  std::ranges::sort(out);
  for (const std::string& id : out) warn(interrupt(id, interruption));
  return out;
}

// The recommendation comes at the latest with the notice; a notice of no length is none.
void Cloud::give_notice(const std::string& id) {
  Record& record = find(id)->edit();
  if (record.notice_length <= Duration{0}) return reclaim(id, Reclaim::kInterruption);
  recommend(record);
  record.notice = SpotNotice{.time = env_.clock.wall() + record.notice_length};
  agenda_.set(Due::kInterruption, id, record.notice_length);
  hold(record.instance.group);
}

Status Cloud::cancel_interruption(const std::string& id) {
  Kept<Record>* kept = find(id);
  const bool pending = kept != nullptr && (*kept)->reclaim == Reclaim::kNone &&
                       ((*kept)->rebalance || (*kept)->notice);
  if (!pending) {
    return fail(Reason::kNotFound, fmt::format("no interruption of {} to call off", id));
  }
  Record& record = kept->edit();
  record.rebalance.reset();
  record.notice.reset();
  agenda_.cancel(Due::kSpotNotice, id);
  agenda_.cancel(Due::kInterruption, id);
  changed();
  if (const auto relief = relief_of_.find(id); relief != relief_of_.end()) {
    terminate(std::string(relief->second),
              fmt::format("the interruption of {} was called off; it needs no replacement", id));
  }
  hold(record.instance.group);
  return {};
}

std::optional<SpotNotice> Cloud::notice(const std::string& id) const {
  const Kept<Record>* kept = find(id);
  return kept == nullptr ? std::nullopt : (*kept)->notice;
}

bool Cloud::watch_instance(const std::string& id, std::function<void()> changing) {
  Kept<Record>* kept = find(id);
  if (kept != nullptr) kept->watch(std::move(changing));
  return kept != nullptr;
}

std::optional<WallTime> Cloud::rebalance_recommendation(const std::string& id) const {
  const Kept<Record>* kept = find(id);
  return kept == nullptr ? std::nullopt : (*kept)->rebalance;
}

// EC2 ends the machine; the group learns of it as of any other death.
void Cloud::reclaim(const std::string& id, Reclaim why) {
  Kept<Record>* kept = find(id);
  if (!(*kept)->alive || (*kept)->reclaim != Reclaim::kNone || destroying_.contains(id)) return;
  Record& record = kept->edit();
  record.reclaim = why;
  close_bill(record);
  changed();
  retire_target(id);
  end_reclaimed(id);
}

void Cloud::end_reclaimed(const std::string& id) {
  enqueue([this, id] {
    driver_.terminate(id, instance::Loss::kTerminate,
                      [this, id, alive = std::weak_ptr(alive_)](const Status& status) {
                        if (!alive.lock()) return;
                        warn(status);  // The group ends it once more, and insists.
                        machine_gone(id);
                      });
  });
}

Result<std::string> Cloud::schedule_maintenance(const std::string& id, Maintenance what,
                                                Duration in) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr || !(*kept)->alive) {
    return fail(Reason::kNotFound, fmt::format("instance {} not found", id));
  }
  if ((*kept)->maintenance.size() >= kMaximumMaintenanceEvents) {
    return fail(Reason::kTooManyRequests,
                fmt::format("instance {} has {} scheduled events already", id,
                            kMaximumMaintenanceEvents));
  }
  const bool reboot = what == Maintenance::kSystemReboot;
  MaintenanceEvent event;
  event.event_id = fmt::format("instance-event-0{:016x}", env_.rng.next());
  event.code = reboot ? "system-reboot" : "instance-retirement";
  event.description = reboot ? "The host of the instance is going to be rebooted"
                             : "The instance runs on hardware that is going to be retired";
  event.not_before = env_.clock.wall() + in;
  agenda_.set(Due::kMaintenance, id + "/" + event.event_id, in);
  kept->edit().maintenance.push_back(event);
  changed();
  return event.event_id;
}

Status Cloud::cancel_maintenance(const std::string& id, const std::string& event_id) {
  if (!agenda_.cancel(Due::kMaintenance, id + "/" + event_id)) {
    return fail(Reason::kNotFound,
                fmt::format("no active event {} is scheduled for {}", event_id, id));
  }
  for (MaintenanceEvent& event : find(id)->edit().maintenance) {
    if (event.event_id == event_id) event.state = "canceled";
  }
  changed();
  return {};
}

void Cloud::run_maintenance(const std::string& id, const std::string& event_id) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return;
  for (MaintenanceEvent& event : kept->edit().maintenance) {
    if (event.event_id == event_id) event.state = "completed";
  }
  reclaim(id, Reclaim::kRetirement);
}

std::vector<MaintenanceEvent> Cloud::maintenance_events(const std::string& id) const {
  const Kept<Record>* kept = find(id);
  return kept == nullptr ? std::vector<MaintenanceEvent>{} : (*kept)->maintenance;
}

}  // namespace minato::cloudmodel
