#include <gtest/gtest.h>

#include "base/strings.h"
#include "base/time.h"

namespace minato {
namespace {

TEST(DurationTest, ReadsWhatGoReads) {
  EXPECT_EQ(parse_duration("1m30s").value(), 90s);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("1.5h").value(), 90min);
  EXPECT_EQ(parse_duration(".5s").value(), 500ms);
  EXPECT_EQ(parse_duration("0").value(), 0s);
}

TEST(DurationTest, RefusesWhatIsNotADuration) {
  for (const char* text : {"", "5", "s", ".s", "-1s", "1 s", "1d", "99999999999999999999h", "1s!"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationTest, FormatIsReadBack) {
  for (const Duration d : {Duration{1}, Duration{1500us}, Duration{250ms}, Duration{90s},
                           Duration{2h + 3min + 500ms}}) {
    EXPECT_EQ(parse_duration(format_duration(d)).value(), d) << format_duration(d);
  }
}

TEST(DurationTest, ShownToPeople) {
  EXPECT_EQ(format_minutes(65s), "1:05");
  EXPECT_EQ(format_minutes(3605s), "1:00:05");
  EXPECT_EQ(format_age(119s), "119s");
  EXPECT_EQ(format_age(312s), "5m12s");
  EXPECT_EQ(format_age(76h), "3d4h");
}

TEST(WallTimeTest, RoundTripsAndHonoursOffsets) {
  const WallTime time = parse_rfc3339("2026-11-23T04:05:06Z").value();
  EXPECT_EQ(format_rfc3339(time), "2026-11-23T04:05:06Z");
  EXPECT_EQ(parse_rfc3339("2026-11-23T13:05:06+09:00").value(), time);
  EXPECT_EQ(format_rfc3339(parse_rfc3339("2026-11-23T04:05:06.123456Z").value(),
                           TimePrecision::kMicroseconds),
            "2026-11-23T04:05:06.123456Z");
}

TEST(WallTimeTest, RefusesWhatNanosecondsDoNotReach) {
  EXPECT_TRUE(parse_rfc3339("1678-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_rfc3339("2261-12-31T23:59:60Z"));
  for (const char* text : {"1013-01-01T00:00:00Z", "1677-12-31T00:00:00Z", "2262-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(WallTimeTest, RefusesImpossibleDates) {
  for (const char* text : {"", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01",
                           "2026-01-01T00:00:00", "2026-01-01T00:00:00+0900"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(StringsTest, SuggestsTheNearWordOnly) {
  EXPECT_EQ(nearest("replica", {"replicas", "region"}), "replicas");
  EXPECT_EQ(nearest("imgae", {"image", "stop"}), "image");
  EXPECT_EQ(nearest("banana", {"image", "stop"}), "");
}

TEST(StringsTest, PercentEncodingKeepsTheUnreserved) {
  EXPECT_EQ(percent_encode("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(percent_encode(" /+&=%ü"), "%20%2F%2B%26%3D%25%C3%BC");
}

TEST(StringsTest, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
}

TEST(ResultTest, WrapKeepsTheReason) {
  const Status status = wrap("reading x", Error{Reason::kForbidden, "denied"});
  EXPECT_TRUE(failed_with(status, Reason::kForbidden));
  EXPECT_EQ(status.error().message, "reading x: denied");
}

}  // namespace
}  // namespace minato
