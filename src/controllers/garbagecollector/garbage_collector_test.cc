#include <gtest/gtest.h>

#include "controllers/common/ownership.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

class GarbageCollectorTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_node("n1");
    world_.start();
  }
  enum class Blocking { kNo, kYes };
  using MapPtr = std::shared_ptr<const kube::ConfigMap>;
  MapPtr make(const std::string& name, const std::vector<kube::OwnerReference>& owners = {}) {
    kube::ConfigMap out;
    out.metadata.namespace_ = "default";
    out.metadata.name = name;
    out.metadata.owner_references = owners;
    return world_.create(std::move(out));
  }
  static kube::OwnerReference owned_by(const kube::Object& owner,
                                       Blocking blocking = Blocking::kNo) {
    kube::OwnerReference out = controller_reference(owner);
    out.controller.reset();
    out.block_owner_deletion = blocking == Blocking::kYes;
    return out;
  }
  Status remove(const kube::Object& object, kube::Propagation propagation) {
    return world_.client().remove(object.kind(), object.key(), {.propagation = propagation});
  }
  MapPtr find(const std::string& name) { return world_.get<kube::ConfigMap>("default", name); }
  TestWorld world_;
};

TEST_F(GarbageCollectorTest, ADeploymentTakesItsReplicaSetsAndPodsWithIt) {
  const auto web = world_.create(deployment("web", 3));
  world_.advance(30s);
  ASSERT_TRUE(remove(*web, kube::Propagation::kBackground));
  world_.advance(30s);
  EXPECT_TRUE(world_.all<kube::ReplicaSet>().empty());
  EXPECT_TRUE(world_.all<kube::Pod>().empty());
}

TEST_F(GarbageCollectorTest, ForegroundDeletionWaitsForTheLastDependent) {
  const auto web = world_.create(deployment("web", 3));
  world_.advance(30s);
  ASSERT_TRUE(remove(*web, kube::Propagation::kForeground));
  bool owner_left_first = false;
  world_.informers().of<kube::Deployment>().on_change([&](const auto& delta) {
    if (delta.after == nullptr) owner_left_first = !world_.all<kube::Pod>().empty();
  });
  world_.time.settle();
  ASSERT_NE(world_.get<kube::Deployment>("default", "web"), nullptr);
  world_.advance(30s);
  EXPECT_EQ(world_.get<kube::Deployment>("default", "web"), nullptr);
  EXPECT_TRUE(world_.all<kube::Pod>().empty());
  EXPECT_FALSE(owner_left_first);
}

TEST_F(GarbageCollectorTest, OrphaningLeavesDependentsWithoutOwner) {
  const auto owner = make("owner");
  make("child", {owned_by(*owner)});
  ASSERT_TRUE(remove(*owner, kube::Propagation::kOrphan));
  world_.time.settle();
  EXPECT_EQ(find("owner"), nullptr);
  ASSERT_NE(find("child"), nullptr);
  EXPECT_TRUE(find("child")->metadata.owner_references.empty());
}

TEST_F(GarbageCollectorTest, OneOwnerThatStaysIsEnough) {
  const auto first = make("first");
  const auto second = make("second");
  make("child", {owned_by(*first), owned_by(*second)});
  ASSERT_TRUE(remove(*first, kube::Propagation::kBackground));
  world_.time.settle();
  ASSERT_NE(find("child"), nullptr);
  ASSERT_EQ(find("child")->metadata.owner_references.size(), 1u);
  EXPECT_EQ(find("child")->metadata.owner_references.front().name, "second");
  ASSERT_TRUE(remove(*second, kube::Propagation::kBackground));
  world_.time.settle();
  EXPECT_EQ(find("child"), nullptr);
}

TEST_F(GarbageCollectorTest, AnOwnerOfTheSameNameButAnotherUidIsAbsent) {
  const auto owner = make("owner");
  kube::OwnerReference wrong = owned_by(*owner);
  wrong.uid = "0000-of-an-earlier-life";
  make("child", {wrong});
  world_.time.settle();
  EXPECT_EQ(find("child"), nullptr);
}

TEST_F(GarbageCollectorTest, ClusterScopedOwnersCount) {
  const auto node = world_.get<kube::Node>("", "n1");
  make("child", {owned_by(*node)});
  world_.time.settle();
  ASSERT_NE(find("child"), nullptr);
  ASSERT_TRUE(remove(*node, kube::Propagation::kBackground));
  world_.time.settle();
  EXPECT_EQ(find("child"), nullptr);
}

TEST_F(GarbageCollectorTest, KindsThatNobodyServesHereAreLeftAlone) {
  kube::OwnerReference foreign;
  foreign.api_version = "example.com/v1";
  foreign.kind = "Widget";
  foreign.name = "w";
  foreign.uid = "widget";
  make("child", {foreign});
  world_.advance(1min);
  EXPECT_NE(find("child"), nullptr);
}

TEST_F(GarbageCollectorTest, ACycleDeletedInTheForegroundDoesNotDeadlock) {
  const auto a = make("a");
  const auto b = make("b", {owned_by(*a, Blocking::kYes)});
  world_.edit<kube::ConfigMap>("default", "a", [&](auto& each) {
    each.metadata.owner_references.push_back(owned_by(*b, Blocking::kYes));
  });
  world_.time.settle();
  ASSERT_NE(find("a"), nullptr);
  ASSERT_NE(find("b"), nullptr);
  ASSERT_TRUE(remove(*a, kube::Propagation::kForeground));
  world_.advance(10s);
  EXPECT_EQ(find("a"), nullptr);
  EXPECT_EQ(find("b"), nullptr);
}

TEST_F(GarbageCollectorTest, WhatWasOrphanedWhileTheControlPlaneWasDownIsCollected) {
  const auto owner = make("owner");
  make("child", {owned_by(*owner)});
  ASSERT_TRUE(remove(*owner, kube::Propagation::kDefault));
  world_.restart_controllers();
  world_.time.settle();
  EXPECT_EQ(find("child"), nullptr);
}

}  // namespace
}  // namespace minato::controllers
