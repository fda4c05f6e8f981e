// Both adapters before answers in AWS's form.
#include <gtest/gtest.h>

#include "aws_http/auto_scaling.h"
#include "aws_http/fake_aws.h"
#include "aws_http/load_balancing.h"
#include "env/virtual_time.h"

namespace minato::aws_http {
namespace {

std::string member_instance(const std::string& id, const std::string& state) {
  return "<member><InstanceId>" + id + "</InstanceId><InstanceType>m5.large</InstanceType>"
         "<AvailabilityZone>us-east-1a</AvailabilityZone><LifecycleState>" + state + "</LifecycleState>"
         "<HealthStatus>Healthy</HealthStatus><ProtectedFromScaleIn>true</ProtectedFromScaleIn></member>";
}

std::string groups_answer(int desired, const std::string& instances) {
  return "<DescribeAutoScalingGroupsResponse xmlns='http://autoscaling.amazonaws.com/doc/2011-01-01/'>"
         "<DescribeAutoScalingGroupsResult><AutoScalingGroups><member>"
         "<AutoScalingGroupName>shop-scaling</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>9</MaxSize>"
         "<DesiredCapacity>" + std::to_string(desired) + "</DesiredCapacity><DefaultCooldown>300</DefaultCooldown>"
         "<AvailabilityZones><member>us-east-1c</member><member>us-east-1a</member></AvailabilityZones>"
         "<HealthCheckType>EC2</HealthCheckType><HealthCheckGracePeriod>300</HealthCheckGracePeriod>"
         "<Instances>" + instances + "</Instances>"
         "<MixedInstancesPolicy><LaunchTemplate><Overrides><member><InstanceType>m5.large</InstanceType></member>"
         "<member><InstanceType>m6i.large</InstanceType></member></Overrides></LaunchTemplate>"
         "<InstancesDistribution><OnDemandBaseCapacity>1</OnDemandBaseCapacity>"
         "<OnDemandPercentageAboveBaseCapacity>0</OnDemandPercentageAboveBaseCapacity>"
         "<SpotAllocationStrategy>price-capacity-optimized</SpotAllocationStrategy></InstancesDistribution>"
         "</MixedInstancesPolicy><CapacityRebalance>true</CapacityRebalance>"
         "<SuspendedProcesses><member><ProcessName>AZRebalance</ProcessName></member></SuspendedProcesses>"
         "<TargetGroupARNs><member>arn:x</member></TargetGroupARNs>"
         "<Tags><member><Key>k8s.io/cluster-autoscaler/shop</Key><Value>owned</Value></member></Tags>"
         "<SomethingNew>1</SomethingNew></member></AutoScalingGroups></DescribeAutoScalingGroupsResult>"
         "</DescribeAutoScalingGroupsResponse>";
}

constexpr auto kInstances =
    "<DescribeInstancesResponse xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'><reservationSet><item><instancesSet>"
    "<item><instanceId>i-1</instanceId><privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName>"
    "<privateIpAddress>10.0.0.1</privateIpAddress><launchTime>2025-12-31T23:00:00.000Z</launchTime>"
    "<instanceLifecycle>spot</instanceLifecycle></item></instancesSet></item></reservationSet></DescribeInstancesResponse>";
constexpr auto kHooks =
    "<R><DescribeLifecycleHooksResult><LifecycleHooks><member><LifecycleHookName>drain</LifecycleHookName>"
    "<LifecycleTransition>autoscaling:EC2_INSTANCE_TERMINATING</LifecycleTransition><HeartbeatTimeout>90</HeartbeatTimeout>"
    "<DefaultResult>CONTINUE</DefaultResult></member></LifecycleHooks></DescribeLifecycleHooksResult></R>";
constexpr auto kNoActivities = "<R><DescribeScalingActivitiesResult><Activities/></DescribeScalingActivitiesResult></R>";

std::string activity(const std::string& id, const std::string& start, const std::string& message, const std::string& details) {
  return "<member><ActivityId>" + id + "</ActivityId><AutoScalingGroupName>shop-scaling</AutoScalingGroupName>"
         "<Description>Launching a new EC2 instance.  Status Reason: " + message + "</Description><Cause>c</Cause>"
         "<StartTime>" + start + "</StartTime><EndTime>" + start + "</EndTime><StatusCode>Failed</StatusCode>"
         "<StatusMessage>" + message + "</StatusMessage><Details>" + details + "</Details></member>";
}

class CloudTest : public testing::Test {
 protected:
  CloudTest() {
    transport_.answer("DescribeAutoScalingGroups", groups_answer(1, member_instance("i-1", "InService")));
    transport_.answer("DescribeInstances", kInstances);
    transport_.answer("DescribeLifecycleHooks", kHooks);
    transport_.answer("DescribeScalingActivities", kNoActivities);
    for (const char* action : {"SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup", "UpdateAutoScalingGroup",
                               "CompleteLifecycleAction", "RecordLifecycleActionHeartbeat", "RegisterTargets",
                               "DeregisterTargets"}) {
      transport_.answer(action, "<R/>");
    }
    transport_.answer("DescribeTargetGroups", "<R><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>arn:tg"
                      "</TargetGroupArn></member></TargetGroups></DescribeTargetGroupsResult></R>");
    transport_.answer("DescribeTargetGroupAttributes", "<R><DescribeTargetGroupAttributesResult><Attributes><member><Key>"
                      "deregistration_delay.timeout_seconds</Key><Value>30</Value></member></Attributes>"
                      "</DescribeTargetGroupAttributesResult></R>");
    transport_.answer("DescribeTargetHealth", targets("healthy"));
  }
  static std::string targets(const std::string& state, const std::string& reason = "") {
    return "<R><DescribeTargetHealthResult><TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>30080</Port></Target>"
           "<TargetHealth><State>" + state + "</State><Reason>" + reason + "</Reason></TargetHealth></member>"
           "</TargetHealthDescriptions></DescribeTargetHealthResult></R>";
  }
  void start() {
    std::optional<Status> first;
    groups_.start([&](Status status) { first = status; });
    time_.advance(100ms);
    ASSERT_TRUE(first.has_value());
    ASSERT_TRUE(first->has_value()) << first->error().message;
    balancing_.start([](Status status) { EXPECT_TRUE(status.has_value()); });
    time_.advance(100ms);
  }
  cloud::Done expect(Result<int> wanted) {
    return [this, wanted](Status status) {
      ++answers_;
      EXPECT_EQ(status.has_value(), wanted.has_value()) << (status ? "" : status.error().message);
      if (!status && !wanted) { EXPECT_EQ(status.error().reason, wanted.error().reason); }
    };
  }
  std::size_t asked(const std::string& action) const { return transport_.of(action).size(); }
  cloud::AutoScalingGroup group() const { return groups_.describe_auto_scaling_groups().at(0); }
  cloud::TargetHealth target() const { return balancing_.describe_target_health().at(0); }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  FakeTransport transport_{time_};
  KnownCredentials credentials_;
  Client client_{env_.fork("client"), transport_, credentials_,
                 us_east_1()};
  AutoScaling groups_{env_.fork("groups"), client_, {.groups = {"shop-scaling"}}};
  LoadBalancing balancing_{env_.fork("balancing"), client_, groups_, {.target_group = "shop"}};
  int answers_ = 0;
};

TEST_F(CloudTest, GroupsAndInstancesAreDescribed) {
  start();
  const cloud::AutoScalingGroup described = group();
  EXPECT_EQ(described.name, "shop-scaling");
  EXPECT_EQ(described.max_size, 9);
  EXPECT_EQ(described.zones, (std::vector<std::string>{"us-east-1a", "us-east-1c"}));
  EXPECT_EQ(described.types, (std::vector<std::string>{"m5.large", "m6i.large"}));
  EXPECT_EQ(described.distribution.on_demand_base_capacity, 1);
  EXPECT_EQ(described.distribution.on_demand_percentage_above_base_capacity, 0);
  EXPECT_EQ(described.suspended_processes, std::vector<std::string>{"AZRebalance"});
  EXPECT_TRUE(described.capacity_rebalance && described.attached_to_target_group);
  EXPECT_EQ(described.tags.at("k8s.io/cluster-autoscaler/shop"), "owned");
  ASSERT_EQ(described.lifecycle_hooks.size(), 1u);
  EXPECT_EQ(described.lifecycle_hooks[0],
            (cloud::LifecycleHook{"drain", cloud::LifecycleTransition::kTerminating, 90s, cloud::LifecycleResult::kContinue}));
  const auto instances = groups_.describe_auto_scaling_instances();
  ASSERT_EQ(instances.size(), 1u);
  EXPECT_EQ(instances[0].provider_id(), "aws:///us-east-1a/i-1");
  EXPECT_EQ(instances[0].hostname, "ip-10-0-0-1.ec2.internal");
  EXPECT_EQ(instances[0].market, cloud::Market::kSpot);
  EXPECT_TRUE(instances[0].protected_from_scale_in);
  EXPECT_EQ(format_rfc3339(instances[0].launch_time), "2025-12-31T23:00:00Z");
}

TEST_F(CloudTest, AtRestLittleIsAsked) {
  start();
  transport_.requests.clear();
  time_.advance(4min);
  EXPECT_EQ(asked("DescribeAutoScalingGroups"), 8u);
  EXPECT_EQ(asked("DescribeInstances") + asked("DescribeLifecycleHooks") + asked("DescribeScalingActivities"), 0u);
  EXPECT_EQ(asked("DescribeTargetHealth"), 16u);
}

TEST_F(CloudTest, InstancesThatAGroupDoesNotCountAreLeftOut) {
  transport_.answer_only("DescribeAutoScalingGroups",
                         groups_answer(1, member_instance("i-1", "Terminating:Retained") + member_instance("i-2", "Standby") +
                                              member_instance("i-3", "Warmed:Stopped") + member_instance("i-4", "Pending:Wait")));
  start();
  const auto instances = groups_.describe_auto_scaling_instances();
  ASSERT_EQ(instances.size(), 2u);
  EXPECT_EQ(instances[0].state, cloud::LifecycleState::kTerminating);
  EXPECT_EQ(instances[1].state, cloud::LifecycleState::kPendingWait);
}

TEST_F(CloudTest, DesiredCapacityIsDescribedOnceAwsAcceptsIt) {
  start();
  groups_.set_desired_capacity("shop-scaling", 3, expect(0));
  EXPECT_EQ(group().desired_capacity, 1);
  time_.advance(10ms);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(group().desired_capacity, 3);
  const HttpRequest sent = transport_.of("SetDesiredCapacity").at(0);
  EXPECT_EQ(FakeTransport::field(sent, "DesiredCapacity"), "3");
  EXPECT_EQ(FakeTransport::field(sent, "HonorCooldown"), "false");
  transport_.answer_only("DescribeAutoScalingGroups", groups_answer(4, ""));
  time_.advance(2s);
  EXPECT_EQ(group().desired_capacity, 4);  // Looked at again soon.
}

TEST_F(CloudTest, ALookThatBeganBeforeAChangeIsThrownAway) {
  start();
  time_.advance(30s - 200ms);  // A look begins; its answer is on the way when the change is accepted.
  groups_.set_desired_capacity("shop-scaling", 3, expect(0));
  time_.advance(500ms);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(group().desired_capacity, 3);
}

TEST_F(CloudTest, WhatAwsRefusesChangesNothing) {
  start();
  transport_.answer_only("SetDesiredCapacity",
                         error_answer(400, "ValidationError", "New SetDesiredCapacity value 99 is above max value 9"));
  groups_.set_desired_capacity("shop-scaling", 99, expect(fail(Reason::kInvalid, "")));
  time_.advance(10ms);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(group().desired_capacity, 1);
}

TEST_F(CloudTest, TerminatingWithDecrementLowersTheGroup) {
  start();
  groups_.terminate_instance_in_auto_scaling_group("i-1", cloud::Decrement::kYes, expect(0));
  time_.advance(10ms);
  EXPECT_EQ(group().desired_capacity, 0);
  EXPECT_EQ(groups_.describe_auto_scaling_instances().at(0).state, cloud::LifecycleState::kTerminating);
  EXPECT_EQ(FakeTransport::field(transport_.of("TerminateInstanceInAutoScalingGroup").at(0), "ShouldDecrementDesiredCapacity"), "true");
}

TEST_F(CloudTest, DistributionsHooksAndHeartbeatsAreSent) {
  start();
  cloud::InstancesDistribution distribution;
  distribution.on_demand_base_capacity = 4;
  distribution.on_demand_percentage_above_base_capacity = 0;
  groups_.update_instances_distribution("shop-scaling", distribution, expect(0));
  groups_.complete_lifecycle_action("shop-scaling", "drain", "i-1", cloud::LifecycleResult::kContinue, expect(0));
  groups_.record_lifecycle_action_heartbeat("shop-scaling", "drain", "i-1", expect(0));
  time_.advance(10ms);
  EXPECT_EQ(answers_, 3);
  EXPECT_EQ(group().distribution.on_demand_base_capacity, 4);
  EXPECT_EQ(FakeTransport::field(transport_.of("UpdateAutoScalingGroup").at(0), "MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity"), "4");
  EXPECT_EQ(FakeTransport::field(transport_.of("CompleteLifecycleAction").at(0), "LifecycleActionResult"), "CONTINUE");
}

TEST_F(CloudTest, FailedLaunchesAreActivitiesOfTheirPools) {
  transport_.answer_only("DescribeAutoScalingGroups", groups_answer(2, ""));
  transport_.answer_only(
      "DescribeScalingActivities",
      "<R><DescribeScalingActivitiesResult><Activities>" +
          activity("b", "2026-01-01T00:00:02Z", "There is no Spot capacity available that matches your request.",
                   "{&quot;Subnet ID&quot;:&quot;subnet-1&quot;,&quot;Availability Zone&quot;:&quot;us-east-1a&quot;}") +
          activity("a", "2026-01-01T00:00:01Z", "We currently do not have sufficient m5.large capacity in the Availability Zone "
                   "you requested (us-east-1c).", "{&quot;Availability Zone&quot;:&quot;us-east-1c&quot;}") +
          "</Activities></DescribeScalingActivitiesResult></R>");
  start();
  const auto told = groups_.describe_scaling_activities();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].type, "m5.large");
  EXPECT_EQ(told[0].zone, "us-east-1c");
  EXPECT_EQ(told[0].market, cloud::Market::kOnDemand);
  EXPECT_TRUE(told[0].status_message.starts_with("InsufficientInstanceCapacity: We currently"));
  EXPECT_EQ(told[1].type, "m5.large");  // Every type of the group, in that zone.
  EXPECT_EQ(told[2].type, "m6i.large");
  EXPECT_EQ(told[2].market, cloud::Market::kSpot);
  EXPECT_LT(told[0].id, told[1].id);
  time_.advance(10s);
  EXPECT_EQ(groups_.describe_scaling_activities().back().id, told.back().id);  // Told again, numbered alike.
}

