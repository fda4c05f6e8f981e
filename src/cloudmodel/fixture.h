// Machines and a balancer for the tests of this module: both outlive the Cloud, as real ones do,
// and both can be told to fail.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cloudmodel/cloud.h"
#include "env/virtual_time.h"

namespace minato::cloudmodel {

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
    specs[spec.id] = spec;
    if (before_boot) before_boot(spec.id);
    booting_[spec.id] = executor_.after(boot_time, [this, spec, done = std::move(done)]() mutable {
      const env::TimerHandle keep = std::move(booting_[spec.id]);
      booting_.erase(spec.id);
      if (fail_boots > 0) {
        --fail_boots;
        done(fail(Reason::kUnavailable, boot_error));
        return;
      }
      const auto n = std::to_string(++addresses_);
      machines[spec.id] = {spec.id, spec.zone, "10.77.1." + n, "ip-10-77-1-" + n};
      done(machines[spec.id]);
    });
  }
  void terminate(const std::string& id, instance::Loss loss,
                 std::move_only_function<void(Status)> done) override {
    if (before_terminate) before_terminate(id);
    last_loss = loss;
    if (fail_terminations > 0) {
      --fail_terminations;
      executor_.post([done = std::move(done)]() mutable {
        done(fail(Reason::kTimeout, "the machine does not answer"));
      });
      return;
    }
    booting_.erase(id);
    machines.erase(id);
    executor_.post([done = std::move(done)]() mutable { done({}); });
  }
  void die(const std::string& id) {
    machines.erase(id);
    if (sink_) sink_(id);
  }
  std::map<std::string, instance::Machine> machines;
  std::map<std::string, instance::Spec> specs;  // Of all that were ever booted.
  std::function<void(const std::string&)> before_boot;
  std::function<void(const std::string&)> before_terminate;
  Duration boot_time = 2s;
  int boots = 0;
  int fail_boots = 0;
  int fail_terminations = 0;
  std::string boot_error = "InsufficientInstanceCapacity: none left";
  instance::Loss last_loss = instance::Loss::kTerminate;

 private:
  env::Executor& executor_;
  Sink sink_;
  int addresses_ = 0;
  std::map<std::string, env::TimerHandle> booting_;
};

class FakeBalancer final : public balancer::Driver {
 public:
  void set_sink(Sink s) override { sink = std::move(s); }
  Status configure(const balancer::Config&) override { return {}; }
  Status add_target(const balancer::Target& target) override {
    if (targets[target.id] != "serving") {
      targets[target.id] = "serving";
      observations[target.id] = {target.id, balancer::Health::kChecking,
                                 "Elb.InitialHealthChecking", "Initial health checks in progress"};
    }
    return {};
  }
  Status drain_target(const std::string& id) override {
    if (!targets.contains(id)) return fail(Reason::kNotFound, "no target " + id);
    targets[id] = "draining";
    return {};
  }
  Status remove_target(const std::string& id) override {
    targets.erase(id);
    observations.erase(id);
    return {};
  }
  std::vector<balancer::Observation> observe() override {
    std::vector<balancer::Observation> out;
    for (const auto& [id, seen] : observations) out.push_back(seen);
    return out;
  }
  balancer::Counters counters() override { return {}; }

  void report(const std::string& id, balancer::Health health, std::uint64_t in_flight = 0) {
    const bool failed = health == balancer::Health::kUnhealthy;
    observations[id] = {id, health, failed ? "Target.Timeout" : "",
                        failed ? "Request timed out" : "", in_flight};
    if (sink) sink(observations[id]);
  }
  void all_healthy() {
    for (const auto& [id, state] : std::map(targets)) {
      if (state == "serving") report(id, balancer::Health::kHealthy);
    }
  }
  Sink sink;
  std::map<std::string, std::string> targets;
  std::map<std::string, balancer::Observation> observations;
};

class CloudFixture : public testing::Test {
 protected:
  CloudFixture() {
    options_.region = "r";
    options_.node_port = 30080;
    options_.deregistration_delay = 30s;
    options_.instance_check_interval = 5s;
    options_.save = [this](const std::string& text) {
      saved_ = text;
      ++saves_;
    };
    make();
  }
  void make() {
    cloud_ = std::make_unique<Cloud>(env_.fork("cloud-" + std::to_string(++lives_)), machines_,
                                     balancer_, options_);
  }
  // As the process is killed and started again.
  void restart() {
    cloud_.reset();
    make();
    ASSERT_TRUE(cloud_->restore(saved_));
    cloud_->start();
  }
  static cloud::AutoScalingGroup group(std::int32_t desired) {
    cloud::AutoScalingGroup out;
    out.name = "scaling";
    out.types = {"m5.large"};
    out.zones = {"ra", "rc", "rd"};
    out.max_size = 10;
    out.desired_capacity = desired;
    out.attached_to_target_group = true;
    return out;
  }
  static cloud::AutoScalingGroup spot_group(std::int32_t desired) {
    cloud::AutoScalingGroup out = group(desired);
    out.types = {"m5.large", "m5a.large", "m6i.large"};
    out.distribution.on_demand_percentage_above_base_capacity = 0;
    return out;
  }
  void run(const cloud::AutoScalingGroup& spec) {
    ASSERT_TRUE(cloud_->put_auto_scaling_group(spec));
    cloud_->start();
    time_.advance(3s);
  }
  std::vector<cloud::Instance> all() { return cloud_->describe_auto_scaling_instances(); }
  const cloud::Instance& only() {
    EXPECT_EQ(all().size(), 1u);
    return *cloud_->find_instance(all().at(0).id);
  }
  std::map<std::string, int> zones() {
    std::map<std::string, int> out;
    for (const cloud::Instance& instance : all()) {
      if (!is_terminating(instance.state)) ++out[instance.zone];
    }
    return out;
  }
  int count(cloud::Market market) {
    int out = 0;
    for (const cloud::Instance& instance : all()) {
      out += instance.market == market && !is_terminating(instance.state) ? 1 : 0;
    }
    return out;
  }
  std::string state_of(const std::string& id) {
    const cloud::Instance* instance = cloud_->find_instance(id);
    return instance == nullptr ? "" : std::string(to_string(instance->state));
  }
  std::string target_of(const std::string& id) {
    const cloud::TargetHealth health = cloud_->target_health(id);
    return std::string(to_string(health.state)) + " " + health.reason;
  }
  cloud::Activity last_activity() { return cloud_->describe_scaling_activities().back(); }
  // Calls a member of a seam and waits for its answer.
  template <class Call>
  Status answer_of(Call call) {
    std::optional<Status> out;
    call([&](Status status) { out = std::move(status); });
    EXPECT_FALSE(out) << "answers come in a later turn";
    time_.settle();
    return out.value_or(fail(Reason::kTimeout, "no answer came"));
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(5)};
  FakeMachines machines_{time_};
  FakeBalancer balancer_;
  Cloud::Options options_;
  std::unique_ptr<Cloud> cloud_;
  std::string saved_;
  int saves_ = 0;
  int lives_ = 0;
};

}  // namespace minato::cloudmodel
