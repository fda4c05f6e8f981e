// Any file that is read and can stand on EKS renders to texts that are whole: no hole left, YAML
// that minato's own types take strictly, Terraform in the layout that is kept by aligning again,
// and no rule across the two halves broken.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "lint/lint.h"
#include "lint/manifests.h"
#include "render/hcl.h"
#include "render/render.h"

namespace minato::render {
namespace {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::int32_t number(std::int32_t low, std::int32_t high) {
    return std::uniform_int_distribution(low, high)(random_);
  }
  bool coin() { return number(0, 1) == 1; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[number(0, static_cast<std::int32_t>(values.size()) - 1)];
  }
  // Text that tries to be an expression, a number, a comment, another line.
  std::string text() {
    std::string out;
    for (std::int32_t i = number(0, 12); i > 0; --i) {
      out += one_of<const char*>({"a", "0", " ", "\"", "\\", "${x}", "%{y}", "#", ": ", "\n", "- ",
                                  "'", "é", "@{z}", "|", "yes"});
    }
    return out;
  }

 private:
  std::mt19937_64 random_;
};

spec::Spec any_spec(Chance& chance) {
  using Kind = spec::SecretSource::Kind;
  spec::Spec spec;
  spec.service =
      chance.one_of<const char*>({"shop", "a", "a2345678901234567890123456789012345678b0"});
  spec.image = chance.one_of<const char*>(
      {"registry.example.com/x:1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:00"});
  spec.port = static_cast<std::uint16_t>(chance.number(1, 65535));
  spec.domain = "shop.example.com";
  spec.health = "/" + chance.one_of<std::string>({"", "healthz", "h?a=\"${b}\"&c=#d"});
  for (std::int32_t i = chance.number(0, 4); i > 0; --i)
    spec.env.emplace_back(fmt::format("E{}", i), chance.text());
  for (std::int32_t i = chance.number(0, 3); i > 0; --i) spec.args.push_back(chance.text());
  for (std::int32_t i = chance.number(0, 4); i > 0; --i) {
    const Kind kind =
        chance.one_of({Kind::kSsm, Kind::kSecretsManager, Kind::kGenerated, Kind::kFile});
    spec.secrets.emplace_back(
        fmt::format("S{}", i),
        spec::SecretSource{kind, fmt::format("/x/{}{}", i, chance.coin() ? "#key" : "")});
  }
  spec.replicas = {.min = chance.number(1, 9), .max = chance.number(9, 99)};
  spec.scaling.types = chance.one_of<std::vector<std::string>>(
      {{"m5.large"}, {"m6i.large", "m5.large"}, {"m7g.large"}, {"c6i.xlarge", "c5.xlarge"}});
  spec.scaling.max = chance.number(2, 50);
  spec.scaling.spot_percent = chance.one_of({0, 50, 100});
  spec.scaling.on_demand_base = chance.number(0, 2);
  spec.master.max = 3;
  spec.zones = chance.one_of<std::vector<std::string>>(
      {{"a", "b"}, {"c", "a", "d"}, {"a", "b", "c", "d", "e", "f"}});
  spec.eks.version = chance.one_of<const char*>({"1.34", "1.35", "1.36"});
  spec.eks.secrets = chance.one_of(
      {spec::Eks::Secrets::kExternalSecrets, spec::Eks::Secrets::kCsi, spec::Eks::Secrets::kPlain});
  if (chance.coin()) spec.eks.admins = {"arn:aws:iam::123456789012:role/a"};
  if (chance.coin()) spec.eks.api_access = {"203.0.113.0/24"};
  if (chance.coin()) spec.eks.certificate = "arn:aws:acm:us-east-1:123456789012:certificate/x";
  if (chance.coin()) {
    spec.eks.vpc.id = "vpc-1";
    spec.eks.vpc.public_subnets.assign(spec.zones.size(), "subnet-1");
    spec.eks.vpc.private_subnets.assign(spec.zones.size(), "subnet-2");
  }
  spec.eks.vpc.nat_per_zone = chance.coin();
  spec.eks.protect = chance.coin();
  spec.eks.prometheus = chance.coin();
  spec.eks.node_image = chance.one_of(
      {spec::Eks::NodeImage::kAmazonLinux2023, spec::Eks::NodeImage::kBottlerocket});
  spec.eks.identity =
      chance.one_of({spec::Eks::Identity::kPodIdentity, spec::Eks::Identity::kIrsa});
  spec.eks.account = "123456789012";
  if (chance.coin()) spec.eks.controller_image = "registry.example.com/minato:1";
  spec.eks.target_health =
      chance.one_of({spec::Eks::TargetHealth::kNode, spec::Eks::TargetHealth::kService});
  spec.eks.split_groups = spec.scaling.spot_percent == 100 && chance.coin();
  return spec;
}

TEST(RenderPropertyTest, AnyFileRendersToTextsThatAreWhole) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Chance chance(seed);
    const spec::Spec spec = any_spec(chance);
    const auto files = render(spec, cloud::Catalogue::built_in());
    ASSERT_TRUE(files) << seed << ": " << files.error().message;
    for (const auto& [path, text] : *files) {
      if (!path.ends_with(".yaml")) {
        EXPECT_EQ(text.find("@{"), std::string::npos) << seed << ": " << path;
      }
      if (path.ends_with(".tf")) {
        EXPECT_EQ(hcl_align(text), text) << seed << ": " << path;
      }
      EXPECT_TRUE(text.ends_with('\n') && !text.ends_with("\n\n")) << seed << ": " << path;
    }
    const lint::Manifests manifests = lint::read_manifests(*files);
    for (const auto& problem : manifests.problems)
      ADD_FAILURE() << seed << ": " << problem.path << ": " << problem.message;
    const std::map<std::string, std::string> env(spec.env.begin(), spec.env.end());
    for (const lint::Manifest& each : manifests.all) {
      if (!each.path.ends_with("config-map.yaml")) continue;
      for (const auto& [name, value] : env) {
        EXPECT_EQ(std::string_view(each.json.at("data").at(name).as_string()), value) << seed;
      }
    }
    for (const lint::Finding& finding : lint::check(spec, *files, cloud::Catalogue::built_in(), {})) {
      EXPECT_FALSE(finding.rule->id.starts_with('X'))
          << seed << ": " << finding.rule->id << " " << finding.place << ": " << finding.message;
    }
  }
}

}  // namespace
}  // namespace minato::render
