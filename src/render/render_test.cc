#include "render/render.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "blueprint/blueprint.h"
#include "kube/json.h"
#include "render/alerts.h"
#include "render/kubernetes.h"
#include "render/terraform.h"

namespace minato::render {
namespace json = boost::json;
namespace {

spec::Spec shop() {
  spec::Spec spec;
  spec.service = "shop";
  spec.image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1";
  spec.port = 8080;
  spec.domain = "shop.example.com";
  spec.env = {{"LOG_LEVEL", "info"}};
  spec.secrets = {{"TOKEN", {spec::SecretSource::Kind::kSsm, "/shop/token"}}};
  return spec;
}

std::string text_of(const spec::Spec& spec, const std::string& path) {
  const auto files = render(spec, cloud::Catalogue::built_in());
  EXPECT_TRUE(files) << files.error().message;
  if (!files || !files->contains(path)) return "no " + path;
  return files->at(path);
}

// Paths at which two values differ; lists are written "[]".
void differ(const json::value& a, const json::value& b, const std::string& path,
            std::vector<std::string>& out) {
  if (a == b) return;
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.get_object()) {
      const std::string at = path.empty() ? std::string(key) : path + "." + std::string(key);
      const json::value* other = b.get_object().if_contains(key);
      if (other == nullptr)
        out.push_back(at);
      else
        differ(value, *other, at, out);
    }
    for (const auto& [key, value] : b.get_object()) {
      if (!a.get_object().contains(key))
        out.push_back(path.empty() ? std::string(key) : path + "." + std::string(key));
    }
  } else if (a.is_array() && b.is_array() && a.get_array().size() == b.get_array().size()) {
    for (std::size_t i = 0; i < a.get_array().size(); ++i)
      differ(a.get_array()[i], b.get_array()[i], path + "[]", out);
  } else {
    out.push_back(path);
  }
}

bool is_listed(std::string_view kind, std::string_view path) {
  return std::ranges::any_of(differences(),
                             [&](const Difference& d) { return d.kind == kind && d.path == path; });
}

TEST(RenderTest, ObjectsAreThoseAppliedLocallyButForTheListedDifferences) {
  for (const auto secrets : {spec::Eks::Secrets::kExternalSecrets, spec::Eks::Secrets::kCsi,
                             spec::Eks::Secrets::kPlain}) {
    spec::Spec spec = shop();
    spec.eks.secrets = secrets;
    spec.network_policy.emplace();
    spec.volumes = {{.name = "logs", .size_bytes = 64 << 20}};
    spec.mounts = {{.path = "/logs", .volume = "logs"}};
    for (const auto runs : {spec::Sidecar::Runs::kFirst, spec::Sidecar::Runs::kAround,
                            spec::Sidecar::Runs::kBeside}) {
      spec::Sidecar& sidecar = spec.sidecars.emplace_back();
      sidecar.name = to_string(runs);
      sidecar.image = "registry.example.com/x:1";
      sidecar.runs = runs;
      sidecar.secrets = {"TOKEN"};
    }
    std::map<std::string, json::value> local, eks;
    for (const auto& object : blueprint::compile(spec, {{"TOKEN", "hunter2"}}).objects) {
      local.emplace(object->kind().kind, kube::to_json_value(*object));
    }
    for (const auto& object : base_objects(spec))
      eks.emplace(object->kind().kind, kube::to_json_value(*object));
    for (const auto& [kind, value] : local) {
      if (!eks.contains(kind)) {
        EXPECT_TRUE(is_listed(kind, "")) << kind << " is not rendered";
        continue;
      }
      std::vector<std::string> paths;
      differ(value, eks.at(kind), "", paths);
      for (const std::string& path : paths)
        EXPECT_TRUE(is_listed(kind, path)) << kind << " differs in " << path;
    }
    for (const auto& [kind, value] : eks)
      EXPECT_TRUE(local.contains(kind) || is_listed(kind, "")) << kind << " is only rendered";
  }
}

TEST(RenderTest, SameFileSameBytes) {
  const auto a = render(shop(), cloud::Catalogue::built_in()), b = render(shop(), cloud::Catalogue::built_in());
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*a, *b);
}

