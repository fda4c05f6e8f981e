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
  Walk(Durations& boots, Durations& starts, Durations& restarts) : boots_(boots), starts_(starts), restarts_(restarts) {}

  void see(const Observation& event) {
    const bool is_pod = event.subject == Subject::kPod && event.group.empty();
    if (!is_pod && event.subject != Subject::kInstance) return;
    auto& [state, since, is_held] = last_[{event.subject, event.name}];
    // Back-off is the model's own matter, and no time that a start takes.
    is_held = is_held || is_back_off(event.detail);
    if (is_pod && state == "bound" && is_running(event.state) && !is_held) {
      (event.count > 0 ? restarts_ : starts_).push_back(event.at - since);
    }
    if (!is_pod && state == "pending" && is_running(event.state)) boots_.push_back(event.at - since);
    if (state == event.state) return;  // Something else of it has changed.
    if (is_running(event.state)) is_held = false;
    state = event.state;
    since = event.at;
  }

 private:
  struct Last {
    std::string state;
    MonoTime since{};
    bool is_held = false;
  };
  static bool is_back_off(const std::string& why) { return why.ends_with("BackOff") || why == "ErrImagePull"; }
  static bool is_running(const std::string& state) {
    return state == "started" || state == "ready" || state == "running" || state == "in-service";
  }
  Durations& boots_;
  Durations& starts_;
  Durations& restarts_;
  std::map<std::pair<Subject, std::string>, Last> last_;
};

}  // namespace

Calibration default_calibration(const cluster::Profile& profile) {
  if (profile.name == cluster::kRealistic.name) return {.boot = 42s, .start = 12s, .restart = 2s};
  return {.boot = profile.boot_delay, .start = 180ms, .restart = 150ms};
}

Calibration calibrate(const std::vector<const Outcome*>& measured, Calibration base) {
  Durations boots, starts, restarts;
  for (const Outcome* outcome : measured) {
    Walk walk(boots, starts, restarts);
    for (const Observation& event : outcome->events) walk.see(event);
  }
  take_median(boots, base.boot);
  take_median(starts, base.start);
  take_median(restarts, base.restart);
  base.boots = static_cast<std::int32_t>(boots.size());
  base.starts = static_cast<std::int32_t>(starts.size());
  base.restarts = static_cast<std::int32_t>(restarts.size());
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
                      {"startSeconds", seconds(calibration.start)}, {"starts", calibration.starts},
                      {"restartSeconds", seconds(calibration.restart)}, {"restarts", calibration.restarts}};
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
  const auto boot = duration("bootSeconds"), start = duration("startSeconds"), restart = duration("restartSeconds");
  if (!boot || !start || !restart) {
    return fail(Reason::kInvalid, "this is no output of minato calibrate: bootSeconds, startSeconds and restartSeconds are needed");
  }
  return Calibration{.boot = *boot, .start = *start, .restart = *restart};
}

}  // namespace minato::drill
