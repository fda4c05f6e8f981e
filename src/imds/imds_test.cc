#include <gtest/gtest.h>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "env/virtual_time.h"
#include "imds/documents.h"
#include "imds/service.h"
#include "imds/sim_metadata.h"

namespace minato::imds {
namespace {

class ImdsTest : public testing::Test {
 protected:
  ImdsTest() {
    view_.instance_id = "i-0123456789abcdef0";
    view_.instance_type = "m6i.large";
    view_.availability_zone = "ap-northeast-1a";
    view_.availability_zone_id = "apne1-az4";
    view_.region = "ap-northeast-1";
    view_.account_id = "123456789012";
    view_.ami_id = "ami-0";
    view_.private_ip = "10.0.1.5";
    view_.hostname = "ip-10-0-1-5.ap-northeast-1.compute.internal";
    view_.mac = "02:29:96:8f:6a:2d";
    view_.market = cloud::Market::kSpot;
    view_.launch_time = env::VirtualTime::kDefaultStart;
    view_.interfaces.push_back({.mac = view_.mac, .subnet_id = "subnet-1", .vpc_id = "vpc-1"});
  }

  std::string token(std::string_view ttl = "60") {
    const Response response = put(ttl);
    EXPECT_EQ(response.status, 200);
    return response.body;
  }
  Response put(std::string_view ttl) {
    return service_.handle({"PUT", "/latest/api/token",
                            {{std::string(kTokenTtlHeader), std::string(ttl)}}});
  }
  Response get(const std::string& path, const std::string& with) {
    return service_.handle({"GET", path, {{"x-aws-EC2-metadata-TOKEN", with}}});
  }
  Response get(const std::string& path) { return get(path, token()); }

