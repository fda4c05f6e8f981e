// Custom objects among the controllers: they are deleted with their definition, their namespace and
// their owners like any other.
#include <gtest/gtest.h>

#include "controllers/common/ownership.h"
#include "controllers/testing/test_world.h"
#include "kube/json.h"
#include "kube/types/batch.h"

namespace minato::controllers {
namespace {

class DefinitionControllerTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.start();
    define("widgets", "Widget", {"wd"});
  }
  void define(const std::string& plural, const std::string& kind,
              std::vector<std::string> short_names = {}) {
    kube::CustomResourceDefinition out;
    out.metadata.name = plural + ".example.com";
    out.spec.group = "example.com";
    out.spec.scope = "Namespaced";
    out.spec.names.plural = plural;
    out.spec.names.kind = kind;
    out.spec.names.short_names = std::move(short_names);
    auto& version = out.spec.versions.emplace_back();
    version.name = "v1";
    version.served = version.storage = true;
    version.schema.emplace().open_api_v3_schema =
        kube::RawJson{R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})"};
    ASSERT_TRUE(kube::create(world_.client(), std::move(out)));
  }
  const kube::Kind& kind() { return *world_.client().kinds().find("example.com/v1", "Widget"); }
  kube::ObjectPtr make(const std::string& name, std::vector<std::string> finalizers = {},
                       const std::string& space = "default") {
    auto object = kind().make();
    object->metadata.name = name;
    object->metadata.namespace_ = space;
    object->metadata.finalizers = std::move(finalizers);
    auto created = world_.client().create(std::move(object));
    EXPECT_TRUE(created) << created.error().message;
    return *created;
  }
  std::size_t count() { return world_.client().list(kind(), {})->items.size(); }
  void remove_definition() {
    ASSERT_TRUE(world_.client().remove(kube::CustomResourceDefinition::static_kind(),
                                       {"", "widgets.example.com"}, {}));
  }
  bool is_defined() {
    return world_.get<kube::CustomResourceDefinition>("", "widgets.example.com") != nullptr;
  }
  TestWorld world_;
};

TEST_F(DefinitionControllerTest, ADefinitionTakesItsObjectsWithIt) {
  make("a");
  make("b");
  remove_definition();
  world_.advance(1s);
  EXPECT_FALSE(is_defined());
  define("widgets", "Widget");
  EXPECT_EQ(count(), 0u);
}

TEST_F(DefinitionControllerTest, AnObjectWithAFinalizerHoldsTheDefinition) {
  const auto held = make("a", {"example.com/hold"});
  remove_definition();
  world_.advance(1min);
  ASSERT_TRUE(is_defined());
  auto free = (*world_.client().get(kind(), held->key()))->clone();
  free->metadata.finalizers.clear();
  ASSERT_TRUE(world_.client().update(std::move(free), kube::Subresource::kNone));
  world_.advance(1s);
  EXPECT_FALSE(is_defined());
}

TEST_F(DefinitionControllerTest, ANamespaceTakesCustomObjectsWithIt) {
  kube::Namespace space;
  space.metadata.name = "shop";
  world_.create(std::move(space));
  make("a", {}, "shop");
  ASSERT_TRUE(world_.client().remove(kube::Namespace::static_kind(), {"", "shop"}, {}));
  world_.advance(1s);
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(world_.get<kube::Namespace>("", "shop"), nullptr);
}

TEST_F(DefinitionControllerTest, OwnersAndDependentsMayBeCustom) {
  const auto owner = make("a");
  kube::ConfigMap child;
  child.metadata.namespace_ = "default";
  child.metadata.name = "child";
  kube::OwnerReference reference = controller_reference(*owner);
  reference.api_version = "example.com/v1";
  child.metadata.owner_references = {reference};
  world_.create(child);
  auto grandchild = kind().make();
  grandchild->metadata.namespace_ = "default";
  grandchild->metadata.name = "grandchild";
  grandchild->metadata.owner_references = {
      controller_reference(*world_.get<kube::ConfigMap>("default", "child"))};
  ASSERT_TRUE(world_.client().create(std::move(grandchild)));
  world_.advance(1s);
  EXPECT_EQ(count(), 2u);
  ASSERT_TRUE(world_.client().remove(kind(), owner->key(), {}));
  world_.advance(1s);
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(world_.get<kube::ConfigMap>("default", "child"), nullptr);
}

TEST_F(DefinitionControllerTest, StoredKindsAreOwnersToo) {
  const auto job = world_.create([] {
    kube::Job out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "job";
    out.spec.template_.spec.restart_policy = "Never";
    kube::Container& container = out.spec.template_.spec.containers.emplace_back();
    container.name = "main";
    container.image = "job:1";
    return out;
  }());
  kube::ConfigMap child;
  child.metadata.namespace_ = "default";
  child.metadata.name = "child";
  child.metadata.owner_references = {controller_reference(*job)};
  world_.create(child);
  world_.advance(1min);
  EXPECT_NE(world_.get<kube::ConfigMap>("default", "child"), nullptr);
}

TEST_F(DefinitionControllerTest, NamesThatAreFreeAgainAreAccepted) {
  define("gadgets", "Gadget", {"wd"});
  EXPECT_EQ(world_.client().kinds().find("example.com/v1", "Gadget"), nullptr);
  remove_definition();
  world_.advance(1s);
  EXPECT_NE(world_.client().kinds().find("example.com/v1", "Gadget"), nullptr);
}

TEST_F(DefinitionControllerTest, EverythingGoesOnWithTheNextControlPlane) {
  make("a", {"example.com/hold"});
  remove_definition();
  world_.restart_controllers();
  world_.advance(1s);
  ASSERT_TRUE(is_defined());
  auto free = (*world_.client().get(kind(), {"default", "a"}))->clone();
  free->metadata.finalizers.clear();
  ASSERT_TRUE(world_.client().update(std::move(free), kube::Subresource::kNone));
  world_.advance(1s);
  EXPECT_FALSE(is_defined());
}

}  // namespace
}  // namespace minato::controllers
