// How many Nodes, against cluster-autoscaler's estimator tests and its benchmark.
#include <gtest/gtest.h>

#include "autoscaler/estimator.h"
#include "autoscaler/testing/scene.h"

namespace minato::autoscaler {
namespace {

using namespace testing;

class EstimatorTest : public ::testing::Test {
 protected:
  EstimatorTest() { scene.node(make_node("old", "zone-jupiter", 100, 100, 10)); }

  void templates(int milli_cpu, int mib, int pods = 10,
                 const std::vector<std::string>& zones = {"zone-mars"}) {
    for (const std::string& zone : zones) {
      NodeTemplate out{.zone = zone};
      auto node = std::make_shared<kube::Node>(make_node("t-" + zone, zone, milli_cpu, mib, pods));
      out.info.allocatable = scheduling::parse_resources(node->status.allocatable);
      out.node = std::move(node);
      least.least.push_back(std::move(out));
      counts[zone] = 0;
    }
  }
  void pods(const std::string& prefix, int count, const kube::Pod& pod) {
    PodGroup group;
    for (int i = 0; i < count; ++i) {
      kube::Pod copy = pod;
      copy.metadata.name = fmt::format("{}-{}", prefix, i);
      copy.metadata.uid = copy.metadata.name;
      group.pods.push_back(
          scene.templates.parse(std::make_shared<const kube::Pod>(std::move(copy))));
    }
    group.pod_template = group.pods.front()->pod_template;
    groups.push_back(std::move(group));
  }
  Estimate run(std::vector<std::int32_t> limits = {}) {
    std::vector<const PodGroup*> all;
    for (const PodGroup& group : groups) all.push_back(&group);
    Estimate out = estimate(scene.placer, least, ZoneBalance(counts), all, NodeLimiter(limits));
    EXPECT_EQ(scene.snapshot.audit(), "");
    EXPECT_EQ(scene.snapshot.order().size(), 1U) << "the Snapshot is as before";
    return out;
  }
  static kube::Pod spread(kube::Pod pod, const std::string& key, int skew, int domains = 1) {
    st::add_spread(pod, key, skew);
    pod.spec.topology_spread_constraints.back().min_domains = domains;
    return pod;
  }
  static kube::Pod app(int cpu, int mib) { return make_pod("p", cpu, mib, {{"app", "e"}}); }

