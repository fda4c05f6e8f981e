// What became of every request, by when it was due: counts per tenth of a second, and causes.
//
// A request counts in the slice in which it was due, whenever it ended, so that a stall shows where
// it began. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace minato::drill {

enum class Cause {
  kRefused,
  kReset,
  kTimeout,
  kTls,
  kStatus4xx,
  kBalancer5xx,  // The load balancer's own answer.
  kTarget5xx,    // The service's.
  kGenerator,    // The client ran out of descriptors or ports: says nothing of the service.
  kOther,
};
inline constexpr std::size_t kCauses = 9;
std::string_view to_string(Cause cause);  // "refused", …, "5xx by the balancer"

struct Slice {
  std::uint32_t sent = 0;
  std::uint32_t ok = 0;
  std::uint32_t slow = 0;  // Of those, answered later than the SLO's p99.
  std::array<std::uint32_t, kCauses> failed{};
  Duration slowest{};
  std::uint32_t failures() const;
  std::uint32_t in_flight() const { return sent - ok - failures(); }
};

class Timeline {
 public:
  static constexpr Duration kSlice = 100ms;
  static constexpr std::size_t kMaxSlices = 36'000;  // An hour.

  // An answer after `slow_after` is slow.
  void begin(MonoTime at, Duration slow_after = Duration::max());
  MonoTime begun() const { return begun_; }
  // Before begin(), and after an hour, nothing is kept.
  void sent(MonoTime due, std::uint32_t count = 1);
  void ok(MonoTime due, Duration latency, std::uint32_t count = 1);
  void failed(MonoTime due, Cause cause, std::uint32_t count = 1);

  void add(const Timeline& other);  // Of the same beginning.

  const std::vector<Slice>& slices() const { return slices_; }
  MonoTime start_of(std::size_t slice) const { return begun_ + slice * kSlice; }
  // All that was due in [from, to), by whole slices that touch it.
  Slice sum(MonoTime from, MonoTime to) const;

 private:
  Slice* at(MonoTime due);

  MonoTime begun_{};
  Duration slow_after_ = Duration::max();
  std::vector<Slice> slices_;
};

}  // namespace minato::drill
