#include "controllers/nodelifecycle/zone_eviction.h"

#include <gtest/gtest.h>

#include "controllers/nodelifecycle/taint_eviction_controller.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

MonoTime at(Duration since) { return MonoTime(since); }

TEST(ZoneStateTest, ThresholdsAreUpstreams) {
  EXPECT_EQ(zone_state({.ready = 10, .not_ready = 0}, 55), ZoneState::kNormal);
  EXPECT_EQ(zone_state({.ready = 1, .not_ready = 2}, 55), ZoneState::kNormal);  // Fewer than 3.
  EXPECT_EQ(zone_state({.ready = 45, .not_ready = 55}, 55), ZoneState::kPartialDisruption);
  EXPECT_EQ(zone_state({.ready = 46, .not_ready = 54}, 55), ZoneState::kNormal);
  EXPECT_EQ(zone_state({.ready = 0, .not_ready = 1}, 55), ZoneState::kFullDisruption);
  EXPECT_EQ(zone_state({}, 55), ZoneState::kNormal);
}

TEST(ZoneEvictionTest, OneNodePerInterval) {
  ZoneEviction eviction({});
  eviction.update({{"a", {.ready = 8, .not_ready = 2}}}, at(0s));
  eviction.add("a", "n1");
  eviction.add("a", "n2");
  eviction.add("a", "n1");
  EXPECT_EQ(eviction.take(at(0s)), "n1");
  EXPECT_EQ(eviction.take(at(9s)), std::nullopt);
  EXPECT_EQ(eviction.next_turn(), at(10s));
  EXPECT_EQ(eviction.take(at(10s)), "n2");
  EXPECT_EQ(eviction.next_turn(), std::nullopt);
}

TEST(ZoneEvictionTest, ASmallZoneHalfDownStopsALargeOneSlows) {
  ZoneEviction eviction({});
  eviction.update(
      {{"large", {.ready = 40, .not_ready = 60}}, {"small", {.ready = 2, .not_ready = 4}}}, at(0s));
  eviction.add("large", "l1");
  eviction.add("large", "l2");
  eviction.add("small", "s1");
  EXPECT_EQ(eviction.take(at(0s)), "l1");
  EXPECT_EQ(eviction.take(at(99s)), std::nullopt);
  EXPECT_EQ(eviction.take(at(100s)), "l2");
  EXPECT_EQ(eviction.take(at(3600s)), std::nullopt);
}

TEST(ZoneEvictionTest, OneDeadZoneGoesOnAllDeadZonesStop) {
  using Turn = ZoneEviction::Turn;
  ZoneEviction eviction({});
  const ZoneCounts well{.ready = 3}, dead{.not_ready = 3};
  EXPECT_EQ(eviction.update({{"a", dead}, {"b", well}}, at(0s)), Turn::kNone);
  eviction.add("a", "a1");
  EXPECT_EQ(eviction.take(at(1s)), "a1");
  EXPECT_EQ(eviction.update({{"a", dead}, {"b", dead}}, at(2s)), Turn::kAllZonesWentDown);
  eviction.add("b", "b1");
  EXPECT_EQ(eviction.take(at(1h)), std::nullopt);
  EXPECT_EQ(eviction.update({{"a", dead}, {"b", dead}}, at(1h)), Turn::kNone);
  EXPECT_EQ(eviction.update({{"a", dead}, {"b", well}}, at(2h)), Turn::kRecoveredFromAllDown);
  EXPECT_EQ(eviction.take(at(2h)), "b1");
}

kube::Taint taint(std::string_view key) {
  return {.key = std::string(key), .effect = std::string(kube::kNoExecute)};
}
kube::Toleration toleration(std::string_view key, std::optional<std::int64_t> seconds) {
  return {.key = std::string(key), .operator_ = "Exists", .toleration_seconds = seconds};
}

TEST(TolerationTimeTest, ShortestOfTheOnesNeeded) {
  const auto not_ready = taint(kube::kTaintNotReady);
  const auto unreachable = taint(kube::kTaintUnreachable);
  EXPECT_EQ(toleration_time({not_ready}, {}), Duration{0});
  EXPECT_EQ(toleration_time({not_ready}, {toleration(kube::kTaintNotReady, {})}), std::nullopt);
  EXPECT_EQ(toleration_time({not_ready, unreachable}, {toleration(kube::kTaintNotReady, 300),
                                                       toleration(kube::kTaintUnreachable, 20)}),
            Duration(20s));
  EXPECT_EQ(toleration_time({not_ready, unreachable}, {toleration(kube::kTaintNotReady, 300)}),
            Duration{0});
  EXPECT_EQ(toleration_time({not_ready}, {toleration(kube::kTaintNotReady, -5)}), Duration{0});
}

}  // namespace
}  // namespace minato::controllers
