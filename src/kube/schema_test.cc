#include "kube/schema.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "kube/json.h"
#include "kube/json_path.h"

namespace minato::kube {
namespace {

namespace json = boost::json;

json::value parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text << ": " << value.error().message;
  return value ? *value : nullptr;
}

std::string problems(const FieldErrors& errors) {
  std::string out;
  for (const Cause& cause : errors.causes()) out += cause.field + ": " + cause.message + "\n";
  return out;
}

std::shared_ptr<const Schema> schema_of(std::string_view properties) {
  FieldErrors errors;
  auto out = read_schema(parsed(R"({"type":"object","properties":)" + std::string(properties) + "}"),
                         FieldPath("schema"), errors);
  EXPECT_TRUE(out) << problems(errors);
  return out;
}

std::string refused(std::string_view schema) {
  FieldErrors errors;
  EXPECT_EQ(read_schema(parsed(schema), FieldPath("schema"), errors), nullptr);
  return problems(errors);
}

std::string judged(const Schema& schema, std::string_view object, std::string_view before = "") {
  FieldErrors errors;
  const json::value now = parsed(object);
  const json::value old = before.empty() ? json::value(nullptr) : parsed(before);
  validate_object(schema, now.get_object(), old.is_object() ? &old.get_object() : nullptr, errors);
  return problems(errors);
}

TEST(SchemaTest, WhatIsNotStructuralIsRefusedWithItsPlace) {
  EXPECT_EQ(refused(R"({"properties":{}})"),
            "schema.type: Required value: must not be empty for specified object fields\n");
  EXPECT_EQ(refused(R"({"type":"array","items":{"type":"string"}})"),
            "schema.type: Invalid value: \"array\": must be object at the root\n");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"properties":{}}}})"),
            "schema.properties[a].type: Required value: must not be empty for specified object fields\n");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"type":"text"}}})"),
            "schema.properties[a].type: Unsupported value: \"text\": supported values: \"object\", "
            "\"array\", \"string\", \"integer\", \"number\", \"boolean\"\n");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"type":"object",
                       "properties":{"b":{"type":"string"}},"additionalProperties":{"type":"string"}}}})"),
            "schema.properties[a].additionalProperties: Forbidden: additionalProperties and "
            "properties are mutual exclusive\n");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"type":"string","pattern":"("}}})")
                .substr(0, 80),
            "schema.properties[a].pattern: Invalid value: \"(\": must be a valid regular expres");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"type":"string","anyOf":[{"default":"x"}]}}})"),
            "schema.properties[a].anyOf[0].default: Forbidden: must be undefined to be structural\n");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"type":"integer","default":"x"}}})"),
            "schema.properties[a].default: Invalid value: \"x\": schema.properties[a].default in body "
            "must be of type integer: \"string\"\n");
  EXPECT_EQ(refused(R"({"type":"object","properties":{"a":{"type":"array","x-kubernetes-list-type":"map",
                       "x-kubernetes-list-map-keys":["name"],
                       "items":{"type":"object","properties":{"name":{"type":"string"}}}}}})"),
            "schema.properties[a].items: Required value: this property is in "
            "x-kubernetes-list-map-keys, so it must have a default or be a required property: name\n");
}

