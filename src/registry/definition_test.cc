#include <boost/json/value.hpp>

#include "kube/custom_kind.h"
#include "kube/types/custom_resource.h"
#include "registry/fixture.h"

namespace minato::registry {
namespace {

using kube::CustomResourceDefinition;

constexpr const char* kSchema =
    R"({"type":"object","properties":{"spec":{"type":"object","properties":{
        "size":{"type":"integer","minimum":1,"default":2}}},
        "status":{"type":"object","properties":{"ready":{"type":"boolean"}}}}})";

class DefinitionTest : public RegistryFixture {
 protected:
  static CustomResourceDefinition widgets() {
    CustomResourceDefinition out;
    out.metadata.name = "widgets.example.com";
    out.spec.group = "example.com";
    out.spec.scope = "Namespaced";
    out.spec.names.plural = "widgets";
    out.spec.names.kind = "Widget";
    out.spec.names.short_names = {"wd"};
    auto& version = out.spec.versions.emplace_back();
    version.name = "v1";
    version.served = version.storage = true;
    version.schema.emplace().open_api_v3_schema = kube::RawJson{kSchema};
    version.subresources.emplace().status.emplace();
    return out;
  }
  const kube::Kind* kind(const char* version = "v1") {
    return registry_->store().kinds().find(std::string("example.com/") + version, "Widget");
  }
  Result<kube::ObjectPtr> make(const std::string& name, const std::string& body,
                               const char* version = "v1") {
    auto object = kube::object_of_kind(*kind(version), *kube::parse_json(body));
    EXPECT_TRUE(object);
    (*object)->metadata.name = name;
    (*object)->metadata.namespace_ = "default";
    return registry_->create(std::move(*object));
  }
  static std::string why(const Result<std::shared_ptr<const CustomResourceDefinition>>& result) {
    return result ? "" : result.error().message;
  }
};

TEST_F(DefinitionTest, IsServedWhenItsCreateReturns) {
  EXPECT_EQ(kind(), nullptr);
  const auto made = must_create(widgets());
  EXPECT_TRUE(has_condition(*made, kube::kCrdEstablished));
  EXPECT_TRUE(has_condition(*made, kube::kCrdNamesAccepted));
  EXPECT_EQ(made->spec.names.list_kind, "WidgetList");
  EXPECT_EQ(made->spec.names.singular, "widget");
  EXPECT_EQ(made->status.stored_versions, std::vector<std::string>{"v1"});
  ASSERT_NE(kind(), nullptr);
  const auto object = make("a", R"({"spec":{"extra":1},"status":{"ready":true}})");
  ASSERT_TRUE(object) << object.error().message;
  // Pruned, defaulted, and without the status that only its subresource writes.
  EXPECT_EQ(kube::to_json_value(**object).at("spec"), *kube::parse_json(R"({"size":2})"));
  EXPECT_FALSE(kube::to_json_value(**object).as_object().contains("status"));
  EXPECT_EQ((*object)->metadata.generation, 1);
}

TEST_F(DefinitionTest, ObjectsAreJudgedByTheSchema) {
  must_create(widgets());
  const auto bad = make("a", R"({"spec":{"size":0}})");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message,
            "Widget.example.com \"a\" is invalid: spec.size: Invalid value: 0: spec.size in body "
            "should be greater than or equal to 1");
}

TEST_F(DefinitionTest, GenerationCountsSpecAndStatusIsApart) {
  must_create(widgets());
  ASSERT_TRUE(make("a", R"({"spec":{"size":1}})"));
  const auto patch = [&](const char* body, kube::Subresource part) {
    auto done = registry_->patch(*kind(), {"default", "a"}, kube::PatchType::kMerge, body, part);
    EXPECT_TRUE(done) << done.error().message;
    return *done;
  };
  const auto status = patch(R"({"status":{"ready":true,"x":1},"spec":{"size":9}})",
                            kube::Subresource::kStatus);
  EXPECT_EQ(kube::to_json_value(*status).at("status"), *kube::parse_json(R"({"ready":true})"));
  EXPECT_EQ(kube::to_json_value(*status).at("spec").at("size").as_int64(), 1);
  EXPECT_EQ(status->metadata.generation, 1);
  EXPECT_EQ(patch(R"({"spec":{"size":3}})", kube::Subresource::kNone)->metadata.generation, 2);
}

