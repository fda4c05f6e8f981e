// Spot interruptions, Capacity Rebalancing, AZRebalance, scheduled events, costs.
#include "cloudmodel/fixture.h"

namespace minato::cloudmodel {
namespace {

using cloud::Market;
using testing::HasSubstr;

class SpotTest : public CloudFixture {
 protected:
  std::string relief_for(const std::string& id) {
    for (const cloud::Activity& activity : cloud_->describe_scaling_activities()) {
      if (activity.cause.find(id) != std::string::npos && activity.status != "Failed") {
        return activity.description.substr(activity.description.rfind(' ') + 1);
      }
    }
    return "";
  }
};

TEST_F(SpotTest, AnInterruptionGivesNoticeAndThenReallyKills) {
  run(spot_group(3));
  const std::string id = all()[0].id;
  const WallTime now = time_.wall();
  ASSERT_TRUE(cloud_->interrupt(id, {.rebalance_lead = 60s}));
  EXPECT_EQ(cloud_->rebalance_recommendation(id), now);
  EXPECT_FALSE(cloud_->notice(id));
  time_.advance(60s);
  EXPECT_EQ(cloud_->notice(id), (SpotNotice{"terminate", now + 180s}));
  EXPECT_TRUE(failed_with(cloud_->interrupt(id, {}), Reason::kInvalid)) << "under way already";
  time_.advance(119s);
  EXPECT_TRUE(machines_.machines.contains(id));
  EXPECT_EQ(machines_.boots, 3) << "without Capacity Rebalancing nothing is launched ahead";
  time_.advance(1s);
  EXPECT_FALSE(machines_.machines.contains(id));
  EXPECT_EQ(machines_.last_loss, instance::Loss::kTerminate);
  EXPECT_EQ(machines_.boots, 3);
  time_.advance(8s);
  EXPECT_EQ(machines_.boots, 4) << "after the failed health check";
  EXPECT_EQ(cloud_->find_instance(id), nullptr);
  EXPECT_FALSE(cloud_->notice(id));
}

TEST_F(SpotTest, RecommendationComesWithTheNoticeUnlessItLeads) {
  run(spot_group(1));
  ASSERT_TRUE(cloud_->interrupt(only().id, {}));
  EXPECT_TRUE(cloud_->rebalance_recommendation(only().id));
  EXPECT_EQ(cloud_->notice(only().id)->time, time_.wall() + 120s);
}

TEST_F(SpotTest, AnInterruptionMayComeWithoutNotice) {
  run(spot_group(1));
  const std::string id = only().id;
  ASSERT_TRUE(cloud_->interrupt(id, {.notice = 0s}));
  EXPECT_FALSE(cloud_->notice(id));
  time_.settle();
  EXPECT_FALSE(machines_.machines.contains(id));
}

TEST_F(SpotTest, OnlyRunningSpotInstancesCanBeInterrupted) {
  run(group(1));
  EXPECT_TRUE(failed_with(cloud_->interrupt(only().id, {}), Reason::kInvalid));
  EXPECT_TRUE(failed_with(cloud_->interrupt("i-0", {}), Reason::kNotFound));
  EXPECT_TRUE(failed_with(cloud_->cancel_interruption(only().id), Reason::kNotFound));
}

TEST_F(SpotTest, AShareOfAPoolIsDrawnByChanceAndRoundedUp) {
  cloud::AutoScalingGroup spec = spot_group(9);
  run(spec);
  const auto hit = cloud_->interrupt_share({.zone = "ra"}, 50, {});
  EXPECT_EQ(hit.size(), 2u);
  for (const std::string& id : hit) EXPECT_EQ(cloud_->find_instance(id)->zone, "ra");
  EXPECT_EQ(cloud_->interrupt_share({}, 100, {}).size(), 7u) << "the others";
  EXPECT_TRUE(cloud_->interrupt_share({}, 100, {}).empty());
}

TEST_F(SpotTest, ACancelledNoticeChangesNothing) {
  run(spot_group(1));
  const std::string id = only().id;
  ASSERT_TRUE(cloud_->interrupt(id, {}));
  time_.advance(119s);
  ASSERT_TRUE(cloud_->cancel_interruption(id));
  EXPECT_FALSE(cloud_->notice(id));
  EXPECT_FALSE(cloud_->rebalance_recommendation(id));
  time_.advance(10min);
  EXPECT_TRUE(machines_.machines.contains(id));
  EXPECT_TRUE(cloud_->interrupt(id, {})) << "and it may come again";
}

TEST_F(SpotTest, CapacityRebalancingLaunchesFirstAndWaitsUntilTheNewOneIsHealthy) {
  cloud::AutoScalingGroup spec = spot_group(3);
  spec.capacity_rebalance = true;
  spec.max_size = 3;
  run(spec);
  balancer_.all_healthy();
  const std::string id = all()[0].id;
  ASSERT_TRUE(cloud_->recommend_rebalance(id));
  const std::string relief = relief_for(id);
  ASSERT_NE(cloud_->find_instance(relief), nullptr);
  EXPECT_EQ(all().size(), 4u) << "one beyond the maximum";
  const cloud::Instance& fresh = *cloud_->find_instance(relief);
  const cloud::Instance& old = *cloud_->find_instance(id);
  EXPECT_NE(std::pair(fresh.type, fresh.zone), std::pair(old.type, old.zone));
  time_.advance(60s);
  EXPECT_EQ(state_of(relief), "InService");
  EXPECT_EQ(state_of(id), "InService") << "its target is not healthy yet";
  balancer_.report(relief, balancer::Health::kHealthy);
  EXPECT_EQ(state_of(id), "Terminating");
  time_.advance(31s);
  EXPECT_EQ(all().size(), 3u);
  EXPECT_EQ(machines_.boots, 4);
}

TEST_F(SpotTest, CapacityRebalancingKeepsWithinTheAllowance) {
  cloud::AutoScalingGroup spec = spot_group(10);
  spec.capacity_rebalance = true;
  run(spec);
  balancer_.all_healthy();
  EXPECT_EQ(cloud_->interrupt_share({}, 50, {.rebalance_lead = 1h}).size(), 5u);
  EXPECT_EQ(all().size(), 11u);
  for (int i = 0; i < 6; ++i) {
    time_.advance(40s);
    EXPECT_LE(static_cast<int>(machines_.machines.size()), 12);
    balancer_.all_healthy();
  }
  time_.advance(40s);
  EXPECT_EQ(machines_.boots, 15);
  EXPECT_EQ(all().size(), 10u);
}

TEST_F(SpotTest, AnInterruptionOvertakesItsReplacement) {
  cloud::AutoScalingGroup spec = spot_group(2);
  spec.capacity_rebalance = true;
  run(spec);
  const std::string id = all()[0].id;
  ASSERT_TRUE(cloud_->interrupt(id, {.notice = 1s}));
  time_.advance(20s);
  EXPECT_EQ(machines_.boots, 3) << "the relief is the replacement";
  EXPECT_EQ(all().size(), 2u);
}

TEST_F(SpotTest, ACancelledNoticeTakesItsReplacementBackAsWell) {
  cloud::AutoScalingGroup spec = spot_group(2);
  spec.capacity_rebalance = true;
  run(spec);
  const std::string id = all()[0].id;
  ASSERT_TRUE(cloud_->interrupt(id, {}));
  const std::string relief = relief_for(id);
  ASSERT_TRUE(cloud_->cancel_interruption(id));
  time_.advance(60s);
  EXPECT_EQ(cloud_->find_instance(relief), nullptr);
  EXPECT_EQ(state_of(id), "InService");
  EXPECT_EQ(all().size(), 2u);
}

TEST_F(SpotTest, AReplacementThatFindsNoCapacityIsTriedAgain) {
  cloud::AutoScalingGroup spec = spot_group(1);
  spec.capacity_rebalance = true;
  spec.types = {"m5.large"};
  spec.zones = {"ra"};
  run(spec);
  const std::string id = only().id;
  spec.types = {"m5.large", "m5a.large"};
  cloud_->set_capacity({.type = "m5.large"}, Capacity::kExhausted);
  cloud_->set_capacity({.type = "m5a.large"}, Capacity::kExhausted);
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  ASSERT_TRUE(cloud_->recommend_rebalance(id));
  EXPECT_EQ(all().size(), 1u);
  EXPECT_EQ(last_activity().status, "Failed");
  EXPECT_EQ(state_of(id), "InService") << "it is kept as long as EC2 leaves it";
  cloud_->set_capacity({}, Capacity::kAvailable);
  time_.advance(10s);
  EXPECT_EQ(all().size(), 2u);
  EXPECT_EQ(cloud_->find_instance(relief_for(id))->type, "m5a.large");
}

TEST_F(SpotTest, AzRebalanceLaunchesBeforeItTerminates) {
  cloud::AutoScalingGroup spec = group(6);
  spec.max_size = 6;
  cloud_->set_capacity({.zone = "rd"}, Capacity::kExhausted);
  run(spec);
  balancer_.all_healthy();
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 3}, {"rc", 3}}));
  time_.advance(10min);
  EXPECT_EQ(machines_.boots, 6) << "there is nowhere to go";
  cloud_->set_capacity({}, Capacity::kAvailable);
  time_.advance(60s);
  EXPECT_EQ(machines_.machines.size(), 7u) << "one beyond the maximum";
  for (int i = 0; i < 4; ++i) {
    balancer_.all_healthy();
    time_.advance(95s);
  }
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 2}, {"rc", 2}, {"rd", 2}}));
  EXPECT_EQ(machines_.boots, 8);
  EXPECT_EQ(all().size(), 6u);
}