TEST(SchemaTest, ValuesAreJudged) {
  const auto schema = schema_of(R"({"spec":{"type":"object","required":["image"],"properties":{
    "image":{"type":"string","minLength":2,"maxLength":8,"pattern":"^[a-z:]+$"},
    "replicas":{"type":"integer","format":"int32","minimum":1,"maximum":5},
    "ratio":{"type":"number","minimum":0,"exclusiveMinimum":true,"multipleOf":0.5},
    "color":{"type":"string","enum":["red","blue"]},
    "port":{"x-kubernetes-int-or-string":true},
    "note":{"type":"string","nullable":true},
    "tags":{"type":"array","maxItems":2,"x-kubernetes-list-type":"set","items":{"type":"string"}},
    "one":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},
           "oneOf":[{"required":["a"]},{"required":["b"]}]},
    "labels":{"type":"object","maxProperties":1,"additionalProperties":{"type":"string"}}}}})");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"image":"a:b","replicas":5,"ratio":1.5,"color":"red","port":80,"note":null})", ""},
      {R"({"image":"ab","port":"http","tags":["x","y"],"one":{"a":"1"},"labels":{"k":"v"}})", ""},
      {R"({})", "spec.image: Required value\n"},
      {R"({"image":7})", "spec.image: Invalid value: 7: spec.image in body must be of type string: \"integer\"\n"},
      {R"({"image":"a"})", "spec.image: Invalid value: \"a\": spec.image in body should be at least 2 chars long\n"},
      {R"({"image":"aaaaaaaaa"})", "spec.image: Too long: may not be more than 8 bytes\n"},
      {R"({"image":"AB"})", "spec.image: Invalid value: \"AB\": spec.image in body should match '^[a-z:]+$'\n"},
      {R"({"image":"ab","replicas":0})", "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1\n"},
      {R"({"image":"ab","replicas":6})", "spec.replicas: Invalid value: 6: spec.replicas in body should be less than or equal to 5\n"},
      {R"({"image":"ab","replicas":1.5})", "spec.replicas: Invalid value: 1.5E0: spec.replicas in body must be of type integer: \"number\"\n"},
      {R"({"image":"ab","ratio":0})", "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0\n"},
      {R"({"image":"ab","ratio":0.7})", "spec.ratio: Invalid value: 7E-1: spec.ratio in body should be a multiple of 0.5\n"},
      {R"({"image":"ab","color":"green"})", "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"\n"},
      {R"({"image":"ab","port":true})", "spec.port: Invalid value: true: spec.port in body must be of type integer or string: \"boolean\"\n"},
      {R"({"image":"ab","tags":["x","x"]})", "spec.tags[1]: Duplicate value: \"x\"\n"},
      {R"({"image":"ab","tags":["x","y","z"]})", "spec.tags: Too many: 3: must have at most 2 items\n"},
      {R"({"image":"ab","one":{"a":"1","b":"2"}})", "spec.one: Invalid value: \"object\": spec.one in body must validate one and only one schema (oneOf)\n"},
      {R"({"image":"ab","labels":{"a":"1","b":"2"}})", "spec.labels: Too many: 2: must have at most 1 items\n"},
      {R"({"image":"ab","labels":{"a":1}})", "spec.labels.a: Invalid value: 1: spec.labels.a in body must be of type string: \"integer\"\n"},
  };
  for (const auto& [spec, expected] : cases) {
    EXPECT_EQ(judged(*schema, R"({"spec":)" + std::string(spec) + "}"), expected) << spec;
  }
}

TEST(SchemaTest, WhatWasWrongBeforeAndIsTheSameIsLetPass) {
  const auto schema = schema_of(R"({"spec":{"type":"object","properties":{
    "a":{"type":"string","maxLength":1},"b":{"type":"string","maxLength":1}}}})");
  EXPECT_EQ(judged(*schema, R"({"spec":{"a":"long","b":"x"}})", R"({"spec":{"a":"long","b":"y"}})"), "");
  EXPECT_EQ(judged(*schema, R"({"spec":{"a":"longer"}})", R"({"spec":{"a":"long"}})"),
            "spec.a: Too long: may not be more than 1 bytes\n");
}

TEST(SchemaTest, PruningKeepsWhatTheSchemaNames) {
  const auto schema = schema_of(R"({"spec":{"type":"object","properties":{
    "a":{"type":"string"},
    "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,
            "properties":{"in":{"type":"object","properties":{"x":{"type":"string"}}}}},
    "map":{"type":"object","additionalProperties":{"type":"object","properties":{"x":{"type":"string"}}}},
    "list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"string"}}}},
    "pod":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}}}}})");
  json::object object = parsed(R"({"spec":{"a":null,"z":1,"free":{"any":1,"in":{"x":"1","y":2}},
    "map":{"k":{"x":"1","y":2}},"list":[{"x":"1"},{"y":2}],
    "pod":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"extra":1}},"top":1})").as_object();
  std::vector<std::string> removed;
  prune(*schema, object, &removed);
  EXPECT_EQ(json::value(object), parsed(R"({"spec":{"free":{"any":1,"in":{"x":"1"}},
    "map":{"k":{"x":"1"}},"list":[{"x":"1"},{}],
    "pod":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}}})"));
  std::ranges::sort(removed);
  EXPECT_EQ(removed, (std::vector<std::string>{"spec.free.in.y", "spec.list[1].y", "spec.map.k.y",
                                               "spec.pod.extra", "spec.z", "top"}));
}

