#include <gtest/gtest.h>

#include <set>

#include "aws_http/actions.h"
#include "aws_http/query.h"
#include "aws_http/settings.h"
#include "aws_http/sigv4.h"
#include "aws_http/xml.h"

namespace minato::aws_http {
namespace {

// ---- Signatures: cases of AWS's signing test suite (aws-c-auth, v4).

struct SigningCase {
  std::string name;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string token;
  std::string signed_headers;
  std::string signature;
};

class SigningTest : public testing::TestWithParam<SigningCase> {};

TEST_P(SigningTest, SignsAsTheSuiteDoes) {
  const SigningCase& given = GetParam();
  HttpRequest request{.method = given.method,
                      .origin = "https://example.amazonaws.com",
                      .headers = given.headers,
                      .body = given.body};
  sign(request, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", given.token, {}},
       {"us-east-1", "service"}, parse_rfc3339("2015-08-30T12:36:00Z").value());
  EXPECT_EQ(request.headers.back().first, "Authorization");
  EXPECT_EQ(request.headers.back().second,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=" + given.signed_headers + ", Signature=" + given.signature);
}

INSTANTIATE_TEST_SUITE_P(
    Suite, SigningTest,
    testing::Values(
        SigningCase{.name = "get_vanilla", .signed_headers = "host;x-amz-date",
                    .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        SigningCase{.name = "post_vanilla", .method = "POST", .signed_headers = "host;x-amz-date",
                    .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        SigningCase{.name = "post_x_www_form_urlencoded", .method = "POST",
                    .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                    .body = "Param1=value1", .signed_headers = "content-type;host;x-amz-date",
                    .signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        SigningCase{.name = "get_header_key_duplicate",
                    .headers = {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
                    .signed_headers = "host;my-header1;x-amz-date",
                    .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        SigningCase{.name = "get_header_value_trim",
                    .headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
                    .signed_headers = "host;my-header1;my-header2;x-amz-date",
                    .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        SigningCase{.name = "get_vanilla_with_session_token",
                    .token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
                    .signed_headers = "host;x-amz-date;x-amz-security-token",
                    .signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"}),
    [](const auto& given) { return given.param.name; });

// ---- XML.

TEST(XmlTest, TreeHasNamesTextsAndLists) {
  const auto read = parse_xml("<?xml version='1.0'?><A xmlns='http://x/'><B>\n <m>1 &amp; 2</m><m>3</m><o/>\n</B></A>");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->name, "A");
  ASSERT_EQ(read->items_of("B", "m").size(), 2u);
  EXPECT_EQ(read->items_of("B", "m")[0]->text, "1 & 2");
  EXPECT_EQ(read->at("B/m"), "1 & 2");
  EXPECT_EQ(read->at("B/none/at/all"), "");
  EXPECT_TRUE(read->items_of("none", "m").empty());
}

TEST(XmlTest, BrokenAndHostileDocumentsAreRefusedWithTheirPlace) {
  EXPECT_TRUE(parse_xml("<A>\n<B></A>").error().message.contains("line 2"));
  EXPECT_FALSE(parse_xml("").has_value());
  EXPECT_FALSE(parse_xml("{\"json\":1}").has_value());
  const auto bomb = parse_xml("<!DOCTYPE a [<!ENTITY e 'eeee'>]><a>&e;</a>");
  ASSERT_FALSE(bomb.has_value());
  EXPECT_TRUE(bomb.error().message.contains("document type")) << bomb.error().message;
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_TRUE(parse_xml(deep).error().message.contains("nested too deeply"));
}

// ---- The query protocol.

TEST(QueryTest, FormIsEncoded) {
  Parameters parameters{{"A", "x y/ü&="}};
  add_list(parameters, "Names.member", {"a", "b"});
  EXPECT_EQ(encode_form(Service::kEc2, "Do", parameters),
            "Action=Do&Version=2016-11-15&A=x%20y%2F%C3%BC%26%3D&Names.member.1=a&Names.member.2=b");
}

TEST(QueryTest, ErrorsOfBothProtocolsAreRead) {
  const auto query = read_error({400, {}, "<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>ValidationError</Code>"
                                 "<Message>no</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"});
  EXPECT_EQ(query.code, "ValidationError");
  EXPECT_EQ(query.request_id, "r-1");
  const auto ec2 = read_error({503, {}, "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow"
                               "</Message></Error></Errors><RequestID>r-2</RequestID></Response>"});
  EXPECT_EQ(ec2.code, "RequestLimitExceeded");
  EXPECT_EQ(ec2.request_id, "r-2");
  EXPECT_EQ(read_error({502, {}, "<html>Bad Gateway"}).code, "");
}

TEST(QueryTest, CodesBecomeTheReasonsOfTheSeams) {
  const auto reason = [](int status, const std::string& code, const std::string& message = "") {
    return to_error(Service::kAutoScaling, "SetDesiredCapacity", status, {code, message, ""}).reason;
  };
  EXPECT_EQ(reason(400, "ValidationError", "AutoScalingGroup name not found - x"), Reason::kNotFound);
  EXPECT_EQ(reason(400, "ValidationError", "New SetDesiredCapacity value 9 is above max value 5"), Reason::kInvalid);
  EXPECT_EQ(reason(400, "ValidationError", "No active Lifecycle Action found with instance ID i-1"), Reason::kInvalid);
  EXPECT_EQ(reason(400, "Throttling"), Reason::kTooManyRequests);
  EXPECT_EQ(reason(400, "ScalingActivityInProgress"), Reason::kConflict);
  EXPECT_EQ(reason(400, "InvalidTarget"), Reason::kNotFound);
  EXPECT_EQ(reason(403, "AccessDenied"), Reason::kForbidden);
  EXPECT_EQ(reason(401, "AuthFailure"), Reason::kUnauthorized);
  EXPECT_EQ(reason(500, ""), Reason::kUnavailable);
  EXPECT_EQ(to_error(Service::kAutoScaling, "SetDesiredCapacity", 400, {"ValidationError", "no", "r-1"}).message,
            "autoscaling SetDesiredCapacity: ValidationError: no (request r-1)");
  EXPECT_EQ(to_error(Service::kEc2, "X", 502, {}).message, "ec2 X: HTTP status 502");
}

// ---- Settings and actions.

Variables variables(std::map<std::string, std::string> all) {
  return [all = std::move(all)](std::string_view name) {
    const auto found = all.find(std::string(name));
    return found == all.end() ? std::string() : found->second;
  };
}

TEST(SettingsTest, EndpointsAreOfTheRegionUnlessOverridden) {
  const auto plain = Settings::read(variables({{"AWS_REGION", "ap-northeast-1"}}));
  EXPECT_EQ(plain->endpoint(Service::kElasticLoadBalancingV2), "https://elasticloadbalancing.ap-northeast-1.amazonaws.com");
  const auto china = Settings::read(variables({{"AWS_DEFAULT_REGION", "cn-north-1"}}));
  EXPECT_EQ(china->endpoint(Service::kSts), "https://sts.cn-north-1.amazonaws.com.cn");
  const auto mine = Settings::read(variables({{"AWS_REGION", "us-east-1"},
                                              {"AWS_ENDPOINT_URL", "http://127.0.0.1:5000/"},
                                              {"AWS_ENDPOINT_URL_EC2", "https://ec2.example"}}));
  EXPECT_EQ(mine->endpoint(Service::kAutoScaling), "http://127.0.0.1:5000");
  EXPECT_EQ(mine->endpoint(Service::kEc2), "https://ec2.example");
}

TEST(SettingsTest, WhatIsNoRegionOrUrlIsRefusedByItsVariable) {
  EXPECT_TRUE(Settings::read(variables({})).error().message.contains("AWS_REGION"));
  EXPECT_FALSE(Settings::read(variables({{"AWS_REGION", "evil.example/"}})).has_value());
  const auto bad = Settings::read(variables({{"AWS_REGION", "us-east-1"}, {"AWS_ENDPOINT_URL_STS", "localhost:1"}}));
  ASSERT_FALSE(bad.has_value());
  EXPECT_TRUE(bad.error().message.contains("AWS_ENDPOINT_URL_STS")) << bad.error().message;
}

TEST(ActionsTest, PermissionsAreThoseOfTheService) {
  EXPECT_EQ(permission(info(Action::kSetDesiredCapacity)), "autoscaling:SetDesiredCapacity");
  EXPECT_EQ(permission(info(Action::kRegisterTargets)), "elasticloadbalancing:RegisterTargets");
  std::set<std::string> all;
  for (const ActionInfo& action : actions()) {
    all.insert(permission(action));
    EXPECT_EQ(action.access == Access::kLook, action.name.starts_with("Describe")) << action.name;
  }
  EXPECT_EQ(all.size(), actions().size());
}

}  // namespace
}  // namespace minato::aws_http
