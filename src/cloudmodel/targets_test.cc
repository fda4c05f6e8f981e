#include "cloudmodel/fixture.h"

namespace minato::cloudmodel {
namespace {

using balancer::Health;
using cloud::TargetState;

class TargetsTest : public CloudFixture {};

TEST_F(TargetsTest, GoInitialHealthyDrainingGone) {
  run(group(1));
  const std::string id = only().id;
  EXPECT_EQ(target_of(id), "initial Elb.RegistrationInProgress");
  balancer_.report(id, Health::kChecking);
  EXPECT_EQ(target_of(id).substr(0, 7), "initial");
  balancer_.report(id, Health::kHealthy);
  EXPECT_EQ(target_of(id), "healthy ");
  balancer_.report(id, Health::kHealthy, 3);
  ASSERT_TRUE(cloud_->deregister_target(id));
  EXPECT_EQ(balancer_.targets[id], "draining");
  EXPECT_EQ(cloud_->describe_target_health()[0].in_flight, 3u);
  time_.advance(29s);
  EXPECT_EQ(target_of(id), "draining Target.DeregistrationInProgress");
  time_.advance(1s);
  EXPECT_TRUE(cloud_->describe_target_health().empty());
  EXPECT_FALSE(balancer_.targets.contains(id));
  EXPECT_EQ(target_of(id), "unused Target.NotRegistered");
  EXPECT_EQ(state_of(id), "InService");
  EXPECT_TRUE(failed_with(cloud_->deregister_target(id), Reason::kNotFound));
  EXPECT_TRUE(answer_of([&](cloud::Done done) { cloud_->deregister_target(id, std::move(done)); }))
      << "NotFound is success at the seam";
}

TEST_F(TargetsTest, AnIdleOneShowsDrainingForTheWholeDelay) {
  run(group(1));
  const std::string id = only().id;
  ASSERT_TRUE(cloud_->deregister_target(id));
  EXPECT_EQ(cloud_->describe_target_health()[0].in_flight, std::nullopt) << "not known yet";
  balancer_.report(id, Health::kHealthy, 0);
  EXPECT_EQ(cloud_->describe_target_health()[0].in_flight, 0u);
  time_.advance(29s);
  EXPECT_EQ(target_of(id), "draining Target.DeregistrationInProgress");
  time_.advance(1s);
  EXPECT_EQ(target_of(id), "unused Target.NotRegistered");
}

TEST_F(TargetsTest, ATerminatingInstanceWaitsOnlyWhileRequestsAreInFlight) {
  run(group(1));
  const std::string id = only().id;
  balancer_.report(id, Health::kHealthy, 2);
  ASSERT_TRUE(cloud_->terminate_instance(id, cloud::Decrement::kYes));
  time_.advance(10s);
  EXPECT_EQ(state_of(id), "Terminating");
  EXPECT_TRUE(machines_.machines.contains(id));
  balancer_.report(id, Health::kHealthy, 0);
  time_.settle();
  EXPECT_FALSE(machines_.machines.contains(id));
  EXPECT_TRUE(cloud_->describe_target_health().empty()) << "gone with its instance";
}

TEST_F(TargetsTest, RegisteredAgainWhileDrainingItServesAgain) {
  run(group(1));
  const std::string id = only().id;
  balancer_.report(id, Health::kHealthy, 2);
  ASSERT_TRUE(cloud_->deregister_target(id));
  time_.advance(10s);
  ASSERT_TRUE(answer_of([&](cloud::Done done) { cloud_->register_target(id, std::move(done)); }));
  EXPECT_EQ(balancer_.targets[id], "serving");
  EXPECT_EQ(target_of(id), "initial Elb.RegistrationInProgress");
  time_.advance(60s);
  EXPECT_EQ(target_of(id), "initial Elb.RegistrationInProgress") << "the old delay is forgotten";
  balancer_.report(id, Health::kHealthy);
  EXPECT_TRUE(cloud_->register_target(id));
  EXPECT_EQ(target_of(id), "healthy ") << "registering what is there changes nothing";
  EXPECT_TRUE(failed_with(cloud_->register_target("i-0"), Reason::kNotFound));
}

TEST_F(TargetsTest, FailOpenWhenSomeAreUnhealthyAndNoneIsHealthy) {
  run(group(2));
  const std::string a = all()[0].id, b = all()[1].id;
  EXPECT_FALSE(cloud_->fail_open()) << "initial is not unhealthy";
  balancer_.report(a, Health::kUnhealthy);
  EXPECT_TRUE(cloud_->fail_open());
  balancer_.report(b, Health::kHealthy);
  EXPECT_FALSE(cloud_->fail_open());
  balancer_.report(b, Health::kUnhealthy);
  EXPECT_TRUE(cloud_->fail_open());
}

TEST_F(TargetsTest, OfAKilledMachineTurnUnhealthyByTheChecksOnly) {
  run(group(1));
  const std::string id = only().id;
  balancer_.report(id, Health::kHealthy);
  cloud_->fail_zone("ra");
  time_.settle();
  EXPECT_EQ(target_of(id), "healthy ");
  balancer_.report(id, Health::kUnhealthy);
  EXPECT_EQ(target_of(id), "unhealthy Target.Timeout");
}

TEST_F(TargetsTest, OfAnInterruptedInstanceAreUnusedAtOnce) {
  run(spot_group(1));
  const std::string id = only().id;
  balancer_.report(id, Health::kHealthy, 5);
  ASSERT_TRUE(cloud_->interrupt(id, {.notice = 0s}));
  EXPECT_EQ(target_of(id), "unused Target.InvalidState");
  EXPECT_EQ(balancer_.targets[id], "draining");
}

TEST_F(TargetsTest, FollowTheGroupWhenItIsAttachedOrDetached) {
  cloud::AutoScalingGroup spec = group(2);
  spec.attached_to_target_group = false;
  run(spec);
  EXPECT_TRUE(cloud_->describe_target_health().empty());
  spec.attached_to_target_group = true;
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  EXPECT_EQ(cloud_->describe_target_health().size(), 2u);
  spec.attached_to_target_group = false;
  ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
  EXPECT_EQ(cloud_->describe_target_health()[0].state, TargetState::kDraining);
}

TEST_F(TargetsTest, ANewInstanceIsNoTargetWhileAddToLoadBalancerIsSuspended) {
  cloud::AutoScalingGroup spec = group(1);
  spec.suspended_processes = {"AddToLoadBalancer"};
  run(spec);
  EXPECT_EQ(state_of(only().id), "InService");
  EXPECT_TRUE(balancer_.targets.empty());
}

}  // namespace
}  // namespace minato::cloudmodel
