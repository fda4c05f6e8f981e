#include "lint/lint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lint/hcl_reader.h"
#include "lint/manifests.h"
#include "render/render.h"

namespace minato::lint {
namespace {

const WallTime kNow = *parse_rfc3339("2026-06-01T00:00:00Z");

spec::Spec shop() {
  spec::Spec spec;
  spec.service = "shop";
  spec.image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:00";
  spec.port = 8080;
  spec.domain = "shop.example.com";
  spec.health = "/healthz";
  spec.confinement = {
      .user = 1000, .group = {}, .non_root = true, .read_only_root = true, .capabilities = {}};
  spec.alerts = {{"email", "ops@example.com"}};
  spec.replicas = {.min = 3, .max = 12};
  spec.env = {{"LOG_LEVEL", "info"}};
  spec.secrets = {{"TOKEN", {spec::SecretSource::Kind::kSsm, "/shop/token"}}};
  spec.master = {.types = {"t3.medium"}, .min = 2, .max = 3};
  spec.scaling = {.types = {"m6i.large", "m5.large", "m5a.large", "m5d.large", "m5ad.large"},
                  .min = 2,
                  .max = 20,
                  .spot_percent = 100};
  return spec;
}

std::set<std::string> ids(const std::vector<Finding>& findings) {
  std::set<std::string> out;
  for (const Finding& finding : findings) out.insert(std::string(finding.rule->id));
  return out;
}

std::string show(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings)
    out += fmt::format("{} {}: {}\n", f.rule->id, f.place, f.message);
  return out;
}

TEST(RulesTest, EveryRuleSaysWhyWhoAndWhatToDoAndIsFoundByItsId) {
  EXPECT_TRUE(std::ranges::is_sorted(rules(), {}, &Rule::id));
  for (const Rule& rule : rules()) {
    EXPECT_FALSE(rule.reason.empty() || rule.source.empty() || rule.fix.empty()) << rule.id;
    EXPECT_EQ(find_rule(rule.id), &rule);
  }
  EXPECT_EQ(find_rule("none"), nullptr);
}

TEST(LintTest, WhatIsRenderedFromASoundFileIsClean) {
  const auto files = render::render(shop(), cloud::Catalogue::built_in());
  ASSERT_TRUE(files) << files.error().message;
  const auto findings = check(shop(), *files, cloud::Catalogue::built_in(), kNow);
  EXPECT_TRUE(findings.empty()) << show(findings);
}

// Each change of the file breaks exactly the rules that it is listed with.
TEST(LintTest, EachMistakeInTheFileIsFoundByItsRule) {
  using Change = void (*)(spec::Spec&);
  const std::pair<const char*, Change> cases[] = {
      {"A1", [](spec::Spec& s) { s.master.min = 1; }},
      {"A1", [](spec::Spec& s) { s.master.spot_percent = 50; }},
      {"A10", [](spec::Spec& s) { s.master.types = {"t3.medium", "t4g.medium"}; }},
      {"A2", [](spec::Spec& s) { s.scaling.types = {"m5.large"}; }},
      {"A3", [](spec::Spec& s) { s.scaling.on_demand_base = 1; }},
      {"A8", [](spec::Spec& s) { s.scaling.min = 20; }},
      {"A9", [](spec::Spec& s) { s.scaling.types.push_back("m5.xlarge"); }},
      {"C3", [](spec::Spec& s) { s.eks.api_access = {"0.0.0.0/0"}; }},
      {"D10",
       [](spec::Spec& s) { s.image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1"; }},
      {"D3", [](spec::Spec& s) { s.stop.drain = 2s; }},
      {"N4", [](spec::Spec& s) { s.alerts.clear(); }},
      {"N4", [](spec::Spec& s) { s.alerts.push_back({"slack", "env:X"}); }},
      {"D8", [](spec::Spec& s) { s.confinement.read_only_root = false; }},
      {"D8", [](spec::Spec& s) { s.confinement.non_root = false; }},
      {"D8", [](spec::Spec& s) { s.confinement.capabilities = {"SYS_ADMIN"}; }},
      {"D8", [](spec::Spec& s) { s.sidecars.emplace_back().name = "x"; }},
      {"R1", [](spec::Spec& s) { s.sidecars.emplace_back().cpu_milli = 3000; }},
      {"R3",
       [](spec::Spec& s) {
         s.volumes = {{.name = "x", .size_bytes = s.memory_bytes, .in_memory = true}};
         s.mounts = {{.path = "/x", .volume = "x"}};
       }},
      {"E1", [](spec::Spec& s) { s.env = {{"TOKEN", ""}}; }},
      {"E3", [](spec::Spec& s) { s.env = {{"DB_PASSWORD", "x"}}; }},
      {"H1", [](spec::Spec& s) { s.replicas.min = 1; }},
      {"P1", [](spec::Spec& s) { s.eks.protect = false; }},
      {"R1", [](spec::Spec& s) { s.cpu_milli = 4000; }},
      {"R2", [](spec::Spec& s) { s.replicas.max = 5000; }},
      {"S1", [](spec::Spec& s) { s.load_balancer.deregistration_delay = 300s; }},
      {"S3", [](spec::Spec& s) { s.load_balancer.deregistration_delay = 90s; }},
      {"S4", [](spec::Spec& s) { s.load_balancer.health_check.interval = 30s; }},
      {"S5", [](spec::Spec& s) { s.slo.p99 = 3s; }},
      {"S6", [](spec::Spec& s) { s.slo.p99 = 25s; }},
      {"S7", [](spec::Spec& s) { s.startup = 400s; }},
      {"S9", [](spec::Spec& s) { s.load_balancer.idle_timeout = 120s; }},
      {"T7", [](spec::Spec& s) { s.keep_alive = 60s; }},
      {"W0", [](spec::Spec& s) { s.waivers = {{"A3", "none"}}; }},
      {"W0", [](spec::Spec& s) { s.waivers = {{"A99", "none"}}; }}};
  for (const auto& [id, change] : cases) {
    spec::Spec spec = shop();
    change(spec);
    const auto findings = check(spec, {}, cloud::Catalogue::built_in(), kNow);
    EXPECT_TRUE(ids(findings).contains(id)) << id << " is not in: " << show(findings);
  }
  spec::Spec slow = shop();
  slow.stop.timeout = 100s;
  EXPECT_TRUE(ids(check(slow, {}, cloud::Catalogue::built_in(), kNow)).contains("S2"));
  slow.scaling.spot_percent = 0;
  EXPECT_FALSE(ids(check(slow, {}, cloud::Catalogue::built_in(), kNow)).contains("S2"));
}

TEST(LintTest, AServiceAccountNamesARoleThatIsMade) {
  spec::Spec spec = shop();
  spec.eks.identity = spec::Eks::Identity::kIrsa;
  auto files = render::render(spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_FALSE(ids(check(spec, *files, cloud::Catalogue::built_in(), kNow)).contains("X5"));
  std::string& text = files->at("kubernetes/base/service-account.yaml");
  const std::size_t at = text.find("role/shop-service");
  ASSERT_NE(at, std::string::npos) << text;
  text.replace(at, std::string_view("role/shop-service").size(), "role/shop-other");
  EXPECT_TRUE(ids(check(spec, *files, cloud::Catalogue::built_in(), kNow)).contains("X5"));
}

TEST(LintTest, OwnControllersFindTheirCluster) {
  spec::Spec spec = shop();
  spec.eks.controller_image = "x/minato@sha256:00";
  const auto rendered = render::render(spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(rendered) << rendered.error().message;
  const auto after = [&](std::string_view path, std::string_view from, std::string_view to) {
    render::Files files = *rendered;
    std::string& text = files.at(std::string(path));
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << path << " has no " << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return ids(check(spec, files, cloud::Catalogue::built_in(), kNow));
  };
  const auto as_rendered = ids(check(spec, *rendered, cloud::Catalogue::built_in(), kNow));
  for (const char* id : {"D9", "T4", "X2", "X3", "X4", "X5", "X8"}) EXPECT_FALSE(as_rendered.contains(id)) << id;
  constexpr std::string_view kDeployment = "kubernetes/controllers/controller-deployment.yaml";
  EXPECT_TRUE(after(kDeployment, "--cluster=shop", "--cluster=other").contains("X4"));
  EXPECT_TRUE(after(kDeployment, "--target-group=shop", "--target-group=other").contains("X4"));
  EXPECT_TRUE(after(kDeployment, "key: minato.dev/node-group", "key: other").contains("X3"));
  EXPECT_TRUE(after("terraform/identity.tf", "account = \"minato-controller\"", "account = \"other\"").contains("X5"));
  spec.eks.controller_image = "x/minato:1";
  EXPECT_TRUE(ids(check(spec, {}, cloud::Catalogue::built_in(), kNow)).contains("D10"));
}

TEST(LintTest, SupportEndsWithTime) {
  const auto at = [](const char* now) { return ids(check(shop(), {}, cloud::Catalogue::built_in(), *parse_rfc3339(now))); };
  EXPECT_FALSE(at("2026-12-01T00:00:00Z").contains("V5"));
  EXPECT_TRUE(at("2027-03-01T00:00:00Z").contains("V5"));
  EXPECT_TRUE(at("2027-04-01T00:00:00Z").contains("V1"));
  for (const char* version : {"1.22", "1.99"}) {
    spec::Spec spec = shop();
    spec.eks.version = version;
    EXPECT_TRUE(ids(check(spec, {}, cloud::Catalogue::built_in(), kNow)).contains("V1")) << version;
  }
}

TEST(LintTest, AWaiverTurnsAFindingIntoANote) {
  spec::Spec spec = shop();
  spec.scaling.types.push_back("m5.xlarge");
  EXPECT_TRUE(std::ranges::any_of(check(spec, {}, cloud::Catalogue::built_in(), kNow), &Finding::blocks));
  spec.waivers = {{"A9", "measured"}};
  const auto findings = check(spec, {}, cloud::Catalogue::built_in(), kNow);
  EXPECT_FALSE(std::ranges::any_of(findings, &Finding::blocks));
  EXPECT_EQ(findings.at(0).waived, "measured");
}

// Each edit of a rendered file, as a hand may make it, is found by the rule it is listed with.
TEST(LintTest, EachEditByHandIsFoundByItsRule) {
  struct Edit {
    const char* id;
    const char* path;
    const char* from;
    const char* to;
  };
  const Edit edits[] = {
      {"A5", "terraform/nodes.tf", "ignore_changes = [desired_capacity]",
       "create_before_destroy = true"},
      {"A11", "terraform/nodes.tf",
       "on_demand_percentage_above_base_capacity =", "on_demand_percent ="},
      {"A12", "terraform/nodes.tf", "\"price-capacity-optimized\"", "\"lowest-price\""},
      {"L3", "terraform/nodes.tf", "base64encode(templatefile(\"${path.module}",
       "base64encode(templatefile(\"/etc/eks/bootstrap.sh"},
      {"L4", "terraform/nodes.tf", "\"minato.dev/node-group=master\"",
       "\"node-role.kubernetes.io/master=1\""},
      {"A7", "terraform/nodes.tf", "resource \"aws_launch_template\" \"master\"",
       "resource \"aws_autoscaling_attachment\" \"x\" {\n}\n\nresource \"aws_launch_template\" "
       "\"master\""},
      {"D8", "kubernetes/base/deployment.yaml", "allowPrivilegeEscalation: false",
       "allowPrivilegeEscalation: true"},
      {"D8", "kubernetes/base/deployment.yaml", "allowPrivilegeEscalation: false",
       "privileged: true"},
      {"D9", "kubernetes/base/deployment.yaml", "automountServiceAccountToken: false",
       "automountServiceAccountToken: true"},
      {"L1", "terraform/nodes.tf", "/amazon-linux-2023", "/amazon-linux-2"},
      {"T5", "terraform/nodes.tf",
       "referenced_security_group_id = aws_security_group.load_balancer.id",
       "cidr_ipv4 = \"0.0.0.0/0\""},
      {"A6", "terraform/nodes.tf", "health_check_type         = \"EC2\"",
       "health_check_type = \"ELB\""},
      {"C1", "terraform/cluster.tf", "\"API\"", "\"API_AND_CONFIG_MAP\""},
      {"C3", "terraform/cluster.tf", "endpoint_public_access  = false",
       "endpoint_public_access = true"},
      {"C4", "terraform/observability.tf", "retention_in_days = 30", "skip_destroy = true"},
      {"D1", "kubernetes/base/deployment.yaml", "spec:\n  selector",
       "spec:\n  replicas: 3\n  selector"},
      {"D2", "kubernetes/base/deployment.yaml", "maxUnavailable: 0", "maxUnavailable: 1"},
      {"D3", "kubernetes/base/deployment.yaml", "lifecycle:", "x-lifecycle:"},
      {"X8", "kubernetes/base/deployment.yaml", "lifecycle:", "x-lifecycle:"},
      {"D4", "kubernetes/base/deployment.yaml", "terminationGracePeriodSeconds: 30",
       "terminationGracePeriodSeconds: 10"},
      {"D5", "kubernetes/base/deployment.yaml", "readinessProbe:", "x-readinessProbe:"},
      {"D6", "kubernetes/base/deployment.yaml", "topologySpreadConstraints:", "x-spread:"},
      {"D7", "kubernetes/base/deployment.yaml", "requests:\n            cpu: 250m  # cpu\n",
       "requests:\n"},
      {"H2", "kubernetes/base/pod-disruption-budget.yaml", "maxUnavailable: \"25%\"",
       "maxUnavailable: 0"},
      {"H2", "kubernetes/base/pod-disruption-budget.yaml", "maxUnavailable: \"25%\"",
       "minAvailable: 3"},
      {"H2", "kubernetes/base/pod-disruption-budget.yaml", "maxUnavailable: \"25%\"",
       "minAvailable: \"90%\""},
      {"H6", "kubernetes/base/pod-disruption-budget.yaml", "AlwaysAllow", "IfHealthyBudget"},
      {"H5", "kubernetes/base/pod-disruption-budget.yaml", "apiVersion: policy/v1",
       "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: other, namespace: "
       "shop}\nspec: "
       "{maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: "
       "shop}}}\n---\napiVersion: "
       "policy/v1"},
      {"H3", "kubernetes/base/service.yaml", "nodePort: 30080", "nodePort: 8080"},
      {"L5", "terraform/nodes.tf", "http_tokens                 = \"required\"",
       "http_tokens = \"optional\""},
      {"L7", "terraform/nodes.tf", "encrypted             = true", "encrypted = false"},
      {"M5", "kubernetes/addons/kustomization.yaml", "  version: \"9.59.0\"\n", ""},
      {"S10", "kubernetes/addons/cluster-autoscaler-values.yaml", "60s", "11s"},
      {"T4", "terraform/load-balancer.tf", "port                = local.node_health_port",
       "port = \"traffic-port\""},
      {"T1", "terraform/load-balancer.tf", "ELBSecurityPolicy-TLS13-1-2-2021-06",
       "ELBSecurityPolicy-2016-08"},
      {"V2", "terraform/cluster.tf", "\"STANDARD\"", "\"EXTENDED\""},
      {"V3", "kubernetes/addons/cluster-autoscaler-values.yaml", "v1.35.", "v1.34."},
      {"X1", "terraform/locals.tf", "node_port = 30080", "node_port = 30081"},
      {"X1", "kubernetes/base/service.yaml", "nodePort: 30080", "nodePort: 30081"},
      {"X1", "terraform/nodes.tf", "from_port                    = each.value", "from_port = 1"},
      {"X1", "terraform/load-balancer.tf", "requests = local.node_port", "requests = 80"},
      {"X1", "terraform/nodes.tf", "health = local.node_health_port, ", ""},
      {"X2", "terraform/nodes.tf", "\"minato.dev/node-group=scaling\"",
       "\"minato.dev/node-group=other\""},
      {"X2", "kubernetes/base/deployment.yaml", "minato.dev/node-group: scaling",
       "minato.dev/node-group: other"},
      {"X3", "kubernetes/addons/metrics-server-values.yaml", "key: minato.dev/node-group",
       "key: other"},
      {"X4", "kubernetes/addons/cluster-autoscaler-values.yaml", "clusterName: shop",
       "clusterName: shop2"},
      {"X5", "terraform/identity.tf", "service            = { namespace = local.service",
       "service = { namespace = \"other\""},
      {"X7", "kubernetes/base/service.yaml", "targetPort: http", "targetPort: web"},
      {"X7", "kubernetes/base/service.yaml", "selector:\n    app.kubernetes.io/name: shop",
       "selector:\n    app: shop"},
      {"X8", "kubernetes/base/service.yaml", "port: 80\n", "port: eighty\n"},
      {"X8", "kubernetes/base/service.yaml", "kind: Service", "kind: [Service"}};
  const auto rendered = render::render(shop(), cloud::Catalogue::built_in());
  ASSERT_TRUE(rendered);
  for (const Edit& edit : edits) {
    render::Files files = *rendered;
    std::string& text = files.at(edit.path);
    const std::size_t at = text.find(edit.from);
    ASSERT_NE(at, std::string::npos) << edit.id << ": " << edit.path << " has no " << edit.from;
    text.replace(at, std::string_view(edit.from).size(), edit.to);
    const auto findings = check(shop(), files, cloud::Catalogue::built_in(), kNow);
    EXPECT_TRUE(ids(findings).contains(edit.id)) << edit.id << " is not in: " << show(findings);
  }
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(LintTest, TaintedNodesCountWherePodsSelectNone) {
  auto files = render::render(shop(), cloud::Catalogue::built_in());
  ASSERT_TRUE(files);
  std::string& deployment = files->at("kubernetes/base/deployment.yaml");
  deployment =
      replaced(deployment, "whenUnsatisfiable: ScheduleAnyway", "whenUnsatisfiable: DoNotSchedule");
  EXPECT_FALSE(ids(check(shop(), *files, cloud::Catalogue::built_in(), kNow)).contains("D13"));
  deployment = replaced(
      deployment, "      nodeSelector:  # nodes.scaling\n        minato.dev/node-group: scaling\n",
      "");
  EXPECT_TRUE(ids(check(shop(), *files, cloud::Catalogue::built_in(), kNow)).contains("D13"));
  deployment = replaced(deployment, "whenUnsatisfiable: DoNotSchedule",
                        "nodeTaintsPolicy: Honor\n        whenUnsatisfiable: DoNotSchedule");
  EXPECT_FALSE(ids(check(shop(), *files, cloud::Catalogue::built_in(), kNow)).contains("D13"));
}

TEST(LintTest, APolicyNeedsWhoEnforcesIt) {
  spec::Spec spec = shop();
  spec.network_policy.emplace();
  auto files = render::render(spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_FALSE(ids(check(spec, *files, cloud::Catalogue::built_in(), kNow)).contains("H4"));
  std::string& addons = files->at("terraform/addons.tf");
  addons = replaced(addons, "enableNetworkPolicy", "enableOther");
  EXPECT_TRUE(ids(check(spec, *files, cloud::Catalogue::built_in(), kNow)).contains("H4"));
}

TEST(LintTest, DirectoriesOnDiskKeepNodesWhereTheAutoscalerSkipsThem) {
  spec::Spec spec = shop();
  spec.volumes = {{.name = "x", .size_bytes = 1 << 20}};
  auto files = render::render(spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_FALSE(ids(check(spec, *files, cloud::Catalogue::built_in(), kNow)).contains("M1"));
  std::string& values = files->at("kubernetes/addons/cluster-autoscaler-values.yaml");
  values = replaced(values, "skip-nodes-with-local-storage: false",
                    "skip-nodes-with-local-storage: true");
  EXPECT_TRUE(ids(check(spec, *files, cloud::Catalogue::built_in(), kNow)).contains("M1"));
}

TEST(HclReaderTest, BlocksListsAndLocalsAreRead) {
  const HclModule module = HclModule::read({{"a.tf", R"(
/* a block */ locals { port = 30080 # here
  name = "shop" }
resource "aws_lb" "this" {
  name = "${local.name}-lb"  // there
  port = local.port
  list = [
    "a", # first
    "b}",
  ]
  inner { on = true }
}
resource "x" )"}});
  const auto found = module.resources("aws_lb");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(module.value(*found[0], "name"), "shop-lb");
  EXPECT_EQ(module.value(*found[0], "port"), "30080");
  EXPECT_NE(found[0]->attribute("list").find("\"b}\""), std::string::npos);
  EXPECT_EQ(module.value(*found[0]->block("inner"), "on"), "true");
}

TEST(HclReaderTest, HostileTextEnds) {
  std::string deep, quotes = "a = \"${";
  for (int i = 0; i < 20000; ++i) deep += "a {\n";
  EXPECT_TRUE(HclModule::read({{"a.tf", deep}}).resources("x").empty());
  for (const char* text : {"a = \"", "a = \"\\", "/*", "a = [", "}}}}", "\"", "a \"",
                           "locals { a = local.a }", "locals { a = \"${local.a}\" }"}) {
    HclModule::read({{"a.tf", text}}).value("local.a");
  }
}

TEST(ManifestsTest, YamlIsReadAsManifestsMeanIt) {
  const auto documents = read_yaml("a: 1\nb: \"1\"\nc: true\nd: 1.5\ne: ~\nf: |\n  1\n---\n- x\n");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 2u);
  const auto& a = (*documents)[0].as_object();
  EXPECT_TRUE(a.at("a").is_int64() && a.at("b").is_string() && a.at("c").is_bool() &&
              a.at("d").is_double() && a.at("e").is_null() && a.at("f").is_string());
  EXPECT_TRUE(failed_with(read_yaml("a: [\n"), Reason::kInvalid));
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "[";
  EXPECT_TRUE(failed_with(read_yaml(deep + std::string(200, ']')), Reason::kInvalid));
}

TEST(LintTest, WhatTheCatalogueKnowsDecides) {
  spec::Spec spec = shop();
  spec.scaling.types.push_back("x9.large");
  EXPECT_TRUE(ids(check(spec, {}, cloud::Catalogue::built_in(), kNow)).contains("A13"));
  cloud::Catalogue catalogue;
  (void)catalogue.merge({{"x9.large", "amd64", 2, 8192, 29, {}, {}}});
  EXPECT_FALSE(ids(check(spec, {}, catalogue, kNow)).contains("A13"));
  cloud::Catalogue larger;
  (void)larger.merge({{"x9.large", "amd64", 64, 8192, 29, {}, {}}});
  EXPECT_TRUE(ids(check(spec, {}, larger, kNow)).contains("A9"));
}

}  // namespace
}  // namespace minato::lint