TEST_F(SpotTest, AzRebalanceCanBeSuspendedOrSwitchedOff) {
  cloud::AutoScalingGroup spec = group(6);
  spec.suspended_processes = {"AZRebalance"};
  cloud_->set_capacity({.zone = "rd"}, Capacity::kExhausted);
  run(spec);
  cloud_->set_capacity({}, Capacity::kAvailable);
  time_.advance(1h);
  EXPECT_EQ(machines_.boots, 6);
  options_.az_rebalance = false;
  restart();
  spec.suspended_processes.clear();
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  time_.advance(1h);
  EXPECT_EQ(machines_.boots, 6);
}

TEST_F(SpotTest, InstancesLeaveAZoneThatLeftTheGroup) {
  run(group(3));
  balancer_.all_healthy();
  cloud::AutoScalingGroup spec = group(3);
  spec.zones = {"ra", "rc"};
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  time_.advance(63s);
  balancer_.all_healthy();
  time_.advance(40s);
  EXPECT_EQ(zones().count("rd"), 0u);
  EXPECT_EQ(all().size(), 3u);
}

TEST_F(SpotTest, ScheduledEventsShowEndTheMachineAndCanBeCancelled) {
  run(group(1));
  const std::string id = only().id;
  const auto first = cloud_->schedule_maintenance(id, Maintenance::kSystemReboot, 1h);
  const auto second = cloud_->schedule_maintenance(id, Maintenance::kInstanceRetirement, 2h);
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(cloud_->cancel_maintenance(id, *first));
  EXPECT_TRUE(failed_with(cloud_->cancel_maintenance(id, *first), Reason::kNotFound));
  const auto events = cloud_->maintenance_events(id);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].code, "system-reboot");
  EXPECT_EQ(events[0].state, "canceled");
  EXPECT_EQ(events[1].code, "instance-retirement");
  EXPECT_EQ(events[1].state, "active");
  EXPECT_EQ(events[1].not_before, time_.wall() + 2h);
  time_.advance(2h - 1s);
  EXPECT_TRUE(machines_.machines.contains(id));
  restart();
  time_.advance(1s);
  EXPECT_FALSE(machines_.machines.contains(id));
  time_.advance(10s);
  EXPECT_EQ(all().size(), 1u);
  EXPECT_EQ(cloud_->costs().instances.back().waived, false);
}

