// Groups: sizes, markets, zones, capacity, activities.
#include "cloudmodel/fixture.h"

namespace minato::cloudmodel {
namespace {

using cloud::Decrement;
using cloud::Market;
using testing::HasSubstr;
using testing::StartsWith;

class CloudTest : public CloudFixture {};

TEST_F(CloudTest, HoldsDesiredCapacityBalancedOverZones) {
  run(group(6));
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 2}, {"rc", 2}, {"rd", 2}}));
  EXPECT_EQ(balancer_.targets.size(), 6u);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 3));
  time_.advance(1s);
  EXPECT_EQ(machines_.machines.size(), 6u) << "targets drain before their machines end";
  time_.advance(30s);
  EXPECT_EQ(machines_.machines.size(), 3u);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 1}, {"rc", 1}, {"rd", 1}}));
  EXPECT_TRUE(failed_with(cloud_->set_desired_capacity("scaling", 11), Reason::kInvalid));
  EXPECT_TRUE(failed_with(cloud_->set_desired_capacity("other", 1), Reason::kNotFound));
}

TEST_F(CloudTest, GroupsThatMakeNoSenseAreRefused) {
  cloud::AutoScalingGroup spec = group(11);
  EXPECT_TRUE(failed_with(cloud_->put_auto_scaling_group(spec), Reason::kInvalid));
  spec = group(1);
  spec.types.clear();
  EXPECT_TRUE(failed_with(cloud_->put_auto_scaling_group(spec), Reason::kInvalid));
  spec = group(1);
  spec.distribution.on_demand_percentage_above_base_capacity = 101;
  EXPECT_TRUE(failed_with(cloud_->put_auto_scaling_group(spec), Reason::kInvalid));
  spec = group(1);
  spec.lifecycle_hooks = {{.name = "too-short", .heartbeat_timeout = 29s}};
  EXPECT_TRUE(failed_with(cloud_->put_auto_scaling_group(spec), Reason::kInvalid));
  EXPECT_TRUE(cloud_->describe_auto_scaling_groups().empty());
}

TEST_F(CloudTest, TheDriverIsToldSizeMarketAndPlace) {
  run(spot_group(1));
  const instance::Spec& spec = machines_.specs.at(only().id);
  EXPECT_TRUE(spec.spot);
  EXPECT_EQ(spec.vcpus, 2);
  EXPECT_EQ(spec.memory_bytes, 8LL << 30);
  EXPECT_EQ(spec.group, "scaling");
  EXPECT_EQ(spec.zone, only().zone);
  EXPECT_EQ(spec.type, only().type);
}

TEST_F(CloudTest, SeamAnswersInALaterTurnAndOnlyOnce) {
  run(group(2));
  EXPECT_TRUE(answer_of([&](cloud::Done done) {
    cloud_->set_desired_capacity("scaling", 3, std::move(done));
  }));
  EXPECT_TRUE(failed_with(answer_of([&](cloud::Done done) {
                            cloud_->terminate_instance_in_auto_scaling_group(
                                "i-0", Decrement::kNo, std::move(done));
                          }),
                          Reason::kNotFound));
  bool answered = false;
  cloud_->set_desired_capacity("scaling", 2, [&](Status) { answered = true; });
  cloud_.reset();
  time_.settle();
  EXPECT_FALSE(answered) << "never, when the implementation is gone";
}

TEST_F(CloudTest, StateIsSavedOncePerTurnAndBeforeTheDriverIsAsked) {
  ASSERT_TRUE(cloud_->put_auto_scaling_group(group(6)));
  machines_.before_boot = machines_.before_terminate = [&](const std::string& id) {
    EXPECT_THAT(saved_, HasSubstr(id));
  };
  cloud_->start();
  time_.settle();
  EXPECT_EQ(machines_.boots, 6);
  EXPECT_EQ(saves_, 1);
  time_.advance(3s);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 0));
  cloud_->flush();
  EXPECT_THAT(saved_, HasSubstr("\"desiredCapacity\":0"));
  time_.advance(40s);
  EXPECT_TRUE(all().empty());
}

