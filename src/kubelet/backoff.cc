#include "kubelet/backoff.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::kubelet {

MonoTime Backoff::ready_at(MonoTime event) const {
  return delay_ == Duration{} || expired(event) ? event : event + delay_;
}

void Backoff::next(MonoTime event, MonoTime now) {
  const bool fresh = delay_ == Duration{} || expired(event);
  delay_ = fresh ? limits_.base : std::min(delay_ * 2, limits_.max);
  updated_ = now;
}

std::string go_duration(Duration duration) {
  using std::chrono::duration_cast;
  const auto milliseconds = duration_cast<std::chrono::milliseconds>(duration).count();
  if (milliseconds < 1000) return milliseconds == 0 ? "0s" : fmt::format("{}ms", milliseconds);
  const auto total = milliseconds / 1000;
  std::string out;
  if (total >= 3600) out += fmt::format("{}h", total / 3600);
  if (total >= 60) out += fmt::format("{}m", total / 60 % 60);
  out += fmt::format("{}", total % 60);
  if (const auto rest = milliseconds % 1000; rest != 0) {
    std::string fraction = fmt::format("{:03}", rest);
    while (fraction.back() == '0') fraction.pop_back();
    out += "." + fraction;
  }
  return out + "s";
}

}  // namespace minato::kubelet
