// Load: curves, and the two ways of sending it.
#include <gtest/gtest.h>

#include "env/virtual_time.h"
#include "sim/load_curve.h"

namespace minato::sim {
namespace {

TEST(LoadCurveTest, AConstantIsTheSameAtAllTimes) {
  const LoadCurve curve = LoadCurve::constant(10);
  EXPECT_DOUBLE_EQ(curve.rate(0s), 10);
  EXPECT_DOUBLE_EQ(curve.rate(5h), 10);
  EXPECT_DOUBLE_EQ(curve.count(1s, 3s), 20);
}

TEST(LoadCurveTest, AStepCountsBothSides) {
  const LoadCurve curve = LoadCurve::step(10, 5s, 100);
  EXPECT_DOUBLE_EQ(curve.rate(4s), 10);
  EXPECT_DOUBLE_EQ(curve.rate(5s), 100);
  EXPECT_DOUBLE_EQ(curve.count(4s, 6s), 110);
  EXPECT_DOUBLE_EQ(curve.count(0s, 5s), 50);
}

TEST(LoadCurveTest, ARampGrowsInALine) {
  const LoadCurve curve = LoadCurve::ramp(0, 10s, 100, 20s);
  EXPECT_DOUBLE_EQ(curve.rate(15s), 50);
  EXPECT_DOUBLE_EQ(curve.count(10s, 20s), 500);
  EXPECT_DOUBLE_EQ(curve.count(20s, 21s), 100);
}

TEST(LoadCurveTest, ASquareWaveRepeats) {
  const LoadCurve curve = LoadCurve::square(10, 30, 10s);
  EXPECT_DOUBLE_EQ(curve.rate(2s), 10);
  EXPECT_DOUBLE_EQ(curve.rate(7s), 30);
  EXPECT_DOUBLE_EQ(curve.rate(12s), 10);
  EXPECT_DOUBLE_EQ(curve.count(0s, 20s), 400);
}

TEST(LoadCurveTest, ADayIsLeastInTheSmallHoursAndMostInTheEvening) {
  const LoadCurve curve = LoadCurve::day(100, 1100);
  EXPECT_DOUBLE_EQ(curve.rate(4h), 100);
  EXPECT_DOUBLE_EQ(curve.rate(20h), 1100);
  EXPECT_DOUBLE_EQ(curve.rate(28h), 100);
}

}  // namespace
}  // namespace minato::sim