TEST(RenderTest, BothSidesHaveTheSameNumbers) {
  spec::Spec spec = shop();
  spec.scaling.spot_percent = 100;
  const std::string nodes = text_of(spec, "terraform/nodes.tf");
  for (const auto& group : blueprint::compile(spec, {}).groups) {
    for (const auto& [key, value] : group.group.tags) {
      EXPECT_NE(nodes.find('"' + key + '"'), std::string::npos) << key;
    }
  }
  EXPECT_NE(nodes.find("\"minato.dev/node-group=master:NoSchedule\""), std::string::npos);
  EXPECT_NE(text_of(spec, "terraform/locals.tf").find("node_port = 30080"), std::string::npos);
  EXPECT_NE(text_of(spec, "kubernetes/base/service.yaml").find("nodePort: 30080"),
            std::string::npos);
}

TEST(RenderTest, ReplicasBelongToTheAutoscaler) {
  EXPECT_EQ(text_of(shop(), "kubernetes/base/deployment.yaml").find("replicas:"),
            std::string::npos);
  EXPECT_NE(
      text_of(shop(), "kubernetes/base/horizontal-pod-autoscaler.yaml").find("minReplicas: 2"),
      std::string::npos);
}

TEST(RenderTest, EverySecretKindHasItsWayAndNoValue) {
  spec::Spec spec = shop();
  spec.secrets.push_back({"KEY", {spec::SecretSource::Kind::kSecretsManager, "shop/key#inner"}});
  spec.secrets.push_back({"LOCAL", {spec::SecretSource::Kind::kGenerated, ""}});
  const std::string external = text_of(spec, "kubernetes/overlays/eks/external-secret.yaml");
  EXPECT_NE(external.find("property: inner"), std::string::npos);
  EXPECT_NE(external.find("key: /shop/LOCAL"), std::string::npos);
  EXPECT_NE(text_of(spec, "terraform/secrets.tf").find("\"shop/LOCAL\""), std::string::npos);
  spec.eks.secrets = spec::Eks::Secrets::kCsi;
  EXPECT_NE(text_of(spec, "kubernetes/overlays/eks/secret-provider-class.yaml").find("jmesPath"),
            std::string::npos);
  EXPECT_NE(text_of(spec, "kubernetes/base/deployment.yaml").find("secrets-store.csi.k8s.io"),
            std::string::npos);
  spec.eks.secrets = spec::Eks::Secrets::kPlain;
  EXPECT_NE(text_of(spec, "README.md").find("--from-literal=LOCAL="), std::string::npos);
  EXPECT_EQ(text_of(spec, "terraform/secrets.tf"), "no terraform/secrets.tf");
}

bool has(const std::string& text, std::string_view wanted) {
  return text.find(wanted) != std::string::npos;
}

