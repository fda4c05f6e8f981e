// How long something that failed is left alone: a group, or a pool (type, zone, market) of the cloud.
//
// Doubles from failure to failure up to a maximum; failures while it lasts start it again without
// doubling; forgotten some hours after the last failure. Value; owned by Memory.
// Rules: cluster-autoscaler utils/backoff/exponential_backoff.go.
#pragma once

#include <map>
#include <string>

#include "base/time.h"

namespace minato::autoscaler {

struct BackoffTimes {
  Duration initial = 5min;
  Duration max = 30min;
  Duration reset = 3h;
};

class Backoff {
 public:
  static constexpr std::size_t kMaxEntries = 4096;

  struct Entry {
    Duration duration{};
    MonoTime until{};
    MonoTime last_failure{};
    std::string code;     // "InsufficientInstanceCapacity", "timeout"
    std::string message;
  };

  explicit Backoff(BackoffTimes times) : times_(times) {}

  void failed(const std::string& name, MonoTime now, std::string code, std::string message);
  // A success ends what is over anyway; it does not cut short what still lasts.
  void succeeded(const std::string& name, MonoTime now);
  bool active(const std::string& name, MonoTime now) const;
  // Also when it is over but not forgotten. Null: nothing is known against it.
  const Entry* find(const std::string& name) const;
  void forget_stale(MonoTime now);

 private:
  BackoffTimes times_;
  std::map<std::string, Entry> entries_;
};

}  // namespace minato::autoscaler
