#include "spec/instance_types.h"
#include "spec/spec.h"

#include <gtest/gtest.h>

#include "spec/locate.h"

namespace minato::spec {
namespace {

constexpr const char* kMinimal = "service: shop\nimage: oci:x\nport: 8080\n";

Result<Spec> read_text(const std::string& text) { return read({{"minato.yaml", text}}); }

std::string error_of(const std::string& text) {
  const auto spec = read_text(text);
  return spec ? "no error" : spec.error().message;
}

TEST(SpecTest, MinimalFileHasDefaults) {
  const auto spec = read_text(kMinimal);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->domain, "shop.localhost");
  EXPECT_EQ(spec->replicas.min, 2);
  EXPECT_EQ(spec->replicas.max, 2);
  EXPECT_EQ(spec->cpu_milli, 250);
}

TEST(SpecTest, WholeFile) {
  const auto spec = read_text(R"(
service: shop
image: 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:0000
port: 8080
domain: shop.example.com
health: /healthz
cpu: 250m
memory: 256Mi
replicas: { min: 4, max: 40, cpu: 60% }
env: { LOG_LEVEL: info, EMPTY: "" }
secrets: { DATABASE_URL: ssm:/shop/database-url }
stop: { drain: 10s, timeout: 20s }
region: ap-northeast-1
zones: [a, c, d]
nodes:
  master:  { types: [t3.medium], min: 2 }
  scaling: { types: [m6i.large, m5.large], min: 2, max: 20, spot: 100%, on_demand_base: 0 }
load_balancer: { health_check: { interval: 5s, timeout: 2s, healthy: 2, unhealthy: 2 }, deregistration_delay: 30s }
alerts: [ { slack: env:SLACK_WEBHOOK_URL } ]
slo: { availability: 99.9%, p99: 300ms }
)");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->replicas.max, 40);
  EXPECT_EQ(spec->memory_bytes, 256 << 20);
  EXPECT_EQ(spec->secrets[0].second.name, "/shop/database-url");
  EXPECT_EQ(spec->scaling.spot_percent, 100);
  EXPECT_EQ(spec->zones, (std::vector<std::string>{"a", "c", "d"}));
  EXPECT_EQ(spec->alerts[0].target, "env:SLACK_WEBHOOK_URL");
  EXPECT_EQ(spec->env.size(), 2u);
}

TEST(SpecTest, UnknownKeyNamesPlaceAndNearestKey) {
  EXPECT_EQ(error_of(std::string(kMinimal) + "replica: { min: 2 }\n"),
            "minato.yaml:4:1: unknown key 'replica'; did you mean 'replicas'?");
  EXPECT_NE(error_of(std::string(kMinimal) + "stop:\n  drian: 1s\n")
                .find("minato.yaml:5:3: unknown key 'drian'; did you mean 'drain'?"),
            std::string::npos);
}

TEST(SpecTest, EveryProblemIsReportedAtOnce) {
  const auto spec = read_text("service: Shop!\nport: 99999\nmemory: 256\nzones: [a, a]\n");
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().causes.size(), 5u) << spec.error().message;
}

TEST(SpecTest, ACommaWhereTheFileShouldStartIsAnError) {
  for (const char* text : {",", "--- ,", "a: b\n...\n,", "[a],b", "&a ,"}) {
    EXPECT_FALSE(read({{"minato.yaml", text}})) << text;
  }
}

TEST(SpecTest, WrongUnitsAndTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {"cpu: 250Q", "is not an amount of CPU"},
      {"cpu: [1]", "must be a single value"},
      {"memory: 256", "did you mean 256Mi?"},
      {"memory: -1Mi", "is not an amount of memory"},
      {"stop: { drain: 10 }", "is not a duration"},
      {"stop: 10s", "must be a mapping"},
      {"replicas: { min: two }", "is not a whole number"},
      {"replicas: { cpu: 60 }", "is not a percentage"},
      {"replicas: { min: 5, max: 3 }", "is below min"},
      {"health: healthz", "begins with '/'"},
      {"zones: []", "must not be empty"},
      {"zones: [ap-northeast-1a]", "must be a letter"},
      {"read_only_root: yes", "neither true nor false"},
      {"user: app", "is no number of a user"},
      {"user: '1000:staff'", "is no number of a user"},
      {"user: -1", "is no number of a user"},
      {"capabilities: [net_admin]", "is no capability"},
      {"network_policy: { egress: [world] }", "neither any nor a block"},
      {"network_policy: { egress: [] }", "no block at all"},
      {"load_balancer: { health_check: { interval: 5s, timeout: 5s } }",
       "shorter than the interval"},
      {"nodes: { scaling: { types: [], min: 1 } }", "must not be empty"},
      {"eks: { version: '1.x' }", "is not a version"},
      {"eks: { vpc: { cidr: 10.0.0.0 } }", "is no block"},
      {"eks: { vpc: { public_subnets: [subnet-1] } }", "without 'id'"},
      {"eks: { vpc: { nat: two } }", "neither one nor per_zone"},
      {"eks: { admins: [alice] }", "must begin with arn:"},
      {"eks: { api_access: [everyone] }", "is no block"},
      {"eks: { secrets: vault }", "is none of"},
      {"eks: { log_retention_days: 31 }", "has no 31 days"},
      {"eks: { verson: '1.35' }", "did you mean 'version'"},
      {"alerts: [ { slack: 'https://hooks.example.com/T' } ]", "token in it"},
      {"alerts: [ { email: ops } ]", "no address of mail"},
      {"alerts: [ { sns: pager } ]", "no ARN of a topic"},
      {"alerts: [ { pager: x } ]", "known: email, slack, sns, webhook"},
      {"waivers: [ { rule: A3 } ]", "'reason'"},
      {"local: { profile: slow }", "neither fast nor realistic"}};
  for (const auto& [line, expected] : cases) {
    const std::string error = error_of(std::string(kMinimal) + line + "\n");
    EXPECT_NE(error.find(expected), std::string::npos) << line << " gave: " << error;
    EXPECT_TRUE(error.starts_with("minato.yaml:4:")) << error;
  }
}

