#include "ecs/import.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "render/render.h"
#include "spec/spec.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

// As `aws ecs describe-task-definition` prints one of Fargate with sidecars, secrets and EFS.
constexpr const char* kFargate = R"json({"taskDefinition": {
  "taskDefinitionArn": "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/shop-web:42",
  "family": "shop-web", "revision": 42, "status": "ACTIVE", "networkMode": "awsvpc",
  "requiresCompatibilities": ["FARGATE"], "compatibilities": ["EC2", "FARGATE"], "cpu": "1024", "memory": "2048",
  "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
  "taskRoleArn": "arn:aws:iam::123456789012:role/shop-task",
  "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
  "volumes": [{"name": "uploads", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/",
    "authorizationConfig": {"accessPointId": "fsap-2"}}}],
  "requiresAttributes": [{"name": "ecs.capability.secrets.ssm.environment-variables"}],
  "registeredAt": "2026-05-01T10:00:00+09:00", "registeredBy": "arn:aws:iam::123456789012:user/ci",
  "containerDefinitions": [
    {"name": "log_router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable", "cpu": 0,
     "essential": true, "firelensConfiguration": {"type": "fluentbit"}},
    {"name": "web", "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
     "cpu": 768, "memory": 1536, "memoryReservation": 1024, "essential": true,
     "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "name": "web-8080-tcp", "appProtocol": "http"},
                      {"containerPort": 9090, "hostPort": 9090, "protocol": "tcp"}],
     "entryPoint": ["/bin/tini", "--"], "command": ["/app/server", "--port=8080"],
     "environment": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "FEATURES", "value": "yes"}],
     "environmentFiles": [{"value": "arn:aws:s3:::config/shop.env", "type": "s3"}],
     "secrets": [
       {"name": "DATABASE_URL", "valueFrom": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/shop/database-url"},
       {"name": "CACHE_URL", "valueFrom": "cache-url"},
       {"name": "API_KEY", "valueFrom": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop/api-AbCdEf:key::"},
       {"name": "OLD_KEY", "valueFrom": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop/api-AbCdEf:key:AWSPREVIOUS:"}],
     "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/healthz || exit 1"], "interval": 30, "timeout": 5,
                     "retries": 3, "startPeriod": 45},
     "stopTimeout": 40, "readonlyRootFilesystem": true, "linuxParameters": {"initProcessEnabled": true},
     "ulimits": [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}],
     "mountPoints": [{"sourceVolume": "uploads", "containerPath": "/uploads"}], "volumesFrom": [],
     "dependsOn": [{"containerName": "log_router", "condition": "START"}],
     "logConfiguration": {"logDriver": "awsfirelens"}, "systemControls": [], "user": "1000"},
    {"name": "datadog", "image": "public.ecr.aws/datadog/agent:7", "essential": false,
     "environment": [{"name": "ECS_FARGATE", "value": "true"}]}]}})json";

constexpr const char* kService = R"json({"services": [{
  "serviceArn": "arn:aws:ecs:ap-northeast-1:123456789012:service/prod/shop", "serviceName": "shop",
  "clusterArn": "arn:aws:ecs:ap-northeast-1:123456789012:cluster/prod", "status": "ACTIVE", "desiredCount": 6,
  "runningCount": 6, "pendingCount": 0, "launchType": "FARGATE",
  "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/shop/1",
                     "containerName": "web", "containerPort": 8080}],
  "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 2},
                               {"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0}],
  "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "maximumPercent": 200, "minimumHealthyPercent": 100},
  "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}},
  "healthCheckGracePeriodSeconds": 90, "placementStrategy": [], "events": [{"id": "1", "message": "steady"}],
  "enableExecuteCommand": true, "serviceConnectConfiguration": {"enabled": true, "namespace": "prod"}}],
  "failures": [],
  "ScalableTargets": [{"MinCapacity": 6, "MaxCapacity": 30, "ScalableDimension": "ecs:service:DesiredCount"}],
  "ScalingPolicies": [
    {"PolicyName": "cpu", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 55.0,
      "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}, "ScaleOutCooldown": 60}},
    {"PolicyName": "requests", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1000.0,
      "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}}}]})json";

constexpr const char* kTargetGroup = R"json({"TargetGroups": [{
  "TargetGroupArn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/shop/1", "TargetGroupName": "shop",
  "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port",
  "HealthCheckEnabled": true, "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 5,
  "UnhealthyThresholdCount": 2, "HealthCheckPath": "/ready", "Matcher": {"HttpCode": "200"}, "TargetType": "ip"}],
  "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}, {"Key": "stickiness.enabled", "Value": "true"}]})json";

// On EC2, as written by hand for `aws ecs register-task-definition`.
constexpr const char* kEc2 = R"json({
  "family": "Legacy_API", "networkMode": "bridge", "cpu": ".5 vCPU", "memory": "1 GB",
  "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
  "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ m6g.*"}],
  "containerDefinitions": [{"name": "api", "image": "registry.example.com/legacy/api:2.3.1",
    "portMappings": [{"containerPort": 3000, "hostPort": 0}], "links": ["redis"], "privileged": true,
    "healthCheck": {"command": ["CMD", "/bin/check"]},
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/legacy", "awslogs-region": "us-west-2"}},
    "aNewField": {"x": 1}}]})json";

