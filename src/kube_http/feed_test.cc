#include "kube_http/feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kube/types/config.h"
#include "kube_http/breaker.h"

namespace minato::kube_http {
namespace {

using kube::WatchEventType;

kube::ObjectPtr map(const std::string& name, std::uint64_t version, const std::string& uid = {}) {
  auto out = std::make_shared<kube::ConfigMap>();
  out->metadata.name = name;
  out->metadata.namespace_ = "default";
  out->metadata.uid = uid.empty() ? name : uid;
  out->metadata.resource_version = std::to_string(version);
  return out;
}

class FeedTest : public testing::Test {
 protected:
  FeedTest() : feed_(kube::ConfigMap::static_kind(), {}, [this](const kube::WatchEvent& event) { tell(event); }, {map("a", 5)}) {}
  void tell(const kube::WatchEvent& event) {
    constexpr std::string_view kNames[] = {"+", "~", "-"};
    told_ += fmt::format("{}{}@{} ", kNames[static_cast<int>(event.type)], event.object->metadata.name, event.object->metadata.resource_version);
  }
  void server(WatchEventType type, const kube::ObjectPtr& object, std::uint64_t version) { feed_.apply({type, object, version}); }

  std::string told_;
  Feed feed_;
};

TEST_F(FeedTest, WhatWasListedIsNotAddedAgain) {
  server(WatchEventType::kAdded, map("a", 5), 5);
  EXPECT_EQ(told_, "");
  server(WatchEventType::kModified, map("a", 6), 6);
  EXPECT_EQ(told_, "~a@6 ");
}

TEST_F(FeedTest, OwnWritesAreToldOnceAndOlderNewsNotAtAll) {
  feed_.wrote(map("a", 9));
  server(WatchEventType::kModified, map("a", 8), 8);
  server(WatchEventType::kModified, map("a", 9), 9);
  EXPECT_EQ(told_, "~a@9 ");
  server(WatchEventType::kDeleted, map("a", 11), 11);
  EXPECT_EQ(told_, "~a@9 -a@11 ");
}

TEST_F(FeedTest, ADeletionOfAnEarlierOneOfTheNameIsNotOfTheNewOne) {
  feed_.wrote(map("a", 20, "another"));
  EXPECT_EQ(told_, "-a@5 +a@20 ");
  server(WatchEventType::kDeleted, map("a", 12), 12);
  EXPECT_EQ(told_, "-a@5 +a@20 ");
}

TEST_F(FeedTest, ANewListTellsTheDifference) {
  server(WatchEventType::kAdded, map("b", 6), 6);
  told_.clear();
  feed_.replace({.items = {map("b", 8), map("c", 7)}, .resource_version = 9});
  EXPECT_EQ(told_, "-a@5 ~b@8 +c@7 ");
}

TEST_F(FeedTest, AListThatIsOlderThanAnOwnWriteTakesNothingBack) {
  feed_.wrote(map("mine", 12));
  told_.clear();
  feed_.replace({.items = {map("a", 5)}, .resource_version = 10});
  EXPECT_EQ(told_, "");
}

TEST(BreakerTest, WaitsLongerEachTimeUntilThereIsAnAnswer) {
  Breaker breaker;
  MonoTime now{};
  EXPECT_TRUE(breaker.admit(now));
  breaker.unreachable(now, "refused");
  const Status refused = breaker.admit(now + Breaker::kFirst / 2);
  ASSERT_TRUE(failed_with(refused, Reason::kUnavailable));
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos);
  now += Breaker::kFirst;
  EXPECT_TRUE(breaker.admit(now));
  breaker.unreachable(now, "refused");
  EXPECT_FALSE(breaker.admit(now + Breaker::kFirst));
  EXPECT_TRUE(breaker.admit(now + 2 * Breaker::kFirst));
  for (int i = 0; i < 10; ++i) breaker.unreachable(now, "refused");
  EXPECT_TRUE(breaker.admit(now + Breaker::kLongest));
  breaker.answered();
  EXPECT_TRUE(breaker.admit(now));
}

TEST(BreakerTest, PatienceThatIsAskedForIsBounded) {
  Breaker breaker;
  breaker.asked_for_patience(MonoTime{}, 1h, "busy");
  EXPECT_FALSE(breaker.admit(MonoTime{} + Breaker::kPatience - 1ns));
  EXPECT_TRUE(breaker.admit(MonoTime{} + Breaker::kPatience));
}

}  // namespace
}  // namespace minato::kube_http
