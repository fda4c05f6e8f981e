// The embedded cloud: Auto Scaling Groups that hold their size, instances with a life cycle, and a
// target group whose targets follow them. One deterministic state machine; the instance and
// balancer drivers under it make it real or modelled.
//
// Ownership: owned by the composition, uses the drivers by reference. Loop thread only. State is
// handed to Options::save as text after every change and taken back by restore(), so that a
// restarted control process continues where it was.
//
// Rules: Amazon EC2 Auto Scaling User Guide (instance lifecycle, zone rebalancing, health checks)
// and Elastic Load Balancing target health states; names are AWS's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "env/env.h"
#include "instance/driver.h"

namespace minato::cloudmodel {

enum class LifecycleState { kPending, kInService, kTerminating };
std::string_view to_string(LifecycleState state);  // "Pending", "InService", "Terminating"

struct Instance {
  std::string id;
  std::string type;
  std::string zone;
  std::string group;
  LifecycleState state = LifecycleState::kPending;
  bool healthy = true;      // Health status as the group sees it.
  std::string private_ip;   // "" until it runs.
  std::string hostname;     // Also the Node's name.
  WallTime launch_time{};
  std::string provider_id() const { return "aws:///" + zone + "/" + id; }
};

struct GroupSpec {
  std::string name;
  std::vector<std::string> types;  // In order of preference.
  std::vector<std::string> zones;
  std::int32_t min_size = 0;
  std::int32_t max_size = 0;
  std::int32_t desired_capacity = 0;
  bool attached_to_target_group = false;
  bool operator==(const GroupSpec&) const = default;
};

// One entry of DescribeScalingActivities.
struct Activity {
  WallTime start{};
  std::string group;
  std::string description;  // "Launching a new EC2 instance: i-0…"
  std::string cause;
  std::string status;  // "InProgress", "Successful", "Failed"
  std::string status_message;
};

enum class TargetState { kInitial, kHealthy, kUnhealthy, kDraining };
std::string_view to_string(TargetState state);  // "initial", …

struct TargetHealth {
  balancer::Target target;
  TargetState state = TargetState::kInitial;
  std::string reason;       // "Elb.RegistrationInProgress", "Target.Timeout", …
  std::string description;
  WallTime since{};
};

class Cloud {
 public:
  struct Options {
    std::string region;
    std::uint16_t node_port = 0;         // Of the target group.
    Duration deregistration_delay = 300s;
    // From the death of an instance until its group notices (EC2 status checks).
    Duration instance_check_interval = 15s;
    Duration launch_retry = 10s;  // After a failed launch; doubles up to launch_retry_max.
    Duration launch_retry_max = 300s;
    std::size_t activity_history = 100;
    std::function<void(const std::string& text)> save;
  };
  struct Listener {
    std::function<void(const Instance&)> running;  // It has an address; a Node may join.
    // The machine has died, though nobody in the control plane knows yet: what stood for things
    // that ran on it must fall silent now.
    std::function<void(const Instance&)> lost;
    std::function<void(const Instance&)> gone;  // Nothing of it is left.
  };

  Cloud(env::Env env, instance::Driver& instances, balancer::Driver& balancer, Options options);
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  // Takes back what save() was given. Errors: Invalid (text of another version).
  Status restore(const std::string& text);
  // Compares with what the drivers really have and begins to hold the groups' sizes.
  void start();

  // CreateAutoScalingGroup or UpdateAutoScalingGroup.
  void put_auto_scaling_group(const GroupSpec& spec);
  // Errors: NotFound; Invalid outside [min, max].
  Status set_desired_capacity(const std::string& group, std::int32_t desired);
  enum class Decrement { kNo, kYes };
  // TerminateInstanceInAutoScalingGroup. Errors: NotFound.
  Status terminate_instance(const std::string& id, Decrement decrement);
  // The machine itself dies without notice, as hardware does. Errors: NotFound.
  Status kill_instance(const std::string& id);

  // Errors: NotFound. Registering what is there is success.
  Status register_target(const std::string& instance_id);
  Status deregister_target(const std::string& instance_id);

  std::vector<GroupSpec> groups() const;
  std::vector<Instance> instances() const;  // Ordered by id.
  const Instance* find_instance(const std::string& id) const;
  bool exists(const std::string& provider_id) const;
  std::vector<TargetHealth> describe_target_health() const;
  const std::vector<Activity>& activities() const { return activities_; }

 private:
  struct Group {
    GroupSpec spec;
    Duration retry{};  // Present back-off; zero after a success.
    bool timer_pending = false;
    env::TimerHandle timer;
  };
  struct Target {
    TargetHealth health;
    bool passed_once = false;
    env::TimerHandle drain_timer;
  };

  void hold(const std::string& group);
  void launch(Group& group);
  void launched(const std::string& id, Result<instance::Machine> machine);
  void terminate(Instance& instance, const std::string& cause);
  void destroy_machine(const std::string& id);
  void adopt_target(const Instance& instance);
  void finish_termination(const std::string& id);
  void machine_gone(const std::string& id);
  void replace_lost(const std::string& id);
  std::string choose_zone(const GroupSpec& spec) const;
  std::string choose_victim(const GroupSpec& spec) const;
  std::vector<const Instance*> members(const std::string& group) const;
  void observe(const balancer::Observation& observation);
  void set_target_state(Target& target, TargetState state, std::string reason,
                        std::string description);
  void finish_drain(const std::string& id);
  void add_activity(const std::string& group, std::string description, std::string cause,
                    std::string status, std::string message = {});
  void save();

  env::Env env_;
  instance::Driver& driver_;
  balancer::Driver& balancer_;
  Options options_;
  Listener listener_;
  bool started_ = false;
  std::map<std::string, Group> groups_;
  std::map<std::string, Instance> instances_;
  std::map<std::string, Target> targets_;
  std::map<std::string, env::TimerHandle> replacement_timers_;
  std::vector<Activity> activities_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::cloudmodel