std::string note_of(const Import& result, const std::string& field, Fate fate) {
  const auto found = std::ranges::find_if(
      result.report, [&](const Entry& e) { return e.field == field && e.fate == fate; });
  return found == result.report.end() ? "not in the report" : found->note;
}

Result<Import> import_texts(const char* task, const char* service = "null",
                            const char* group = "null") {
  return import_service({json::parse(task), json::parse(service), json::parse(group)},
                        cloud::Catalogue::built_in());
}

TEST(ImportTest, FargateServiceBecomesAFileThatIsRead) {
  const auto result = import_texts(kFargate, kService, kTargetGroup);
  ASSERT_TRUE(result) << result.error().message;
  const auto spec = spec::read({{"minato.yaml", result->yaml}});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->service, "shop");
  EXPECT_EQ(spec->port, 8080);
  EXPECT_EQ(spec->health, "/ready");
  EXPECT_EQ(spec->cpu_milli, 750);
  EXPECT_EQ(spec->memory_bytes, 1536 << 20);
  EXPECT_EQ(spec->command, (std::vector<std::string>{"/bin/tini", "--"}));
  EXPECT_EQ(spec->args, (std::vector<std::string>{"/app/server", "--port=8080"}));
  EXPECT_EQ(spec->replicas.min, 6);
  EXPECT_EQ(spec->replicas.max, 30);
  EXPECT_EQ(spec->replicas.cpu_percent, 55);
  EXPECT_EQ(spec->env.at(1), (std::pair<std::string, std::string>{"FEATURES", "yes"}));
  EXPECT_EQ(spec->secrets.at(0).second.to_string(), "ssm:/shop/database-url");
  EXPECT_EQ(spec->secrets.at(1).second.to_string(), "ssm:cache-url");
  EXPECT_EQ(spec->secrets.at(2).second.to_string(),
            "secretsmanager:arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop/"
            "api-AbCdEf#key");
  EXPECT_EQ(spec->stop.timeout, 40s);
  EXPECT_EQ(spec->startup, 90s);
  EXPECT_TRUE(spec->confinement.read_only_root);
  EXPECT_EQ(spec->region, "ap-northeast-1");
  EXPECT_EQ(spec->scaling.spot_percent, 75);
  EXPECT_EQ(spec->scaling.on_demand_base, 1);
  EXPECT_EQ(spec->load_balancer.health_check.interval, 15s);
  EXPECT_EQ(spec->load_balancer.health_check.healthy, 5);
  EXPECT_EQ(spec->load_balancer.deregistration_delay, 60s);
}

