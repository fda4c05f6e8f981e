// The embedded cloud: Auto Scaling Groups that hold their size, instances with a life cycle, a Spot
// market that takes instances back, and a target group. One deterministic state machine behind the
// seams cloud::AutoScaling and cloud::LoadBalancing; the instance and balancer drivers under it
// make it real or modelled.
//
// Ownership: owned by the composition, uses the drivers by reference. Loop thread only. State is
// handed to Options::save as text, once for all changes of a turn and always before the machines
// that they ask for are booted or ended; restore() takes it back, so that a restarted control
// process continues where it was. `done` callbacks come after that.
//
// Rules: Amazon EC2 Auto Scaling User Guide (instance lifecycle, lifecycle hooks, mixed instances
// groups, Capacity Rebalancing, zone rebalancing, termination policies, health checks, suspended
// processes), Amazon EC2 User Guide (Spot interruptions, scheduled events), Elastic Load Balancing
// target health states; names are AWS's. Where it decides what AWS leaves open:
//   - instances that terminate do not count: the replacement is launched beside the draining one;
//   - a machine that is no more runs no terminating hooks;
//   - termination goes on as soon as nothing is in flight; the target is gone with its instance;
//     a target that was deregistered by hand shows `draining` for the whole delay;
//   - a scheduled reboot ends the machine as a retirement does: a driver boots new machines only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "cloud/auto_scaling.h"
#include "cloud/catalogue_file.h"
#include "cloud/load_balancing.h"
#include "cloudmodel/activities.h"
#include "cloudmodel/agenda.h"
#include "cloudmodel/allocation.h"
#include "cloudmodel/costs.h"
#include "cloudmodel/pools.h"
#include "cloudmodel/record.h"
#include "env/env.h"
#include "instance/driver.h"

namespace minato::cloudmodel {

// How EC2 takes a Spot Instance back; what is not said is as Options have it.
struct Interruption {
  std::optional<Duration> rebalance_lead;  // From the recommendation, now, to the notice.
  std::optional<Duration> notice;          // From the notice to the end. Zero: no notice.
};

enum class Maintenance { kSystemReboot, kInstanceRetirement };
enum class Protection { kOff, kOn };

class Cloud final : public cloud::AutoScaling, public cloud::LoadBalancing {
 public:
  struct Options {
    std::string region;
    std::uint16_t node_port = 0;  // Of the target group.
    Duration deregistration_delay = 300s;
    // From the death of an instance until its group notices (EC2 status checks); from a failed
    // target until its group does (ELB health checks).
    Duration instance_check_interval = 15s;
    Duration launch_retry = 10s;  // After a failed launch; doubles up to launch_retry_max.
    Duration launch_retry_max = 300s;
    Duration capacity_memory = 60s;  // For so long a pool that refused a launch is tried last.
    Duration spot_notice = 120s;     // Two minutes on AWS.
    Duration rebalance_lead{};       // Best effort on AWS; zero: it comes together with the notice.
    bool az_rebalance = true;
    Duration zone_check_interval = 60s;  // From an imbalance of zones until AZRebalance acts.
    const cloud::Catalogue* catalogue = &cloud::Catalogue::built_in();  // Outlives the Cloud.
    std::size_t activity_history = 100;
    std::size_t bill_history = 200;  // Ended instances whose own bills are kept.
    std::function<void(const std::string& text)> save;
  };
  struct Listener {
    std::function<void(const cloud::Instance&)> running;  // It has an address; a Node may join.
    // The machine has died, though nobody in the control plane knows yet: what stood for things
    // that ran on it must fall silent now.
    std::function<void(const cloud::Instance&)> lost;
    std::function<void(const cloud::Instance&)> gone;  // Nothing of it is left.
  };
  // Of one instance: scheduled events, canceled and completed ones included.
  static constexpr std::size_t kMaximumMaintenanceEvents = 100;

  Cloud(env::Env env, instance::Driver& instances, balancer::Driver& balancer, Options options);
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  // Takes back what save() was given; before start(). Errors: Invalid (text of another version).
  Status restore(const std::string& text);
  // Compares with what the drivers really have and begins to hold the groups' sizes.
  void start();
  // Saves what this turn has changed so far: for answers that leave the process before it ends.
  void flush();

  // cloud::AutoScaling.
  std::vector<cloud::AutoScalingGroup> describe_auto_scaling_groups() const override;
  std::vector<cloud::Instance> describe_auto_scaling_instances() const override;
  std::vector<cloud::Activity> describe_scaling_activities() const override;
  void set_desired_capacity(const std::string& group, std::int32_t desired,
                            cloud::Done done) override;
  void terminate_instance_in_auto_scaling_group(const std::string& id, cloud::Decrement decrement,
                                                cloud::Done done) override;
  void update_instances_distribution(const std::string& group,
                                     const cloud::InstancesDistribution& distribution,
                                     cloud::Done done) override;
  void complete_lifecycle_action(const std::string& group, const std::string& hook,
                                 const std::string& id, cloud::LifecycleResult result,
                                 cloud::Done done) override;
  void record_lifecycle_action_heartbeat(const std::string& group, const std::string& hook,
                                         const std::string& id, cloud::Done done) override;

