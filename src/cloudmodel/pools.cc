#include "cloudmodel/pools.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace minato::cloudmodel {
namespace {

// FNV-1a: the same on every machine.
std::uint64_t hash(std::string_view text) {
  std::uint64_t out = 14'695'981'039'346'656'037U;
  for (const char c : text) {
    out ^= static_cast<unsigned char>(c);
    out *= 1'099'511'628'211U;
  }
  return out;
}

}  // namespace

std::string Pool::name() const { return fmt::format("{}/{}/{}", to_string(market), zone, type); }

bool PoolFilter::matches(const Pool& pool) const {
  return (type.empty() || type == pool.type) && (zone.empty() || zone == pool.zone) &&
         (!market || *market == pool.market);
}

bool PoolFilter::covers(const PoolFilter& other) const {
  return (type.empty() || type == other.type) && (zone.empty() || zone == other.zone) &&
         (!market || market == other.market);
}

void Pools::set_capacity(const PoolFilter& filter, Capacity capacity) {
  // What the new word covers is never asked again: the list is no longer than there are filters.
  std::erase_if(rules_, [&](const Rule& rule) { return filter.covers(rule.filter); });
  if (capacity == Capacity::kExhausted || !rules_.empty()) rules_.push_back({filter, capacity});
}

void Pools::set_zone(const std::string& zone, Capacity capacity) {
  if (capacity == Capacity::kExhausted) {
    failed_zones_.insert(zone);
  } else {
    failed_zones_.erase(zone);
  }
}

void Pools::set_depth(const std::string& type, const std::string& zone, std::int32_t depth) {
  depths_[{type, zone}] = std::clamp(depth, 0, kDeepest);
}

bool Pools::available(const Pool& pool) const {
  if (failed_zones_.contains(pool.zone)) return false;
  for (const Rule& rule : std::views::reverse(rules_)) {
    if (rule.filter.matches(pool)) return rule.capacity == Capacity::kAvailable;
  }
  return true;
}

std::int32_t Pools::depth(const std::string& type, const std::string& zone) const {
  const auto found = depths_.find({type, zone});
  if (found != depths_.end()) return found->second;
  return 1 + static_cast<std::int32_t>(hash(type + "/" + zone) % kDeepest);
}

const cloud::InstanceType* Pools::type(const std::string& name) const {
  return catalogue_.find(name);
}

std::int64_t Pools::price(const std::string& name, cloud::Market market) const {
  const cloud::InstanceType* known = type(name);
  return known == nullptr ? 0 : cloud::micro_usd_per_hour(*known, market);
}

void Pools::restore(State state) {
  rules_ = std::move(state.rules);
  failed_zones_ = std::move(state.failed_zones);
  depths_ = std::move(state.depths);
  spot_limit_ = state.spot_limit;
}

}  // namespace minato::cloudmodel
