#include "controllers/nodelifecycle/zone_eviction.h"

#include <algorithm>

namespace minato::controllers {
namespace {

constexpr std::int32_t kMinNotReadyForPartial = 3;

}  // namespace

ZoneState zone_state(const ZoneCounts& counts, std::int32_t unhealthy_percent) {
  if (counts.ready == 0 && counts.not_ready > 0) return ZoneState::kFullDisruption;
  if (counts.not_ready >= kMinNotReadyForPartial &&
      std::int64_t{100} * counts.not_ready >= std::int64_t{unhealthy_percent} * counts.total()) {
    return ZoneState::kPartialDisruption;
  }
  return ZoneState::kNormal;
}

ZoneEviction::Turn ZoneEviction::update(const std::map<std::string, ZoneCounts>& zones,
                                        MonoTime now) {
  std::erase_if(zones_, [&](const auto& each) {
    return !zones.contains(each.first) && each.second.waiting.empty();
  });
  bool all_down = !zones.empty();
  bool all_were_down = true;
  std::map<std::string, ZoneState> states;
  for (const auto& [name, counts] : zones) {
    states[name] = zone_state(counts, rates_.unhealthy_percent);
    all_down = all_down && states[name] == ZoneState::kFullDisruption;
    all_were_down = all_were_down && zones_[name].state == ZoneState::kFullDisruption;
  }
  all_were_down = all_were_down && !zones.empty();
  for (auto& [name, state] : states) {
    Zone& zone = zones_[name];
    if (all_down) {
      set_pace(zone, std::nullopt, now);
    } else if (all_were_down || zone.state != state) {
      set_pace(zone, interval_for(state, zones.at(name)), now);
    }
    zone.state = state;
  }
  if (all_down == all_were_down) return Turn::kNone;
  return all_down ? Turn::kAllZonesWentDown : Turn::kRecoveredFromAllDown;
}

std::optional<Duration> ZoneEviction::interval_for(ZoneState state,
                                                   const ZoneCounts& counts) const {
  if (state != ZoneState::kPartialDisruption) return rates_.eviction_interval;
  if (counts.total() > rates_.large_zone_nodes) return rates_.secondary_eviction_interval;
  return std::nullopt;
}

// A turn used at the old pace is not given again by changing the pace.
void ZoneEviction::set_pace(Zone& zone, std::optional<Duration> interval, MonoTime now) {
  if (interval && zone.interval && zone.next > now) {
    zone.next = zone.next - *zone.interval + *interval;
  }
  zone.interval = interval;
}

void ZoneEviction::add(const std::string& zone, const std::string& node) {
  if (!queued_.insert(node).second) return;
  const auto [found, is_new] = zones_.try_emplace(zone);
  if (is_new) found->second.interval = rates_.eviction_interval;
  found->second.waiting.push_back(node);
}

void ZoneEviction::remove(const std::string& node) {
  if (queued_.erase(node) == 0) return;
  for (auto& [name, zone] : zones_) std::erase(zone.waiting, node);
}

std::optional<std::string> ZoneEviction::take(MonoTime now) {
  for (auto& [name, zone] : zones_) {
    if (zone.waiting.empty() || !zone.interval || zone.next > now) continue;
    std::string node = std::move(zone.waiting.front());
    zone.waiting.pop_front();
    queued_.erase(node);
    zone.next = now + *zone.interval;
    return node;
  }
  return std::nullopt;
}

std::optional<MonoTime> ZoneEviction::next_turn() const {
  std::optional<MonoTime> soonest;
  for (const auto& [name, zone] : zones_) {
    if (zone.waiting.empty() || !zone.interval) continue;
    if (!soonest || zone.next < *soonest) soonest = zone.next;
  }
  return soonest;
}

ZoneState ZoneEviction::state(const std::string& zone) const {
  const auto found = zones_.find(zone);
  return found == zones_.end() ? ZoneState::kInitial : found->second.state;
}

}  // namespace minato::controllers