TEST(SpecTest, AUserButRootRefusesRoot) {
  const auto confined = [](const std::string& lines) {
    const auto spec = read_text(std::string(kMinimal) + lines);
    EXPECT_TRUE(spec) << spec.error().message;
    return spec ? spec->confinement : Confinement{};
  };
  const Confinement said_nothing = confined("");
  EXPECT_FALSE(said_nothing.user);
  EXPECT_EQ(said_nothing.dropped_capabilities(), (std::vector<std::string>{"MKNOD", "NET_RAW"}));
  EXPECT_EQ(said_nothing.security_level(), "baseline");
  const Confinement app = confined("user: 1000:2000\n");
  EXPECT_EQ(app.user, 1000);
  EXPECT_EQ(app.group, 2000);
  EXPECT_TRUE(app.non_root);
  EXPECT_EQ(app.dropped_capabilities(), std::vector<std::string>{"ALL"});
  EXPECT_EQ(app.security_level(), "restricted");
  EXPECT_FALSE(confined("user: 0\n").non_root);
  EXPECT_EQ(confined("non_root: true\ncapabilities: [NET_BIND_SERVICE]\n").security_level(),
            "restricted");
  EXPECT_EQ(confined("capabilities: []\n").security_level(), "baseline") << "it may still be root";
  EXPECT_EQ(confined("capabilities: [CAP_NET_ADMIN]\n").capabilities,
            std::vector<std::string>{"NET_ADMIN"});
  EXPECT_EQ(confined("capabilities: [CAP_NET_ADMIN]\n").security_level(), "privileged");
  EXPECT_NE(error_of(std::string(kMinimal) + "user: 0\nnon_root: true\n").find("refuses root"),
            std::string::npos);
}

TEST(SpecTest, SidecarsAreMergedByName) {
  const auto spec =
      read({{"a.yaml", std::string(kMinimal) + R"(secrets: {KEY: "generated:"}
volumes: {logs: {size: 1Gi}}
mounts: {/var/log/app: logs}
sidecars:
  shipper: {image: x/shipper:1, runs: around, mounts: {/logs: logs}, secrets: KEY, user: 1000}
  migrate: {image: x/migrate:1, runs: first, cpu: "2", memory: 1Gi}
)"},
            {"b.yaml", "sidecars: {shipper: {image: oci:here, env: {LEVEL: debug}}}\n"}});
  ASSERT_TRUE(spec) << spec.error().message;
  ASSERT_EQ(spec->sidecars.size(), 2u);
  const Sidecar& shipper = spec->sidecars[0];
  EXPECT_EQ(shipper.image, "oci:here");
  EXPECT_EQ(shipper.mounts.at(0).path, "/logs");
  EXPECT_EQ(shipper.env.at(0).second, "debug");
  EXPECT_TRUE(shipper.confinement.non_root);
  EXPECT_EQ(pod_size(*spec).cpu_milli, 2050) << "the shipper is there while the migration runs";
}

