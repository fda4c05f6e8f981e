#include "cloudmodel/cloud.h"

#include <gtest/gtest.h>

#include "env/virtual_time.h"

namespace minato::cloudmodel {
namespace {

class FakeMachines final : public instance::Driver {
 public:
  explicit FakeMachines(env::Executor& executor) : executor_(executor) {}
  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  std::vector<instance::Machine> list() override {
    std::vector<instance::Machine> out;
    for (const auto& [id, machine] : machines) out.push_back(machine);
    return out;
  }
  void boot(const instance::Spec& spec,
            std::move_only_function<void(Result<instance::Machine>)> done) override {
    ++boots;
    timers_.push_back(executor_.after(2s, [this, spec, done = std::move(done)]() mutable {
      if (fail_boots > 0) {
        --fail_boots;
        done(fail(Reason::kUnavailable, "InsufficientInstanceCapacity: none left"));
        return;
      }
      const auto n = std::to_string(++addresses_);
      machines[spec.id] = {spec.id, spec.zone, "10.77.1." + n, "ip-10-77-1-" + n};
      done(machines[spec.id]);
    }));
  }
  void terminate(const std::string& id, instance::Loss,
                 std::move_only_function<void(Status)> done) override {
    machines.erase(id);
    executor_.post([done = std::move(done)]() mutable { done({}); });
  }
  void die(const std::string& id) {
    machines.erase(id);
    sink_(id);
  }
  std::map<std::string, instance::Machine> machines;
  int boots = 0;
  int fail_boots = 0;

 private:
  env::Executor& executor_;
  Sink sink_;
  int addresses_ = 0;
  std::vector<env::TimerHandle> timers_;
};

class FakeBalancer final : public balancer::Driver {
 public:
  void set_sink(Sink s) override { sink = std::move(s); }
  Status configure(const balancer::Config&) override { return {}; }
  Status add_target(const balancer::Target& target) override {
    targets[target.id] = "serving";
    return {};
  }
  Status drain_target(const std::string& id) override {
    targets[id] = "draining";
    return {};
  }
  Status remove_target(const std::string& id) override {
    targets.erase(id);
    return {};
  }
  std::vector<balancer::Observation> observe() override { return {}; }
  balancer::Counters counters() override { return {}; }
  Sink sink;
  std::map<std::string, std::string> targets;
};

class CloudTest : public testing::Test {
 protected:
  CloudTest() { make(); }
  void make() {
    Cloud::Options options;
    options.region = "r";
    options.node_port = 30080;
    options.deregistration_delay = 30s;
    options.instance_check_interval = 5s;
    options.save = [this](const std::string& text) { saved_ = text; };
    cloud_ = std::make_unique<Cloud>(env_.fork("cloud"), machines_, balancer_, options);
  }
  GroupSpec group(std::int32_t desired) {
    return {"scaling", {"m5.large"}, {"ra", "rc", "rd"}, 0, 10, desired, true};
  }
  std::map<std::string, int> zones() {
    std::map<std::string, int> out;
    for (const Instance& instance : cloud_->instances()) ++out[instance.zone];
    return out;
  }
  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(5)};
  FakeMachines machines_{time_};
  FakeBalancer balancer_;
  std::unique_ptr<Cloud> cloud_;
  std::string saved_;
};

TEST_F(CloudTest, HoldsDesiredCapacityBalancedOverZones) {
  cloud_->put_auto_scaling_group(group(6));
  cloud_->start();
  time_.advance(3s);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 2}, {"rc", 2}, {"rd", 2}}));
  EXPECT_EQ(balancer_.targets.size(), 6u);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 3));
  time_.advance(1s);
  EXPECT_EQ(machines_.machines.size(), 6u) << "targets drain before their machines end";
  time_.advance(30s);
  EXPECT_EQ(machines_.machines.size(), 3u);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 1}, {"rc", 1}, {"rd", 1}}));
  EXPECT_TRUE(failed_with(cloud_->set_desired_capacity("scaling", 11), Reason::kInvalid));
}