TEST(ImportTest, EveryFieldThatSaysSomethingIsReported) {
  const auto result = import_texts(kFargate, kService, kTargetGroup);
  ASSERT_TRUE(result);
  const std::string web = "containerDefinitions[web].";
  EXPECT_NE(note_of(*result, web + "portMappings", Fate::kLost).find("9090"), std::string::npos);
  EXPECT_NE(note_of(*result, web + "secrets[OLD_KEY]", Fate::kChanged).find("AWSPREVIOUS"),
            std::string::npos);
  for (const char* field : {"environmentFiles", "ulimits", "mountPoints[/uploads]",
                            "linuxParameters.initProcessEnabled", "logConfiguration"}) {
    EXPECT_NE(note_of(*result, web + field, Fate::kLost), "not in the report") << field;
  }
  EXPECT_NE(note_of(*result, "containerDefinitions[datadog]", Fate::kChanged).find("DaemonSet"),
            std::string::npos);
  EXPECT_NE(note_of(*result, "containerDefinitions[log_router]", Fate::kLost).find("collects logs"),
            std::string::npos);
  EXPECT_NE(note_of(*result, "volumes[uploads]", Fate::kLost).find("volumeHandle fs-1::fsap-2"), std::string::npos);
  EXPECT_EQ(note_of(*result, web + "user", Fate::kKept), "user: 1000");
  EXPECT_NE(note_of(*result, "taskRoleArn", Fate::kChanged).find("eks.policies"),
            std::string::npos);
  EXPECT_NE(note_of(*result, "ScalingPolicies[requests]", Fate::kLost), "not in the report");
  EXPECT_NE(
      note_of(*result, "service.deploymentConfiguration.deploymentCircuitBreaker", Fate::kChanged),
      "not in the report");
  EXPECT_NE(note_of(*result, "service.serviceConnectConfiguration", Fate::kLost),
            "not in the report");
  EXPECT_NE(note_of(*result, "targetGroup.Attributes[stickiness.enabled]", Fate::kLost),
            "not in the report");
  for (const Entry& entry : result->report)
    EXPECT_NE(entry.note, "minato has no such setting") << entry.field;
}

// A proxy in front, an application that waits for a database's schema and a cache, and an agent.
constexpr const char* kFourContainers = R"json({"family": "shop", "cpu": "2048", "memory": "4096",
  "volumes": [{"name": "sockets"}, {"name": "host", "host": {"sourcePath": "/data"}},
              {"name": "Old_Files", "dockerVolumeConfiguration": {"scope": "shared"}}],
  "containerDefinitions": [
    {"name": "agent", "image": "datadog/agent:7", "essential": false, "secrets": [{"name": "DD_API_KEY", "valueFrom": "/dd/key"}],
     "healthCheck": {"command": ["NONE"]}, "portMappings": [{"containerPort": 8126}]},
    {"name": "app", "image": "app:1", "memory": 1024, "portMappings": [{"containerPort": 3000}],
     "dependsOn": [{"containerName": "Cache", "condition": "HEALTHY"}, {"containerName": "proxy", "condition": "START"}],
     "mountPoints": [{"sourceVolume": "sockets", "containerPath": "/run/app", "readOnly": true},
                     {"sourceVolume": "host", "containerPath": "/data"}],
     "linuxParameters": {"capabilities": {"drop": ["NET_RAW", "MKNOD"], "add": ["SYS_PTRACE"]}, "sharedMemorySize": 64,
                         "tmpfs": [{"containerPath": "/run/cache", "size": 16}], "maxSwap": 1}, "user": "www-data"},
    {"name": "schema", "image": "app:1", "essential": false, "command": ["migrate"], "user": "root"},
    {"name": "Cache", "image": "redis:7", "memory": 256, "dependsOn": [{"containerName": "schema", "condition": "COMPLETE"}],
     "healthCheck": {"command": ["CMD-SHELL", "redis-cli ping || exit 1"], "startPeriod": 40},
     "linuxParameters": {"capabilities": {"drop": ["ALL"]}}, "stopTimeout": 5},
    {"name": "proxy", "image": "nginx:1", "portMappings": [{"containerPort": 80}],
     "healthCheck": {"command": ["CMD", "/check"]}}]})json";