  // cloud::LoadBalancing.
  std::vector<cloud::TargetHealth> describe_target_health() const override;
  Duration deregistration_delay() const override { return options_.deregistration_delay; }
  void register_target(const std::string& instance_id, cloud::Done done) override;
  void deregister_target(const std::string& instance_id, cloud::Done done) override;

  // The same at once, for the world that owns it; errors as there.
  Status set_desired_capacity(const std::string& group, std::int32_t desired);
  Status terminate_instance(const std::string& id, cloud::Decrement decrement);
  Status update_instances_distribution(const std::string& group,
                                       const cloud::InstancesDistribution& distribution);
  Status complete_lifecycle_action(const std::string& group, const std::string& hook,
                                   const std::string& id, cloud::LifecycleResult result);
  Status record_lifecycle_action_heartbeat(const std::string& group, const std::string& hook,
                                           const std::string& id);
  Status register_target(const std::string& instance_id);
  Status deregister_target(const std::string& instance_id);  // NotFound: it is not registered.

  // CreateAutoScalingGroup or UpdateAutoScalingGroup. Errors: Invalid.
  Status put_auto_scaling_group(const cloud::AutoScalingGroup& spec);
  // SetInstanceProtection. Errors: NotFound.
  Status set_instance_protection(const std::string& id, Protection protection);

  // Null when there is none, or none any more.
  const cloud::Instance* find_instance(const std::string& id) const;
  // EC2 knows a machine of this provider id that nobody has taken away.
  bool exists(const std::string& provider_id) const;
  // As DescribeTargetHealth answers for one target: unused, Target.NotRegistered, when it is none.
  cloud::TargetHealth target_health(const std::string& instance_id) const;
  // No target is healthy and some are not: the balancer sends to all of them.
  bool fail_open() const;
  Costs costs() const;
  const Pools& pools() const { return pools_; }

  // The market. Instances that run in an exhausted pool stay.
  void set_capacity(const PoolFilter& pools, Capacity capacity);
  void set_pool_depth(const std::string& type, const std::string& zone, std::int32_t depth);
  // While throttled, calls through the seams are refused as EC2 refuses an account that asks too
  // often (TooManyRequests, "Throttling: Rate exceeded"). Not kept over a restart.
  void set_throttled(bool throttled) { throttled_ = throttled; }
  std::uint64_t calls() const { return calls_made_; }  // Through the seams, refused ones included.
  void set_spot_limit(std::optional<std::int32_t> instances);
  // Errors: NotFound; Invalid when it is no Spot Instance, or EC2 is ending it already.
  Status interrupt(const std::string& id, const Interruption& interruption);
  // A share, rounded up, of the running Spot Instances of these pools, drawn by chance; those that
  // have a notice already are left alone. Returns their ids.
  std::vector<std::string> interrupt_share(const PoolFilter& pools, std::int32_t percent,
                                           const Interruption& interruption);
  // Elevated risk that may come to nothing. Errors as interrupt().
  Status recommend_rebalance(const std::string& id);
  // Takes back recommendation and notice, which AWS never does. Errors: NotFound.
  Status cancel_interruption(const std::string& id);
  std::optional<SpotNotice> notice(const std::string& id) const;
  // `changing` is called once, in the turn in which something about the instance changes that its
  // metadata may tell. False: there is no such instance.
  bool watch_instance(const std::string& id, std::function<void()> changing);
  std::optional<WallTime> rebalance_recommendation(const std::string& id) const;

  // Returns the event id. Errors: NotFound; TooManyRequests.
  Result<std::string> schedule_maintenance(const std::string& id, Maintenance what, Duration in);
  Status cancel_maintenance(const std::string& id, const std::string& event_id);
  std::vector<MaintenanceEvent> maintenance_events(const std::string& id) const;

  // The machine itself dies without notice, as hardware does. Errors: NotFound.
  Status kill_instance(const std::string& id);
  // Every machine of the zone dies and none can be launched there until it is restored.
  void fail_zone(const std::string& zone);
  void restore_zone(const std::string& zone);

 private:
  struct LaunchRequest {
    cloud::Market market = cloud::Market::kOnDemand;
    std::string cause;
    std::string relieves;            // "" for an ordinary launch.
    std::vector<std::string> zones;  // In the order in which they are tried.
    std::int32_t least_depth = INT32_MIN;  // Of the pool; Spot only.
  };
  using Instances = std::map<std::string, Kept<Record>>;

