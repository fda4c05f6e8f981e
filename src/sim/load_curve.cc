#include "sim/load_curve.h"

#include <algorithm>
#include <array>

namespace minato::sim {
namespace {

// Share of the way from low to high at every full hour.
constexpr std::array<double, 25> kDay = {0.30, 0.18, 0.08, 0.02, 0.00, 0.02, 0.10, 0.25, 0.42,
                                         0.55, 0.62, 0.68, 0.78, 0.72, 0.64, 0.62, 0.64, 0.70,
                                         0.80, 0.92, 1.00, 0.98, 0.80, 0.52, 0.30};

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

}  // namespace

LoadCurve LoadCurve::constant(double rps) { return LoadCurve({{Duration{}, rps}}); }

LoadCurve LoadCurve::step(double before, Duration at, double after) {
  return LoadCurve({{Duration{}, before}, {at, before}, {at, after}});
}

LoadCurve LoadCurve::ramp(double from, Duration begins, double to, Duration ends) {
  return LoadCurve({{Duration{}, from}, {begins, from}, {ends, to}});
}

LoadCurve LoadCurve::square(double low, double high, Duration period) {
  return LoadCurve({{Duration{}, low}, {period / 2, low}, {period / 2, high}, {period, high}}, period);
}

LoadCurve LoadCurve::day(double low, double high, Duration length) {
  std::vector<Point> points;
  for (std::size_t hour = 0; hour < kDay.size(); ++hour) {
    points.push_back({length / 24 * static_cast<std::int64_t>(hour), low + (high - low) * kDay[hour]});
  }
  return LoadCurve(std::move(points), length);
}

double LoadCurve::rate_once(Duration at) const {
  const auto after = std::ranges::upper_bound(points_, at, {}, &Point::at);
  if (after == points_.begin()) return points_.empty() ? 0 : points_.front().rps;
  const Point& before = *std::prev(after);
  if (after == points_.end() || after->at == before.at) return before.rps;
  return before.rps + (after->rps - before.rps) * seconds(at - before.at) / seconds(after->at - before.at);
}

double LoadCurve::rate(Duration at) const {
  return rate_once(period_ > Duration{} ? at % period_ : at);
}

double LoadCurve::total_once(Duration until) const {
  double sum = 0;
  Point last{Duration{}, points_.empty() ? 0 : points_.front().rps};
  for (const Point& point : points_) {
    if (last.at >= until) return sum;
    if (point.at > last.at) {
      const Duration end = std::min(until, point.at);
      const double rps = last.rps + (point.rps - last.rps) * seconds(end - last.at) / seconds(point.at - last.at);
      sum += seconds(end - last.at) * (last.rps + rps) / 2;
    }
    last = point;
  }
  return until > last.at ? sum + seconds(until - last.at) * last.rps : sum;
}

double LoadCurve::total(Duration until) const {
  if (period_ <= Duration{}) return total_once(until);
  return static_cast<double>(until / period_) * total_once(period_) + total_once(until % period_);
}

double LoadCurve::count(Duration from, Duration to) const { return total(to) - total(from); }

bool LoadCurve::is_zero() const {
  return std::ranges::all_of(points_, [](const Point& point) { return point.rps <= 0; });
}

}  // namespace minato::sim