  env::VirtualTime time_;
  env::NullLog log_;
  InstanceView view_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  Service service_{env_, [this] { return view_; }};
};

TEST_F(ImdsTest, ATokenIsGivenForATimeBetweenOneSecondAndSixHours) {
  for (const auto& [ttl, status] : std::vector<std::pair<std::string, int>>{
           {"1", 200}, {"21600", 200}, {" 60 ", 200}, {"0", 400}, {"-1", 400}, {"21601", 400},
           {"", 400}, {"x", 400}, {"1.5", 400}, {"99999999999999999999", 400}}) {
    EXPECT_EQ(put(ttl).status, status) << ttl;
  }
  EXPECT_EQ(put("60").headers.at(std::string(kTokenTtlHeader)), "60");
  EXPECT_EQ(service_.handle({"PUT", "/latest/api/token", {}}).status, 400);
}

TEST_F(ImdsTest, MethodsAndProxiesAreRefused) {
  const std::pair<std::string, std::string> ttl{std::string(kTokenTtlHeader), "60"};
  EXPECT_EQ(service_.handle({"GET", "/latest/api/token", {ttl}}).status, 405);
  EXPECT_EQ(service_.handle({"PUT", "/latest/meta-data/", {ttl}}).status, 405);
  EXPECT_EQ(service_.handle({"POST", "/latest/meta-data/", {}}).status, 405);
  EXPECT_EQ(service_.handle({"PUT", "/latest/api/token", {ttl, {"x-forwarded-for", "1.2.3.4"}}})
                .status, 403);
  EXPECT_EQ(service_.handle({"PUT", "/latest/api/token", {ttl, ttl}}).status, 400);
  view_.http_endpoint = HttpEndpoint::kDisabled;
  EXPECT_EQ(put("60").status, 403);
}

TEST_F(ImdsTest, WithoutAGoodTokenThereIsNothing) {
  const std::string path = "/latest/meta-data/instance-id";
  EXPECT_EQ(service_.handle({"GET", path, {}}).status, 401);
  EXPECT_EQ(get(path, "made-up").status, 401);
  const std::string good = token("5");
  EXPECT_EQ(get(path, good).status, 200);
  time_.advance(5s);
  EXPECT_EQ(get(path, good).status, 401);
  EXPECT_EQ(service_.handle({"GET", "/no/such", {}}).status, 401);
}

TEST_F(ImdsTest, VersionOneWorksOnlyWhereTokensAreOptional) {
  view_.http_tokens = HttpTokens::kOptional;
  EXPECT_EQ(service_.handle({"GET", "/latest/meta-data/instance-id", {}}).status, 200);
  EXPECT_EQ(get("/latest/meta-data/instance-id", "made-up").status, 401);
}

TEST_F(ImdsTest, TokensAreBoundedAndTheOneThatEndsFirstMakesRoom) {
  const std::string brief = token("60");
  const std::string lasting = token("21600");
  for (std::size_t i = 0; i < kMaxTokens; ++i) token("3600");
  EXPECT_EQ(service_.tokens(), kMaxTokens);
  EXPECT_EQ(get("/latest/meta-data/mac", brief).status, 401);
  EXPECT_EQ(get("/latest/meta-data/mac", lasting).status, 200);
}

TEST_F(ImdsTest, DocumentsAreFoundWithAndWithoutTrailingSlashInEveryVersion) {
  for (const auto& [path, body] : std::vector<std::pair<std::string, std::string>>{
           {"/latest/meta-data/instance-id", view_.instance_id},
           {"/1.0/meta-data/instance-id", view_.instance_id},
           {"/2021-03-23/meta-data/instance-id/", view_.instance_id},
           {"/latest/meta-data/placement/availability-zone/", "ap-northeast-1a"},
           {"/latest/meta-data/placement/region", "ap-northeast-1"},
           {"/latest//meta-data//placement/region?x=1", "ap-northeast-1"},
           {"/latest/meta-data/instance-life-cycle", "spot"},
           {"/latest/meta-data/events/maintenance/scheduled", "[]"},
           {"/latest/meta-data/network/interfaces/macs/02%3A29:96:8f:6a:2d/vpc-id", "vpc-1"},
           {"/latest/meta-data/placement", "availability-zone\navailability-zone-id\nregion"},
           {"/latest/meta-data/network/interfaces/macs/", "02:29:96:8f:6a:2d/"},
           {"/latest", "dynamic\nmeta-data"}}) {
    const Response response = get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, body) << path;
  }
  EXPECT_TRUE(get("/").body.ends_with("\nlatest"));
  EXPECT_TRUE(service_.handle({"HEAD", "/", {{std::string(kTokenHeader), token()}}}).body.empty());
}

TEST_F(ImdsTest, WhatIsNotThereIsNotFound) {
  for (const char* path : {"/latest/meta-data/spot/instance-action",
                                  "/latest/meta-data/spot/",
                                  "/latest/meta-data/spot/termination-time",
                                  "/latest/meta-data/events/recommendations/rebalance",
                                  "/latest/meta-data/autoscaling/target-lifecycle-state",
                                  "/latest/meta-data/tags/instance", "/latest/user-data",
                                  "/latest/meta-data/iam/security-credentials/",
                                  "/latest/dynamic/instance-identity/pkcs7",
                                  "/1999-01-01/meta-data",
                                  "/latest/meta-data/instance-id/x"}) {
    const Response response = get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_NE(response.body.find("404 - Not Found"), std::string::npos);
  }
}

TEST_F(ImdsTest, NoticesAppearAndVanishWithTheInstance) {
  const WallTime at = env::VirtualTime::kDefaultStart + 2min;
  view_.spot_notice = SpotNotice{"terminate", at};
  view_.rebalance_notice = at - 5min;
  view_.target_lifecycle_state = "Terminated";
  EXPECT_EQ(get("/latest/meta-data/spot/instance-action").body,
            R"({"action":"terminate","time":"2026-01-01T00:02:00Z"})");
  EXPECT_EQ(get("/latest/meta-data/spot/termination-time").body, "2026-01-01T00:02:00Z");
  EXPECT_EQ(get("/latest/meta-data/events/recommendations/rebalance").body,
            R"({"noticeTime":"2025-12-31T23:57:00Z"})");
  EXPECT_EQ(get("/latest/meta-data/autoscaling/target-lifecycle-state").body, "Terminated");
  view_.spot_notice->action = "hibernate";
  EXPECT_EQ(get("/latest/meta-data/spot/instance-action").body, R"({"action":"hibernate"})");
  EXPECT_EQ(get("/latest/meta-data/spot/termination-time").status, 404);
  view_.spot_notice.reset();
  EXPECT_EQ(get("/latest/meta-data/spot/instance-action").status, 404);
}

TEST_F(ImdsTest, MaintenanceEventsHaveTheirOwnForm) {
  MaintenanceEvent event{"instance-event-1", "system-reboot", "scheduled \"reboot\"", "active",
                         {}, {}};
  event.not_before = WallTime(1'548'061'243s);
  event.not_after = WallTime(1'548'062'583s);
  view_.maintenance_events.push_back(event);
  EXPECT_EQ(get("/latest/meta-data/events/maintenance/scheduled").body,
            R"([{"NotBefore":"21 Jan 2019 09:00:43 GMT","Code":"system-reboot",)"
            R"("Description":"scheduled \"reboot\"","EventId":"instance-event-1",)"
            R"("NotAfter":"21 Jan 2019 09:23:03 GMT","State":"active"}])");
  EXPECT_EQ(maintenance_time(WallTime(1'546'300'800s)), "1 Jan 2019 00:00:00 GMT");
}

TEST_F(ImdsTest, HostilePathsNameNothing) {
  const std::string good = token();
  for (const auto& [path, status] : std::vector<std::pair<std::string, int>>{
           {"", 400}, {"latest/meta-data", 400}, {"http://x/latest", 400},
           {"/" + std::string(kMaxPathBytes, 'a'), 400},
           {"/latest/meta-data/%", 400}, {"/latest/meta-data/%zz", 400}, {"/latest/%2", 400},
           {"/latest/meta-data%2finstance-id", 400}, {"/latest/meta-data/instance-id%00", 400},
           {"/latest/meta-data/%0d%0aX: y", 400}, {std::string("/latest/\x01", 9), 400},
           {"/latest/meta-data/%252e%252e/instance-id", 404},
           {"/latest/meta-data/../meta-data/instance-id", 404},
           {"/latest/meta-data/%2e%2e/x", 404}, {"/latest/./meta-data", 404},
           {"/latest/api/token/", 405}, {"/latest/api/%74oken", 405},
           {"/LATEST/meta-data", 404}}) {
    EXPECT_EQ(get(path, good).status, status) << path;
  }
  Request many{"GET", "/latest/", {}};
  for (std::size_t i = 0; i <= kMaxHeaders; ++i) {
    many.headers.push_back({fmt::format("h{}", i), ""});
  }
  EXPECT_EQ(service_.handle(many).status, 400);
  EXPECT_EQ(get("/latest/", std::string(1 << 20, 'A')).status, 401);
}

// botocore InstanceMetadataFetcher and InstanceMetadataRegionFetcher, NTH's start.
TEST_F(ImdsTest, TheCredentialFetchersOfTheSdksAreSatisfied) {
  view_.role = RoleCredentials{.role = "shop-node",
                               .instance_profile_arn = "arn:aws:iam::1:instance-profile/shop-node",
                               .instance_profile_id = "AIPA",
                               .access_key_id = "ASIALOCAL",
                               .secret_access_key = "secret",
                               .token = "session",
                               .last_updated = time_.wall(),
                               .expiration = time_.wall() + 6h};
  const std::string good = token("21600");
  const Response role = get("/latest/meta-data/iam/security-credentials/", good);
  EXPECT_EQ(role.body, "shop-node");
  const auto credentials = boost::json::parse(
      get("/latest/meta-data/iam/security-credentials/" + role.body, good).body).as_object();
  EXPECT_EQ(credentials.at("Code"), "Success");
  EXPECT_EQ(credentials.at("Type"), "AWS-HMAC");
  EXPECT_EQ(credentials.at("AccessKeyId"), "ASIALOCAL");
  EXPECT_EQ(credentials.at("SecretAccessKey"), "secret");
  EXPECT_EQ(credentials.at("Token"), "session");
  EXPECT_EQ(credentials.at("Expiration"), "2026-01-01T06:00:00Z");
  EXPECT_EQ(credentials.at("LastUpdated"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(get("/latest/meta-data/placement/availability-zone/", good).body, "ap-northeast-1a");
  EXPECT_EQ(get("/latest/meta-data/placement/region", good).body, "ap-northeast-1");
  const auto identity = boost::json::parse(
      get("/latest/dynamic/instance-identity/document", good).body).as_object();
  EXPECT_EQ(identity.at("region"), "ap-northeast-1");
  EXPECT_EQ(identity.at("accountId"), "123456789012");
  EXPECT_EQ(identity.at("instanceId"), view_.instance_id.c_str());
  EXPECT_EQ(identity.at("version"), "2017-09-30");
  EXPECT_TRUE(identity.at("kernelId").is_null());
}

TEST_F(ImdsTest, TagsAndUserDataAppearWhenTheyAreOn) {
  view_.tags = std::map<std::string, std::string>{{"Name", "web"}, {"empty", ""}};
  view_.user_data = "#!/bin/sh\n";
  EXPECT_EQ(get("/latest/meta-data/tags/instance").body, "Name\nempty");
  EXPECT_EQ(get("/latest/meta-data/tags/instance/Name").body, "web");
  EXPECT_EQ(get("/latest/meta-data/tags/instance/empty").status, 200);
  EXPECT_EQ(get("/latest/user-data").body, "#!/bin/sh\n");
  EXPECT_EQ(get("/latest/").body, "dynamic\nmeta-data\nuser-data");
}

TEST_F(ImdsTest, TheSameSeedGivesTheSameTokens) {
  Service other(env_, [this] { return view_; });
  Request ask{"PUT", "/latest/api/token", {{std::string(kTokenTtlHeader), "60"}}};
  EXPECT_EQ(other.handle(ask).body, service_.handle(ask).body);
  EXPECT_NE(other.handle(ask).body, other.handle(ask).body);
}

TEST_F(ImdsTest, TheAdapterRenewsItsTokenAndTellsAbsentFromBroken) {
  SimMetadata metadata(env_, service_);
  std::vector<std::string> answers;
  const auto ask = [&](const std::string& path) {
    metadata.get(path, [&](Result<std::optional<std::string>> answer) {
      answers.push_back(!answer ? "error" : answer->value_or("absent"));
    });
  };
  ask("meta-data/instance-type");
  EXPECT_TRUE(answers.empty());  // In a later turn.
  time_.settle();
  time_.advance(7h);
  ask("meta-data/instance-type");
  ask("meta-data/spot/instance-action");
  time_.settle();
  metadata.fault = [] { return Status(fail(Reason::kTimeout, "hop limit")); };
  ask("meta-data/instance-type");
  time_.settle();
  EXPECT_EQ(answers, (std::vector<std::string>{"m6i.large", "m6i.large", "absent", "error"}));
}

}  // namespace
}  // namespace minato::imds
