#include "agent/notice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "kube/json.h"

namespace minato::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxTextBytes = 256;

Result<std::string> text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) {
    return fail(Reason::kInvalid, fmt::format("\"{}\" is missing or no text", name));
  }
  return std::string(found->get_string()).substr(0, kMaxTextBytes);
}

Result<WallTime> time_of(const json::object& object, std::string_view name) {
  ASSIGN_OR_RETURN(const std::string text, text_of(object, name));
  return parse_rfc3339(text);
}

Result<json::object> object_of(std::string_view document) {
  ASSIGN_OR_RETURN(json::value value, kube::parse_json(document));
  if (!value.is_object()) return fail(Reason::kInvalid, "is no JSON object");
  return std::move(value.get_object());
}

Result<std::optional<Notice>> read_spot(std::string_view document) {
  ASSIGN_OR_RETURN(const json::object object, object_of(document));
  Notice out{Kind::kSpotInterruption, {}, {}};
  ASSIGN_OR_RETURN(out.text, text_of(object, "action"));
  constexpr std::array<std::string_view, 3> kActions = {"terminate", "stop", "hibernate"};
  if (std::ranges::find(kActions, out.text) == kActions.end()) {
    return fail(Reason::kInvalid, fmt::format("action \"{}\" is not known", out.text));
  }
  // Hibernation begins at once.
  if (out.text == "hibernate" && !object.contains("time")) return std::optional(std::move(out));
  ASSIGN_OR_RETURN(out.time, time_of(object, "time"));
  return std::optional(std::move(out));
}

Result<std::optional<Notice>> read_rebalance(std::string_view document) {
  ASSIGN_OR_RETURN(const json::object object, object_of(document));
  Notice out{Kind::kRebalanceRecommendation, {}, "elevated risk of interruption"};
  ASSIGN_OR_RETURN(out.time, time_of(object, "noticeTime"));
  return std::optional(std::move(out));
}

// The earliest of the active events.
Result<std::optional<Notice>> read_maintenance(std::string_view document) {
  ASSIGN_OR_RETURN(const json::value value, kube::parse_json(document));
  if (!value.is_array()) return fail(Reason::kInvalid, "is no JSON list");
  std::optional<Notice> first;
  for (const json::value& each : value.get_array()) {
    if (!each.is_object()) return fail(Reason::kInvalid, "an event is no JSON object");
    const json::object& event = each.get_object();
    ASSIGN_OR_RETURN(const std::string state, text_of(event, "State"));
    if (state == "completed" || state == "canceled") continue;
    Notice notice{Kind::kMaintenance, {}, {}};
    ASSIGN_OR_RETURN(const std::string not_before, text_of(event, "NotBefore"));
    ASSIGN_OR_RETURN(notice.time, parse_maintenance_time(not_before));
    ASSIGN_OR_RETURN(const std::string code, text_of(event, "Code"));
    ASSIGN_OR_RETURN(const std::string id, text_of(event, "EventId"));
    notice.text = fmt::format("{} ({})", code, id);
    if (!first || *notice.time < *first->time) first = std::move(notice);
  }
  return first;
}

Result<std::optional<Notice>> read_lifecycle(std::string_view document) {
  if (trim(document) != "Terminated") return std::optional<Notice>();
  return std::optional(Notice{Kind::kTargetLifecycle, {}, "its Auto Scaling group terminates it"});
}

Result<std::int64_t> number_of(std::string_view text, std::int64_t low, std::int64_t high) {
  ASSIGN_OR_RETURN(const std::int64_t out, parse_int(text));
  if (out < low || out > high) return fail(Reason::kInvalid, "out of range");
  return out;
}

Result<WallTime> read_maintenance_time(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::vector<std::string> parts = split(text, ' ');
  if (parts.size() != 5 || parts[4] != "GMT") return fail(Reason::kInvalid, "not of that form");
  const auto month = std::ranges::find(kMonths, parts[1]);
  if (month == kMonths.end()) return fail(Reason::kInvalid, "no such month");
  ASSIGN_OR_RETURN(const std::int64_t day, number_of(parts[0], 1, 31));
  ASSIGN_OR_RETURN(const std::int64_t year, number_of(parts[2], 1970, 2200));
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return fail(Reason::kInvalid, "no such day");
  const std::vector<std::string> clock = split(parts[3], ':');
  if (clock.size() != 3) return fail(Reason::kInvalid, "no time of day");
  ASSIGN_OR_RETURN(const std::int64_t hours, number_of(clock[0], 0, 23));
  ASSIGN_OR_RETURN(const std::int64_t minutes, number_of(clock[1], 0, 59));
  ASSIGN_OR_RETURN(const std::int64_t seconds, number_of(clock[2], 0, 60));
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hours) +
                  std::chrono::minutes(minutes) + std::chrono::seconds(seconds));
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kSpotInterruption: return "SpotInterruption";
    case Kind::kRebalanceRecommendation: return "RebalanceRecommendation";
    case Kind::kMaintenance: return "Maintenance";
    case Kind::kTargetLifecycle: return "TargetLifecycle";
  }
  return "";
}

std::string_view metadata_path(Kind kind) {
  switch (kind) {
    case Kind::kSpotInterruption: return "meta-data/spot/instance-action";
    case Kind::kRebalanceRecommendation: return "meta-data/events/recommendations/rebalance";
    case Kind::kMaintenance: return "meta-data/events/maintenance/scheduled";
    case Kind::kTargetLifecycle: return "meta-data/autoscaling/target-lifecycle-state";
  }
  return "";
}

Result<WallTime> parse_maintenance_time(std::string_view text) {
  auto out = read_maintenance_time(text);
  if (!out) {
    return wrap(fmt::format("time \"{}\", expected as \"21 Jan 2019 09:00:43 GMT\"",
                            text.substr(0, kMaxTextBytes)),
                out.error());
  }
  return out;
}

Result<std::optional<Notice>> read_notice(Kind kind, std::string_view document) {
  Result<std::optional<Notice>> out;
  switch (kind) {
    case Kind::kSpotInterruption: out = read_spot(document); break;
    case Kind::kRebalanceRecommendation: out = read_rebalance(document); break;
    case Kind::kMaintenance: out = read_maintenance(document); break;
    case Kind::kTargetLifecycle: out = read_lifecycle(document); break;
  }
  if (!out) return wrap(metadata_path(kind), out.error());
  return out;
}

}  // namespace minato::agent