TEST_F(CloudTest, ADeadInstanceIsReplacedInItsZoneAfterTheCheck) {
  run(group(3));
  const cloud::Instance victim = all()[0];
  std::vector<std::string> lost;
  cloud_->set_listener({{}, [&](const cloud::Instance& i) { lost.push_back(i.id); }, {}});
  machines_.die(victim.id);
  EXPECT_FALSE(cloud_->exists(victim.provider_id()));
  EXPECT_EQ(lost, std::vector<std::string>{victim.id});
  EXPECT_TRUE(cloud_->find_instance(victim.id)->healthy) << "the group does not know yet";
  time_.advance(4s);
  EXPECT_EQ(machines_.boots, 3);
  time_.advance(4s);
  EXPECT_EQ(machines_.boots, 4);
  EXPECT_EQ(cloud_->find_instance(victim.id), nullptr);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 1}, {"rc", 1}, {"rd", 1}}));
}

TEST_F(CloudTest, FailedLaunchesBackOffAndSayWhy) {
  machines_.fail_boots = 2;
  machines_.boot_error = "InternalError: try again";
  run(group(1));
  EXPECT_TRUE(all().empty());
  EXPECT_EQ(last_activity().status, "Failed");
  EXPECT_THAT(last_activity().status_message, StartsWith("InternalError"));
  EXPECT_TRUE(is_set(last_activity().end));
  time_.advance(8s);
  EXPECT_EQ(machines_.boots, 1) << "the first retry is due after 10 s";
  time_.advance(52s);
  EXPECT_EQ(machines_.boots, 3);
  EXPECT_EQ(all().size(), 1u);
}

TEST_F(CloudTest, APoolThatRefusesIsTriedLastAndAnotherZoneAtOnce) {
  machines_.fail_boots = 1;
  run(group(1));
  time_.advance(2s);
  EXPECT_EQ(machines_.boots, 2);
  EXPECT_EQ(only().zone, "rc");
}

TEST_F(CloudTest, AnotherDesiredCapacityIsTriedAtOnceWhateverFailedBefore) {
  cloud_->set_capacity({}, Capacity::kExhausted);
  run(group(1));
  EXPECT_EQ(last_activity().status, "Failed");
  cloud_->set_capacity({}, Capacity::kAvailable);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 2));
  time_.advance(3s);
  EXPECT_EQ(machines_.machines.size(), 2u);
}

TEST_F(CloudTest, ActivitiesTellWhatWasAskedForAndHowItEnded) {
  run(group(1));
  const cloud::Activity launch = last_activity();
  EXPECT_EQ(launch.id, 1u);
  EXPECT_EQ(launch.status, "Successful");
  EXPECT_EQ(launch.description, "Launching a new EC2 instance: " + only().id);
  EXPECT_THAT(launch.cause, HasSubstr("from 0 to 1"));
  EXPECT_EQ(launch.type, "m5.large");
  EXPECT_EQ(launch.zone, "ra");
  EXPECT_EQ(launch.end - launch.start, 2s);
  ASSERT_TRUE(cloud_->terminate_instance(only().id, Decrement::kYes));
  EXPECT_EQ(last_activity().status, "InProgress");
  EXPECT_EQ(last_activity().type, "");
  time_.advance(31s);
  EXPECT_EQ(last_activity().status, "Successful");
  EXPECT_EQ(cloud_->describe_scaling_activities().size(), 2u);
}

TEST_F(CloudTest, DecrementStopsAtTheMinimumAndReplacesWithoutIt) {
  cloud::AutoScalingGroup spec = group(2);
  spec.min_size = 2;
  run(spec);
  const std::string id = all()[0].id;
  EXPECT_TRUE(failed_with(cloud_->terminate_instance(id, Decrement::kYes), Reason::kInvalid));
  EXPECT_EQ(state_of(id), "InService");
  ASSERT_TRUE(cloud_->terminate_instance(id, Decrement::kNo));
  time_.advance(40s);
  EXPECT_EQ(cloud_->find_instance(id), nullptr);
  EXPECT_EQ(all().size(), 2u);
}

