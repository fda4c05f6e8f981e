// Pods that wait for a Node. Each is in exactly one place:
//   active         to be tried now, highest priority first, then in order of arrival;
//   backoff        was tried a moment ago: 1 s, doubling, to 10 s after the attempt;
//   unschedulable  no Node took it: waits for an event that could change that, or 5 minutes;
//   gated          has scheduling gates: waits for its own update.
//
// Unschedulable Pods of one template that were refused by the same filters are one group, so that
// an event is weighed once per group and not once per Pod.
//
// Owned by Scheduler; loop thread only. Knows no clock: the caller passes the time.
// Rules: pkg/scheduler/backend/queue/scheduling_queue.go.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "scheduling/refusal.h"

namespace minato::scheduler {

struct QueueOptions {
  Duration initial_backoff = 1s;
  Duration max_backoff = 10s;
  Duration max_unschedulable = 5min;
};

enum class Place { kActive, kBackoff, kUnschedulable, kGated };

struct QueuedPod {
  scheduling::PodInfoPtr pod;
  int attempts = 0;
  MonoTime last_attempt{};
  std::uint64_t services_version = 0;  // DefaultSpread's, when the Pod was parsed.
};

class SchedulingQueue {
 public:
  using Options = QueueOptions;
  // Could the event make a Pod of this template, refused by these filters, placeable?
  using Hint = std::function<bool(const scheduling::PodInfo&, scheduling::FilterSet)>;

  explicit SchedulingQueue(const Options& options) : options_(options) {}

  // New, or newer. An update that changes nothing for placement leaves the Pod where it is.
  void add(const scheduling::PodInfoPtr& pod, MonoTime now, std::uint64_t services_version = 0);
  // False: it was not here.
  bool remove(const std::string& uid);

  // The next to try; it is in no place until handed back or dropped.
  std::optional<QueuedPod> pop(MonoTime now);
  // After a refusal by `rejecting`.
  void put_unschedulable(QueuedPod pod, scheduling::FilterSet rejecting, MonoTime now);
  // After an error that has nothing to do with Nodes.
  void put_backoff(QueuedPod pod);

  // Moves the groups that `hint` accepts to active or, where still due, backoff.
  void move_if(const Hint& hint, MonoTime now);
  // Moves what is due. Call when the time of next_due() has come.
  void flush(MonoTime now);
  std::optional<MonoTime> next_due() const;

  bool has_active() const { return !active_.empty(); }
  std::optional<Place> where(const std::string& uid) const;
  scheduling::PodInfoPtr find(const std::string& uid) const;
  std::size_t size() const { return entries_.size(); }
  std::size_t size(Place place) const;
  // The first contradiction between the places, or "".
  std::string audit() const;

 private:
  using Id = std::uint64_t;
  struct Entry {
    QueuedPod queued;
    Place place = Place::kActive;
    std::uint64_t order = 0;  // Active: position among equals.
    MonoTime due{};           // Backoff, unschedulable.
    std::uint64_t group = 0;  // Unschedulable.
  };
  struct Group {
    scheduling::PodInfoPtr sample;
    scheduling::FilterSet rejecting;
    std::set<Id> members;
  };
  using GroupKey = std::pair<const scheduling::PodTemplate*, std::uint32_t>;

  void insert(QueuedPod pod, Place place, MonoTime due, scheduling::FilterSet rejecting);
  Entry take(Id id);
  std::uint64_t group_of(const scheduling::PodInfoPtr& pod, scheduling::FilterSet rejecting);
  void requeue(QueuedPod pod, MonoTime now);
  MonoTime backoff_end(const QueuedPod& pod) const;

  Options options_;
  std::uint64_t next_id_ = 0;
  std::map<Id, Entry> entries_;
  std::map<std::string, Id> ids_;  // By uid; looked up only.
  std::set<std::tuple<std::int64_t, std::uint64_t, Id>> active_;  // (-priority, order, id)
  std::set<std::pair<MonoTime, Id>> backoff_;
  std::set<std::pair<MonoTime, Id>> unschedulable_;
  std::set<Id> gated_;
  std::map<std::uint64_t, Group> groups_;
  std::map<GroupKey, std::uint64_t> group_ids_;  // Looked up only: pointers have no order.
};

}  // namespace minato::scheduler