TEST(ImportTest, ContainersBesideTheServiceStartInTheirOrder) {
  const auto result = import_texts(
      kFourContainers,
      R"({"serviceName": "shop", "loadBalancers": [{"containerName": "app", "containerPort": 3000}]})");
  ASSERT_TRUE(result) << result.error().message;
  const auto spec = spec::read({{"minato.yaml", result->yaml}});
  ASSERT_TRUE(spec) << spec.error().message << result->yaml;
  using Runs = spec::Sidecar::Runs;
  std::vector<std::pair<std::string, Runs>> order;
  for (const spec::Sidecar& each : spec->sidecars) order.emplace_back(each.name, each.runs);
  EXPECT_EQ(order, (std::vector<std::pair<std::string, Runs>>{{"schema", Runs::kFirst},
                                                              {"cache", Runs::kAround},
                                                              {"proxy", Runs::kAround},
                                                              {"agent", Runs::kBeside}}));
  EXPECT_EQ(spec->sidecars[0].confinement.user, 0);
  EXPECT_EQ(spec->sidecars[1].check,
            (std::vector<std::string>{"/bin/sh", "-c", "redis-cli ping || exit 1"}));
  EXPECT_EQ(spec->sidecars[1].startup, 40s);
  EXPECT_EQ(spec->sidecars[1].confinement.capabilities, std::vector<std::string>{});
  EXPECT_TRUE(spec->sidecars[2].check.empty()) << "the service waits for its start only";
  EXPECT_EQ(spec->sidecars[3].secrets, std::vector<std::string>{"DD_API_KEY"});
  EXPECT_EQ(spec->cpu_milli, 2000 - 3 * 50);
  EXPECT_EQ(spec->confinement.capabilities->back(), "SYS_PTRACE");
  EXPECT_EQ(spec->volumes.size(), 3u);
  EXPECT_EQ(spec->mounts.size(), 3u);
  const std::string app = "containerDefinitions[app].";
  EXPECT_NE(note_of(*result, app + "user", Fate::kLost).find("a name"), std::string::npos);
  EXPECT_NE(note_of(*result, app + "mountPoints[/run/app]", Fate::kChanged).find("writable"),
            std::string::npos);
  EXPECT_NE(note_of(*result, app + "mountPoints[/data]", Fate::kLost), "not in the report");
  EXPECT_NE(note_of(*result, app + "linuxParameters.maxSwap", Fate::kLost), "not in the report");
  EXPECT_NE(note_of(*result, app + "dependsOn", Fate::kKept), "not in the report");
  EXPECT_NE(note_of(*result, "volumes[host]", Fate::kLost).find("the node"), std::string::npos);
  EXPECT_NE(note_of(*result, "volumes[Old_Files]", Fate::kLost), "not in the report");
  EXPECT_NE(note_of(*result, "containerDefinitions[schema]", Fate::kChanged).find("must end well"),
            std::string::npos);
  EXPECT_NE(
      note_of(*result, "containerDefinitions[proxy].healthCheck", Fate::kLost).find("hold it up"),
      std::string::npos);
  EXPECT_NE(note_of(*result, "containerDefinitions[agent].essential", Fate::kChanged),
            "not in the report");
  EXPECT_NE(note_of(*result, "containerDefinitions[Cache].stopTimeout", Fate::kLost),
            "not in the report");
}

TEST(ImportTest, ContainersThatWaitForEachOtherDoNotHoldItUp) {
  const auto result = import_texts(R"json({"family": "a", "containerDefinitions": [
    {"name": "a", "image": "x", "portMappings": [{"containerPort": 80}], "dependsOn": [{"containerName": "b", "condition": "START"}]},
    {"name": "b", "image": "y", "dependsOn": [{"containerName": "a", "condition": "START"}, {"containerName": "gone", "condition": "START"}]}]})json");
  ASSERT_TRUE(result) << result.error().message;
}

TEST(ImportTest, ASidecarIsNotNamedAsTheServiceIs) {
  const auto result = import_texts(
      R"json({"family": "app", "containerDefinitions": [
    {"name": "nginx", "image": "nginx", "portMappings": [{"containerPort": 80}], "dependsOn": [{"containerName": "app", "condition": "START"}]},
    {"name": "app", "image": "app", "healthCheck": {"command": ["CMD", "/ok"]}},
    {"name": "App", "image": "y", "dependsOn": [{"containerName": "app", "condition": "HEALTHY"}]}]})json");
  ASSERT_TRUE(result) << result.error().message;
  const auto spec = spec::read({{"minato.yaml", result->yaml}});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->sidecars.at(0).name, "app-2");
  EXPECT_EQ(spec->sidecars.at(1).name, "app-3");
}

TEST(ImportTest, ADependencyIsAsStrongAsItsStrongest) {
  const auto result = import_texts(
      R"json({"family": "shop", "containerDefinitions": [
    {"name": "web", "image": "w", "portMappings": [{"containerPort": 80}],
     "dependsOn": [{"containerName": "db", "condition": "START"}, {"containerName": "proxy", "condition": "START"}]},
    {"name": "proxy", "image": "p", "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
    {"name": "db", "image": "d", "healthCheck": {"command": ["CMD", "/ok"]}}]})json");
  ASSERT_TRUE(result) << result.error().message;
  const auto spec = spec::read({{"minato.yaml", result->yaml}});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->sidecars.at(0).name, "db");
  EXPECT_EQ(spec->sidecars.at(0).check, std::vector<std::string>{"/ok"});
}

