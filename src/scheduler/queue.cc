#include "scheduler/queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace minato::scheduler {
namespace {

bool is_gated(const scheduling::PodInfo& pod) { return !pod.pod->spec.scheduling_gates.empty(); }

}  // namespace

void SchedulingQueue::add(const scheduling::PodInfoPtr& pod, MonoTime now,
                          std::uint64_t services_version) {
  const auto found = ids_.find(pod->uid());
  if (found == ids_.end()) {
    const Place place = is_gated(*pod) ? Place::kGated : Place::kActive;
    insert({pod, 0, {}, services_version}, place, now, {});
    return;
  }
  Entry& entry = entries_.at(found->second);
  const bool same = entry.queued.pod->pod_template == pod->pod_template &&
                    is_gated(*entry.queued.pod) == is_gated(*pod);
  if (same) {
    entry.queued.pod = pod;
    entry.queued.services_version = services_version;
    return;
  }
  Entry taken = take(found->second);
  taken.queued.pod = pod;
  taken.queued.services_version = services_version;
  if (is_gated(*pod)) {
    insert(std::move(taken.queued), Place::kGated, now, {});
  } else if (taken.place == Place::kBackoff) {
    insert(std::move(taken.queued), Place::kBackoff, taken.due, {});
  } else {
    requeue(std::move(taken.queued), now);
  }
}

bool SchedulingQueue::remove(const std::string& uid) {
  const auto found = ids_.find(uid);
  if (found == ids_.end()) return false;
  take(found->second);
  return true;
}

std::optional<QueuedPod> SchedulingQueue::pop(MonoTime now) {
  if (active_.empty()) return std::nullopt;
  QueuedPod out = take(std::get<2>(*active_.begin())).queued;
  ++out.attempts;
  out.last_attempt = now;
  return out;
}

void SchedulingQueue::put_unschedulable(QueuedPod pod, scheduling::FilterSet rejecting,
                                        MonoTime now) {
  insert(std::move(pod), Place::kUnschedulable, now + options_.max_unschedulable, rejecting);
}

void SchedulingQueue::put_backoff(QueuedPod pod) {
  const MonoTime due = backoff_end(pod);
  insert(std::move(pod), Place::kBackoff, due, {});
}

void SchedulingQueue::move_if(const Hint& hint, MonoTime now) {
  if (groups_.empty()) return;
  std::vector<Id> moving;
  for (const auto& [id, group] : groups_) {
    if (!hint(*group.sample, group.rejecting)) continue;
    moving.insert(moving.end(), group.members.begin(), group.members.end());
  }
  // Oldest first, whatever their groups.
  std::ranges::sort(moving);
  for (const Id id : moving) requeue(take(id).queued, now);
}

void SchedulingQueue::flush(MonoTime now) {
  while (!backoff_.empty() && backoff_.begin()->first <= now) {
    requeue(take(backoff_.begin()->second).queued, now);
  }
  while (!unschedulable_.empty() && unschedulable_.begin()->first <= now) {
    requeue(take(unschedulable_.begin()->second).queued, now);
  }
}

std::optional<MonoTime> SchedulingQueue::next_due() const {
  std::optional<MonoTime> out;
  if (!backoff_.empty()) out = backoff_.begin()->first;
  if (!unschedulable_.empty()) {
    out = std::min(out.value_or(MonoTime::max()), unschedulable_.begin()->first);
  }
  return out;
}

std::optional<Place> SchedulingQueue::where(const std::string& uid) const {
  const auto found = ids_.find(uid);
  if (found == ids_.end()) return std::nullopt;
  return entries_.at(found->second).place;
}

scheduling::PodInfoPtr SchedulingQueue::find(const std::string& uid) const {
  const auto found = ids_.find(uid);
  return found == ids_.end() ? nullptr : entries_.at(found->second).queued.pod;
}

