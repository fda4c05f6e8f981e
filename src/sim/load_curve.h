// How many requests arrive per second, as a function of time: points joined by straight lines, two
// points at one time being a step, repeated if there is a period.
//
// Pure value. Additions, multiplications and divisions only, so that every compiler gives the same.
#pragma once

#include <vector>

#include "base/time.h"

namespace minato::sim {

class LoadCurve {
 public:
  struct Point {
    Duration at{};
    double rps = 0;
  };

  LoadCurve() = default;
  // Requires: times do not fall. A period, where there is one, is not before the last of them.
  explicit LoadCurve(std::vector<Point> points, Duration period = {})
      : points_(std::move(points)), period_(period) {}

  static LoadCurve constant(double rps);
  static LoadCurve step(double before, Duration at, double after);
  static LoadCurve ramp(double from, Duration begins, double to, Duration ends);
  // `low` and `high` by turns, each for half a period, low first.
  static LoadCurve square(double low, double high, Duration period);
  // A web service's day, least in the small hours and most in the evening, beginning at midnight.
  static LoadCurve day(double low, double high, Duration length = 24h);

  double rate(Duration at) const;
  // Requests between two times. Requires: from <= to.
  double count(Duration from, Duration to) const;
  bool is_zero() const;

 private:
  double total(Duration until) const;       // From 0.
  double total_once(Duration until) const;  // Within one period.
  double rate_once(Duration at) const;

  std::vector<Point> points_;
  Duration period_{};
};

}  // namespace minato::sim