TEST_F(SpotTest, CostsCountSecondsOfEachMarketFromRunningToShuttingDown) {
  cloud::AutoScalingGroup spec = spot_group(2);
  spec.types = {"m5.large"};
  spec.distribution.on_demand_base_capacity = 1;
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  cloud_->start();
  EXPECT_EQ(cloud_->costs().total.exact, 0) << "pending is free";
  time_.advance(2s);
  time_.advance(1h);
  Costs costs = cloud_->costs();
  EXPECT_EQ(costs.on_demand.micro_usd(), 96'000);
  EXPECT_EQ(costs.spot.micro_usd(), 32'640);
  EXPECT_EQ(costs.total.micro_usd(), 128'640);
  EXPECT_EQ(costs.groups.at("scaling"), costs.total);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 0));
  time_.advance(30s);  // Draining is billed.
  costs = cloud_->costs();
  EXPECT_EQ(costs.on_demand.exact, 96'000LL * 3630);
  EXPECT_EQ(costs.instances.size(), 2u);
  restart();
  time_.advance(24h);
  EXPECT_EQ(cloud_->costs().total, costs.total) << "nothing is billed after the end";
}

TEST_F(SpotTest, AMachineThatDiesIsBilledNoLonger) {
  run(group(1));
  time_.advance(59s);  // It runs for 60 s.
  machines_.die(only().id);
  const Cost cost = cloud_->costs().total;
  time_.advance(4s);
  EXPECT_EQ(cloud_->costs().total, cost);
}

TEST_F(SpotTest, AnInterruptionWithinTheFirstHourIsFree) {
  struct Case {
    Duration after;
    bool by_ec2;
    bool free;
  };
  for (const Case& c :
       {Case{59min, true, true}, Case{61min, true, false}, Case{59min, false, false}}) {
    cloud_.reset();
    machines_.machines.clear();
    make();
    run(spot_group(1));
    const std::string id = only().id;
    time_.advance(c.after);
    if (c.by_ec2) {
      ASSERT_TRUE(cloud_->interrupt(id, {.notice = 0s}));
    } else {
      ASSERT_TRUE(cloud_->terminate_instance(id, cloud::Decrement::kYes));
    }
    time_.advance(40s);
    const Costs costs = cloud_->costs();
    const auto bill = std::ranges::find(costs.instances, id, &Bill::instance_id);
    ASSERT_NE(bill, costs.instances.end());
    EXPECT_EQ(bill->waived, c.free);
    EXPECT_EQ(bill->cost(time_.wall()).exact == 0, c.free);
  }
}

}  // namespace
}  // namespace minato::cloudmodel
