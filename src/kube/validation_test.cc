#include "kube/validation.h"

#include <gtest/gtest.h>

#include "kube/types/config.h"
#include "kube/types/custom_resource.h"

namespace minato::kube {
namespace {

TEST(ValidationTest, FinalizersOfBuiltInKindsAreQualifiedOrStandard) {
  const auto is_valid = [](const Kind& kind, const char* finalizer) {
    ObjectMeta metadata;
    metadata.name = "a";
    if (kind.scope == Scope::kNamespaced) metadata.namespace_ = "b";
    metadata.finalizers = {finalizer};
    FieldErrors errors;
    validate_metadata(kind, metadata, &check_dns1123_subdomain, errors);
    return errors.empty();
  };
  EXPECT_TRUE(is_valid(ConfigMap::static_kind(), "orphan"));
  EXPECT_TRUE(is_valid(ConfigMap::static_kind(), "example.com/hold"));
  EXPECT_FALSE(is_valid(ConfigMap::static_kind(), "hold"));
  EXPECT_TRUE(is_valid(CustomResourceDefinition::static_kind(), "customresourcecleanup.apiextensions.k8s.io"));
}

struct GrammarCase {
  NameRule rule;
  const char* text;
  bool holds;
};

TEST(ValidationTest, Grammars) {
  const std::string long_label(64, 'a'), longest_label(63, 'a');
  const GrammarCase cases[] = {
      {&check_dns1123_label, "web", true},
      {&check_dns1123_label, "1-web", true},
      {&check_dns1123_label, "", false},
      {&check_dns1123_label, "-web", false},
      {&check_dns1123_label, "web-", false},
      {&check_dns1123_label, "Web", false},
      {&check_dns1123_label, "a.b", false},
      {&check_dns1123_label, longest_label.c_str(), true},
      {&check_dns1123_label, long_label.c_str(), false},
      {&check_dns1123_subdomain, "a.b-c.1", true},
      {&check_dns1123_subdomain, "a..b", false},
      {&check_dns1123_subdomain, "a.", false},
      {&check_dns1123_subdomain, "a_b", false},
      {&check_dns1035_label, "web-1", true},
      {&check_dns1035_label, "1-web", false},
      {&check_qualified_name, "app", true},
      {&check_qualified_name, "example.com/My_App.x", true},
      {&check_qualified_name, "example.com/", false},
      {&check_qualified_name, "/app", false},
      {&check_qualified_name, "a/b/c", false},
      {&check_qualified_name, "-a", false},
      {&check_label_value, "", true},
      {&check_label_value, "My.value_1", true},
      {&check_label_value, "a b", false},
      {&check_label_value, "a-", false},
      {&check_port_name, "http", true},
      {&check_port_name, "8080", false},
      {&check_port_name, "a--b", false},
      {&check_port_name, "sixteen-letters-", false},
      {&check_config_key, "app.properties", true},
      {&check_config_key, "..", false},
      {&check_config_key, "a/b", false},
      {&check_ipv4, "10.0.0.1", true},
      {&check_ipv4, "10.0.0.256", false},
      {&check_ipv4, "10.0.0", false},
      {&check_ipv4, "10.0.0.01", false},
      {&check_ipv4, "", false},
      {&check_env_name, "MY_VAR.x", true},
      {&check_env_name, "A=B", false},
  };
  for (const GrammarCase& c : cases) EXPECT_EQ(c.rule(c.text).empty(), c.holds) << c.text;
}

TEST(ValidationTest, PathsAreWrittenAsUpstream) {
  const FieldPath spec("spec");
  const FieldPath containers = spec.child("containers");
  const FieldPath first = containers.index(0);
  const FieldPath limits = first.child("resources.limits");
  EXPECT_EQ(limits.key("cpu").to_string(), "spec.containers[0].resources.limits[cpu]");
}

TEST(ValidationTest, SeveralErrorsAreListedOnce) {
  const FieldPath name("name");
  FieldErrors errors;
  errors.required(name);
  errors.required(name);
  constexpr std::string_view kValues[] = {"A", "B"};
  errors.one_of(name, "C", kValues);
  EXPECT_EQ(errors.to_error(ConfigMap::static_kind(), "c").message,
            "ConfigMap \"c\" is invalid: [name: Required value, name: Unsupported value: \"C\": "
            "supported values: \"A\", \"B\"]");
  EXPECT_EQ(errors.causes().size(), 3U);
}

std::size_t metadata_errors(const ObjectMeta& metadata) {
  FieldErrors errors;
  validate_metadata(ConfigMap::static_kind(), metadata, &check_dns1123_subdomain, errors);
  return errors.causes().size();
}

TEST(ValidationTest, MetadataOfEveryObject) {
  ObjectMeta good{"a", "b"};
  EXPECT_EQ(metadata_errors(good), 0U);
  ObjectMeta bad = good;
  bad.name = "A";
  EXPECT_EQ(metadata_errors(bad), 1U);
  bad = good;
  bad.namespace_ = "";
  EXPECT_EQ(metadata_errors(bad), 1U);
  bad = good;
  bad.labels["a b"] = "c d";
  EXPECT_EQ(metadata_errors(bad), 2U);
  bad = good;
  bad.annotations["a"] = std::string(300 << 10, 'x');
  EXPECT_EQ(metadata_errors(bad), 1U);
  bad = good;
  bad.finalizers = {"orphan", "foregroundDeletion"};
  EXPECT_EQ(metadata_errors(bad), 1U);
  bad = good;
  bad.owner_references = {
      {.api_version = "v1", .kind = "Pod", .name = "p", .uid = "1", .controller = true},
      {.api_version = "v1", .kind = "Pod", .name = "q", .uid = "2", .controller = true}};
  EXPECT_EQ(metadata_errors(bad), 1U);
}

TEST(ValidationTest, TimesHaveTheirWirePrecision) {
  const WallTime fine{Duration(1'700'000'000'123'456'789)};
  EXPECT_EQ(WallTime(Time(fine)), WallTime(Duration(1'700'000'000'000'000'000)));
  EXPECT_EQ(WallTime(MicroTime(fine)), WallTime(Duration(1'700'000'000'123'456'000)));
}

}  // namespace
}  // namespace minato::kube