  Scene scene;
  GroupTemplates least;
  std::map<std::string, std::int32_t> counts;
  std::vector<PodGroup> groups;
};

TEST_F(EstimatorTest, PacksByResources) {
  templates(1000, 2000);
  pods("p", 10, app(350, 1000));
  const Estimate out = run();
  EXPECT_EQ(out.nodes, 5);
  EXPECT_EQ(out.pods.size(), 10U);
  EXPECT_EQ(out.requested.milli_cpu, 3500);
}

TEST_F(EstimatorTest, IsBoundByPodsPerNode) {
  templates(10'000, 20'000);
  pods("p", 20, app(10, 100));
  EXPECT_EQ(run().nodes, 2);
}

TEST_F(EstimatorTest, HostPortsTakeANodeEach) {
  templates(1000, 5000);
  kube::Pod pod = app(200, 1000);
  kube::ContainerPort port;
  port.container_port = 5555;
  port.host_port = 5555;
  pod.spec.containers[0].ports.push_back(port);
  pods("p", 8, pod);
  EXPECT_EQ(run().nodes, 8);
}

TEST_F(EstimatorTest, LimitsStopIt) {
  templates(1000, 5000);
  pods("p", 20, app(500, 1000));
  const Estimate out = run({5});
  EXPECT_EQ(out.nodes, 5);
  EXPECT_EQ(out.pods.size(), 10U);
  EXPECT_TRUE(out.limited);
  EXPECT_EQ(run({-1}).nodes, 0);
}

TEST_F(EstimatorTest, LargePodsComeFirst) {
  templates(1000, 5000);
  pods("small", 10, app(50, 1000));
  pods("large", 10, app(500, 1000));
  const Estimate out = run({5});
  ASSERT_EQ(out.pods.size(), 10U);
  for (const auto& pod : out.pods) EXPECT_EQ(pod->pod_template->requests.milli_cpu, 500);
}

TEST_F(EstimatorTest, HostnameSpreadWithSkewTwoPutsTwoOnEach) {
  templates(1000, 5000);
  pods("p", 8, spread(app(200, 200), std::string(kube::kLabelHostname), 2));
  const Estimate out = run();
  EXPECT_EQ(out.nodes, 4);
  EXPECT_EQ(out.pods.size(), 8U);
}

TEST_F(EstimatorTest, HostnameSpreadFillsEarlierNodesToo) {
  // The old Node is a host like the others: small, but it counts for the domains.
  templates(1000, 5000);
  pods("p", 12, spread(app(20, 0), std::string(kube::kLabelHostname), 1, 3));
  Estimate out = run();
  EXPECT_EQ(out.nodes, 2);
  EXPECT_EQ(out.pods.size(), 12U);
  // Without its label it is none, and then three are needed.
  kube::Node old = make_node("old", "zone-jupiter", 100, 100, 10);
  old.metadata.labels.erase(std::string(kube::kLabelHostname));
  scene.node(old);
  out = run();
  EXPECT_EQ(out.nodes, 3);
  EXPECT_EQ(out.pods.size(), 12U);
}

TEST_F(EstimatorTest, ZoneSpreadOverOneZoneHelpsOnlyAsManyAsTheSkew) {
  templates(1000, 5000);
  pods("p", 8, spread(app(20, 100), std::string(kube::kLabelZone), 2));
  const Estimate out = run();
  EXPECT_EQ(out.nodes, 1);
  EXPECT_EQ(out.pods.size(), 2U);
}

TEST_F(EstimatorTest, ZoneSpreadOverTheZonesOfTheGroupHelpsAll) {
  scene.snapshot.remove_node("old");
  scene.seen.nodes.clear();
  scene.node(make_node("old", "a", 10, 10, 10));
  templates(1000, 5000, 10, {"a", "b", "c"});
  pods("p", 6, spread(app(500, 100), std::string(kube::kLabelZone), 1));
  const Estimate out = run();
  EXPECT_EQ(out.nodes, 3);
  EXPECT_EQ(out.pods.size(), 6U);
}

TEST_F(EstimatorTest, APodOfOneZoneGetsTheNodesThatBalancePutsBeforeIt) {
  templates(1000, 5000, 10, {"a", "b", "c"});
  kube::Pod pod = app(500, 100);
  pod.spec.node_selector[std::string(kube::kLabelZone)] = "c";
  pods("p", 1, pod);
  // The group fills a and b before c.
  EXPECT_EQ(run().nodes, 3);
  counts = {{"a", 1}, {"b", 1}, {"c", 0}};
  EXPECT_EQ(run().nodes, 1);
}

TEST_F(EstimatorTest, NothingIsOpenedForPodsThatNoZoneTakes) {
  templates(1000, 5000, 10, {"a", "b"});
  pods("p", 3, app(1500, 100));
  pods("q", 2, app(500, 100));
  const Estimate out = run();
  EXPECT_EQ(out.nodes, 1);
  EXPECT_EQ(out.pods.size(), 2U);
}

TEST_F(EstimatorTest, FiftyOneThousandPods) {
  templates(1000, 5000, 100);
  kube::Pod small = app(50, 0);
  kube::Pod large = app(95, 0);
  small.spec.containers[0].resources.requests["memory"] = st::quantity("100");
  large.spec.containers[0].resources.requests["memory"] = st::quantity("190");
  pods("small", 50'000, small);
  pods("large", 1'000, large);
  const Estimate out = run({3'000});
  EXPECT_EQ(out.nodes, 2'595);
  EXPECT_EQ(out.pods.size(), 51'000U);
}

}  // namespace
}  // namespace minato::autoscaler
