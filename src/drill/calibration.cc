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

}  // namespace

Calibration default_calibration(const cluster::Profile& profile) {
  if (profile.name == cluster::kRealistic.name) return {.boot = 42s, .start = 12s, .ready = 2s};
  return {.boot = profile.boot_delay + 200ms, .start = 350ms, .ready = 700ms};
}

Calibration calibrate(const std::vector<const Outcome*>& measured, Calibration base) {
  Durations boots, starts, readies;
  for (const Outcome* outcome : measured) {
    std::map<std::pair<Subject, std::string>, std::map<std::string, MonoTime>> first;
    for (const Observation& event : outcome->events) {
      first[{event.subject, event.name}].try_emplace(event.state, event.at);
    }
    for (const auto& [key, states] : first) {
      const auto add = [&](const char* from, const char* to, Durations& into) {
        const auto begin = states.find(from), end = states.find(to);
        if (begin != states.end() && end != states.end() && end->second > begin->second) into.push_back(end->second - begin->second);
      };
      if (key.first == Subject::kInstance) {
        add("pending", "running", boots);
        if (!states.contains("running")) add("pending", "in-service", boots);
      }
      if (key.first == Subject::kPod && !key.second.contains('/')) {
        add("bound", "started", starts);
        add("started", "ready", readies);
      }
    }
  }
  take_median(boots, base.boot);
  take_median(starts, base.start);
  take_median(readies, base.ready);
  return base;
}

}  // namespace minato::drill
