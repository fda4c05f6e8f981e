// Lifecycle hooks and the states of an instance.
#include "cloudmodel/fixture.h"

namespace minato::cloudmodel {
namespace {

using cloud::Decrement;
using cloud::LifecycleHook;
using cloud::LifecycleResult;
using cloud::LifecycleTransition;
using testing::HasSubstr;

class LifecycleTest : public CloudFixture {
 protected:
  static cloud::AutoScalingGroup hooked(std::vector<LifecycleHook> hooks) {
    cloud::AutoScalingGroup out = group(1);
    out.lifecycle_hooks = std::move(hooks);
    return out;
  }
  static LifecycleHook launching(LifecycleResult by_default) {
    return {"joined", LifecycleTransition::kLaunching, 60s, by_default};
  }
  static LifecycleHook terminating(std::string name = "drained") {
    return {std::move(name), LifecycleTransition::kTerminating, 60s, LifecycleResult::kContinue};
  }
  // Out of the target group, so that nothing but hooks holds up the end.
  void terminate_idle(const std::string& id) {
    ASSERT_TRUE(cloud_->terminate_instance(id, Decrement::kYes));
    balancer_.report(id, balancer::Health::kHealthy, 0);
  }
};

TEST_F(LifecycleTest, WithoutHooksItGoesPendingInServiceTerminatingGone) {
  ASSERT_TRUE(cloud_->put_auto_scaling_group(group(1)));
  cloud_->start();
  const std::string id = only().id;
  EXPECT_EQ(state_of(id), "Pending");
  time_.advance(3s);
  EXPECT_EQ(state_of(id), "InService");
  ASSERT_TRUE(cloud_->terminate_instance(id, Decrement::kYes));
  EXPECT_EQ(state_of(id), "Terminating");
  std::string last;
  cloud_->set_listener({{}, {}, [&](const cloud::Instance& i) { last = to_string(i.state); }});
  time_.advance(30s);
  EXPECT_EQ(state_of(id), "");
  EXPECT_EQ(last, "Terminated");
}

TEST_F(LifecycleTest, ALaunchingHookHoldsItOutOfServiceUntilItIsCompleted) {
  std::vector<std::string> running;
  cloud_->set_listener({[&](const cloud::Instance& i) { running.push_back(i.id); }, {}, {}});
  run(hooked({launching(LifecycleResult::kAbandon)}));
  const std::string id = only().id;
  EXPECT_EQ(state_of(id), "Pending:Wait");
  EXPECT_EQ(running, std::vector<std::string>{id}) << "a Node may join meanwhile";
  EXPECT_TRUE(balancer_.targets.empty());
  EXPECT_TRUE(failed_with(cloud_->complete_lifecycle_action("scaling", "other", id,
                                                            LifecycleResult::kContinue),
                          Reason::kInvalid));
  EXPECT_TRUE(failed_with(cloud_->complete_lifecycle_action("other", "joined", id,
                                                            LifecycleResult::kContinue),
                          Reason::kNotFound));
  ASSERT_TRUE(cloud_->complete_lifecycle_action("scaling", "joined", id,
                                                LifecycleResult::kContinue));
  EXPECT_EQ(state_of(id), "Pending:Proceed");
  time_.settle();
  EXPECT_EQ(state_of(id), "InService");
  EXPECT_EQ(balancer_.targets.size(), 1u);
}

TEST_F(LifecycleTest, AnAbandonedLaunchIsGivenUpAndReplaced) {
  run(hooked({launching(LifecycleResult::kAbandon)}));
  const std::string id = only().id;
  time_.advance(60s);
  EXPECT_EQ(cloud_->find_instance(id), nullptr) << "its heartbeat ran out";
  EXPECT_EQ(machines_.boots, 2);
  EXPECT_EQ(cloud_->describe_scaling_activities()[0].status, "Cancelled");
  EXPECT_THAT(cloud_->describe_scaling_activities()[0].status_message, HasSubstr("joined"));
}

TEST_F(LifecycleTest, AnExpiredHookThatContinuesByDefaultPutsItInService) {
  run(hooked({launching(LifecycleResult::kContinue)}));
  time_.advance(58s);
  EXPECT_EQ(state_of(only().id), "Pending:Wait");
  time_.advance(2s);
  EXPECT_EQ(state_of(only().id), "InService");
}

TEST_F(LifecycleTest, HeartbeatsProlongTheWaitUpToAHundredTimeouts) {
  run(hooked({terminating()}));
  const std::string id = only().id;
  terminate_idle(id);
  EXPECT_EQ(state_of(id), "Terminating:Wait");
  for (int i = 0; i < 99; ++i) {
    time_.advance(59s);
    ASSERT_TRUE(cloud_->record_lifecycle_action_heartbeat("scaling", "drained", id)) << i;
  }
  time_.advance(59s);
  ASSERT_TRUE(cloud_->record_lifecycle_action_heartbeat("scaling", "drained", id));
  time_.advance(59s);
  ASSERT_TRUE(cloud_->record_lifecycle_action_heartbeat("scaling", "drained", id));
  time_.advance(41s);
  EXPECT_EQ(state_of(id), "") << "100 × 60 s are over";
  EXPECT_TRUE(failed_with(cloud_->record_lifecycle_action_heartbeat("scaling", "drained", id),
                          Reason::kNotFound));
}

TEST_F(LifecycleTest, TerminatingDrainsFirstThenWaitsForAllHooksThenEnds) {
  run(hooked({terminating("a"), terminating("b")}));
  const std::string id = only().id;
  balancer_.report(id, balancer::Health::kHealthy, 1);
  ASSERT_TRUE(cloud_->terminate_instance(id, Decrement::kYes));
  EXPECT_EQ(state_of(id), "Terminating");
  time_.advance(29s);
  EXPECT_EQ(state_of(id), "Terminating") << "a request is in flight";
  time_.advance(1s);
  EXPECT_EQ(state_of(id), "Terminating:Wait");
  ASSERT_TRUE(answer_of([&](cloud::Done done) {
    cloud_->complete_lifecycle_action("scaling", "a", id, LifecycleResult::kContinue,
                                      std::move(done));
  }));
  EXPECT_EQ(state_of(id), "Terminating:Wait");
  ASSERT_TRUE(cloud_->complete_lifecycle_action("scaling", "b", id, LifecycleResult::kContinue));
  EXPECT_EQ(state_of(id), "Terminating:Proceed");
  time_.settle();
  EXPECT_EQ(state_of(id), "");
}

TEST_F(LifecycleTest, AbandonEndsTheOtherTerminatingHooksToo) {
  run(hooked({terminating("a"), terminating("b")}));
  const std::string id = only().id;
  terminate_idle(id);
  ASSERT_TRUE(cloud_->complete_lifecycle_action("scaling", "a", id, LifecycleResult::kAbandon));
  time_.settle();
  EXPECT_EQ(state_of(id), "");
}

TEST_F(LifecycleTest, ADeadMachineRunsNoTerminatingHooks) {
  run(hooked({terminating()}));
  const std::string id = only().id;
  machines_.die(id);
  time_.advance(6s);
  EXPECT_EQ(state_of(id), "");
  EXPECT_EQ(all().size(), 1u);
}

TEST_F(LifecycleTest, AMachineThatDiesInItsHookEndsAtOnce) {
  run(hooked({terminating()}));
  const std::string id = only().id;
  terminate_idle(id);
  EXPECT_EQ(state_of(id), "Terminating:Wait");
  machines_.die(id);
  time_.settle();
  EXPECT_EQ(state_of(id), "");
}

TEST_F(LifecycleTest, WaitsAndTheirTimeoutsOutliveARestart) {
  run(hooked({launching(LifecycleResult::kContinue), terminating()}));
  const std::string id = only().id;
  time_.advance(30s);
  restart();
  EXPECT_EQ(state_of(id), "Pending:Wait");
  time_.advance(28s);
  restart();
  time_.advance(1s);
  EXPECT_EQ(state_of(id), "InService");
  terminate_idle(id);
  time_.advance(30s);
  restart();
  EXPECT_EQ(state_of(id), "Terminating:Wait");
  time_.advance(30s);
  EXPECT_EQ(state_of(id), "");
}

}  // namespace
}  // namespace minato::cloudmodel