std::size_t SchedulingQueue::size(Place place) const {
  switch (place) {
    case Place::kActive: return active_.size();
    case Place::kBackoff: return backoff_.size();
    case Place::kUnschedulable: return unschedulable_.size();
    case Place::kGated: return gated_.size();
  }
  return 0;
}

std::string SchedulingQueue::audit() const {
  if (ids_.size() != entries_.size() ||
      active_.size() + backoff_.size() + unschedulable_.size() + gated_.size() !=
          entries_.size()) {
    return fmt::format("{} entries, {} ids, {} + {} + {} + {} in places", entries_.size(),
                       ids_.size(), active_.size(), backoff_.size(), unschedulable_.size(),
                       gated_.size());
  }
  std::size_t grouped = 0;
  for (const auto& [id, group] : groups_) grouped += group.members.size();
  if (grouped != unschedulable_.size()) {
    return fmt::format("{} in groups, {} unschedulable", grouped, unschedulable_.size());
  }
  return "";
}

void SchedulingQueue::insert(QueuedPod pod, Place place, MonoTime due,
                             scheduling::FilterSet rejecting) {
  const Id id = ++next_id_;
  const bool is_new = ids_.try_emplace(pod.pod->uid(), id).second;
  CHECK(is_new, "Pod {} is queued twice", pod.pod->pod->key().to_string());
  Entry entry{std::move(pod), place, id, due, 0};
  switch (place) {
    case Place::kActive:
      active_.emplace(-std::int64_t{entry.queued.pod->priority()}, entry.order, id);
      break;
    case Place::kBackoff: backoff_.emplace(due, id); break;
    case Place::kUnschedulable:
      unschedulable_.emplace(due, id);
      entry.group = group_of(entry.queued.pod, rejecting);
      groups_.at(entry.group).members.insert(id);
      break;
    case Place::kGated: gated_.insert(id); break;
  }
  entries_.emplace(id, std::move(entry));
}

SchedulingQueue::Entry SchedulingQueue::take(Id id) {
  const auto found = entries_.find(id);
  Entry entry = std::move(found->second);
  entries_.erase(found);
  ids_.erase(entry.queued.pod->uid());
  switch (entry.place) {
    case Place::kActive:
      active_.erase({-std::int64_t{entry.queued.pod->priority()}, entry.order, id});
      break;
    case Place::kBackoff: backoff_.erase({entry.due, id}); break;
    case Place::kUnschedulable: {
      unschedulable_.erase({entry.due, id});
      const auto group = groups_.find(entry.group);
      group->second.members.erase(id);
      if (group->second.members.empty()) {
        group_ids_.erase(
            {group->second.sample->pod_template.get(), group->second.rejecting.bits()});
        groups_.erase(group);
      }
      break;
    }
    case Place::kGated: gated_.erase(id); break;
  }
  return entry;
}

std::uint64_t SchedulingQueue::group_of(const scheduling::PodInfoPtr& pod,
                                        scheduling::FilterSet rejecting) {
  const std::uint64_t next = ++next_id_;
  const auto [found, is_new] =
      group_ids_.try_emplace({pod->pod_template.get(), rejecting.bits()}, next);
  if (is_new) groups_[next] = {pod, rejecting, {}};
  return found->second;
}

void SchedulingQueue::requeue(QueuedPod pod, MonoTime now) {
  const MonoTime due = backoff_end(pod);
  if (is_gated(*pod.pod)) {
    insert(std::move(pod), Place::kGated, now, {});
  } else if (pod.attempts > 0 && due > now) {
    insert(std::move(pod), Place::kBackoff, due, {});
  } else {
    insert(std::move(pod), Place::kActive, now, {});
  }
}

MonoTime SchedulingQueue::backoff_end(const QueuedPod& pod) const {
  Duration backoff = options_.initial_backoff;
  for (int i = 1; i < pod.attempts && backoff < options_.max_backoff; ++i) backoff *= 2;
  return pod.last_attempt + std::min(backoff, options_.max_backoff);
}

}  // namespace minato::scheduler