TEST_F(CloudTest, MarketsFollowTheDistributionAsTheGroupGrows) {
  cloud::AutoScalingGroup spec = spot_group(10);
  spec.max_size = 40;
  spec.distribution.on_demand_base_capacity = 10;
  spec.distribution.on_demand_percentage_above_base_capacity = 50;
  run(spec);
  const std::map<int, int> cases{{10, 10}, {20, 15}, {30, 20}, {40, 25}};
  for (const auto& [desired, on_demand] : cases) {
    ASSERT_TRUE(cloud_->set_desired_capacity("scaling", desired));
    time_.advance(3s);
    EXPECT_EQ(count(Market::kOnDemand), on_demand);
    EXPECT_EQ(count(Market::kSpot), desired - on_demand);
  }
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 20));
  time_.advance(40s);
  EXPECT_EQ(count(Market::kOnDemand), 15) << "scaling in keeps the split as well";
}

TEST_F(CloudTest, AnotherDistributionLeavesWhatRunsAlone) {
  run(spot_group(4));
  cloud::InstancesDistribution all_on_demand;
  ASSERT_TRUE(cloud_->update_instances_distribution("scaling", all_on_demand));
  time_.advance(60s);
  EXPECT_EQ(count(Market::kSpot), 4);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 6));
  time_.advance(3s);
  EXPECT_EQ(count(Market::kOnDemand), 2);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 4));
  EXPECT_EQ(count(Market::kOnDemand), 2) << "Spot is in excess now";
}

TEST_F(CloudTest, WithoutSpotCapacityTheLaunchFailsUntilTheDistributionChanges) {
  cloud_->set_capacity({.market = Market::kSpot}, Capacity::kExhausted);
  run(spot_group(3));
  EXPECT_TRUE(all().empty()) << "AWS does not fall back by itself";
  const cloud::Activity failed = last_activity();
  EXPECT_EQ(failed.status, "Failed");
  EXPECT_THAT(failed.status_message, StartsWith("UnfulfillableCapacity: "));
  EXPECT_EQ(failed.market, Market::kSpot);
  EXPECT_EQ(failed.type, "m5.large");
  EXPECT_EQ(failed.zone, "ra");
  EXPECT_EQ(cloud_->describe_scaling_activities().size(), 1u) << "one failure, then it backs off";
  ASSERT_TRUE(cloud_->update_instances_distribution("scaling", {}));
  time_.advance(3s);
  EXPECT_EQ(count(Market::kOnDemand), 3);
}

TEST_F(CloudTest, OneMarketWithoutCapacityDoesNotHoldUpTheOther) {
  cloud::AutoScalingGroup spec = spot_group(4);
  spec.distribution.on_demand_base_capacity = 2;
  cloud_->set_capacity({.market = Market::kSpot}, Capacity::kExhausted);
  run(spec);
  EXPECT_EQ(count(Market::kOnDemand), 2);
  machines_.die(all()[0].id);
  time_.advance(8s);
  EXPECT_EQ(count(Market::kOnDemand), 2) << "replaced though Spot is backing off";
}

TEST_F(CloudTest, CapacityErrorsCarryAwsCodes) {
  cloud_->set_capacity({.type = "m5.large", .zone = "ra"}, Capacity::kExhausted);
  cloud::AutoScalingGroup spec = group(1);
  spec.zones = {"ra"};
  spec.types = {"m5.large"};
  run(spec);
  EXPECT_THAT(last_activity().status_message, StartsWith("InsufficientInstanceCapacity: "));
  EXPECT_THAT(last_activity().status_message, HasSubstr("m5.large in ra"));

  cloud_->set_spot_limit(1);
  spec = spot_group(2);
  spec.name = "spot";
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  time_.advance(3s);
  EXPECT_EQ(count(Market::kSpot), 1);
  EXPECT_THAT(last_activity().status_message, StartsWith("MaxSpotInstanceCountExceeded: "));
}

