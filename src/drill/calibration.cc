#include "drill/calibration.h"

#include <algorithm>
#include <map>
#include <string>

namespace minato::drill {
namespace {

using Durations = std::vector<Duration>;

void take_median(Durations& seen, Duration& into) {
  if (seen.empty()) return;
  std::ranges::nth_element(seen, seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2));
  into = seen[seen.size() / 2];
}

// How long each thing took from one state to the next, of those that were seen on their way.
class Walk {
 public:
  explicit Walk(Durations& boots, Durations& starts) : boots_(boots), starts_(starts) {}

  void see(const Observation& event) {
    const bool is_pod = event.subject == Subject::kPod && event.group.empty();
    if (!is_pod && event.subject != Subject::kInstance) return;
    auto& [state, since] = last_[{event.subject, event.name}];
    if (is_pod && state == "bound" && is_running(event.state)) starts_.push_back(event.at - since);
    if (!is_pod && state == "pending" && is_running(event.state)) boots_.push_back(event.at - since);
    if (state == event.state) return;  // Something else of it has changed.
    state = event.state;
    since = event.at;
  }

 private:
  static bool is_running(const std::string& state) {
    return state == "started" || state == "ready" || state == "running" || state == "in-service";
  }
  Durations& boots_;
  Durations& starts_;
  std::map<std::pair<Subject, std::string>, std::pair<std::string, MonoTime>> last_;
};

}  // namespace

Calibration default_calibration(const cluster::Profile& profile) {
  if (profile.name == cluster::kRealistic.name) return {.boot = 42s, .start = 12s};
  return {.boot = profile.boot_delay, .start = 150ms};
}

Calibration calibrate(const std::vector<const Outcome*>& measured, Calibration base) {
  Durations boots, starts;
  for (const Outcome* outcome : measured) {
    Walk walk(boots, starts);
    for (const Observation& event : outcome->events) walk.see(event);
  }
  take_median(boots, base.boot);
  take_median(starts, base.start);
  base.boots = static_cast<std::int32_t>(boots.size());
  base.starts = static_cast<std::int32_t>(starts.size());
  return base;
}

}  // namespace minato::drill
