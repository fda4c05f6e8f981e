// Exponential back-off of one thing (a container's restarts, an image's pulls): a value, told the
// time by its caller.
//
// Rule: k8s.io/client-go util/flowcontrol/backoff.go. The first failure costs nothing, then base,
// doubling to max; a thing that was well for twice max starts over.
#pragma once

#include <string>

#include "base/time.h"

namespace minato::kubelet {

class Backoff {
 public:
  struct Limits {
    Duration base = 10s;
    Duration max = 5min;
  };
  explicit Backoff(Limits limits) : limits_(limits) {}

  // When a thing that failed at `event` may be tried again: at once, or after delay().
  MonoTime ready_at(MonoTime event) const;
  // When it may be tried again after the last next().
  MonoTime ready_at() const { return delay_ == Duration{} ? updated_ : updated_ + delay_; }
  // Tried again at `now` after the failure at `event`: the next wait is longer.
  void next(MonoTime event, MonoTime now);
  Duration delay() const { return delay_; }

 private:
  bool expired(MonoTime event) const { return event - updated_ > 2 * limits_.max; }

  Limits limits_;
  Duration delay_{};  // 0: never failed.
  MonoTime updated_{};
};

// As Go prints it, because upstream's messages do: "10s", "1m20s", "5m0s", "1.5s".
std::string go_duration(Duration duration);

}  // namespace minato::kubelet
