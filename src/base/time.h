// Time as values. Two clocks that cannot be mixed up: MonoTime for intervals and deadlines,
// WallTime for API timestamps. Neither has a now(): time comes only from env::Clock.
//
// Texts: durations as in the file and in Go ("1m30s", "250ms"); wall times as RFC 3339 in UTC,
// seconds precision (metav1.Time) or microseconds (metav1.MicroTime).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

struct MonoClockTag {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonoClockTag, Duration>;
  static constexpr bool is_steady = true;
};
struct WallClockTag {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<WallClockTag, Duration>;
  static constexpr bool is_steady = false;
};

using MonoTime = MonoClockTag::time_point;  // Since an arbitrary start, per process or simulation.
using WallTime = WallClockTag::time_point;  // Since the Unix epoch, UTC. Zero means "not set".

inline bool is_set(WallTime time) { return time.time_since_epoch().count() != 0; }

// "1h2m3.5s", "250ms", "0s": Go's time.ParseDuration without a sign. A bare number is refused.
Result<Duration> parse_duration(std::string_view text);
// Shortest form that parse_duration reads back: 90 s is "1m30s".
std::string format_duration(Duration duration);
inline double to_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
// "1:05" (m:ss) or "1:00:05": how recovery times are shown to people.
std::string format_minutes(Duration duration);
// "3d4h", "5m12s", "42s": kubectl's AGE column (k8s.io/apimachinery duration.HumanDuration).
std::string format_age(Duration duration);

enum class TimePrecision { kSeconds, kMicroseconds };
std::string format_rfc3339(WallTime time, TimePrecision precision = TimePrecision::kSeconds);
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace minato
