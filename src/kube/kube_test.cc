#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "kube/base64.h"
#include "kube/json.h"
#include "kube/json_duplicates.h"
#include "kube/selector.h"
#include "kube/types/config.h"
#include "kube/types/pod.h"
#include "kube/types/policy.h"

namespace minato::kube {
namespace {

TEST(QuantityTest, CanonicalForms) {
  // Cases follow k8s.io/apimachinery pkg/api/resource/quantity.go's rules.
  const std::pair<const char*, const char*> cases[] = {
      {"0", "0"},         {"1000m", "1"},       {"250m", "250m"},   {"1.5", "1500m"},
      {"0.1", "100m"},    {"64Mi", "64Mi"},     {"1024Mi", "1Gi"},  {"1023", "1023"},
      {"1024Ki", "1Mi"},  {"1536Mi", "1536Mi"}, {"1.5Gi", "1536Mi"}, {"2e3", "2e3"},
      {"1000k", "1M"},    {"128974848", "128974848"}, {"-5", "-5"},   {"100n", "100n"},
      {"0.5Ki", "512"},   {"12e6", "12e6"}, {"1u", "1u"}};
  for (const auto& [text, canonical] : cases) {
    const auto quantity = Quantity::parse(text);
    ASSERT_TRUE(quantity) << text;
    EXPECT_EQ(quantity->to_string(), canonical) << text;
  }
}

TEST(QuantityTest, RefusesWhatIsNone) {
  for (const char* text : {"", "m", "1.2.3", "1 Mi", "1mi", "abc", "1e", "1e99", "--1", "1KiB"}) {
    EXPECT_FALSE(Quantity::parse(text)) << text;
  }
}

TEST(QuantityTest, RoundsUpAndSaturates) {
  EXPECT_EQ(Quantity::parse("100m")->value(), 1);
  EXPECT_EQ(Quantity::parse("1n")->milli_value(), 1);
  EXPECT_EQ(Quantity::parse("8Ei")->value(), INT64_MAX);
  EXPECT_EQ(*Quantity::parse("1"), *Quantity::parse("1000m"));
  EXPECT_LT(*Quantity::parse("999m"), *Quantity::parse("1"));
}

constexpr const char* kPod = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web",
"namespace":"default","labels":{"app":"web"},"creationTimestamp":"2026-01-01T00:00:00Z",
"futureField":{"a":[1,2]}},"spec":{"containers":[{"name":"c","image":"i","ports":[
{"containerPort":8080}],"resources":{"requests":{"cpu":"1000m"}},"newThing":true}],
"volumes":[{"name":"v","configMap":{"name":"cm"}}]},"status":{}})";

TEST(JsonTest, UnknownFieldsSurviveARoundTrip) {
  const auto pod = object_from_json(std::string_view(kPod));
  ASSERT_TRUE(pod) << pod.error().message;
  const auto& typed = as<Pod>(**pod);
  EXPECT_EQ(typed.spec.containers[0].ports[0].container_port, 8080);
  EXPECT_EQ(typed.spec.volumes[0].volume_source.config_map->local_object_reference.name, "cm");
  const std::string text = to_json(typed);
  EXPECT_NE(text.find(R"("newThing":true)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("futureField":{"a":[1,2]})"), std::string::npos);
  EXPECT_NE(text.find(R"("cpu":"1")"), std::string::npos);
  const auto again = object_from_json(std::string_view(text));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(equal(typed, as<Pod>(**again)));
}

TEST(JsonTest, ErrorsNameThePath) {
  const auto pod = object_from_json(std::string_view(
      R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"ports":[{"containerPort":"x"}]}]}})"));
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().message,
            "spec.containers[0].ports[0].containerPort: expected a whole number");
}

TEST(JsonTest, MembersThatStandTwiceAreFoundWhereverTheyAre) {
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})", {}},
      {R"({"a":1,"a":2,"a":3})", {"a"}},
      {R"( { "b" : { "x" : "}\"" , "x" : [ ] } , "c" : [ 1 , { "n" : null , "n" : true } ] } )",
       {"b.x", "c[1].n"}},
      {R"([[],[{"k":{},"k":{"k":1}}]])", {"[1][0].k"}},
      {"null", {}},
      {R"("a")", {}}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(duplicate_members(text), expected) << text;
  for (const char* text : {"", "{", "[1", R"({"a":)", R"({"a)", "[}", "{]", R"({"a" 1})", "[1 2"}) {
    EXPECT_TRUE(duplicate_members(text).empty()) << text;
  }
}