TEST(ImportTest, ScalingByMemoryFollowsMemory) {
  const auto result = import_texts(kEc2, R"json({"serviceName": "api", "desiredCount": 3,
    "ScalingPolicies": [{"PolicyName": "m", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 75, "DisableScaleIn": true,
      "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}}},
      {"PolicyName": "s", "PolicyType": "StepScaling"}]})json");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(spec::read({{"minato.yaml", result->yaml}})->replicas.memory_percent, 75);
  EXPECT_NE(note_of(*result, "ScalingPolicies[m]", Fate::kChanged).find("scales in, too"),
            std::string::npos);
  EXPECT_NE(note_of(*result, "ScalingPolicies[s]", Fate::kLost).find("by steps"),
            std::string::npos);
}

TEST(ImportTest, HandWrittenDefinitionOnEc2) {
  const auto result = import_texts(kEc2);
  ASSERT_TRUE(result) << result.error().message;
  const auto spec = spec::read({{"minato.yaml", result->yaml}});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->service, "legacy-api");
  EXPECT_EQ(spec->cpu_milli, 500);
  EXPECT_EQ(spec->memory_bytes, 1 << 30);
  EXPECT_EQ(spec->scaling.types.front(), "m7g.large");
  EXPECT_EQ(spec->master.types.front(), "t4g.medium");
  EXPECT_EQ(note_of(*result, "containerDefinitions[api].aNewField", Fate::kLost),
            "minato has no such setting");
  EXPECT_NE(note_of(*result, "containerDefinitions[api].healthCheck", Fate::kLost),
            "not in the report");
  EXPECT_NE(note_of(*result, "containerDefinitions[api].privileged", Fate::kLost),
            "not in the report");
}

TEST(ImportTest, WhatIsImportedRendersOnceItHasADomain) {
  for (const auto& [task, service] : {std::pair{kFargate, kService}, {kEc2, "null"}}) {
    const auto result = import_texts(task, service, kTargetGroup);
    ASSERT_TRUE(result);
    const auto spec =
        spec::read({{"minato.yaml", result->yaml}, {"overlay", "domain: x.example.com\n"}});
    ASSERT_TRUE(spec) << spec.error().message;
    const auto files = render::render(*spec, cloud::Catalogue::built_in());
    EXPECT_TRUE(files) << files.error().message;
  }
}

TEST(ImportTest, WhatIsNoWebServiceIsRefusedWithTheField) {
  const auto message = [](const char* text) {
    const auto result = import_texts(text);
    return result ? std::string("imported") : result.error().message;
  };
  EXPECT_NE(message("[]").find("no task definition"), std::string::npos);
  EXPECT_NE(message(R"({"containerDefinitions": 1})").find("portMappings"), std::string::npos);
  EXPECT_NE(message(R"({"containerDefinitions": [{"name": "w"}]})").find("portMappings"),
            std::string::npos);
  EXPECT_NE(
      message(
          R"({"family":"a","runtimePlatform":{"operatingSystemFamily":"WINDOWS_SERVER_2022_CORE"},
                        "containerDefinitions":[{"portMappings":[{"containerPort":80}]}]})")
          .find("Windows"),
      std::string::npos);
  EXPECT_NE(
      message(
          R"({"family":"a","containerDefinitions":[{"portMappings":[{"containerPortRange":"80-90"}]}]})")
          .find("no TCP port"),
      std::string::npos);
  EXPECT_NE(
      message(
          R"({"family":"a","containerDefinitions":[{"image":"x","portMappings":[{"containerPort":99999}]}]})")
          .find("port"),
      std::string::npos);
}

TEST(ImportTest, NodesAreFittedByTheCatalogue) {
  cloud::Catalogue roomy;
  (void)roomy.merge({{"m6i.large", "amd64", 64, 262'144, 250, {}, {}}});
  const Input input{json::parse(kFargate), json::parse(kService), json::parse(kTargetGroup)};
  const auto usual = import_service(input, cloud::Catalogue::built_in());
  const auto fewer = import_service(input, roomy);
  ASSERT_TRUE(usual && fewer);
  EXPECT_LT(spec::read({{"minato.yaml", fewer->yaml}})->scaling.max,
            spec::read({{"minato.yaml", usual->yaml}})->scaling.max);
}

}  // namespace
}  // namespace minato::ecs
