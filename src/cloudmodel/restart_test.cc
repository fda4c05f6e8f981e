// The saved state: what a restarted control process goes on with, and a random life in which it is
// killed at any instant.
#include <algorithm>
#include <ranges>

#include "cloudmodel/fixture.h"

namespace minato::cloudmodel {
namespace {

using cloud::Decrement;
using cloud::LifecycleResult;
using cloud::LifecycleTransition;
using cloud::Market;

class RestartTest : public CloudFixture {};

TEST_F(RestartTest, ARestartedControlProcessContinues) {
  run(group(3));
  const auto before = all();
  cloud_.reset();
  machines_.machines.erase(before[1].id);  // Died while nobody looked.
  machines_.machines["i-stray"] = {"i-stray", "ra", "10.77.9.9", "stray"};
  make();
  std::vector<std::string> running;
  cloud_->set_listener({[&](const cloud::Instance& i) { running.push_back(i.id); }, {}, {}});
  ASSERT_TRUE(cloud_->restore(saved_));
  EXPECT_EQ(all(), before);
  cloud_->start();
  EXPECT_EQ(running, (std::vector<std::string>{before[0].id, before[2].id}));
  time_.settle();
  EXPECT_FALSE(machines_.machines.contains("i-stray"));
  time_.advance(10s);
  EXPECT_EQ(all().size(), 3u);
}

TEST_F(RestartTest, TextsOfAnotherVersionAndDamagedOnesAreRefusedAndChangeNothing) {
  run(group(3));
  EXPECT_TRUE(failed_with(cloud_->restore("{\"version\":99}"), Reason::kInvalid));
  EXPECT_TRUE(failed_with(cloud_->restore("nonsense"), Reason::kInvalid));
  std::string damaged = saved_;
  damaged.replace(damaged.find("\"pools\""), 7, "\"looop\"");
  EXPECT_TRUE(failed_with(cloud_->restore(damaged), Reason::kInvalid));
  EXPECT_EQ(all().size(), 3u);
}

TEST_F(RestartTest, ADeadInstanceIsReplacedThoughControlDiedMeanwhile) {
  run(group(3));
  const std::string victim = all()[0].id;
  machines_.die(victim);
  time_.advance(1s);
  for (int i = 0; i < 2; ++i) {
    restart();
    time_.advance(1s);
  }
  time_.advance(10s);
  EXPECT_EQ(cloud_->find_instance(victim), nullptr);
  EXPECT_EQ(machines_.machines.size(), 3u);
}

TEST_F(RestartTest, AMachineMayDieWhileTheControlPlaneIsAway) {
  run(group(3));
  const std::string victim = all()[0].id;
  cloud_.reset();
  machines_.die(victim);
  make();
  ASSERT_TRUE(cloud_->restore(saved_));
  cloud_->start();
  time_.advance(30s);
  EXPECT_EQ(cloud_->find_instance(victim), nullptr);
  EXPECT_EQ(machines_.machines.size(), 3u);
}

TEST_F(RestartTest, ALaunchUnderWayIsAskedForAgainUnderItsId) {
  ASSERT_TRUE(cloud_->put_auto_scaling_group(group(1)));
  cloud_->start();
  time_.advance(1s);
  const std::string id = only().id;
  restart();
  time_.advance(3s);
  EXPECT_EQ(state_of(id), "InService");
  EXPECT_EQ(machines_.machines.size(), 1u);
}

TEST_F(RestartTest, ADrainGoesOnAndATargetDeregisteredByHandStaysOut) {
  run(group(2));
  const std::string leaving = all()[0].id, out = all()[1].id;
  ASSERT_TRUE(cloud_->deregister_target(out));
  time_.advance(30s);
  ASSERT_TRUE(cloud_->terminate_instance(leaving, Decrement::kYes));
  time_.advance(20s);
  restart();
  EXPECT_EQ(state_of(leaving), "Terminating");
  EXPECT_EQ(target_of(leaving), "draining Target.DeregistrationInProgress");
  EXPECT_EQ(balancer_.targets[leaving], "draining");
  time_.advance(9s);
  EXPECT_TRUE(machines_.machines.contains(leaving));
  time_.advance(1s);
  EXPECT_FALSE(machines_.machines.contains(leaving));
  EXPECT_EQ(target_of(out), "unused Target.NotRegistered");
  EXPECT_FALSE(balancer_.targets.contains(out));
}

TEST_F(RestartTest, NoticesBackOffsCapacityAndActivitiesAreKept) {
  cloud_->set_capacity({.type = "m5.large", .market = Market::kSpot}, Capacity::kExhausted);
  cloud_->set_pool_depth("m5a.large", "ra", 3);
  cloud_->set_spot_limit(7);
  run(spot_group(2));
  const std::string id = all()[0].id;
  ASSERT_TRUE(cloud_->interrupt(id, {.rebalance_lead = 10s, .notice = 20s}));
  ASSERT_TRUE(cloud_->schedule_maintenance(all()[1].id, Maintenance::kSystemReboot, 24h));
  cloud_->set_capacity({.market = Market::kSpot}, Capacity::kExhausted);
  ASSERT_TRUE(cloud_->set_desired_capacity("scaling", 3));
  time_.advance(1s);
  const auto activities = cloud_->describe_scaling_activities();
  const auto event = cloud_->maintenance_events(all()[1].id);
  restart();
  EXPECT_EQ(cloud_->describe_scaling_activities().size(), activities.size());
  EXPECT_EQ(cloud_->maintenance_events(all()[1].id), event);
  EXPECT_EQ(cloud_->pools().depth("m5a.large", "ra"), 3);
  EXPECT_EQ(cloud_->pools().spot_limit(), 7);
  EXPECT_FALSE(cloud_->pools().available({"m5.large", "ra", Market::kSpot}));
  time_.advance(9s);
  EXPECT_TRUE(cloud_->notice(id));
  time_.advance(20s);
  EXPECT_FALSE(machines_.machines.contains(id));
}

// A random life. Every step is followed by checks that must hold at any instant.
class Life {
 public:
  explicit Life(std::uint64_t seed) : rng_(env::Rng(seed)), seed_(seed) {
    options_.node_port = 30080;
    options_.deregistration_delay = 20s;
    options_.instance_check_interval = 3s;
    options_.zone_check_interval = 10s;
    options_.capacity_memory = 20s;
    options_.bill_history = 10'000;
    options_.save = [this](const std::string& text) { saved_ = text; };
    // Nobody boots or ends a machine of which the saved state does not know.
    machines_.before_boot = [this](const std::string& id) {
      if (saved_.find(id) == std::string::npos) fail("machine " + id + " unseen in the state");
    };
    machines_.before_terminate = [this](const std::string& id) {
      if (machines_.machines.contains(id)) machines_.before_boot(id);
    };
    machines_.boot_time = 1s;
  }

