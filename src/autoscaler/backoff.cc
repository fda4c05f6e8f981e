#include "autoscaler/backoff.h"

#include <algorithm>

namespace minato::autoscaler {

void Backoff::failed(const std::string& name, MonoTime now, std::string code,
                     std::string message) {
  if (entries_.size() >= kMaxEntries && !entries_.contains(name)) {
    entries_.erase(std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second.last_failure; }));
  }
  Entry& entry = entries_[name];
  if (entry.duration == Duration::zero()) {
    entry.duration = times_.initial;
  } else if (entry.until <= now) {
    entry.duration = std::min(2 * entry.duration, times_.max);
  }
  entry.until = now + entry.duration;
  entry.last_failure = now;
  entry.code = std::move(code);
  entry.message = std::move(message);
}

void Backoff::succeeded(const std::string& name, MonoTime now) {
  if (!active(name, now)) entries_.erase(name);
}

bool Backoff::active(const std::string& name, MonoTime now) const {
  const auto found = entries_.find(name);
  return found != entries_.end() && found->second.until > now;
}

const Backoff::Entry* Backoff::find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void Backoff::forget_stale(MonoTime now) {
  std::erase_if(entries_, [&](const auto& entry) {
    return entry.second.last_failure + times_.reset < now;
  });
}

}  // namespace minato::autoscaler