TEST(RenderTest, OwnControllersTakeThePlaceOfUpstreams) {
  spec::Spec spec = shop();
  spec.scaling.spot_percent = 100;
  const auto upstream = render(spec, cloud::Catalogue::built_in());
  EXPECT_FALSE(upstream->contains("kubernetes/controllers/kustomization.yaml"));
  EXPECT_TRUE(has(upstream->at("terraform/nodes.tf"), "capacity_rebalance"));
  spec.eks.controller_image = "docker://registry.example.com/minato:1";
  const auto own = render(spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_FALSE(own->contains("kubernetes/addons/cluster-autoscaler-values.yaml"));
  EXPECT_FALSE(own->contains("kubernetes/addons/aws-node-termination-handler-values.yaml"));
  EXPECT_TRUE(own->contains("kubernetes/addons/metrics-server-values.yaml"));
  EXPECT_TRUE(has(own->at("kubernetes/controllers/kustomization.yaml"), "newName: registry.example.com/minato"));
  EXPECT_TRUE(has(own->at("kubernetes/controllers/controller-deployment.yaml"), "--cluster=shop"));
  EXPECT_TRUE(has(own->at("kubernetes/controllers/agent-daemon-set.yaml"), "hostNetwork: true"));
  EXPECT_TRUE(has(own->at("terraform/identity.tf"), "account = \"minato-controller\""));
  EXPECT_FALSE(has(own->at("terraform/identity.tf"), "cluster_autoscaler"));
  EXPECT_FALSE(has(own->at("terraform/nodes.tf"), "capacity_rebalance"));
  EXPECT_TRUE(has(own->at("README.md"), "apply --server-side -k kubernetes/controllers"));
}

TEST(RenderTest, ImageOfTheControllerIsARegistrysAndNamesAVersion) {
  spec::Spec spec = shop();
  for (const char* image : {"oci:build/image:1", "registry.example.com/minato"}) {
    spec.eks.controller_image = image;
    const auto refused = render(spec, cloud::Catalogue::built_in());
    ASSERT_TRUE(failed_with(refused, Reason::kInvalid)) << image;
    EXPECT_TRUE(has(refused.error().message, "eks.controller_image")) << refused.error().message;
  }
}

TEST(RenderTest, WithIrsaServiceAccountsNameTheirRoles) {
  spec::Spec spec = shop();
  spec.eks.identity = spec::Eks::Identity::kIrsa;
  EXPECT_TRUE(has(text_of(spec, "kubernetes/base/service-account.yaml"),
                  "eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/shop-service"));
  EXPECT_TRUE(has(text_of(spec, "kubernetes/addons/cluster-autoscaler-values.yaml"),
                  "arn:aws:iam::123456789012:role/shop-cluster-autoscaler"));
  spec::Spec own = spec;
  own.eks.controller_image = "registry.example.com/minato:1";
  EXPECT_TRUE(has(text_of(own, "kubernetes/controllers/controller-service-account.yaml"),
                  "arn:aws:iam::123456789012:role/shop-controller"));
  const std::string identity = text_of(spec, "terraform/identity.tf");
  EXPECT_TRUE(has(identity, "AssumeRoleWithWebIdentity"));
  EXPECT_FALSE(has(identity, "pod_identity_association"));
  EXPECT_FALSE(has(text_of(spec, "terraform/addons.tf"), "eks-pod-identity-agent"));
  spec.eks.policies = {"arn:aws:iam::210987654321:policy/p"};
  const auto files = render(spec, cloud::Catalogue::built_in());
  ASSERT_FALSE(files);
  EXPECT_TRUE(has(files.error().message, "'eks.account'")) << files.error().message;
}

TEST(RenderTest, SplitGroupsShareTheNumbersOfTheFile) {
  spec::Spec spec = shop();
  spec.scaling = {
      .types = {"m5.large"}, .min = 4, .max = 9, .spot_percent = 100, .on_demand_base = 3};
  spec.eks.split_groups = true;
  const std::string nodes = text_of(spec, "terraform/nodes.tf");
  EXPECT_TRUE(has(nodes, "resource \"aws_autoscaling_group\" \"on_demand\""));
  EXPECT_TRUE(
      has(nodes, "min_size            = 3                        # nodes.scaling.on_demand_base"));
  EXPECT_TRUE(
      has(nodes, "min_size            = 1                        # nodes.scaling.min less"));
  EXPECT_TRUE(has(text_of(spec, "kubernetes/addons/cluster-autoscaler-values.yaml"),
                  "expander: priority,least-waste"));
  spec.scaling.spot_percent = 50;
  EXPECT_FALSE(render(spec, cloud::Catalogue::built_in()));
}

TEST(RenderTest, BottlerocketHasSettingsInsteadOfANodeConfig) {
  spec::Spec spec = shop();
  spec.eks.node_image = spec::Eks::NodeImage::kBottlerocket;
  EXPECT_TRUE(has(text_of(spec, "terraform/templates/bottlerocket.toml.tftpl"),
                  "[settings.kubernetes.node-labels]"));
  const std::string nodes = text_of(spec, "terraform/nodes.tf");
  EXPECT_TRUE(has(nodes, "/aws/service/bottlerocket/aws-k8s-"));
  EXPECT_TRUE(has(nodes, "\"/dev/xvdb\""));
  EXPECT_FALSE(has(nodes, "amazon-linux-2023"));
}

TEST(RenderTest, NamesOnAwsFollowTheRegionsPartition) {
  spec::Spec spec = shop();
  spec.region = "cn-north-1";
  spec.image = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop:1";
  EXPECT_TRUE(has(text_of(spec, "terraform/nodes.tf"), "arn:aws-cn:iam::aws:policy/"));
  EXPECT_EQ(ecr_repository(*image_of(spec), spec), "shop");
}

TEST(RenderTest, WhatCannotStandOnEksIsRefusedWithTheKeyAndTheFix) {
  const auto message = [](auto change) {
    spec::Spec spec = shop();
    change(spec);
    const auto files = render(spec, cloud::Catalogue::built_in());
    return files ? std::string("rendered") : files.error().message;
  };
  EXPECT_NE(message([](auto& s) { s.image = "oci:build/image:1"; }).find("'eks.image'"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) { s.image = "nginx"; }).find("names no version"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) { s.domain = "shop.localhost"; }).find("'domain'"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) {
              s.load_balancer.health_check.interval = 500ms;
            }).find("health_check.interval"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) { s.load_balancer.slow_start = 5s; }).find("slow_start"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) { s.zones = {"a"}; }).find("two zones"), std::string::npos);
  EXPECT_NE(message([](auto& s) { s.eks.version = "1.22"; }).find("eks.version"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) { s.eks.vpc.id = "vpc-1"; }).find("0 subnets for 3 zones"),
            std::string::npos);
  EXPECT_NE(message([](auto& s) { s.eks.vpc.cidr = "10.0.0.0/20"; }).find("/16"),
            std::string::npos);
}