TEST(SchemaTest, DefaultsGoWhereTheirParentsAre) {
  const auto schema = schema_of(R"({"spec":{"type":"object","default":{},"properties":{
    "a":{"type":"string","default":"x"},
    "n":{"type":"string","nullable":true,"default":"x"},
    "sub":{"type":"object","properties":{"b":{"type":"integer","default":3}}},
    "list":{"type":"array","items":{"type":"object","properties":{"p":{"type":"string","default":"TCP"}}}}}}})");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({})", R"({"spec":{"a":"x","n":"x"}})"},
      {R"({"spec":{"a":null,"n":null}})", R"({"spec":{"a":"x","n":null}})"},
      {R"({"spec":{"a":"y","n":"y","sub":{},"list":[{},{"p":"UDP"}]}})",
       R"({"spec":{"a":"y","n":"y","sub":{"b":3},"list":[{"p":"TCP"},{"p":"UDP"}]}})"}};
  for (const auto& [given, expected] : cases) {
    json::object object = parsed(given).as_object();
    prune(*schema, object);
    set_defaults(*schema, object);
    EXPECT_EQ(json::value(object), parsed(expected)) << given;
  }
}

TEST(SchemaTest, RulesAreSeenAtAnyDepth) {
  EXPECT_FALSE(schema_of(R"({"a":{"type":"string"}})")->has_rules);
  EXPECT_TRUE(schema_of(R"({"a":{"type":"array","items":{"type":"object","x-kubernetes-validations":[]}}})")
                  ->has_rules);
}

TEST(SchemaTest, Formats) {
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"date-time", "2026-01-02T03:04:05Z", "2026-01-02"},
      {"date", "2026-01-02", "02.01.2026"},
      {"duration", "1h30m", "soon"},
      {"duration", "22 hours", "1h ago"},
      {"email", "a@example.com", "a.example.com"},
      {"uri", "https://example.com/x", "not a uri"},
      {"hostname", "a.example.com", "-a-"},
      {"ipv4", "10.0.0.1", "10.0.0.256"},
      {"ipv6", "fe80::1", "fe80:::1"},
      {"ipv6", "::ffff:10.0.0.1", "1:2:3"},
      {"cidr", "10.0.0.0/8", "10.0.0.0/33"},
      {"mac", "01:23:45:67:89:ab", "01:23:45"},
      {"uuid", "123e4567-e89b-42d3-a456-426614174000", "123e4567"},
      {"uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"},
      {"byte", "aGk=", "a"},
      {"hexcolor", "#00ff00", "#00f0"},
      {"rgbcolor", "rgb(1,2,255)", "rgb(1,2,256)"},
      {"isbn10", "0-306-40615-2", "0-306-40615-3"},
      {"isbn13", "978-3-16-148410-0", "978-3-16-148410-1"},
      {"creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"},
      {"ssn", "123-45-6789", "12-345-6789"},
  };
  for (const auto& [format, good, bad] : cases) {
    EXPECT_TRUE(has_format(format, good)) << format << " " << good;
    EXPECT_FALSE(has_format(format, bad)) << format << " " << bad;
  }
  EXPECT_TRUE(has_format("nobody-knows", "anything"));
}

TEST(JsonPathTest, LeadsWhereColumnsPoint) {
  const json::value root = parsed(R"({"spec":{"a.b":"dot","n":3},"status":{"conditions":[
    {"type":"Synced","status":"False"},{"type":"Ready","status":"True"}]}})");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {".spec.n", "3"},
      {"spec.n", "3"},
      {R"(.spec['a.b'])", "\"dot\""},
      {R"(.spec.a\.b)", "\"dot\""},
      {".status.conditions[0].status", "\"False\""},
      {".status.conditions[-1].status", "\"True\""},
      {R"(.status.conditions[?(@.type=="Ready")].status)", "\"True\""},
      {".status.conditions[*].type", "\"Synced\"\"Ready\""},
      {".spec.missing.more", ""},
      {".spec.n.deeper", ""}};
  for (const auto& [text, expected] : cases) {
    const auto path = JsonPath::parse(text);
    ASSERT_TRUE(path) << text;
    std::string found;
    for (const json::value* value : path->find(root)) found += json::serialize(*value);
    EXPECT_EQ(found, expected) << text;
  }
  for (const std::string_view bad : {"", ".", ".a[", ".a[x]", ".a..b", ".a[?(@.b>1)]"}) {
    EXPECT_FALSE(JsonPath::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace minato::kube