TEST(SpecTest, WhatSidecarsCannotBe) {
  const std::pair<const char*, const char*> cases[] = {
      {"sidecars: {a: {}}", "'sidecars.a': 'image' is missing"},
      {"sidecars: {shop: {image: x}}", "the service's own container"},
      {"sidecars: {A: {image: x}}", "must be 1 to 40 of a-z"},
      {"sidecars: {a: {image: x, runs: always}}", "none of first, around or beside"},
      {"sidecars: {a: {image: x, health: /}}", "needs 'port'"},
      {"sidecars: {a: {image: x, port: 8080}}", "port 8080 is the service's"},
      {"sidecars: {a: {image: x, runs: first, check: [x]}}", "over before anyone could ask"},
      {"sidecars: {a: {image: x, secrets: [NONE]}}", "there is no 'NONE'"},
      {"sidecars: {a: {image: x, mounts: {/x: y}}}", "there is no volume 'y'"},
      {"sidecars: [a]", "mapping of names"},
      {"sidecars: {a: b}", "'sidecars.a' must be a mapping"},
      {"mounts: {x: y}", "begins with '/'"},
      {"mounts: {/x: y}", "there is no volume 'y'"},
      {"volumes: {y: {memory: true}}", "fills the node"}};
  for (const auto& [line, expected] : cases) {
    const std::string error = error_of(std::string(kMinimal) + line + "\n");
    EXPECT_NE(error.find(expected), std::string::npos) << line << " gave: " << error;
  }
}

TEST(SpecTest, NetworkPolicyIsOnceItIsSaid) {
  EXPECT_FALSE(read_text(kMinimal)->network_policy);
  EXPECT_TRUE(
      read_text(std::string(kMinimal) + "network_policy: {}\n")->network_policy->egress.empty());
  const auto spec =
      read({{"a.yaml", std::string(kMinimal) + "network_policy: {egress: [10.0.0.0/8]}\n"},
            {"b.yaml", "network_policy: {}\n"}});
  EXPECT_EQ(spec->network_policy->egress, std::vector<std::string>{"10.0.0.0/8"});
}

TEST(SpecTest, SecretValuesInTheFileAreRefusedAndNotRepeated) {
  const std::string error = error_of(std::string(kMinimal) + "secrets: { TOKEN: hunter2 }\n");
  EXPECT_NE(error.find("not the value itself"), std::string::npos);
  EXPECT_EQ(error.find("hunter2"), std::string::npos);
}

TEST(SpecTest, HostileTextIsRefused) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "[";
  EXPECT_NE(error_of(deep), "no error");
  EXPECT_NE(error_of(std::string(2 << 20, 'a')), "no error");
  EXPECT_NE(error_of(std::string("service: a\0b", 12)), "no error");
  EXPECT_NE(error_of("service: [\n"), "no error");
  EXPECT_NE(error_of("- a\n- b\n"), "no error");
  EXPECT_NE(error_of("service: a\nservice: b\nimage: x\nport: 1\n").find("appears twice"),
            std::string::npos);
  EXPECT_NE(error_of("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"), "no error");
  EXPECT_NE(error_of("{[a]: b}\n"), "no error");
  EXPECT_NE(error_of(""), "no error");
}

TEST(SpecTest, OverlayMergesOverTheBase) {
  const auto spec =
      read({{"minato.yaml",
             std::string(kMinimal) + "env: { A: '1', B: '2' }\nreplicas: { min: 2, max: 9 }\n"},
            {"minato.prod.yaml", "env: { B: '3' }\nreplicas: { min: 4 }\n"}});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->replicas.min, 4);
  EXPECT_EQ(spec->replicas.max, 9);
  EXPECT_EQ(spec->env, (std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", "3"}}));
}

TEST(LocateTest, AKeyIsFoundWhereItWasSaidLast) {
  const std::vector<Source> sources{{"a.yaml", "service: shop\nnodes:\n  scaling:\n    min: 2\n"},
                                    {"b.yaml", "\nnodes: {scaling: {max: 9}}\n"}};
  EXPECT_EQ(locate(sources, "nodes.scaling.min"), "a.yaml:4");
  EXPECT_EQ(locate(sources, "nodes.scaling.max"), "b.yaml:2");
  EXPECT_EQ(locate(sources, "nodes.scaling.types"), "b.yaml:2");
  EXPECT_EQ(locate(sources, "service"), "a.yaml:1");
  EXPECT_EQ(locate(sources, "zones"), "");
  EXPECT_EQ(locate({{"c.yaml", "["}}, "zones"), "");
  const Error error{Reason::kInvalid, "", {{"service", "no"}, {"zones", "none"}}};
  EXPECT_EQ(with_places(error, sources).message, "a.yaml:1: 'service': no\n'zones': none");
}

TEST(InstanceTypesTest, EachUnknownTypeIsNamedWithItsKey) {
  Spec spec;
  EXPECT_TRUE(check_instance_types(spec, cloud::Catalogue::built_in()));
  spec.region = "eu-west-1";
  spec.master.types = {"x9.large"};
  spec.scaling.types = {"m5.large", "x9.xlarge"};
  const Status status = check_instance_types(spec, cloud::Catalogue::built_in());
  ASSERT_FALSE(status);
  ASSERT_EQ(status.error().causes.size(), 2u);
  EXPECT_EQ(status.error().causes[0].field, "nodes.master.types");
  EXPECT_EQ(status.error().causes[1].field, "nodes.scaling.types");
  EXPECT_NE(status.error().message.find("--refresh --region eu-west-1"), std::string::npos);
}

}  // namespace
}  // namespace minato::spec
