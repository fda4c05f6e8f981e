#include "cloudmodel/agenda.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iterator>

namespace minato::cloudmodel {

void Agenda::start() {
  started_ = true;
  arm();
}

void Agenda::set(Due due, const std::string& subject, Duration delay) {
  const Key key{subject, due};
  if (const auto known = planned_.find(key); known != planned_.end()) erase(known);
  const Planned planned{clock_.monotonic() + std::max(delay, Duration{0}), next_sequence_++,
                        boost::json::serialize(boost::json::string(subject))};
  planned_.emplace(key, planned);
  order_.emplace(planned.at, planned.sequence, key);
  arm();
}

bool Agenda::cancel(Due due, const std::string& subject) {
  const auto found = planned_.find({subject, due});
  if (found == planned_.end()) return false;
  erase(found);
  return true;
}

void Agenda::cancel_subject(const std::string& id) {
  const auto drop = [&](const std::string& from, auto belongs) {
    auto entry = planned_.lower_bound({from, Due{}});
    while (entry != planned_.end() && belongs(entry->first.first)) erase(entry++);
  };
  drop(id, [&](const std::string& subject) { return subject == id; });
  drop(id + "/", [&](const std::string& subject) { return subject.starts_with(id + "/"); });
}

bool Agenda::contains(Due due, const std::string& subject) const {
  return planned_.contains({subject, due});
}

std::optional<WallTime> Agenda::at(Due due, const std::string& subject) const {
  const auto found = planned_.find({subject, due});
  return found == planned_.end() ? std::nullopt : std::optional(to_wall(found->second.at));
}

std::vector<Agenda::Entry> Agenda::entries() const {
  std::vector<Entry> out;
  for (const auto& [at, sequence, key] : order_) {
    out.push_back({key.second, key.first, to_wall(at)});
  }
  return out;
}

void Agenda::append_to(std::string& json) const {
  bool first = true;
  for (const auto& [at, sequence, key] : order_) {
    fmt::format_to(std::back_inserter(json), "{}[{},{},{}]", std::exchange(first, false) ? "" : ",",
                   static_cast<int>(key.second), planned_.at(key).quoted,
                   to_wall(at).time_since_epoch().count());
  }
}

void Agenda::restore(const std::vector<Entry>& entries) {
  planned_.clear();
  order_.clear();
  for (const Entry& entry : entries) set(entry.due, entry.subject, entry.at - clock_.wall());
}

WallTime Agenda::to_wall(MonoTime time) const {
  return clock_.wall() + (time - clock_.monotonic());
}

void Agenda::arm() {
  if (!started_ || order_.empty()) return;
  const MonoTime first = std::get<MonoTime>(*order_.begin());
  // A timer that fires too early only arms the next one: cancelling needs no new timer.
  if (armed_for_ && *armed_for_ <= first) return;
  armed_for_ = first;
  timer_ = executor_.after(first - clock_.monotonic(), [this] { fire(); });
}

void Agenda::fire() {
  armed_for_.reset();
  const MonoTime now = clock_.monotonic();
  // What is set meanwhile belongs to a later turn, even if it is due at once.
  const std::uint64_t end = next_sequence_;
  while (!order_.empty()) {
    const auto [at, sequence, key] = *order_.begin();
    if (at > now || sequence >= end) break;
    erase(planned_.find(key));
    run_(key.second, key.first);
  }
  arm();
}

void Agenda::erase(std::map<Key, Planned>::iterator entry) {
  order_.erase({entry->second.at, entry->second.sequence, entry->first});
  planned_.erase(entry);
}

}  // namespace minato::cloudmodel