  void live(int steps) {
    start(false);
    put();
    for (int i = 0; i < steps && broken_.empty(); ++i) {
      act();
      // Between any two tasks, not only between seconds.
      for (std::uint64_t turns = rng_.below(12); turns > 0; --turns) {
        time_.step(time_.monotonic() + 2s);
        serve();
        check();
      }
      if (rng_.chance(1, 4)) time_.advance(rng_.between(0s, 15s));
      check();
    }
    rest();
  }
  const std::string& broken() const { return broken_; }
  const std::string& trace() const { return trace_; }

 private:
  static constexpr std::int32_t kMaximum = 20;

  void fail(const std::string& what) {
    if (broken_.empty()) broken_ = what + " (seed " + std::to_string(seed_) + ")";
  }
  void start(bool again) {
    cloud_ = std::make_unique<Cloud>(env_.fork("life-" + std::to_string(++lives_)), machines_,
                                     balancer_, options_);
    if (again && !saved_.empty()) {
      if (const Status status = cloud_->restore(saved_); !status) fail(status.error().message);
    }
    cloud_->start();
  }
  void put() {
    cloud::AutoScalingGroup spec;
    spec.name = "life";
    spec.max_size = kMaximum;
    spec.desired_capacity = 6;
    spec.zones = {"za", "zb", "zc"};
    spec.types = {"m5.large", "m5a.large"};
    spec.distribution.on_demand_base_capacity = 2;
    spec.distribution.on_demand_percentage_above_base_capacity = 25;
    spec.capacity_rebalance = seed_ % 2 == 0;
    spec.attached_to_target_group = true;
    if (seed_ % 3 == 0) {
      spec.lifecycle_hooks = {
          {"up", LifecycleTransition::kLaunching, 30s, LifecycleResult::kContinue},
          {"down", LifecycleTransition::kTerminating, 30s, LifecycleResult::kContinue}};
    }
    if (const Status status = cloud_->put_auto_scaling_group(spec); !status) {
      fail(status.error().message);
    }
    cloud_->flush();
  }
  std::string any() {
    const auto all = cloud_->describe_auto_scaling_instances();
    return all.empty() ? "" : all[rng_.below(all.size())].id;
  }
  std::string zone() { return std::string("z") + "abc"[rng_.below(3)]; }

