// Namespaces, Pod garbage collection, service accounts, and all controllers together.
#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/common/pods.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"
#include "kube/types/discovery.h"

namespace minato::controllers {
namespace {

class ControllersTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_node("n1");
    world_.start();
  }
  void make_namespace(const std::string& name) {
    kube::Namespace out;
    out.metadata.name = name;
    world_.create(std::move(out));
    world_.time.settle();
  }
  TestWorld world_;
};

TEST_F(ControllersTest, EveryNamespaceHasADefaultServiceAccount) {
  make_namespace("team");
  ASSERT_NE(world_.get<kube::ServiceAccount>("team", "default"), nullptr);
  ASSERT_TRUE(world_.client().remove(kube::ServiceAccount::static_kind(), {"team", "default"}));
  world_.time.settle();
  EXPECT_NE(world_.get<kube::ServiceAccount>("team", "default"), nullptr);
}

class ApiAccessTest : public ControllersTest {
 protected:
  ApiAccessTest() : access_(1, options()) {}
  void SetUp() override {
    access_.start();
    access_.time.settle();
  }
  static ControllerSet::Options options() {
    ControllerSet::Options out;
    out.api_access = {.service = {.cluster_ip = "10.100.0.1", .address = "10.77.0.3", .port = 443},
                      .authority_pem = "PEM"};
    return out;
  }
  TestWorld access_;
};

TEST_F(ApiAccessTest, EveryNamespaceHasTheAuthority) {
  kube::Namespace team;
  team.metadata.name = "team";
  access_.create(std::move(team));
  access_.time.settle();
  const auto authority = [this] { return access_.get<kube::ConfigMap>("team", "kube-root-ca.crt"); };
  ASSERT_NE(authority(), nullptr);
  EXPECT_EQ(authority()->data.at("ca.crt"), "PEM");
  access_.edit<kube::ConfigMap>("team", "kube-root-ca.crt",
                                [](kube::ConfigMap& map) { map.data = {{"ca.crt", "forged"}}; });
  access_.time.settle();
  EXPECT_EQ(authority()->data.at("ca.crt"), "PEM");
  ASSERT_TRUE(access_.client().remove(kube::ConfigMap::static_kind(), {"team", "kube-root-ca.crt"}));
  access_.time.settle();
  EXPECT_NE(authority(), nullptr);
  ASSERT_TRUE(access_.client().remove(kube::Namespace::static_kind(), {"", "team"}));
  access_.advance(1min);
  EXPECT_EQ(access_.get<kube::Namespace>("", "team"), nullptr);
}

TEST_F(ApiAccessTest, TheApiHasAServiceThatLeadsToIt) {
  const auto service = [this] { return access_.get<kube::Service>("default", "kubernetes"); };
  const auto slice = [this] { return access_.get<kube::EndpointSlice>("default", "kubernetes"); };
  ASSERT_NE(service(), nullptr);
  EXPECT_EQ(service()->spec.cluster_ip, "10.100.0.1");
  EXPECT_EQ(service()->spec.ports.at(0).name, "https");
  ASSERT_NE(slice(), nullptr);
  EXPECT_EQ(slice()->metadata.labels.at("kubernetes.io/service-name"), "kubernetes");
  access_.edit<kube::EndpointSlice>("default", "kubernetes", [](kube::EndpointSlice& changed) {
    changed.endpoints.at(0).addresses = {"192.0.2.1"};
  });
  access_.edit<kube::Service>("default", "kubernetes",
                              [](kube::Service& changed) { changed.spec.ports.at(0).port = 80; });
  access_.time.settle();
  EXPECT_EQ(slice()->endpoints.at(0).addresses, std::vector<std::string>{"10.77.0.3"});
  EXPECT_EQ(service()->spec.ports.at(0).port, 443);
  ASSERT_TRUE(access_.client().remove(kube::Service::static_kind(), {"default", "kubernetes"}));
  ASSERT_TRUE(access_.client().remove(kube::EndpointSlice::static_kind(), {"default", "kubernetes"}));
  access_.time.settle();
  EXPECT_NE(service(), nullptr);
  EXPECT_NE(slice(), nullptr);
}

TEST_F(ControllersTest, ANamespaceIsEmptiedAndThenGone) {
  make_namespace("team");
  kube::Deployment wanted = deployment("web", 3);
  wanted.metadata.namespace_ = "team";
  world_.create(std::move(wanted));
  world_.advance(30s);
  ASSERT_TRUE(world_.client().remove(kube::Namespace::static_kind(), {"", "team"}));
  world_.time.settle();
  const auto leaving = world_.get<kube::Namespace>("", "team");
  ASSERT_NE(leaving, nullptr);  // Pods end gracefully.
  EXPECT_EQ(leaving->status.phase, "Terminating");
  const auto* remaining = find_condition(leaving->status.conditions, "NamespaceContentRemaining");
  ASSERT_NE(remaining, nullptr);
  EXPECT_NE(remaining->message.find("pods has 3"), std::string::npos) << remaining->message;
  world_.advance(30s);
  EXPECT_EQ(world_.get<kube::Namespace>("", "team"), nullptr);
  for (const auto& pod : world_.all<kube::Pod>()) EXPECT_NE(pod->metadata.namespace_, "team");
}

