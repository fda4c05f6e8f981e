#include "drill/calibration.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <map>
#include <string>

#include "drill/observation_json.h"

namespace minato::drill {
namespace json = boost::json;
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

Result<Calibration> calibrate_from_report(std::string_view text, Calibration base) {
  const auto broken = [] { return fail(Reason::kInvalid, "this is no report.json of minato drill"); };
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  const json::value* rows = !error && value.is_object() ? value.get_object().if_contains("drills") : nullptr;
  if (rows == nullptr || !rows->is_array()) return broken();
  std::vector<Outcome> outcomes;
  for (const json::value& row : rows->get_array()) {
    const json::value* events = row.is_object() ? row.get_object().if_contains("events") : nullptr;
    if (events == nullptr || !events->is_array()) return broken();
    Outcome& outcome = outcomes.emplace_back();
    for (const json::value& each : events->get_array()) {
      ASSIGN_OR_RETURN(Observation event, observation_from(each));
      const json::value* at = each.get_object().if_contains("atSeconds");
      if (at == nullptr || !at->is_number()) return broken();
      event.at = MonoTime{Duration{static_cast<std::int64_t>(at->to_number<double>() * 1e9)}};
      outcome.events.push_back(std::move(event));
    }
  }
  std::vector<const Outcome*> measured;
  for (const Outcome& outcome : outcomes) measured.push_back(&outcome);
  return calibrate(measured, base);
}

json::value to_json(const Calibration& calibration) {
  const auto seconds = [](Duration duration) { return std::chrono::duration<double>(duration).count(); };
  return json::object{{"bootSeconds", seconds(calibration.boot)}, {"boots", calibration.boots},
                      {"startSeconds", seconds(calibration.start)}, {"starts", calibration.starts}};
}

Result<Calibration> read_calibration(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  const auto duration = [&](const char* name) -> std::optional<Duration> {
    const json::value* member = !error && value.is_object() ? value.get_object().if_contains(name) : nullptr;
    if (member == nullptr || !member->is_number()) return {};
    const double seconds = member->to_number<double>();
    if (!(seconds > 0 && seconds < 86400)) return {};
    return Duration{static_cast<std::int64_t>(seconds * 1e9)};
  };
  const auto boot = duration("bootSeconds"), start = duration("startSeconds");
  if (!boot || !start) return fail(Reason::kInvalid, "this is no output of minato calibrate: bootSeconds and startSeconds are needed");
  return Calibration{.boot = *boot, .start = *start};
}

}  // namespace minato::drill