  void act() {
    const std::string id = any();
    switch (rng_.below(14)) {
      case 0:
      case 1:
        return (void)cloud_->set_desired_capacity(
            "life", static_cast<std::int32_t>(rng_.below(kMaximum + 1)));
      case 2: return (void)cloud_->terminate_instance(id, Decrement::kNo);
      case 3: return (void)cloud_->terminate_instance(id, Decrement::kYes);
      case 4: return (void)cloud_->interrupt(id, {.rebalance_lead = rng_.between(0s, 5s),
                                                  .notice = rng_.between(0s, 20s)});
      case 5: return (void)cloud_->cancel_interruption(id);
      case 6:
        if (machines_.machines.contains(id)) machines_.die(id);
        return;
      case 7:
        return cloud_->set_capacity(
            {.zone = rng_.chance(1, 2) ? zone() : "", .market = Market::kSpot},
            rng_.chance(1, 2) ? Capacity::kExhausted : Capacity::kAvailable);
      case 8: return rng_.chance(1, 3) ? cloud_->fail_zone(zone()) : cloud_->restore_zone(zone());
      case 9: return (void)cloud_->deregister_target(id);
      case 10: return (void)cloud_->register_target(id);
      case 11: machines_.fail_boots = static_cast<int>(rng_.below(3)); return;
      case 12: machines_.fail_terminations = static_cast<int>(rng_.below(2)); return;
      case 13: {
        cloud_.reset();
        for (std::uint64_t turns = rng_.below(10); turns > 0; --turns) {
          time_.step(time_.monotonic() + 1s);
        }
        return start(true);
      }
    }
  }
  // The balancer finds living machines healthy and others not; what drains becomes idle.
  void serve() {
    for (const auto& [id, state] : std::map(balancer_.targets)) {
      const bool lives = machines_.machines.contains(id);
      balancer_.report(id, lives ? balancer::Health::kHealthy : balancer::Health::kUnhealthy,
                       state == "draining" ? rng_.below(2) : 0);
    }
  }
  void check() {
    std::int32_t members = 0;
    const auto all = cloud_->describe_auto_scaling_instances();
    for (const cloud::Instance& instance : all) {
      members += is_terminating(instance.state) ? 0 : 1;
      trace_ += instance.id + std::string(to_string(instance.state)) + ";";
    }
    if (members > rebalancing_limit(kMaximum)) fail("too many members");
    const Costs costs = cloud_->costs();
    Cost sum;
    for (const Bill& bill : costs.instances) {
      sum += bill.cost(time_.wall());
      const bool open = is_set(bill.from) && !is_set(bill.until);
      if (!open || machines_.machines.contains(bill.instance_id)) {
        dead_since_.erase(bill.instance_id);
        continue;
      }
      // EC2 has until the end of the instant to say so.
      const auto [dead, is_new] = dead_since_.try_emplace(bill.instance_id, time_.monotonic());
      if (dead->second < time_.monotonic()) fail("billed after its death: " + bill.instance_id);
    }
    if (sum != costs.total) fail("the bills do not add up");
    trace_ += std::to_string(costs.total.exact) + "\n";
  }
  void rest() {
    machines_.fail_boots = machines_.fail_terminations = 0;
    cloud_->set_capacity({}, Capacity::kAvailable);
    for (const char* zone : {"za", "zb", "zc"}) cloud_->restore_zone(zone);
    for (const cloud::Instance& i : cloud_->describe_auto_scaling_instances()) {
      (void)cloud_->cancel_interruption(i.id);
    }
    for (int i = 0; i < 1200; ++i) {
      time_.advance(1s);
      serve();
    }
    check();
    const auto group = cloud_->describe_auto_scaling_groups().at(0);
    std::map<std::string, int> zones{{"za", 0}, {"zb", 0}, {"zc", 0}};
    std::int32_t count = 0;
    for (const cloud::Instance& i : cloud_->describe_auto_scaling_instances()) {
      if (i.state != cloud::LifecycleState::kInService) fail(i.id + " never came into service");
      if (!machines_.machines.contains(i.id)) fail("no machine behind " + i.id);
      ++count;
      ++zones[i.zone];
    }
    if (count != group.desired_capacity) {
      fail("has " + std::to_string(count) + " of " + std::to_string(group.desired_capacity));
    }
    if (std::ssize(machines_.machines) != count) fail("machines nobody knows");
    const auto [low, high] = std::ranges::minmax(zones | std::views::values);
    if (high - low > 1) fail("zones not balanced");
    split(group);
    if (balancer_.targets.size() > machines_.machines.size()) fail("targets nobody knows");
  }
  // What ran was left alone; whatever is launched from now on follows the distribution.
  void split(const cloud::AutoScalingGroup& group) {
    if (!cloud_->set_desired_capacity("life", 0)) fail("cannot shrink");
    time_.advance(120s);
    if (!machines_.machines.empty()) fail("machines are left");
    if (!cloud_->set_desired_capacity("life", kMaximum)) fail("cannot grow");
    time_.advance(120s);
    std::int32_t on_demand = 0;
    for (const cloud::Instance& i : cloud_->describe_auto_scaling_instances()) {
      on_demand += i.market == Market::kOnDemand ? 1 : 0;
    }
    if (on_demand != on_demand_share(group.distribution, kMaximum)) fail("the split is wrong");
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Rng rng_;
  env::Env env_{time_, time_, log_, env::Rng(11)};
  std::uint64_t seed_;
  FakeMachines machines_{time_};
  FakeBalancer balancer_;
  Cloud::Options options_;
  std::unique_ptr<Cloud> cloud_;
  std::string saved_;
  std::string broken_;
  std::string trace_;
  std::map<std::string, MonoTime> dead_since_;
  int lives_ = 0;
};

class LifeTest : public testing::TestWithParam<int> {};

TEST_P(LifeTest, HoldsItsInvariantsThroughKillsAndComesToRest) {
  for (int i = 0; i < 10; ++i) {
    const auto seed = static_cast<std::uint64_t>(GetParam() * 10 + i);
    Life first(seed);
    first.live(150);
    ASSERT_EQ(first.broken(), "");
    if (i > 0) continue;
    Life second(seed);
    second.live(150);
    EXPECT_EQ(first.trace(), second.trace()) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LifeTest, testing::Range(0, 10));

}  // namespace
}  // namespace minato::cloudmodel
