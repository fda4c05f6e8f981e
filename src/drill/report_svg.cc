#include "drill/report_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace minato::drill {
namespace {

constexpr double kWidth = 1080, kLeft = 190, kRight = 14, kTop = 46;
constexpr double kChart = 110, kLane = 13, kLaneGap = 3;
constexpr double kBar = 20, kBarGap = 8;
constexpr std::size_t kMaxLanes = 60;

// Of the state of anything, as a CSS class.
std::string_view class_of(const Observation& seen) {
  const std::string& state = seen.state;
  if (seen.is_marked) return "warn";
  if (state == "ready" || state == "healthy" || state == "in-service" || state == "active" || state == "done" || state == "up") return "good";
  if (state == "unhealthy" || state == "not-ready" || state == "ended" || state == "failed" || state == "down" || state == "inactive") return "bad";
  if (state == "leaving" || state == "draining" || state == "terminating") return "warn";
  return "wait";
}

struct Axis {
  double from = 0, to = 1;  // Seconds from the failure.
  double x(double second) const {
    return kLeft + (std::clamp(second, from, to) - from) / (to - from) * (kWidth - kLeft - kRight);
  }
};

Axis axis_of(const Outcome& outcome) {
  return {to_seconds(outcome.begun - outcome.injected),
          std::max(1.0, to_seconds(outcome.ended - outcome.injected))};
}

double step_for(double span) {
  for (const double step : {1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0}) {
    if (span / step <= 14) return step;
  }
  return 600;
}

std::string grid(const Axis& axis, double bottom) {
  std::string out;
  const double step = step_for(axis.to - axis.from);
  for (double at = std::ceil(axis.from / step) * step; at <= axis.to; at += step) {
    out += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.0f}"/>)"
                       R"(<text class="tick" x="{0:.1f}" y="{3:.0f}" text-anchor="middle">{4:.0f} s</text>)",
                       axis.x(at), kTop, bottom, bottom + 14, at);
  }
  return out;
}

// Phases that were reached at (nearly) the same time share a mark.
struct Mark {
  double x = 0;
  std::string name;
};

std::vector<Mark> marks_of(const Outcome& outcome, const Axis& axis) {
  constexpr double kSame = 3;  // Pixels.
  std::vector<Mark> out;
  for (const auto& [phase, at] : outcome.at) {
    const double second = to_seconds(at - outcome.injected);
    const double x = axis.x(second);
    if (!out.empty() && x - out.back().x < kSame) {
      out.back().name += fmt::format(", {}", to_string(phase));
    } else {
      out.push_back({x, fmt::format("{:.1f} s {}", second, to_string(phase))});
    }
  }
  return out;
}

// Phases as lines with their names above; names that would touch go to another row.
std::string marks(const Outcome& outcome, const Axis& axis, double bottom) {
  constexpr double kPerLetter = 6;
  std::string out = fmt::format(R"(<line class="inject" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.0f}"/>)"
                                R"(<text class="inject-name" x="{0:.1f}" y="12" text-anchor="end">failure</text>)",
                                axis.x(0), 4.0, bottom);
  double rows[3] = {kLeft, kLeft, kLeft};
  for (const Mark& mark : marks_of(outcome, axis)) {
    const double width = static_cast<double>(mark.name.size()) * kPerLetter;
    const double start = std::min(mark.x + 3, kWidth - width);
    std::size_t row = 0;
    while (row < 2 && rows[row] > start) ++row;
    rows[row] = start + width;
    out += fmt::format(R"(<line class="phase" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.0f}"/>)"
                       R"(<text class="phase-name" x="{3:.1f}" y="{4:.0f}">{5}</text>)",
                       mark.x, 4 + 14.0 * static_cast<double>(row), bottom, start, 12 + 14.0 * static_cast<double>(row), mark.name);
  }
  return out;
}

std::string requests_chart(const Outcome& outcome, const Axis& axis) {
  const auto& slices = outcome.timeline.slices();
  const double per_second = 1.0 / to_seconds(Timeline::kSlice);
  double most = 1;
  for (const Slice& slice : slices) most = std::max(most, slice.sent * per_second);
  std::string out = fmt::format(R"(<text class="lane-name" x="{0:.0f}" y="{1:.0f}" text-anchor="end">requests</text>)"
                                R"(<text class="tick" x="{0:.0f}" y="{2:.0f}" text-anchor="end">{3:.0f} per second</text>)",
                                kLeft - 8, kTop + kChart, kTop + 10, most);
  std::string sent = fmt::format("M{:.1f},{:.0f}", axis.x(axis.from), kTop + kChart);
  std::string failed;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const double from = to_seconds(outcome.timeline.start_of(i) - outcome.injected);
    const double x = axis.x(from), next = axis.x(from + to_seconds(Timeline::kSlice));
    const double height = slices[i].sent * per_second / most * kChart;
    sent += fmt::format("L{:.1f},{:.1f}L{:.1f},{:.1f}", x, kTop + kChart - height, next, kTop + kChart - height);
    if (slices[i].failures() == 0) continue;
    const double bad = std::max(1.5, slices[i].failures() * per_second / most * kChart);
    failed += fmt::format(R"(<rect class="failed" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{:.1f} s: {} of {} failed: {}</title></rect>)",
                          x, kTop + kChart - bad, std::max(1.2, next - x), bad, from, slices[i].failures(), slices[i].sent,
                          causes_of(slices[i]));
  }
  out += fmt::format(R"(<path class="sent" d="{}L{:.1f},{:.0f}Z"/>)", sent, axis.x(axis.to), kTop + kChart);
  return out + failed;
}

