#include "agent/agent.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "env/virtual_time.h"
#include "imds/sim_metadata.h"

namespace minato::agent {
namespace {

const WallTime kEnd = env::VirtualTime::kDefaultStart + 2min;

class Recorder final : public Sink {
 public:
  Status notice(const Notice& notice) override {
    if (refuses) return fail(Reason::kNotFound, "no such Node");
    seen.push_back(fmt::format("{} {}", to_string(notice.kind),
                               notice.time ? format_rfc3339(*notice.time) : "-"));
    return {};
  }
  void cancelled(Kind kind) override { seen.push_back(fmt::format("{} off", to_string(kind))); }
  void troubled(const std::string&) override { seen.push_back("troubled"); }
  void recovered() override { seen.push_back("recovered"); }
  bool refuses = false;
  std::vector<std::string> seen;
};

class AgentTest : public testing::Test {
 protected:
  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  imds::InstanceView view_;
  imds::Service service_{env_, [this] { return view_; }};
  imds::SimMetadata metadata_{env_, service_};
  Recorder sink_;
  Agent agent_{env_, metadata_, sink_};
};

TEST_F(AgentTest, ASpotNoticeIsToldOnceWithinOnePoll) {
  agent_.start();
  time_.advance(9s);
  view_.spot_notice = imds::SpotNotice{"terminate", kEnd};
  time_.advance(2s);
  EXPECT_EQ(sink_.seen, std::vector<std::string>{"SpotInterruption 2026-01-01T00:02:00Z"});
  time_.advance(60s);
  EXPECT_EQ(sink_.seen.size(), 1u);
  ASSERT_NE(agent_.notice(Kind::kSpotInterruption), nullptr);
}

TEST_F(AgentTest, AChangedTimeIsToldAgain) {
  agent_.start();
  view_.spot_notice = imds::SpotNotice{"stop", kEnd};
  time_.advance(3s);
  view_.spot_notice->time = kEnd + 1s;
  time_.advance(3s);
  EXPECT_EQ(sink_.seen, (std::vector<std::string>{"SpotInterruption 2026-01-01T00:02:00Z",
                                                  "SpotInterruption 2026-01-01T00:02:01Z"}));
}

TEST_F(AgentTest, ANoticeIsWithdrawnOnlyAfterSeveralAnswersWithoutIt) {
  agent_.start();
  view_.rebalance_notice = kEnd;
  time_.advance(3s);
  view_.rebalance_notice.reset();
  time_.advance(2s);
  view_.rebalance_notice = kEnd;
  time_.advance(4s);
  EXPECT_EQ(sink_.seen.size(), 1u);
  view_.rebalance_notice.reset();
  time_.advance(7s);
  EXPECT_EQ(sink_.seen.back(), "RebalanceRecommendation off");
  EXPECT_EQ(sink_.seen.size(), 2u);
}

TEST_F(AgentTest, RestsWhereTheServiceTellsOfChangesAndAsksAtTheTimesItWouldHave) {
  std::vector<std::function<void()>> watchers;
  int asked = 0;
  imds::Service counted{env_, [&] {
                          ++asked;
                          return view_;
                        }};
  imds::SimMetadata telling{env_, counted};
  telling.watch = [&](std::function<void()> changing) {
    watchers.push_back(std::move(changing));
    return true;
  };
  Agent agent{env_, telling, sink_};
  agent.start();
  time_.advance(9s);
  const int first = asked;
  EXPECT_EQ(watchers.size(), std::size(kKinds));
  for (const auto& watcher : std::exchange(watchers, {})) watcher();
  view_.spot_notice = imds::SpotNotice{"terminate", kEnd};
  time_.advance(999ms);
  EXPECT_EQ(asked, first) << "the next poll is at 10 s";
  time_.advance(1ms);
  EXPECT_EQ(sink_.seen, std::vector<std::string>{"SpotInterruption 2026-01-01T00:02:00Z"});
}

TEST_F(AgentTest, MaintenanceIsTheEarliestActiveEventUntilItIsCanceled) {
  view_.maintenance_events = {
      {"e-2", "instance-stop", "", "active", kEnd + 24h, kEnd + 25h},
      {"e-1", "system-reboot", "", "active", kEnd, kEnd + 1h},
      {"e-0", "system-reboot", "", "completed", kEnd - 24h, kEnd},
  };
  agent_.start();
  time_.advance(1s);
  EXPECT_EQ(sink_.seen, std::vector<std::string>{"Maintenance 2026-01-01T00:02:00Z"});
  view_.maintenance_events[1].state = "canceled";
  time_.advance(2s);
  EXPECT_EQ(sink_.seen.back(), "Maintenance 2026-01-02T00:02:00Z");
  view_.maintenance_events.clear();
  time_.advance(10s);
  EXPECT_EQ(sink_.seen.back(), "Maintenance off");
}

TEST_F(AgentTest, OnlyTheLifecycleStateTerminatedIsANotice) {
  view_.target_lifecycle_state = "InService";
  agent_.start();
  time_.advance(5s);
  EXPECT_TRUE(sink_.seen.empty());
  view_.target_lifecycle_state = "Terminated";
  time_.advance(5s);
  EXPECT_EQ(sink_.seen, std::vector<std::string>{"TargetLifecycle -"});
}

TEST_F(AgentTest, WhatTheSinkRefusesIsToldAgain) {
  sink_.refuses = true;
  view_.spot_notice = imds::SpotNotice{"terminate", kEnd};
  agent_.start();
  time_.advance(5s);
  sink_.refuses = false;
  time_.advance(2s);
  EXPECT_EQ(sink_.seen.size(), 1u);
}

TEST_F(AgentTest, FailuresBackOffWarnOnceAndAreSurvived) {
  int asked = 0;
  metadata_.fault = [&] {
    ++asked;
    return Status(fail(Reason::kUnavailable, "500"));
  };
  agent_.start();
  time_.advance(5min);
  EXPECT_EQ(sink_.seen, std::vector<std::string>{"troubled"});
  EXPECT_LT(asked, 4 * 35);
  EXPECT_GT(asked, 4 * 25);
  metadata_.fault = nullptr;
  view_.spot_notice = imds::SpotNotice{"terminate", kEnd};
  time_.advance(10s);
  ASSERT_EQ(sink_.seen.size(), 3u);
  EXPECT_NE(std::ranges::find(sink_.seen, "recovered"), sink_.seen.end());
  EXPECT_NE(std::ranges::find(sink_.seen, "SpotInterruption 2026-01-01T00:02:00Z"),
            sink_.seen.end());
}

// A metadata service that hangs: the hop limit of a Pod off the host network.
class Silent final : public cloud::InstanceMetadata {
 public:
  void get(const std::string&,
           std::move_only_function<void(Result<std::optional<std::string>>)> done) override {
    pending.push_back(std::move(done));
  }
  std::vector<std::move_only_function<void(Result<std::optional<std::string>>)>> pending;
};

TEST_F(AgentTest, AnAnswerThatNeverComesIsAFailureAndALateOneDoesNotCount) {
  Silent silent;
  Agent agent(env_, silent, sink_);
  agent.start();
  time_.advance(20s);
  EXPECT_EQ(sink_.seen, std::vector<std::string>{"troubled"});
  silent.pending.front()(std::optional<std::string>("{\"action\":\"terminate\",\"time\":\"x\"}"));
  EXPECT_EQ(sink_.seen.size(), 1u);
}

TEST(NoticeTest, DocumentsAreReadStrictly) {
  struct Case {
    Kind kind;
    std::string document;
    bool is_valid;
    bool is_notice;
  };
  const Kind spot = Kind::kSpotInterruption;
  const Kind rebalance = Kind::kRebalanceRecommendation;
  const Kind maintenance = Kind::kMaintenance;
  for (const Case& each : {
           Case{spot, R"({"action":"terminate","time":"2017-09-18T08:22:00Z"})", true, true},
           Case{spot, R"({"action":"hibernate"})", true, true},
           Case{spot, R"({"action":"terminate"})", false, false},
           Case{spot, R"({"action":"dance","time":"2017-09-18T08:22:00Z"})", false, false},
           Case{spot, R"({"action":"stop","time":"soon"})", false, false},
           Case{spot, "", false, false},
           Case{spot, "<html>", false, false},
           Case{rebalance, R"({"noticeTime":"2020-10-26T01:16:12Z"})", true, true},
           Case{rebalance, R"({"noticeTime":7})", false, false},
           Case{maintenance, "[]", true, false},
           Case{maintenance, "{}", false, false},
           Case{maintenance, "[1]", false, false},
           Case{maintenance,
                R"([{"NotBefore":"21 Jan 2019 09:00:43 GMT","Code":"system-reboot",)"
                R"("EventId":"e","State":"active"}])",
                true, true},
           Case{maintenance, R"([{"NotBefore":"2019","Code":"c","EventId":"e","State":"active"}])",
                false, false},
           Case{Kind::kTargetLifecycle, "Terminated\n", true, true},
           Case{Kind::kTargetLifecycle, "Warmed:Stopped", true, false},
       }) {
    const auto notice = read_notice(each.kind, each.document);
    EXPECT_EQ(notice.has_value(), each.is_valid) << each.document;
    if (notice) {
      EXPECT_EQ(notice->has_value(), each.is_notice) << each.document;
    } else {
      EXPECT_TRUE(notice.error().message.starts_with("meta-data/")) << notice.error().message;
    }
  }
}

TEST(NoticeTest, MaintenanceTimesAreReadAsTheServiceWritesThem) {
  EXPECT_EQ(parse_maintenance_time("21 Jan 2019 09:00:43 GMT"), WallTime(1'548'061'243s));
  EXPECT_EQ(parse_maintenance_time("1 Jan 2019 00:00:00 GMT"), WallTime(1'546'300'800s));
  for (const char* text : {"", "31 Feb 2019 09:00:43 GMT", "21 Jan 2019 09:00:43 JST",
                           "21 Jan 2019 9:00 GMT", "21 Foo 2019 09:00:43 GMT",
                           "21 Jan 99999 09:00:43 GMT", "x Jan 2019 24:00:00 GMT"}) {
    EXPECT_FALSE(parse_maintenance_time(text)) << text;
  }
}

}  // namespace
}  // namespace minato::agent