TEST_F(CloudTest, ADeadInstanceIsReplacedInItsZoneAfterTheCheck) {
  cloud_->put_auto_scaling_group(group(3));
  cloud_->start();
  time_.advance(3s);
  const std::string victim = cloud_->instances()[0].id;
  const std::string zone = cloud_->instances()[0].zone;
  const std::string provider = cloud_->instances()[0].provider_id();
  machines_.die(victim);
  EXPECT_FALSE(cloud_->exists(provider));
  time_.advance(4s);
  EXPECT_EQ(machines_.boots, 3);
  time_.advance(4s);
  EXPECT_EQ(machines_.boots, 4);
  EXPECT_EQ(cloud_->find_instance(victim), nullptr);
  EXPECT_EQ(zones(), (std::map<std::string, int>{{"ra", 1}, {"rc", 1}, {"rd", 1}})) << zone;
}

TEST_F(CloudTest, ADeadInstanceIsReplacedThoughControlDiedMeanwhile) {
  cloud_->put_auto_scaling_group(group(3));
  cloud_->start();
  time_.advance(3s);
  const std::string victim = cloud_->instances()[0].id;
  machines_.die(victim);
  time_.advance(1s);
  for (int restart = 0; restart < 2; ++restart) {
    cloud_.reset();
    make();
    ASSERT_TRUE(cloud_->restore(saved_));
    cloud_->start();
    time_.advance(1s);
  }
  time_.advance(10s);
  EXPECT_EQ(cloud_->find_instance(victim), nullptr);
  EXPECT_EQ(machines_.machines.size(), 3u);
}

TEST_F(CloudTest, FailedLaunchesBackOffAndSayWhy) {
  machines_.fail_boots = 2;
  cloud_->put_auto_scaling_group(group(1));
  cloud_->start();
  time_.advance(3s);
  EXPECT_TRUE(cloud_->instances().empty());
  EXPECT_EQ(cloud_->activities().back().status, "Failed");
  EXPECT_NE(cloud_->activities().back().status_message.find("InsufficientInstanceCapacity"), std::string::npos);
  time_.advance(60s);
  EXPECT_EQ(machines_.boots, 3);
  EXPECT_EQ(cloud_->instances().size(), 1u);
}

TEST_F(CloudTest, TargetsGoInitialHealthyDrainingGone) {
  cloud_->put_auto_scaling_group(group(1));
  cloud_->start();
  time_.advance(3s);
  const std::string id = cloud_->instances()[0].id;
  EXPECT_EQ(cloud_->describe_target_health()[0].state, TargetState::kInitial);
  balancer_.sink({id, balancer::Health::kHealthy, "", "", 0});
  EXPECT_EQ(cloud_->describe_target_health()[0].state, TargetState::kHealthy);
  ASSERT_TRUE(cloud_->deregister_target(id));
  EXPECT_EQ(balancer_.targets[id], "draining");
  balancer_.sink({id, balancer::Health::kHealthy, "", "", 3});
  EXPECT_EQ(cloud_->describe_target_health()[0].state, TargetState::kDraining);
  time_.advance(29s);
  EXPECT_EQ(cloud_->describe_target_health().size(), 1u);
  time_.advance(1s);
  EXPECT_TRUE(cloud_->describe_target_health().empty());
}

TEST_F(CloudTest, DrainingEndsEarlyWhenNothingIsInFlight) {
  cloud_->put_auto_scaling_group(group(1));
  cloud_->start();
  time_.advance(3s);
  const std::string id = cloud_->instances()[0].id;
  ASSERT_TRUE(cloud_->deregister_target(id));
  balancer_.sink({id, balancer::Health::kHealthy, "", "", 0});
  EXPECT_TRUE(cloud_->describe_target_health().empty());
}

TEST_F(CloudTest, ARestartedControlProcessContinues) {
  cloud_->put_auto_scaling_group(group(3));
  cloud_->start();
  time_.advance(3s);
  const auto before = cloud_->instances();
  cloud_.reset();
  machines_.machines.erase(before[1].id);          // Died while nobody looked.
  machines_.machines["i-stray"] = {"i-stray", "ra", "10.77.9.9", "stray"};
  make();
  std::vector<std::string> running;
  cloud_->set_listener({[&](const Instance& i) { running.push_back(i.id); }, {}, {}});
  ASSERT_TRUE(cloud_->restore(saved_));
  cloud_->start();
  EXPECT_EQ(running, (std::vector<std::string>{before[0].id, before[2].id}));
  EXPECT_FALSE(machines_.machines.contains("i-stray"));
  time_.advance(10s);
  EXPECT_EQ(cloud_->instances().size(), 3u);
  EXPECT_FALSE(cloud_->restore("{\"version\":99}"));
  EXPECT_FALSE(cloud_->restore("nonsense"));
}

}  // namespace
}  // namespace minato::cloudmodel
