// Seam: Amazon EC2 Auto Scaling, as far as minato's controllers use it. Names are AWS's.
//
// Implementations: cloudmodel (the embedded cloud of the local and the simulated world), AWS (real,
// over HTTPS). Owned by the world; loop thread only. Descriptions are the newest that is known and
// cost nothing: an implementation over a network refreshes them in the background. Changes return
// at once; `done` comes in a later turn, exactly once, or never when the implementation is gone.
//
// Rules: Amazon EC2 Auto Scaling API Reference and User Guide (instance lifecycle, mixed instances
// groups, lifecycle hooks, Capacity Rebalancing).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::cloud {

using Done = std::move_only_function<void(Status)>;

enum class Market { kOnDemand, kSpot };
std::string_view to_string(Market market);  // "on-demand", "spot": the instance-life-cycle of IMDS.

enum class LifecycleState {
  kPending,
  kPendingWait,
  kPendingProceed,
  kInService,
  kTerminating,
  kTerminatingWait,
  kTerminatingProceed,
  kTerminated,
};
std::string_view to_string(LifecycleState state);  // "Pending", "Pending:Wait", …
// On its way out, in any of its steps.
bool is_terminating(LifecycleState state);

struct Instance {
  std::string id;     // "i-0123456789abcdef0"
  std::string type;   // "m6i.large"
  std::string zone;   // "ap-northeast-1a"
  std::string group;  // Auto Scaling Group name.
  Market market = Market::kOnDemand;
  LifecycleState state = LifecycleState::kPending;
  bool healthy = true;  // HealthStatus as the group sees it.
  bool protected_from_scale_in = false;
  std::string private_ip;  // "" until it runs.
  std::string hostname;    // Private DNS name; also the Node's name.
  WallTime launch_time{};
  std::string provider_id() const { return "aws:///" + zone + "/" + id; }
  bool operator==(const Instance&) const = default;
};

// InstancesDistribution of a MixedInstancesPolicy.
enum class OnDemandAllocationStrategy { kPrioritized, kLowestPrice };
enum class SpotAllocationStrategy {
  kPriceCapacityOptimized,
  kCapacityOptimized,
  kCapacityOptimizedPrioritized,
  kLowestPrice,
};
std::string_view to_string(OnDemandAllocationStrategy strategy);  // "prioritized", …
std::string_view to_string(SpotAllocationStrategy strategy);      // "price-capacity-optimized", …

struct InstancesDistribution {
  std::int32_t on_demand_base_capacity = 0;
  std::int32_t on_demand_percentage_above_base_capacity = 100;
  OnDemandAllocationStrategy on_demand_allocation_strategy =
      OnDemandAllocationStrategy::kPrioritized;
  SpotAllocationStrategy spot_allocation_strategy = SpotAllocationStrategy::kPriceCapacityOptimized;
  bool operator==(const InstancesDistribution&) const = default;
};

enum class LifecycleTransition { kLaunching, kTerminating };
enum class LifecycleResult { kContinue, kAbandon };
struct LifecycleHook {
  std::string name;
  LifecycleTransition transition = LifecycleTransition::kTerminating;
  Duration heartbeat_timeout = 1h;
  LifecycleResult default_result = LifecycleResult::kAbandon;
  bool operator==(const LifecycleHook&) const = default;
};

struct AutoScalingGroup {
  std::string name;
  std::int32_t min_size = 0;
  std::int32_t max_size = 0;
  std::int32_t desired_capacity = 0;
  std::vector<std::string> zones;
  std::vector<std::string> types;  // Overrides, in order of preference; one is a plain group.
  InstancesDistribution distribution;
  bool capacity_rebalance = false;
  bool new_instances_protected_from_scale_in = false;
  std::vector<std::string> suspended_processes;  // "AZRebalance", "ReplaceUnhealthy", …
  std::vector<LifecycleHook> lifecycle_hooks;
  // HealthCheckType ELB: a target that fails its checks is replaced as well.
  bool elb_health_check = false;
  Duration health_check_grace_period{};
  bool attached_to_target_group = false;
  // Tags, e.g. k8s.io/cluster-autoscaler/node-template/label/…
  std::map<std::string, std::string> tags;
  bool operator==(const AutoScalingGroup&) const = default;
};

// One entry of DescribeScalingActivities.
struct Activity {
  std::uint64_t id = 0;  // Ascending.
  WallTime start{};
  WallTime end{};  // Zero while it is in progress.
  std::string group;
  std::string description;  // "Launching a new EC2 instance: i-0…"
  std::string cause;
  std::string status;          // "InProgress", "Successful", "Failed", "Cancelled"
  std::string status_message;  // "InsufficientInstanceCapacity: …"
  // What a launch asked for; "" where the activity is no launch.
  std::string type;
  std::string zone;
  Market market = Market::kOnDemand;
};

enum class Decrement { kNo, kYes };

class AutoScaling {
 public:
  virtual ~AutoScaling() = default;

  virtual std::vector<AutoScalingGroup> describe_auto_scaling_groups() const = 0;  // By name.
  virtual std::vector<Instance> describe_auto_scaling_instances() const = 0;       // By id.
  // Of all groups, oldest first; a bounded history.
  virtual std::vector<Activity> describe_scaling_activities() const = 0;

  // HonorCooldown is false. Errors: NotFound; Invalid outside [min, max].
  virtual void set_desired_capacity(const std::string& group, std::int32_t desired, Done done) = 0;
  // Errors: NotFound; Invalid when it would go below the minimum.
  virtual void terminate_instance_in_auto_scaling_group(const std::string& id, Decrement decrement,
                                                        Done done) = 0;
  // UpdateAutoScalingGroup with a new MixedInstancesPolicy distribution; what runs stays. Errors:
  // NotFound, Invalid.
  virtual void update_instances_distribution(const std::string& group,
                                             const InstancesDistribution& distribution,
                                             Done done) = 0;
  // Ends the wait of an instance in its hook. Errors: NotFound; Invalid when it does not wait.
  virtual void complete_lifecycle_action(const std::string& group, const std::string& hook,
                                         const std::string& id, LifecycleResult result,
                                         Done done) = 0;
  // Prolongs the wait by the hook's timeout. Errors as above.
  virtual void record_lifecycle_action_heartbeat(const std::string& group, const std::string& hook,
                                                 const std::string& id, Done done) = 0;
};

}  // namespace minato::cloud
