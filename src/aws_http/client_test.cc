#include "aws_http/client.h"

#include <gtest/gtest.h>

#include "aws_http/fake_aws.h"
#include "env/virtual_time.h"

namespace minato::aws_http {
namespace {

class ClientTest : public testing::Test {
 protected:
  Result<Element> call(Action action = Action::kDescribeTargetHealth) {
    std::optional<Result<Element>> result;
    client_.call(action, {}, [&](Result<Element> answer) {
      EXPECT_FALSE(result.has_value()) << "answered twice";
      result = std::move(answer);
    });
    EXPECT_FALSE(result.has_value()) << "answered in the turn of the call";
    time_.advance(1min);
    if (!result) return fail(Reason::kTimeout, "never answered");
    return std::move(*result);
  }
  static constexpr auto kAction = "DescribeTargetHealth";
  std::string authorization(std::size_t request) const { return transport_.requests.at(request).headers.back().second; }

  env::VirtualTime time_;
  env::NullLog log_;
  FakeTransport transport_{time_};
  KnownCredentials credentials_;
  Client client_{env::Env{time_, time_, log_, env::Rng(1)}, transport_, credentials_, us_east_1()};
};

TEST_F(ClientTest, RequestGoesSignedToTheServicesEndpoint) {
  transport_.answer(kAction, "<R><x>1</x></R>");
  const auto answer = call();
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->at("x"), "1");
  const HttpRequest& sent = transport_.requests.at(0);
  EXPECT_EQ(sent.origin, "https://elasticloadbalancing.us-east-1.amazonaws.com");
  EXPECT_EQ(FakeTransport::field(sent, "Version"), "2015-12-01");
  EXPECT_TRUE(authorization(0).contains("/us-east-1/elasticloadbalancing/aws4_request")) << authorization(0);
}

TEST_F(ClientTest, ThrottlingAndFaultsOfTheServiceAreTriedAgain) {
  transport_.answer(kAction, error_answer(400, "Throttling", "Rate exceeded"));
  transport_.answer(kAction, HttpResponse{503, {}, "busy"});
  transport_.answer(kAction, "<R/>");
  EXPECT_TRUE(call().has_value());
  EXPECT_EQ(transport_.requests.size(), 3u);
}

TEST_F(ClientTest, ThreeAttemptsAreTheMost) {
  transport_.answer(kAction, error_answer(503, "ServiceUnavailable"));
  const auto answer = call();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().reason, Reason::kUnavailable);
  EXPECT_EQ(transport_.requests.size(), 3u);
}

TEST_F(ClientTest, WhatIsWrongIsNotRepeated) {
  transport_.answer(kAction, error_answer(400, "ValidationError", "no such thing"));
  const auto answer = call();
  EXPECT_EQ(answer.error().reason, Reason::kInvalid);
  EXPECT_EQ(transport_.requests.size(), 1u);
}

TEST_F(ClientTest, AnEmptyQuotaEndsRetries) {
  transport_.answer(kAction, fail(Reason::kTimeout, "no answer"));
  for (int i = 0; i < 25; ++i) EXPECT_FALSE(call().has_value());  // 2 × 10 each.
  transport_.requests.clear();
  EXPECT_FALSE(call().has_value());
  EXPECT_EQ(transport_.requests.size(), 1u);
}

TEST_F(ClientTest, EndedCredentialsAreReplacedOnce) {
  transport_.answer(kAction, error_answer(403, "ExpiredToken"));
  transport_.answer(kAction, "<R/>");
  EXPECT_TRUE(call().has_value());
  EXPECT_TRUE(authorization(0).contains("KEY1/"));
  EXPECT_TRUE(authorization(1).contains("KEY2/"));
  transport_.answer(kAction, error_answer(403, "ExpiredToken"));
  transport_.answer(kAction, error_answer(403, "ExpiredToken"));
  EXPECT_TRUE(call().has_value());  // The answer that stays before these.
  EXPECT_EQ(call().error().reason, Reason::kUnauthorized);
}

TEST_F(ClientTest, AWrongClockIsCorrectedByTheServicesDate) {
  HttpResponse skewed = error_answer(403, "RequestTimeTooSkewed");
  skewed.headers["date"] = "Fri, 02 Jan 2026 00:00:00 GMT";
  transport_.answer(kAction, skewed);
  transport_.answer(kAction, "<R/>");
  EXPECT_TRUE(call().has_value());
  EXPECT_TRUE(authorization(0).contains("/20260101/"));
  EXPECT_TRUE(authorization(1).contains("/20260102/"));
}

TEST_F(ClientTest, AnAnswerThatIsNoXmlIsAnError) {
  transport_.answer(kAction, "<html><br>");
  const auto answer = call();
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().message.starts_with("elasticloadbalancing DescribeTargetHealth")) << answer.error().message;
}

TEST_F(ClientTest, PagesAreFollowedToTheirEnd) {
  transport_.answer("DescribeAutoScalingGroups", "<R><DescribeAutoScalingGroupsResult><i>1</i><NextToken>t/1</NextToken></DescribeAutoScalingGroupsResult></R>");
  transport_.answer("DescribeAutoScalingGroups", "<R><DescribeAutoScalingGroupsResult><i>2</i><NextToken></NextToken></DescribeAutoScalingGroupsResult></R>");
  std::string seen;
  std::optional<Status> done;
  call_pages(client_, Action::kDescribeAutoScalingGroups, {}, {"DescribeAutoScalingGroupsResult", "NextToken", "NextToken"},
             [&](const Element& page) { seen += page.at("i"); }, [&](Status status) { done = status; });
  time_.advance(1s);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->has_value());
  EXPECT_EQ(seen, "12");
  EXPECT_EQ(FakeTransport::field(transport_.requests.at(1), "NextToken"), "t%2F1");
}

TEST_F(ClientTest, PagesWithoutEndAreAnError) {
  transport_.answer("DescribeAutoScalingGroups", "<R><X><NextToken>t</NextToken></X></R>");
  std::optional<Status> done;
  call_pages(client_, Action::kDescribeAutoScalingGroups, {}, {"X", "NextToken", "NextToken"}, [](const Element&) {},
             [&](Status status) { done = status; });
  time_.advance(1s);
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->has_value());
}

}  // namespace
}  // namespace minato::aws_http