TEST_F(CloudTest, AnExhaustedPoolIsReplacedByAnotherTypeOfTheZoneFirst) {
  cloud::AutoScalingGroup spec = group(3);
  spec.types = {"m5.large", "m5a.large"};
  cloud_->set_capacity({.type = "m5.large", .zone = "ra"}, Capacity::kExhausted);
  cloud_->set_capacity({.zone = "rd"}, Capacity::kExhausted);
  run(spec);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 2}, {"rc", 1}}));
  for (const cloud::Instance& instance : all()) {
    EXPECT_EQ(instance.type, instance.zone == "ra" ? "m5a.large" : "m5.large");
  }
}

TEST_F(CloudTest, ScaleInSparesTheProtectedAndTakesTheOldestOfTheFullestZone) {
  run(group(3));
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 5));
  time_.advance(3s);  // ra and rc have two.
  std::map<std::string, std::vector<std::string>> by_zone;
  for (const cloud::Instance& i : all()) by_zone[i.zone].push_back(i.id);
  const auto oldest_of = [&](const std::string& zone) {
    const auto& ids = by_zone[zone];
    return cloud_->find_instance(ids[0])->launch_time < cloud_->find_instance(ids[1])->launch_time
               ? ids[0]
               : ids[1];
  };
  const std::string spared = oldest_of("ra"), taken = oldest_of("rc");
  ASSERT_TRUE(cloud_->set_instance_protection(spared, Protection::kOn));
  for (const std::string& id : by_zone["ra"]) {
    ASSERT_TRUE(cloud_->set_instance_protection(id, Protection::kOn));
  }
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 4));
  EXPECT_EQ(state_of(taken), "Terminating");
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 0));
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 2}})) << "protected ones stay";
  ASSERT_TRUE(cloud_->set_instance_protection(spared, Protection::kOff));
  EXPECT_EQ(state_of(spared), "Terminating");
}

TEST_F(CloudTest, NewInstancesAreProtectedWhereTheGroupSaysSo) {
  cloud::AutoScalingGroup spec = group(2);
  spec.new_instances_protected_from_scale_in = true;
  run(spec);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 0));
  time_.advance(60s);
  EXPECT_EQ(all().size(), 2u);
}

TEST_F(CloudTest, SuspendedProcessesAreLeftUndone) {
  cloud::AutoScalingGroup spec = group(3);
  spec.suspended_processes = {"Launch", "Terminate", "ReplaceUnhealthy"};
  run(spec);
  EXPECT_TRUE(all().empty());
  spec.suspended_processes = {"Terminate", "ReplaceUnhealthy"};
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  time_.advance(3s);
  EXPECT_EQ(all().size(), 3u);
  spec.desired_capacity = 2;
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  const std::string dead = all()[0].id;
  machines_.die(dead);
  time_.advance(60s);
  EXPECT_FALSE(cloud_->find_instance(dead)->healthy);
  EXPECT_EQ(all().size(), 3u);
  spec.suspended_processes.clear();
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  time_.advance(60s);
  EXPECT_EQ(cloud_->find_instance(dead), nullptr);
  EXPECT_EQ(all().size(), 2u);
}

TEST_F(CloudTest, WithElbHealthChecksAFailedTargetIsReplacedAfterItsGrace) {
  cloud::AutoScalingGroup spec = group(1);
  spec.elb_health_check = true;
  spec.health_check_grace_period = 60s;
  run(spec);
  const std::string id = only().id;
  balancer_.report(id, balancer::Health::kUnhealthy);
  time_.advance(30s);
  EXPECT_EQ(state_of(id), "InService") << "within its grace period";
  balancer_.report(id, balancer::Health::kHealthy);
  time_.advance(60s);
  EXPECT_EQ(state_of(id), "InService");
  balancer_.report(id, balancer::Health::kUnhealthy);
  time_.advance(4s);
  EXPECT_EQ(state_of(id), "InService");
  time_.advance(2s);
  EXPECT_EQ(state_of(id), "Terminating");
  EXPECT_THAT(cloud_->describe_scaling_activities()[1].cause, HasSubstr("ELB"));
}