TEST_F(CloudTest, AFailureKeepsWhatIsKnownAndIsAskedLessOften) {
  start();
  const auto before = groups_.last_success();
  transport_.answer("DescribeAutoScalingGroups", error_answer(403, "AccessDenied", "not authorized"));
  time_.advance(31s);  // The good answer that stayed.
  EXPECT_GT(groups_.last_success(), before);
  time_.advance(5min);
  EXPECT_EQ(group().name, "shop-scaling");
  const std::size_t asked_before = asked("DescribeAutoScalingGroups");
  time_.advance(10min);
  EXPECT_EQ(asked("DescribeAutoScalingGroups") - asked_before, 10u);
}

TEST_F(CloudTest, TargetsAreDescribedWithAddressAndDelay) {
  start();
  EXPECT_EQ(target().state, cloud::TargetState::kHealthy);
  EXPECT_EQ(target().port, 30080);
  EXPECT_EQ(target().ip, "10.0.0.1");
  EXPECT_EQ(target().zone, "us-east-1a");
  EXPECT_FALSE(target().in_flight.has_value());
  EXPECT_EQ(balancing_.deregistration_delay(), 30s);
}

TEST_F(CloudTest, ADeregisteredTargetDrainsAndIsGone) {
  start();
  const WallTime since = target().since;
  time_.advance(1s);
  balancing_.deregister_target("i-1", expect(0));
  transport_.answer_only("DescribeTargetHealth", targets("draining", "Target.DeregistrationInProgress"));
  time_.advance(10ms);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(target().state, cloud::TargetState::kDraining);
  EXPECT_GT(target().since, since);
  const WallTime draining_since = target().since;
  time_.advance(5s);
  EXPECT_EQ(target().since, draining_since);
  transport_.answer_only("DescribeTargetHealth", targets("unused", "Target.NotRegistered"));
  time_.advance(4s);
  EXPECT_TRUE(balancing_.describe_target_health().empty());
}