using Lane = std::pair<std::string, std::vector<Observation>>;

// Things of one kind, in the order of their names, each with its states in the order of time.
std::vector<Lane> lanes_of(const Outcome& outcome, Subject subject) {
  std::map<std::string, std::vector<Observation>> found;
  for (const Observation& each : outcome.events) {
    if (each.subject != subject || (subject == Subject::kPod && !each.group.empty())) continue;
    found[each.name].push_back(each);
  }
  std::vector<Lane> out(found.begin(), found.end());
  std::ranges::stable_sort(out, {}, [](const Lane& lane) {
    return std::pair{lane.second.front().zone, lane.second.front().at};
  });
  return out;
}

std::string lane_name(Subject subject, const Lane& lane) {
  std::string name = lane.first.substr(0, lane.first.find('.'));
  // The end of a Pod's name tells it from others.
  if (subject == Subject::kPod && name.size() > 16) name = "…" + name.substr(name.size() - 15);
  const std::string& zone = lane.second.front().zone;
  return fmt::format("{} {}{}", to_string(subject), name, zone.empty() ? "" : fmt::format(" ({})", zone.back()));
}

std::string lane_svg(const Outcome& outcome, const Axis& axis, Subject subject, const Lane& lane, double y) {
  std::string out = fmt::format(R"(<text class="lane-name" x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8,
                                y + kLane - 3, escape_html(lane_name(subject, lane)));
  for (std::size_t i = 0; i < lane.second.size(); ++i) {
    const Observation& seen = lane.second[i];
    if (seen.state == "gone") continue;
    const double from = to_seconds(seen.at - outcome.injected);
    const double to = i + 1 < lane.second.size() ? to_seconds(lane.second[i + 1].at - outcome.injected) : axis.to;
    const double x = axis.x(from), width = axis.x(to) - x;
    if (width <= 0) continue;
    out += fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.0f}" rx="2"><title>{} {} {} from {:.1f} s</title></rect>)",
                       class_of(seen), x, y, std::max(0.8, width - 0.6), kLane, escape_html(lane.first), seen.state,
                       escape_html(seen.detail), from);
  }
  return out;
}

std::string bar(std::string_view name, const std::map<Phase, Duration>& lengths, Duration total, double longest, double y) {
  const double room = kWidth - kLeft - kRight - 70;
  std::string out = fmt::format(R"(<text class="lane-name" x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, y + 14, name);
  double x = kLeft;
  for (const auto& [phase, length] : lengths) {
    const double width = to_seconds(length) / longest * room;
    if (width <= 0) continue;
    out += fmt::format(R"(<rect class="p{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.0f}"><title>{}: {}</title></rect>)",
                       static_cast<int>(phase), x, y, std::max(0.5, width - 1), kBar, to_string(phase), seconds(length));
    x += width;
  }
  return out + fmt::format(R"(<text class="total" x="{:.1f}" y="{:.1f}">{}</text>)", x + 6, y + 14, minutes(total));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string timeline_svg(const Outcome& outcome) {
  const Axis axis = axis_of(outcome);
  std::string lanes;
  double y = kTop + kChart + 14;
  std::size_t shown = 0;
  for (const Subject subject : {Subject::kTarget, Subject::kNode, Subject::kPod, Subject::kRole, Subject::kRollout, Subject::kControl}) {
    const bool matters = subject == Subject::kTarget || subject == Subject::kNode || subject == Subject::kPod;
    const double before = y;
    for (const Lane& lane : lanes_of(outcome, subject)) {
      if (shown == kMaxLanes || (!matters && lane.second.size() < 2)) continue;
      lanes += lane_svg(outcome, axis, subject, lane, y);
      y += kLane + kLaneGap;
      ++shown;
    }
    if (y > before) y += 7;
  }
  const double bottom = y;
  return fmt::format(R"(<svg class="timeline" viewBox="0 0 {:.0f} {:.0f}" role="img">{}{}{}{}</svg>)", kWidth, bottom + 20,
                     grid(axis, bottom), requests_chart(outcome, axis), lanes, marks(outcome, axis, bottom));
}

std::string phases_svg(const Row& row) {
  std::map<Phase, Duration> bound, measured;
  for (std::size_t i = 0; i < kPhases; ++i) {
    bound[static_cast<Phase>(i)] = row.bound.length_of(static_cast<Phase>(i));
    measured[static_cast<Phase>(i)] = row.outcome.length_of(static_cast<Phase>(i));
  }
  Duration longest = std::max(row.bound.total(), row.outcome.recovery());
  if (row.simulated) longest = std::max(longest, row.simulated->p95);
  const double scale = std::max(0.1, to_seconds(longest));
  double y = 4;
  std::string out = bar("bound", bound, row.bound.total(), scale, y);
  if (row.simulated) {
    Duration sum{};
    for (const auto& [phase, length] : row.simulated->phases) sum += length;
    out += bar(fmt::format("simulated p50 of {}", row.simulated->runs), row.simulated->phases, row.simulated->p50,
               scale * std::max(1.0, to_seconds(sum) / scale), y += kBar + kBarGap);
  }
  if (row.outcome.is_recovered()) out += bar("measured", measured, row.outcome.recovery(), scale, y += kBar + kBarGap);
  return fmt::format(R"(<svg class="phases" viewBox="0 0 {:.0f} {:.0f}" role="img">{}</svg>)", kWidth, y + kBar + 6, out);
}

}  // namespace minato::drill
