#include "kube/protobuf.h"

#include <gtest/gtest.h>

#include "kube/definition_protobuf.h"
#include "kube/json.h"
#include "kube/types/apps.h"
#include "kube/types/authorization.h"
#include "kube/types/config.h"
#include "kube/types/json_schema.h"

namespace minato::kube {
namespace {

Deployment make_deployment() {
  auto object = object_from_json(std::string_view(R"({"apiVersion":"apps/v1","kind":"Deployment",
    "metadata":{"name":"web","namespace":"default","labels":{"app":"web","empty":""},
      "creationTimestamp":"2026-01-02T03:04:05Z"},
    "spec":{"replicas":0,"selector":{"matchLabels":{"app":"web"}},
      "strategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":"25%"}},
      "template":{"spec":{"containers":[{"name":"main","image":"web:1",
        "command":["a","b"],"resources":{"limits":{"cpu":"250m","memory":"64Mi"}},
        "env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k","optional":false}}}],
        "livenessProbe":{"httpGet":{"path":"/","port":"http"},"periodSeconds":5}}],
        "volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}],
        "terminationGracePeriodSeconds":0}}}})"));
  EXPECT_TRUE(object) << object.error().message;
  return as<Deployment>(**object);
}

TEST(ProtobufTest, ObjectsSurviveARoundTrip) {
  const Deployment before = make_deployment();
  const std::string bytes = to_protobuf(before);
  const auto envelope = open_protobuf(bytes);
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->api_version, "apps/v1");
  EXPECT_EQ(envelope->kind, "Deployment");
  const auto after = from_protobuf_message<Deployment>(envelope->raw);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(to_json(before), to_json(*after));
}

TEST(ProtobufTest, BytesOfAReviewAsGoWritesThem) {
  // SelfSubjectAccessReview{Spec{ResourceAttributes{Namespace "d", Verb "get", Resource "pods"}}}
  // with the empty messages that nil Go structs become.
  const std::string raw(
      "\x0a\x00\x12\x12\x0a\x10\x0a\x01"
      "d\x12\x03get\x2a\x04pods\x32\x00\x1a\x00",
      24);
  const auto review = from_protobuf_message<SubjectAccessReview>(raw);
  ASSERT_TRUE(review) << review.error().message;
  ASSERT_TRUE(review->spec.resource_attributes);
  EXPECT_EQ(review->spec.resource_attributes->resource, "pods");
  EXPECT_EQ(review->spec.resource_attributes->verb, "get");
}

TEST(ProtobufTest, DamagedInputIsRefusedOrReadAndNeverCrashes) {
  const std::string bytes = to_protobuf(make_deployment());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    if (const auto envelope = open_protobuf(std::string_view(bytes).substr(0, size))) {
      (void)from_protobuf_message<Deployment>(envelope->raw);
    }
  }
  std::uint64_t state = 1;
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 56);
    }
    if (const auto envelope = open_protobuf(damaged)) {
      (void)from_protobuf_message<Deployment>(envelope->raw);
    }
  }
  EXPECT_FALSE(open_protobuf("{}"));
}

// `text` as field `number` of a message.
std::string field(int number, const std::string& text) {
  const std::size_t size = text.size();
  std::string out{static_cast<char>(number << 3 | 2)};
  if (size >= 0x80) out += static_cast<char>((size & 0x7F) | 0x80);
  out += static_cast<char>(size >= 0x80 ? size >> 7 : size);
  return out + text;
}

TEST(ProtobufTest, SchemasOfDefinitionsBecomeJson) {
  JsonSchemaProps integer, list, map, root;
  integer.type = "integer";
  integer.default_ = RawJson{"3"};
  list.type = "array";
  list.items.emplace().schema = integer;
  map.type = "object";
  map.additional_properties.emplace().schema.emplace().type = "string";
  root.type = "object";
  root.properties = {{"l", list}, {"m", map}, {"n", integer}};
  root.properties["free"].additional_properties.emplace().allows = true;
  std::string schema;
  append_protobuf(schema, type_of<JsonSchemaProps>(), &root);
  const std::string version = field(1, "v1") + field(4, field(1, schema));
  CustomResourceDefinition definition;
  const Status read =
      read_definition(field(2, field(1, "example.com") + field(7, version)), definition);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(definition.spec.group, "example.com");
  ASSERT_EQ(definition.spec.versions.size(), 1U);
  EXPECT_EQ(parse_json(definition.spec.versions[0].schema->open_api_v3_schema->text),
            parse_json(R"({"type":"object","properties":{
              "free":{"additionalProperties":true},
              "l":{"type":"array","items":{"type":"integer","default":3}},
              "m":{"type":"object","additionalProperties":{"type":"string"}},
              "n":{"type":"integer","default":3}}})"));
  EXPECT_FALSE(read_definition(field(2, field(9, field(2, field(1, "x")))), definition));
}

}  // namespace
}  // namespace minato::kube