TEST(RenderTest, ImagesAreTakenApart) {
  spec::Spec spec = shop();
  spec.image = "docker://localhost:5000/team/shop:2@sha256:00";
  const auto image = image_of(spec);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->name, "localhost:5000/team/shop");
  EXPECT_EQ(image->tag, "2");
  EXPECT_EQ(image->digest, "sha256:00");
  EXPECT_EQ(ecr_repository(*image, spec), "");
  EXPECT_EQ(ecr_repository(*image_of(shop()), spec), "shop");
}

TEST(RenderTest, LongNamesFitTheLoadBalancer) {
  spec::Spec spec = shop();
  spec.service = "a2345678901234567890123456789-1-34567890";
  EXPECT_EQ(short_name(spec), "a2345678901234567890123456789-1");
}

TEST(AlertsTest, EveryAlertHasItsLineInTheRunbook) {
  spec::Spec spec = shop();
  spec.eks.prometheus = true;
  spec.scaling.max = 8;
  const std::string runbook = text_of(spec, "RUNBOOK.md");
  const std::string terraform = text_of(spec, "terraform/observability.tf");
  for (const Alert& alert : cloudwatch_alerts()) {
    EXPECT_NE(runbook.find(std::string("| `shop-").append(alert.name) + "` |"), std::string::npos)
        << alert.name;
    EXPECT_NE(terraform.find(std::string(alert.means) + " First: "), std::string::npos)
        << alert.name;
  }
  const std::string rules = text_of(spec, "kubernetes/overlays/eks/prometheus-rule.yaml");
  for (const Alert& alert : prometheus_alerts(spec)) {
    EXPECT_NE(runbook.find(std::string("| `").append(alert.name) + "` |"), std::string::npos)
        << alert.name;
    EXPECT_NE(rules.find(std::string("alert: ").append(alert.name)), std::string::npos)
        << alert.name;
  }
  EXPECT_EQ(runbook.find("@{"), std::string::npos);
  EXPECT_EQ(runbook.find("{{"), std::string::npos);
  spec.eks.prometheus = false;
  EXPECT_EQ(text_of(spec, "RUNBOOK.md").find("Prometheus"), std::string::npos);
}

TEST(AlertsTest, WhoIsToldIsRenderedWhereTheyListen) {
  spec::Spec spec = shop();
  spec.alerts = {{"email", "ops@example.com"},
                 {"sns", "arn:aws:sns:us-east-1:123456789012:pager"},
                 {"slack", "env:SLACK"},
                 {"webhook", "env:HOOK"}};
  const std::string terraform = text_of(spec, "terraform/observability.tf");
  EXPECT_NE(terraform.find("toset([\"ops@example.com\"])"), std::string::npos);
  EXPECT_NE(terraform.find("[\"arn:aws:sns:us-east-1:123456789012:pager\"]"), std::string::npos);
  const std::string path = "kubernetes/overlays/eks/alertmanager-config.yaml";
  EXPECT_FALSE(render(spec, cloud::Catalogue::built_in())->contains(path)) << "no Alertmanager that is known of";
  spec.eks.prometheus = true;
  const std::string config = text_of(spec, path);
  EXPECT_NE(config.find("slackConfigs"), std::string::npos);
  EXPECT_NE(config.find("name: shop-alerts"), std::string::npos);
  EXPECT_EQ(config.find("env:"), std::string::npos);
  EXPECT_NE(text_of(spec, "README.md").find("create secret generic shop-alerts"),
            std::string::npos);
}

TEST(RenderTest, TypesAreThoseOfTheCatalogue) {
  spec::Spec spec = shop();
  spec.master.types = {"x9.large"};
  const auto refused = render(spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(failed_with(refused, Reason::kInvalid));
  EXPECT_NE(refused.error().message.find("minato cloud catalogue --refresh"), std::string::npos);
  cloud::Catalogue catalogue;
  (void)catalogue.merge({{"x9.large", "arm64", 2, 8192, 29, {}, {}}});
  const auto files = render(spec, catalogue);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_NE(files->at("terraform/nodes.tf").find("arm64"), std::string::npos);
}

}  // namespace
}  // namespace minato::render
