#include "cloudmodel/activities.h"

#include <algorithm>

namespace minato::cloudmodel {

std::uint64_t ActivityLog::begin(cloud::Activity activity, WallTime now) {
  activity.id = next_id_++;
  activity.start = now;
  activity.status = "InProgress";
  const std::uint64_t id = activity.id;
  all_.emplace(id, Kept(std::move(activity)));
  return id;
}

void ActivityLog::finish(std::uint64_t id, std::string_view status, std::string message,
                         WallTime now) {
  const auto found = all_.find(id);
  if (found == all_.end() || is_set(found->second->end)) return;
  cloud::Activity& activity = found->second.edit();
  activity.end = now;
  activity.status = status;
  activity.status_message = std::move(message);
  if (++ended_ <= history_) return;
  // What is in progress stays: as many as there are instances on the move.
  const auto oldest = std::ranges::find_if(
      all_, [](const auto& entry) { return is_set(entry.second->end); });
  all_.erase(oldest);
  --ended_;
}

std::vector<cloud::Activity> ActivityLog::list() const {
  std::vector<cloud::Activity> out;
  for (const auto& [id, activity] : all_) out.push_back(*activity);
  return out;
}

void ActivityLog::restore(std::uint64_t next_id, const std::vector<cloud::Activity>& all) {
  next_id_ = next_id;
  all_.clear();
  for (const cloud::Activity& activity : all) all_.emplace(activity.id, Kept(activity));
  ended_ = static_cast<std::size_t>(
      std::ranges::count_if(all_, [](const auto& entry) { return is_set(entry.second->end); }));
}

}  // namespace minato::cloudmodel