TEST_F(CloudTest, GoneTargetsAreDeregisteredButCannotBeRegistered) {
  start();
  transport_.answer("DeregisterTargets", error_answer(400, "InvalidTarget"));
  transport_.answer("RegisterTargets", error_answer(400, "InvalidTarget", "The following targets are not valid"));
  for (int i = 0; i < 2; ++i) {
    balancing_.deregister_target("i-9", expect(0));
    time_.advance(10ms);
  }
  balancing_.register_target("i-1", expect(0));
  time_.advance(10ms);
  EXPECT_EQ(target().state, cloud::TargetState::kHealthy);  // It was there.
  balancing_.register_target("i-9", expect(fail(Reason::kNotFound, "")));
  time_.advance(10ms);
  EXPECT_EQ(answers_, 4);
}

TEST_F(CloudTest, AnAdapterThatIsGoneAnswersNobody) {
  auto other = std::make_unique<AutoScaling>(env_.fork("other"), client_, AutoScaling::Options{.groups = {"shop-scaling"}});
  other->start([](Status) { ADD_FAILURE(); });
  other->set_desired_capacity("shop-scaling", 2, [](Status) { ADD_FAILURE(); });
  other.reset();
  time_.advance(1min);
}

}  // namespace
}  // namespace minato::aws_http