TEST_F(ControllersTest, AFinalizerHoldsItsNamespaceAndIsNamed) {
  make_namespace("team");
  kube::ConfigMap held;
  held.metadata.namespace_ = "team";
  held.metadata.name = "held";
  held.metadata.finalizers = {"example.com/hold"};
  world_.create(std::move(held));
  ASSERT_TRUE(world_.client().remove(kube::Namespace::static_kind(), {"", "team"}));
  world_.advance(1min);
  const auto stuck = world_.get<kube::Namespace>("", "team");
  ASSERT_NE(stuck, nullptr);
  const auto* why = find_condition(stuck->status.conditions, "NamespaceFinalizersRemaining");
  ASSERT_NE(why, nullptr);
  EXPECT_NE(why->message.find("example.com/hold in 1"), std::string::npos);
  world_.edit<kube::ConfigMap>("team", "held",
                               [](auto& each) { each.metadata.finalizers.clear(); });
  world_.time.settle();
  EXPECT_EQ(world_.get<kube::Namespace>("", "team"), nullptr);
}

TEST_F(ControllersTest, PodsOfADeletedNodeAreFailedAndCollectedAfterQuarantine) {
  world_.add_node("n2");
  world_.create(deployment("web", 2));
  world_.advance(30s);
  world_.kill_node("n2");
  ASSERT_TRUE(world_.client().remove(kube::Node::static_kind(), {"", "n2"}));
  const auto on_n2 = [&] {
    return std::ranges::count_if(world_.all<kube::Pod>(),
                                 [](const auto& pod) { return pod->spec.node_name == "n2"; });
  };
  world_.advance(30s);
  EXPECT_EQ(on_n2(), 1);
  world_.advance(60s);
  EXPECT_EQ(on_n2(), 0);
  EXPECT_EQ(world_.active_pods("default").size(), 2u);
}

TEST(PodGcTest, KeepsOnlyTheNewestFinishedPods) {
  ControllerSet::Options options;
  options.pod_gc.terminated_threshold = 3;
  TestWorld world(1, options);
  world.start();
  for (int i = 0; i < 6; ++i) {
    kube::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = "job-" + std::to_string(i);
    pod.spec = pod_template("job", "v1").spec;
    kube::Pod done = *world.create(std::move(pod));
    done.status.phase = kube::kPodSucceeded;
    ASSERT_TRUE(kube::update(world.client(), std::move(done), kube::Subresource::kStatus));
    world.advance(2s);
  }
  world.advance(30s);
  const auto left = world.all<kube::Pod>();
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left.front()->metadata.name, "job-3");
}

// A busy quarter of an hour: roll-outs, scaling, a death, a cordon, a deletion.
std::uint64_t busy_trace(std::uint64_t seed) {
  TestWorld world(seed);
  for (int i = 0; i < 5; ++i) {
    world.add_node("n" + std::to_string(i), i % 2 == 0 ? "a" : "b");
  }
  world.start();
  world.create(deployment("web", 6));
  world.create(deployment("api", 4));
  kube::DaemonSet agents;
  agents.metadata.namespace_ = "default";
  agents.metadata.name = "agent";
  agents.spec.selector.ensure().match_labels["app"] = "agent";
  agents.spec.template_ = pod_template("agent", "v1");
  world.create(std::move(agents));
  kube::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "web";
  service.spec.selector["app"] = "web";
  service.spec.ports.push_back({.name = "http", .port = 80});
  world.create(std::move(service));
  world.advance(1min);
  world.edit<kube::Deployment>("default", "web", [](auto& each) {
    each.spec.template_.spec.containers.front().image = "v2";
  });
  world.kill_node("n3");
  world.advance(5s);
  world.edit<kube::Deployment>("default", "api", [](auto& each) { each.spec.replicas = 9; });
  world.advance(5min);
  world.edit<kube::Node>("", "n0", [](auto& node) { node.spec.unschedulable = true; });
  EXPECT_TRUE(world.client().remove(kube::Deployment::static_kind(), {"default", "api"}));
  world.advance(8min);
  return world.trace();
}

TEST(DeterminismTest, OneSeedOneSequenceOfWrites) {
  const std::uint64_t first = busy_trace(11);
  EXPECT_EQ(first, busy_trace(11));
  EXPECT_NE(first, busy_trace(12));
}

TEST(RestartTest, ARestartInMidRolloutIsPickedUp) {
  TestWorld world(3);
  for (const char* name : {"n1", "n2"}) world.add_node(name);
  world.start();
  world.create(deployment("web", 5));
  world.advance(30s);
  world.edit<kube::Deployment>("default", "web", [](auto& each) {
    each.spec.template_.spec.containers.front().image = "v2";
  });
  for (int i = 0; i < 10; ++i) {
    world.advance(3s);
    world.restart_controllers();
  }
  world.advance(1min);
  const auto status = world.get<kube::Deployment>("default", "web")->status;
  EXPECT_EQ(status.updated_replicas, 5);
  EXPECT_EQ(status.available_replicas, 5);
  EXPECT_EQ(world.active_pods("default").size(), 5u);
}

TEST(QuietTest, ASettledClusterWritesNothingButHeartbeats) {
  TestWorld world(4);
  for (const char* name : {"n1", "n2"}) world.add_node(name);
  world.start();
  world.create(deployment("web", 5));
  world.advance(2min);
  int changes = 0;
  std::vector<std::unique_ptr<kube::Watch>> watches;
  for (const kube::Kind* kind : kube::all_kinds()) {
    if (*kind == kube::Lease::static_kind()) continue;
    const auto version = world.client().list(*kind, {}).value().resource_version;
    watches.push_back(
        world.client().watch(*kind, {}, version, [&](const auto&) { ++changes; }).value());
  }
  world.advance(10min);
  EXPECT_EQ(changes, 0);
}

}  // namespace
}  // namespace minato::controllers
