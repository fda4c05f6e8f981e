#include "registry/managed_fields.h"

#include <gtest/gtest.h>

#include "kube/field_set.h"
#include "kube/json.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"

namespace minato::registry {
namespace {

namespace json = boost::json;
const kube::Time kNow{WallTime{std::chrono::seconds(1'767'225'600)}};

json::value map_config(const std::string& data) {
  return *kube::parse_json(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"d"},"data":)" +
      data + "}");
}

std::unique_ptr<kube::Object> apply(const kube::Object* live, const std::string& manager,
                                    json::value config, bool force = false) {
  auto out = apply_config(live != nullptr ? live->kind() : kube::ConfigMap::static_kind(), live,
                          std::move(config), {manager, force}, kNow);
  EXPECT_TRUE(out) << (out ? "" : out.error().message);
  return out ? std::move(*out) : nullptr;
}

std::string data_of(const kube::Object& object) {
  return kube::to_json_text(kube::as<kube::ConfigMap>(object).data);
}

std::string fields_of_manager(const kube::Object& object, const std::string& manager) {
  for (const auto& entry : object.metadata.managed_fields) {
    if (entry.manager == manager) return entry.fields_v1->text;
  }
  return "none";
}

TEST(ManagedFieldsTest, ApplyingOwnsExactlyWhatTheConfigurationNames) {
  const auto made = apply(nullptr, "a", map_config(R"({"x":"1"})"));
  EXPECT_EQ(fields_of_manager(*made, "a"), R"({"f:data":{"f:x":{}}})");
  EXPECT_EQ(made->metadata.managed_fields[0].operation, "Apply");
}

TEST(ManagedFieldsTest, WhatIsNoLongerAppliedGoesUnlessSomebodyElseOwnsIt) {
  const auto first = apply(nullptr, "a", map_config(R"({"x":"1","y":"1","z":"1"})"));
  const auto shared = apply(first.get(), "b", map_config(R"({"y":"1"})"));
  const auto less = apply(shared.get(), "a", map_config(R"({"z":"1"})"));
  EXPECT_EQ(data_of(*less), R"({"y":"1","z":"1"})");
  const auto none = apply(
      less.get(), "b",
      *kube::parse_json(
          R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"d"}})"));
  EXPECT_EQ(data_of(*none), R"({"z":"1"})");
}

TEST(ManagedFieldsTest, AnotherManagersFieldIsAConflictUnlessForced) {
  const auto first = apply(nullptr, "a", map_config(R"({"x":"1"})"));
  const auto refused =
      apply_config(first->kind(), first.get(), map_config(R"({"x":"2"})"), {"b", false}, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kConflict);
  EXPECT_EQ(refused.error().message,
            "Apply failed with 1 conflict: conflict with \"a\" using v1: .data.x");
  EXPECT_EQ(refused.error().causes[0].field, ".data.x");
  const auto forced = apply(first.get(), "b", map_config(R"({"x":"2"})"), true);
  EXPECT_EQ(data_of(*forced), R"({"x":"2"})");
  EXPECT_EQ(fields_of_manager(*forced, "a"), "none");
}

TEST(ManagedFieldsTest, UpdatesTakeOverWhatTheyChange) {
  const auto first = apply(nullptr, "a", map_config(R"({"x":"1","y":"1"})"));
  auto changed = first->clone();
  static_cast<kube::ConfigMap&>(*changed).data["x"] = "2";
  track_update(first.get(), *changed, {"editor", {}}, kNow);
  EXPECT_EQ(fields_of_manager(*changed, "editor"), R"({"f:data":{"f:x":{}}})");
  EXPECT_EQ(fields_of_manager(*changed, "a"), R"({"f:data":{"f:y":{}}})");
  const auto refused = apply_config(changed->kind(), changed.get(),
                                    map_config(R"({"x":"1","y":"1"})"), {"a", false}, kNow);
  EXPECT_TRUE(!refused && refused.error().reason == Reason::kConflict);
}

TEST(ManagedFieldsTest, WhatNobodyIsKnownToOwnIsSomebodys) {
  auto live = apply(nullptr, "a", map_config(R"({"x":"1"})"));
  live->metadata.managed_fields.clear();
  const auto refused =
      apply_config(live->kind(), live.get(), map_config(R"({"x":"2"})"), {"b", false}, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.x");
}

TEST(ManagedFieldsTest, NamesThatAreNoFieldsAreRefused) {
  for (const char* text : {R"({"A":{}})", R"({"":{}})", R"({"f:a":{"x:b":{}}})", R"({"f":{}})"}) {
    EXPECT_FALSE(kube::FieldSet::parse(text)) << text;
  }
  EXPECT_TRUE(kube::FieldSet::parse(R"({"f:a":{".":{},"v:1":{},"i:0":{}}})"));
}

TEST(ManagedFieldsTest, StatusHasOwnersOfItsOwn) {
  const auto made = *kube::object_from_json(std::string_view(
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"w","namespace":"d"},"spec":{"replicas":1}})"));
  auto spec = made->clone();
  static_cast<kube::Deployment&>(*spec).spec.replicas = 2;
  static_cast<kube::Deployment&>(*spec).status.replicas = 7;
  track_update(made.get(), *spec, {"user", {}}, kNow);
  EXPECT_EQ(fields_of_manager(*spec, "user"), R"({"f:spec":{"f:replicas":{}}})");
  auto status = spec->clone();
  static_cast<kube::Deployment&>(*status).status.replicas = 8;
  track_update(spec.get(), *status, {"controller", "status"}, kNow);
  EXPECT_EQ(fields_of_manager(*status, "controller"), R"({"f:status":{"f:replicas":{}}})");
  EXPECT_EQ(fields_of_manager(*status, "user"), R"({"f:spec":{"f:replicas":{}}})");
}

TEST(ManagedFieldsTest, ListsWithKeysMergeByElement) {
  const auto config = [](const std::string& containers) {
    return *kube::parse_json(
        R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"w","namespace":"d"},"spec":{"template":{"spec":{"containers":)" +
        containers + "}}}}");
  };
  const kube::Kind& kind = kube::Deployment::static_kind();
  const auto first = *apply_config(
      kind, nullptr, config(R"([{"name":"main","image":"i:1","ports":[{"containerPort":80}]}])"),
      {"a"}, kNow);
  const auto second = apply(
      first.get(), "b",
      config(
          R"([{"name":"side","image":"s:1"},{"name":"main","env":[{"name":"E","value":"1"}]}])"));
  const auto& containers = kube::as<kube::Deployment>(*second).spec.template_.spec.containers;
  ASSERT_EQ(containers.size(), 2u);
  EXPECT_EQ(containers[0].image, "i:1");
  EXPECT_EQ(containers[0].env.size(), 1u);
  const auto back = apply(second.get(), "b", config(R"([{"name":"side","image":"s:1"}])"));
  ASSERT_EQ(kube::as<kube::Deployment>(*back).spec.template_.spec.containers.size(), 2u);
  EXPECT_TRUE(kube::as<kube::Deployment>(*back).spec.template_.spec.containers[0].env.empty());
  const auto gone = apply(back.get(), "a", config(R"([])"));
  ASSERT_EQ(kube::as<kube::Deployment>(*gone).spec.template_.spec.containers.size(), 1u);
  EXPECT_EQ(kube::as<kube::Deployment>(*gone).spec.template_.spec.containers[0].name, "side");
}

TEST(ManagedFieldsTest, ApplyingTheSameAgainChangesNothing) {
  const auto first = apply(nullptr, "a", map_config(R"({"x":"1"})"));
  const auto again = apply(first.get(), "a", map_config(R"({"x":"1"})"));
  EXPECT_EQ(kube::to_json(*first), kube::to_json(*again));
}

TEST(ManagedFieldsTest, WrongConfigurationsAreRefused) {
  const kube::Kind& kind = kube::ConfigMap::static_kind();
  for (const char* text :
       {"[]", "{}", R"({"apiVersion":"v1","kind":"Secret"})",
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"managedFields":[]}})",
        R"({"apiVersion":"v1","kind":"ConfigMap","data":[1]})"}) {
    EXPECT_FALSE(apply_config(kind, nullptr, *kube::parse_json(text), {"a"}, kNow)) << text;
  }
}

TEST(ManagedFieldsTest, DamagedEntriesAreSurvived) {
  const auto first = apply(nullptr, "a", map_config(R"({"x":"1"})"));
  for (const char* text :
       {"", "[]", "{\"f:data\":1}", "{\"k:{\":{}}", "{\"f:data\":{\"v:\":{}}}", "null"}) {
    auto damaged = first->clone();
    damaged->metadata.managed_fields[0].fields_v1 = kube::RawJson{text};
    EXPECT_TRUE(apply(damaged.get(), "b", map_config(R"({"x":"2"})"), true));
  }
}

}  // namespace
}  // namespace minato::registry