  // cloud.cc: turns and the way through them.
  void changed();
  void enqueue(env::Task call);
  void answer(cloud::Done done, Status status);
  Status asked(const std::function<Status()>& call);
  void arm();
  void run_turn();
  void run_due(Due due, const std::string& subject);
  void run_due_instance(Due due, const std::string& subject);
  void warn(const Status& status) const;
  std::uint64_t begin_activity(const std::string& group, std::string description,
                               std::string cause);
  void finish_activity(Record& record, std::string_view status, std::string message = {});
  void adopt(Record& record, const instance::Machine* machine);

  // groups.cc: sizes.
  Result<Group*> find_group(const std::string& name);
  Census census(const Group& group) const;
  static bool suspended(const Group& group, std::string_view process);
  void hold(const std::string& name);
  void launch_missing(Group& group, Census& now, std::int32_t missing);
  void scale_in(Group& group, Census& now);
  std::vector<const cloud::Instance*> may_go(const Group& group, bool relieved) const;

  // launch.cc
  bool launch(Group& group, Census& now, LaunchRequest request);
  void note_passed_over(const Group& group, const LaunchRequest& request, const std::string& zone);
  std::optional<Pool> choose_pool(const Group& group, const Census& now,
                                  const LaunchRequest& request, bool avoided_too) const;
  bool usable(const Pool& pool, bool avoided_too) const;
  std::int32_t spot_instances() const;
  void fail_launch(Group& group, const LaunchRequest& request, std::string message);
  void boot(const Record& record);
  void launched(const std::string& id, Result<instance::Machine> machine);
  void launch_failed(const std::string& id, const Error& error);
  void back_off(Group& group, cloud::Market market);
  void forget_back_off(Group& group, cloud::Market market);
  bool backing_off(const Group& group, cloud::Market market) const;

  // lifecycle.cc: hooks, and from the decision to terminate to the end.
  bool begin_hooks(Record& record, cloud::LifecycleTransition transition);
  Status check_waits(const std::string& group, const std::string& hook,
                     const std::string& id) const;
  void end_wait(const std::string& id, const std::string& hook, cloud::LifecycleResult result);
  void clear_waits(Record& record);
  void enter_service(const std::string& id);
  void terminate(const std::string& id, const std::string& cause);
  void step_termination(const std::string& id);
  void destroy(const std::string& id);
  void finish_termination(const std::string& id);
  void close_bill(Record& record);

  // health.cc: machines that die, and how the group learns of it.
  void machine_gone(const std::string& id);
  void replace_unhealthy(const std::string& id, const std::string& cause);
  void check_elb_health(const std::string& id);
  void replace_all_unhealthy(Group& group);

  // zones.cc: what is launched ahead of an end.
  void relieve(Group& group, Census& now);
  void dissolve_relief(Record& record);
  void relief_ready(const std::string& id);
  void rebalance_zones(Group& group, Census& now);
  bool zones_differ(const Group& group, const Census& now) const;
  std::vector<std::string> usable_zones(const Group& group, cloud::Market market) const;

  // spot.cc
  Result<Kept<Record>*> find_spot(const std::string& id);
  bool can_be_interrupted(const Record& record) const;
  void recommend(Record& record);
  void give_notice(const std::string& id);
  void reclaim(const std::string& id, Reclaim why);
  void end_reclaimed(const std::string& id);
  void run_maintenance(const std::string& id, const std::string& event_id);

  // targets.cc
  void attach_target(const cloud::Instance& instance);
  void attach_or_detach(const Group& group);
  bool drained(const std::string& id) const;
  void remove_target(const std::string& id);
  void retire_target(const std::string& id);
  void observe(const balancer::Observation& observation);
  void set_target_state(Target& target, cloud::TargetState state, std::string reason,
                        std::string description);
  void adopt_targets();

  // state.cc
  std::string state() const;
  void rebuild_indexes();

  Kept<Record>* find(const std::string& id);
  const Kept<Record>* find(const std::string& id) const;

  env::Env env_;
  instance::Driver& driver_;
  balancer::Driver& balancer_;
  Options options_;
  Listener listener_;
  bool started_ = false;

  std::map<std::string, Group> groups_;
  Instances instances_;
  std::map<std::string, Target> targets_;
  Pools pools_;
  ActivityLog activities_;
  EndedBills ended_bills_;
  Agenda agenda_;

  std::map<std::string, std::string> relief_of_;  // From the relieved; follows from instances_.
  std::set<std::string> destroying_;              // The driver is at it.
  bool throttled_ = false;
  std::uint64_t calls_made_ = 0;
  bool dirty_ = false;
  bool armed_ = false;
  mutable std::size_t last_state_size_ = 0;  // What the next one will need, about.
  // What is to happen once the present state is saved: no more than this turn asked for.
  std::vector<env::Task> calls_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::cloudmodel