TEST(JsonTest, HostileTextIsRefused) {
  EXPECT_FALSE(parse_json(std::string(100000, '[')));
  EXPECT_FALSE(parse_json("{\"a\":"));
  EXPECT_FALSE(object_from_json(std::string_view("[]")));
  EXPECT_TRUE(failed_with(object_from_json(std::string_view(R"({"apiVersion":"v9","kind":"Pod"})")),
                          Reason::kNotFound));
  EXPECT_FALSE(object_from_json(std::string_view(
      R"({"apiVersion":"v1","kind":"Pod","spec":{"priority":99999999999}})")));
}

TEST(JsonTest, WhatNeedsAnEscapeGetsOneWhereverItStands) {
  for (const char c : {'"', '\\', '\n', '\x01', '\x1f', ' ', '\x7f', '!', '#', '[', ']', '\xc3'}) {
    for (std::size_t size = 1; size < 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = c == '\xc3' ? 'b' : c;
        std::string written;
        append_json_string(written, text);
        const bool is_escaped = c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
        EXPECT_EQ(written.size() > size + 2, is_escaped) << written;
        const auto read = parse_json(written);
        ASSERT_TRUE(read) << written;
        EXPECT_EQ(std::string(read->as_string()), text);
      }
    }
  }
  std::string written;
  append_json_string(written, "Größe \u2026 \"ja\"");
  EXPECT_EQ(written, "\"Größe \u2026 \\\"ja\\\"\"");
}

TEST(JsonTest, SecretDataIsBase64) {
  const auto secret = object_from_json(std::string_view(
      R"({"apiVersion":"v1","kind":"Secret","data":{"k":"aGVsbG8="}})"));
  ASSERT_TRUE(secret);
  EXPECT_EQ(as<Secret>(**secret).data.at("k").data, "hello");
  EXPECT_FALSE(object_from_json(std::string_view(
      R"({"apiVersion":"v1","kind":"Secret","data":{"k":"a=bc"}})")));
}

TEST(JsonTest, IntOrStringKeepsItsForm) {
  const auto pdb = object_from_json(std::string_view(
      R"({"apiVersion":"policy/v1","kind":"PodDisruptionBudget","spec":{"minAvailable":"50%"}})"));
  ASSERT_TRUE(pdb);
  const auto& spec = as<PodDisruptionBudget>(**pdb).spec;
  EXPECT_EQ(scaled_value(*spec.min_available, 5, Rounding::kUp).value(), 3);
  EXPECT_NE(to_json(**pdb).find(R"("minAvailable":"50%")"), std::string::npos);
}

TEST(ReflectTest, EqualSeesDeepDifferences) {
  auto a = object_from_json(std::string_view(kPod)).value();
  auto b = a->clone();
  EXPECT_TRUE(equal(as<Pod>(*a), as<Pod>(*b)));
  static_cast<Pod&>(*b).spec.containers[0].ports[0].protocol = "UDP";
  EXPECT_FALSE(equal(as<Pod>(*a), as<Pod>(*b)));
}

TEST(Base64Test, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)).value(), bytes);
    bytes += static_cast<char>(i * 7);
  }
}

TEST(SelectorTest, TextForm) {
  const Labels labels{{"app", "web"}, {"tier", "a"}};
  for (const char* text : {"", "app=web", "app==web,tier in (a,b)", "app,!canary", "tier notin (c)",
                           "app!=db", " app = web "}) {
    const auto selector = Selector::parse(text);
    ASSERT_TRUE(selector) << text;
    EXPECT_TRUE(selector->matches(labels)) << text;
  }
  for (const char* text : {"app=db", "canary", "!app", "tier in (b,c)", "tier notin (a)"}) {
    EXPECT_FALSE(Selector::parse(text)->matches(labels)) << text;
  }
  for (const char* text : {"=", "app in", "app in (a", "a b", ",,"}) {
    EXPECT_FALSE(Selector::parse(text)) << text;
  }
}

TEST(SelectorTest, NullMatchesNothingEmptyMatchesAll) {
  EXPECT_FALSE(Selector::from(Box<LabelSelector>{})->matches({{"a", "b"}}));
  EXPECT_TRUE(Selector::from(LabelSelector{})->matches({{"a", "b"}}));
}

TEST(KindTest, AreFound) {
  ASSERT_NE(find_kind("v1", "Pod"), nullptr);
  EXPECT_EQ(find_resource("apps", "v1", "deployments")->group_resource(), "deployments.apps");
  EXPECT_EQ(find_kind("v1", "Deployment"), nullptr);
}

}  // namespace
}  // namespace minato::kube
