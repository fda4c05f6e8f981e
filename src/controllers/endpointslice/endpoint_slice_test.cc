#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/endpointslice/endpoints.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

kube::Service service(kube::IntOrString target = 8080) {
  kube::Service out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "web";
  out.metadata.uid = "service-uid";
  out.spec.selector["app"] = "web";
  kube::ServicePort& port = out.spec.ports.emplace_back();
  port.name = "http";
  port.port = 80;
  port.target_port = std::move(target);
  return out;
}

EndpointGroup group(std::size_t first, std::size_t count) {
  EndpointGroup out;
  out.address_type = "IPv4";
  for (std::size_t i = first; i < first + count; ++i) {
    kube::Endpoint& each = out.endpoints.emplace_back();
    each.addresses = {fmt::format("10.0.{}.{}", i / 200, i % 200)};
    each.target_ref.ensure().uid = fmt::format("{:04}", i);
  }
  return out;
}

std::vector<SlicePtr> as_slices(std::vector<kube::EndpointSlice> slices) {
  std::vector<SlicePtr> out;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    slices[i].metadata.name = fmt::format("web-{}", i);
    out.push_back(std::make_shared<const kube::EndpointSlice>(std::move(slices[i])));
  }
  return out;
}

TEST(PlanSlicesTest, SplitsAtTheLimit) {
  const SlicePlan plan = plan_slices(service(), {}, {group(0, 250)}, 100);
  ASSERT_EQ(plan.create.size(), 3u);
  EXPECT_EQ(plan.create[0].endpoints.size(), 100u);
  EXPECT_EQ(plan.create[2].endpoints.size(), 50u);
  EXPECT_EQ(plan.create[0].metadata.labels.at("kubernetes.io/service-name"), "web");
  EXPECT_EQ(plan.create[0].metadata.owner_references.front().uid, "service-uid");
}

TEST(PlanSlicesTest, NothingChangedWritesNothing) {
  const auto slices = as_slices(plan_slices(service(), {}, {group(0, 250)}, 100).create);
  const SlicePlan plan = plan_slices(service(), slices, {group(0, 250)}, 100);
  EXPECT_TRUE(plan.create.empty() && plan.update.empty() && plan.remove.empty());
}

TEST(PlanSlicesTest, OneMoreEndpointTouchesOneSlice) {
  const auto slices = as_slices(plan_slices(service(), {}, {group(0, 250)}, 100).create);
  const SlicePlan plan = plan_slices(service(), slices, {group(0, 251)}, 100);
  ASSERT_EQ(plan.update.size(), 1u);
  EXPECT_TRUE(plan.create.empty() && plan.remove.empty());
  EXPECT_EQ(plan.update[0].endpoints.size(), 51u);
}

TEST(PlanSlicesTest, ReplacementsFillTheHoleTheyLeave) {
  const auto slices = as_slices(plan_slices(service(), {}, {group(0, 200)}, 100).create);
  EndpointGroup wanted = group(1, 200);  // 0 is gone, 200 is new.
  const SlicePlan plan = plan_slices(service(), slices, {std::move(wanted)}, 100);
  ASSERT_EQ(plan.update.size(), 1u);
  EXPECT_EQ(plan.update[0].metadata.name, "web-0");
  EXPECT_EQ(plan.update[0].endpoints.size(), 100u);
  EXPECT_TRUE(plan.create.empty() && plan.remove.empty());
}

TEST(PlanSlicesTest, TheLastEndpointLeavesAnEmptySlice) {
  const auto slices = as_slices(plan_slices(service(), {}, {group(0, 150)}, 100).create);
  const SlicePlan plan = plan_slices(service(), slices, {}, 100);
  ASSERT_EQ(plan.update.size(), 1u);
  EXPECT_TRUE(plan.update[0].endpoints.empty());
  EXPECT_EQ(plan.remove.size(), 1u);
}

TEST(DesiredEndpointsTest, NamedPortsAreResolvedPodByPod) {
  const auto pod = [](const std::string& name, std::int32_t port) {
    kube::Pod out;
    out.metadata.namespace_ = "default";
    out.metadata.name = out.metadata.uid = name;
    out.spec = pod_template("web", "v1").spec;
    out.spec.containers.front().ports.push_back({.name = "main", .container_port = port});
    out.spec.node_name = "n";
    out.status.pod_ip = "10.0.0." + std::to_string(port % 100);
    return std::make_shared<const kube::Pod>(std::move(out));
  };
  const auto groups = desired_endpoints(
      service(std::string("main")), {pod("a", 8001), pod("b", 8002), pod("c", 8001)},
      [](const std::string&) { return std::make_shared<const kube::Node>(); });
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].ports.front().port, 8001);
  EXPECT_EQ(groups[0].endpoints.size(), 2u);
  EXPECT_EQ(groups[1].endpoints.size(), 1u);
}

class EndpointSliceTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_node("n1", "a");
    world_.add_node("n2", "b");
    world_.start();
  }
  std::vector<kube::Endpoint> endpoints() {
    std::vector<kube::Endpoint> out;
    for (const auto& slice : world_.all<kube::EndpointSlice>()) {
      out.insert(out.end(), slice->endpoints.begin(), slice->endpoints.end());
    }
    return out;
  }
  std::ptrdiff_t ready() {
    return std::ranges::count_if(endpoints(),
                                 [](const auto& each) { return each.conditions.ready == true; });
  }
  TestWorld world_;
};

TEST_F(EndpointSliceTest, FollowsPodsWithZoneNodeAndTarget) {
  world_.create(service());
  world_.time.settle();
  ASSERT_EQ(world_.all<kube::EndpointSlice>().size(), 1u);
  EXPECT_TRUE(endpoints().empty());
  world_.create(deployment("web", 4));
  world_.advance(30s);
  ASSERT_EQ(endpoints().size(), 4u);
  EXPECT_EQ(ready(), 4);
  std::set<std::string> zones;
  for (const auto& each : endpoints()) {
    zones.insert(each.zone.value_or(""));
    EXPECT_EQ(each.target_ref->kind, "Pod");
    EXPECT_TRUE(each.node_name.has_value());
    EXPECT_EQ(each.conditions.serving, true);
    EXPECT_EQ(each.conditions.terminating, false);
  }
  EXPECT_EQ(zones, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(world_.all<kube::EndpointSlice>().front()->ports.front().port, 8080);
}

TEST_F(EndpointSliceTest, ATerminatingPodServesButIsNotReady) {
  world_.create(service());
  world_.create(deployment("web", 1));
  world_.advance(20s);
  const auto pod = world_.active_pods("default").front();
  ASSERT_TRUE(world_.client().remove(kube::Pod::static_kind(), pod->key()));
  world_.time.settle();
  const auto all = endpoints();
  const auto leaving = std::ranges::find_if(
      all, [&](const auto& each) { return each.target_ref->uid == pod->metadata.uid; });
  ASSERT_NE(leaving, all.end());
  EXPECT_EQ(leaving->conditions.ready, false);
  EXPECT_EQ(leaving->conditions.serving, true);
  EXPECT_EQ(leaving->conditions.terminating, true);
}

TEST_F(EndpointSliceTest, PublishNotReadyAddressesSaysReady) {
  kube::Service eager = service();
  eager.spec.publish_not_ready_addresses = true;
  world_.create(std::move(eager));
  world_.create(deployment("web", 1));
  world_.advance(20s);
  ASSERT_TRUE(world_.client().remove(kube::Pod::static_kind(),
                                     world_.active_pods("default").front()->key()));
  world_.time.settle();
  EXPECT_EQ(ready(), 1);
}

TEST_F(EndpointSliceTest, LeavesServicesWithoutSelectorAndForeignSlicesAlone) {
  kube::Service manual = service();
  manual.spec.selector.clear();
  world_.create(std::move(manual));
  kube::EndpointSlice own;
  own.metadata.namespace_ = "default";
  own.metadata.name = "mine";
  own.metadata.labels["kubernetes.io/service-name"] = "web";
  own.address_type = "IPv4";
  world_.create(std::move(own));
  world_.advance(5s);
  ASSERT_EQ(world_.all<kube::EndpointSlice>().size(), 1u);
  EXPECT_EQ(world_.all<kube::EndpointSlice>().front()->metadata.name, "mine");
}

TEST_F(EndpointSliceTest, PodsOfADeletedNodeAreDroppedAtOnce) {
  world_.create(service());
  world_.create(deployment("web", 4));
  world_.advance(30s);
  world_.kill_node("n1");
  ASSERT_TRUE(world_.client().remove(kube::Node::static_kind(), {"", "n1"}));
  world_.time.settle();
  EXPECT_EQ(ready(), 2);
}

TEST_F(EndpointSliceTest, SlicesGoWithTheirService) {
  world_.create(service());
  world_.create(deployment("web", 1));
  world_.advance(20s);
  ASSERT_TRUE(world_.client().remove(kube::Service::static_kind(), {"default", "web"}));
  world_.time.settle();
  EXPECT_TRUE(world_.all<kube::EndpointSlice>().empty());
}

}  // namespace
}  // namespace minato::controllers
