// A cloud for tests: one Auto Scaling Group that holds its size, a target group whose targets
// really carry requests, and spot interruptions that really kill. All state can be looked at.
//
// Times are virtual; answers come in a later turn. Group rules as in cloud/auto_scaling.h: an
// instance that ends is deregistered first, dies terminate_after later and is then gone; one that
// dies by itself is noticed notice_after later and replaced.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloud/load_balancing.h"
#include "env/virtual_time.h"

namespace minato::removal {

class FakeCloud final : public cloud::AutoScaling, public cloud::LoadBalancing {
 public:
  FakeCloud(env::VirtualTime& time, env::Rng rng) : time_(time), rng_(rng) {}

  cloud::AutoScalingGroup group{.name = "scaling", .max_size = 10,
                                .attached_to_target_group = true};
  Duration boot_min = 20s;
  Duration boot_max = 40s;
  Duration health_time = 6s;
  Duration terminate_after = 3s;
  Duration notice_after = 15s;
  Duration delay = 30s;
  bool tells_in_flight = true;
  bool is_down = false;        // Every change fails.
  std::uint64_t fail_one_in = 0;
  std::function<void(const cloud::Instance&)> came;  // The machine runs.
  std::function<void(const cloud::Instance&)> died;  // Suddenly or as asked: nothing runs on it.

  std::map<std::string, cloud::Instance> instances;
  std::map<std::string, cloud::TargetHealth> targets;
  std::map<std::string, int> in_flight;  // By target.
  std::set<std::string> dead;            // Still described.
  std::vector<std::string> calls;        // "deregister i-1", in order.
  std::int32_t highest_desired = 0;

  // The group as large as it should be, at once, all healthy.
  void fill(std::int32_t desired);
  void hold();
  void kill_at(const std::string& id, WallTime at);
  void kill(const std::string& id);
  std::int32_t live() const;
  bool called(const std::string& call) const;

  std::vector<cloud::AutoScalingGroup> describe_auto_scaling_groups() const override {
    return {group};
  }
  std::vector<cloud::Instance> describe_auto_scaling_instances() const override;
  std::vector<cloud::Activity> describe_scaling_activities() const override { return {}; }
  void set_desired_capacity(const std::string& name, std::int32_t desired,
                            cloud::Done done) override;
  void terminate_instance_in_auto_scaling_group(const std::string& id, cloud::Decrement decrement,
                                                cloud::Done done) override;
  void update_instances_distribution(const std::string&, const cloud::InstancesDistribution&,
                                     cloud::Done done) override;
  void complete_lifecycle_action(const std::string& name, const std::string& hook,
                                 const std::string& id, cloud::LifecycleResult result,
                                 cloud::Done done) override;
  void record_lifecycle_action_heartbeat(const std::string&, const std::string&,
                                         const std::string&, cloud::Done done) override;

  std::vector<cloud::TargetHealth> describe_target_health() const override;
  Duration deregistration_delay() const override { return delay; }
  void register_target(const std::string& id, cloud::Done done) override;
  void deregister_target(const std::string& id, cloud::Done done) override;

 private:
  cloud::Instance& launch(cloud::LifecycleState state);
  void run(const std::string& id);
  void add_target(const cloud::Instance& instance, cloud::TargetState state);
  void drain(const std::string& id);
  void end(const std::string& id);
  void later(Duration delay, env::Task task);
  void answer(cloud::Done done, Status status);
  Status accept(const std::string& call);

  env::VirtualTime& time_;
  env::Rng rng_;
  int next_ = 1;
  std::vector<env::TimerHandle> timers_;
};

}  // namespace minato::removal
