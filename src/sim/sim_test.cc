#include <gtest/gtest.h>

#include "kube/display.h"
#include "sim/chaos.h"
#include "sim/sim_world.h"

namespace minato::sim {
namespace {

spec::Spec hello() {
  spec::Spec spec;
  spec.service = "hello";
  spec.image = "v1";
  spec.port = 8080;
  spec.region = "ap-northeast-1";
  spec.zones = {"a", "c", "d"};
  spec.replicas = {.min = 6, .max = 12};
  spec.master = {.types = {"t3.medium"}, .min = 2, .max = 2};
  spec.scaling = {.types = {"m6i.large"}, .min = 4, .max = 8};
  spec.stop = {.drain = 5s, .timeout = 10s};
  return spec;
}

class SimTest : public testing::Test {
 protected:
  explicit SimTest(double rate = 100) {
    SimOptions options;
    options.seed = 7;
    options.spec = hello();
    options.requests_per_second = 0;
    world_ = std::make_unique<SimWorld>(std::move(options));
    Behaviour good;
    world_->datacenter().set_behaviour("v1", good);
    world_->datacenter().set_behaviour("v2", good);
    Behaviour broken;
    broken.ready = false;
    world_->datacenter().set_behaviour("broken", broken);
    EXPECT_TRUE(world_->start());
    EXPECT_TRUE(world_->run_until_converged(60s)) << "the service never came up";
    world_->set_rate(rate);
  }
  ~SimTest() override { EXPECT_EQ(world_->violations(), std::vector<std::string>{}); }
  std::unique_ptr<SimWorld> world_;
};

TEST_F(SimTest, RollingUpdateFailsNoRequest) {
  ASSERT_TRUE(world_->deploy("v2"));
  world_->run_for(1s);
  EXPECT_FALSE(world_->converged());
  ASSERT_TRUE(world_->run_until_converged(5min));
  world_->run_for(30s);
  EXPECT_GT(world_->requests().ok, 1000u);
  EXPECT_EQ(world_->requests().failed(), 0u);
}

TEST_F(SimTest, ABrokenReleaseTakesNothingAway) {
  ASSERT_TRUE(world_->deploy("broken"));
  world_->run_for(3min);
  EXPECT_EQ(world_->requests().failed(), 0u);
  ASSERT_TRUE(world_->rollback());
  ASSERT_TRUE(world_->run_until_converged(5min));
  EXPECT_EQ(world_->requests().failed(), 0u);
}

TEST_F(SimTest, ADeadMachineIsReplacedAndTrafficRecovers) {
  world_->kill_machine(5);
  world_->run_for(1s);
  ASSERT_TRUE(world_->run_until_converged(2min));
  const std::uint64_t failed = world_->requests().failed();
  world_->run_for(60s);
  EXPECT_EQ(world_->requests().failed(), failed) << "failures went on after recovery";
}

TEST_F(SimTest, TrafficDoesNotNeedTheControlPlane) {
  world_->stop_control();
  world_->run_for(10min);
  EXPECT_EQ(world_->requests().failed(), 0u);
  ASSERT_TRUE(world_->start_control());
  world_->run_for(60s);
  EXPECT_TRUE(world_->converged());
  EXPECT_EQ(world_->requests().failed(), 0u);
  for (const auto& [key, pod] : world_->cluster().informers().of<kube::Pod>().all()) {
    EXPECT_EQ(kube::display(*pod).restarts, 0) << key.to_string();
  }
}

TEST_F(SimTest, ACrashedContainerComesBack) {
  world_->crash_container(3);
  world_->run_for(500ms);
  EXPECT_TRUE(world_->run_until_converged(60s));
}

class ChaosTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ChaosTest, InvariantsHoldItComesToRestAndTheTraceRepeats) {
  const ChaosReport first = run_chaos(hello(), {.seed = GetParam(), .steps = 150});
  EXPECT_EQ(first.violations, std::vector<std::string>{});
  const ChaosReport second = run_chaos(hello(), {.seed = GetParam(), .steps = 150});
  EXPECT_EQ(first.trace_hash, second.trace_hash) << "one seed gave two traces";
  EXPECT_GT(first.writes, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ChaosTest, testing::Range<std::uint64_t>(1, 9));

TEST(SimCatalogueTest, ATypeThatOnlyAFileKnowsRunsAndCostsWhatTheFileSays) {
  cloud::Catalogue catalogue;
  (void)catalogue.merge({{"x9.large", "amd64", 2, 8192, 29, 3'600'000, 1'000'000}});
  SimOptions options;
  options.spec = hello();
  options.spec.scaling.types = {"x9.large"};
  options.catalogue = &catalogue;
  SimWorld world(std::move(options));
  world.datacenter().set_behaviour("v1", Behaviour{});
  ASSERT_TRUE(world.start());
  ASSERT_TRUE(world.run_until_converged(60s));
  world.run_for(1h);
  std::int64_t seen = 0;
  for (const cloudmodel::Bill& bill : world.cluster().cloud().costs().instances) {
    if (!bill.group.ends_with(blueprint::kScalingGroup)) continue;
    EXPECT_EQ(bill.micro_usd_per_hour, 3'600'000) << bill.instance_id;
    ++seen;
  }
  EXPECT_EQ(seen, 4);
}

}  // namespace
}  // namespace minato::sim