TEST_F(CloudTest, WithoutElbHealthChecksAFailedTargetStays) {
  run(group(1));
  balancer_.report(only().id, balancer::Health::kUnhealthy);
  time_.advance(1h);
  EXPECT_EQ(machines_.boots, 1);
}

TEST_F(CloudTest, AFailedZoneLosesItsMachinesAndTakesNoneUntilItIsRestored) {
  run(group(6));
  cloud_->fail_zone("ra");
  time_.advance(10s);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"rc", 3}, {"rd", 3}}));
  EXPECT_EQ(machines_.machines.size(), 6u);
  balancer_.all_healthy();
  cloud_->restore_zone("ra");
  time_.advance(63s);
  balancer_.all_healthy();
  time_.advance(100s);
  balancer_.all_healthy();
  time_.advance(100s);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 2}, {"rc", 2}, {"rd", 2}}));
}

TEST_F(CloudTest, AZoneThatIsPassedOverIsAFailedActivityOfItsOwn) {
  run(group(3));
  cloud_->fail_zone("ra");
  time_.advance(60s);
  const auto activities = cloud_->describe_scaling_activities();
  const auto failed = std::ranges::count_if(activities, [](const cloud::Activity& activity) {
    return activity.status == "Failed" && activity.zone == "ra" &&
           activity.status_message.starts_with("InsufficientInstanceCapacity");
  });
  EXPECT_EQ(failed, 1) << "once, not with every launch";
  EXPECT_EQ(zones().count("ra"), 0u);
}

TEST_F(CloudTest, WhileThrottledTheSeamsRefuseEveryCall) {
  run(group(1));
  cloud_->set_throttled(true);
  EXPECT_TRUE(failed_with(answer_of([&](cloud::Done done) {
    cloud_->set_desired_capacity("scaling", 2, std::move(done));
  }), Reason::kTooManyRequests));
  EXPECT_EQ(all().size(), 1u);
  EXPECT_EQ(cloud_->calls(), 1u);
}

TEST_F(CloudTest, ALaunchUnderWayInAZoneThatFailsGoesElsewhere) {
  cloud::AutoScalingGroup spec = group(1);
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  cloud_->start();
  time_.advance(1s);
  EXPECT_EQ(only().zone, "ra");
  cloud_->fail_zone("ra");
  time_.advance(3s);
  EXPECT_EQ(only().zone, "rc");
  EXPECT_EQ(machines_.machines.size(), 1u);
}

TEST_F(CloudTest, AMachineThatWillNotEndIsAskedAgain) {
  run(group(1));
  machines_.fail_terminations = 2;
  balancer_.targets.clear();
  const std::string id = only().id;
  ASSERT_TRUE(cloud_->terminate_instance(id, Decrement::kYes));
  time_.advance(31s);
  EXPECT_EQ(state_of(id), "Terminating:Proceed");
  time_.advance(30s);
  EXPECT_EQ(cloud_->find_instance(id), nullptr);
  EXPECT_TRUE(machines_.machines.empty());
}

TEST_F(CloudTest, AThousandInstancesAreHeldWhileHundredsAreReplaced) {
  cloud::AutoScalingGroup spec = spot_group(1000);
  spec.max_size = 1000;
  run(spec);
  EXPECT_EQ(machines_.machines.size(), 1000u);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 334}, {"rc", 333}, {"rd", 333}}));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(cloud_->terminate_instance(all()[static_cast<std::size_t>(i)].id, Decrement::kNo));
    time_.advance(100ms);
  }
  time_.advance(60s);
  EXPECT_EQ(machines_.machines.size(), 1000u);
}

}  // namespace
}  // namespace minato::cloudmodel