TEST_F(DefinitionTest, WhatIsWrongIsNamedWithItsPlace) {
  const auto with = [&](auto change) {
    CustomResourceDefinition out = widgets();
    change(out);
    return why(kube::create(client_, std::move(out)));
  };
  EXPECT_NE(with([](auto& crd) { crd.metadata.name = "x.example.com"; }).find("metadata.name: "),
            std::string::npos);
  EXPECT_NE(with([](auto& crd) { crd.spec.group = "apps"; }).find("spec.group: "), std::string::npos);
  EXPECT_NE(with([](auto& crd) { crd.spec.scope = "Global"; }).find("spec.scope: Unsupported"),
            std::string::npos);
  EXPECT_NE(with([](auto& crd) { crd.spec.versions[0].storage = false; })
                .find("spec.versions: Invalid value: \"v1\": must have exactly one version"),
            std::string::npos);
  EXPECT_NE(with([](auto& crd) { crd.spec.versions[0].schema.reset(); })
                .find("spec.versions[0].schema.openAPIV3Schema: Required value"),
            std::string::npos);
  EXPECT_NE(with([](auto& crd) {
              crd.spec.versions[0].additional_printer_columns.push_back({.name = "X", .type = "text", .json_path = "a"});
            }).find("spec.versions[0].additionalPrinterColumns[0].type: Unsupported"),
            std::string::npos);
  EXPECT_NE(with([](auto& crd) {
              crd.spec.versions[0].subresources->scale.emplace().spec_replicas_path = ".status.x";
            }).find("spec.versions[0].subresources.scale.specReplicasPath: Invalid value"),
            std::string::npos);
  EXPECT_NE(with([](auto& crd) {
              crd.spec.group = "x.k8s.io";
              crd.metadata.name = "widgets.x.k8s.io";
            }).find("metadata.annotations[api-approved.kubernetes.io]: Required value"),
            std::string::npos);
}

TEST_F(DefinitionTest, NamesAreTakenOnce) {
  must_create(widgets());
  CustomResourceDefinition other = widgets();
  other.metadata.name = "gadgets.example.com";
  other.spec.names.plural = "gadgets";
  other.spec.names.kind = "Gadget";  // But "wd" is a widget's.
  const auto made = must_create(std::move(other));
  EXPECT_FALSE(has_condition(*made, kube::kCrdNamesAccepted));
  EXPECT_FALSE(has_condition(*made, kube::kCrdEstablished));
  EXPECT_EQ(made->status.conditions[0].message, "\"wd\" is already in use");
  EXPECT_EQ(registry_->store().kinds().find("example.com/v1", "Gadget"), nullptr);
}

TEST_F(DefinitionTest, VersionsShowOneObjectEachInItsOwnShape) {
  CustomResourceDefinition two = widgets();
  auto old = two.spec.versions[0];
  old.name = "v1beta1";
  old.storage = false;
  old.schema->open_api_v3_schema = kube::RawJson{
      R"({"type":"object","properties":{"spec":{"type":"object","properties":{
          "size":{"type":"integer"},"old":{"type":"string","default":"yes"}}}}})"};
  two.spec.versions.push_back(old);
  must_create(std::move(two));
  ASSERT_TRUE(make("a", R"({"spec":{"size":4,"old":"no"}})", "v1beta1"));
  const auto stored = registry_->get(*kind(), {"default", "a"});
  ASSERT_TRUE(stored);
  EXPECT_EQ(kube::to_json_value(*kube::in_version(**stored, *kind())).at("spec"),
            *kube::parse_json(R"({"size":4})"));
  const auto as_old = kube::to_json_value(*kube::in_version(**stored, *kind("v1beta1")));
  EXPECT_EQ(as_old.at("apiVersion"), "example.com/v1beta1");
  EXPECT_EQ(as_old.at("spec").at("old"), "no");
  // A version that objects may be stored in stays.
  auto less = *read<CustomResourceDefinition>("widgets.example.com");
  less.spec.versions.erase(less.spec.versions.begin());
  less.spec.versions[0].storage = true;
  EXPECT_NE(why(kube::update(client_, std::move(less))).find("status.storedVersions[0]"),
            std::string::npos);
}

TEST_F(DefinitionTest, DeletionWaitsForObjectsAndRefusesNewOnes) {
  must_create(widgets());
  ASSERT_TRUE(make("a", "{}"));
  ASSERT_TRUE(client_.remove(CustomResourceDefinition::static_kind(), {"", "widgets.example.com"}));
  const auto left = read<CustomResourceDefinition>("widgets.example.com");
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->metadata.finalizers, std::vector<std::string>{std::string(kube::kCrdCleanup)});
  EXPECT_TRUE(has_condition(*left, kube::kCrdTerminating));
  const auto refused = make("b", "{}");
  EXPECT_TRUE(failed_with(refused, Reason::kMethodNotAllowed));
  ASSERT_TRUE(client_.remove(*kind(), {"default", "a"}));
  auto done = *left;
  done.metadata.finalizers.clear();
  must_update(std::move(done));
  EXPECT_EQ(kind(), nullptr);
  // Made anew it is another kind, and empty.
  must_create(widgets());
  EXPECT_TRUE(registry_->list(*kind(), {})->items.empty());
}

TEST_F(DefinitionTest, NewSchemasCountFromTheNextWriteAndShowAtOnce) {
  must_create(widgets());
  ASSERT_TRUE(make("a", R"({"spec":{"size":1}})"));
  auto changed = *read<CustomResourceDefinition>("widgets.example.com");
  changed.spec.versions[0].schema->open_api_v3_schema = kube::RawJson{
      R"({"type":"object","properties":{"spec":{"type":"object","properties":{
          "size":{"type":"integer"},"color":{"type":"string","default":"red"}}}}})"};
  must_update(std::move(changed));
  const auto stored = registry_->get(*kind(), {"default", "a"});
  EXPECT_EQ(kube::to_json_value(*kube::in_version(**stored, *kind())).at("spec").at("color"), "red");
}

}  // namespace
}  // namespace minato::registry
