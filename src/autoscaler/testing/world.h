// A closed loop for tests: registry, scheduler and autoscaler on virtual time, over a cloud and
// removals that are made up. Everything follows from the seed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "autoscaler/autoscaler.h"
#include "env/virtual_time.h"
#include "registry/in_process_client.h"
#include "scheduler/scheduler.h"

namespace minato::autoscaler::testing {

class World;

// Groups that hold their size: launches in the emptiest zone, of the first type with capacity.
class FakeCloud final : public cloud::AutoScaling {
 public:
  explicit FakeCloud(World& world) : world_(world) {}

  Duration boot = 40s;
  std::set<std::string> out_of_capacity;  // "type/zone/market"
  bool nodes_join = true;
  std::int32_t launches = 0;
  std::int32_t changes = 0;           // Of sizes.
  std::int32_t highest_over_max = 0;  // Instances beyond the maximum, ever.

  void add(cloud::AutoScalingGroup group);
  const cloud::AutoScalingGroup& group(const std::string& name) const { return groups_.at(name); }
  std::int32_t live(const std::string& group) const;
  std::int32_t live(const std::string& group, cloud::Market market) const;
  void hold();  // Launches what is missing; every few seconds.
  Status terminate(const std::string& node, cloud::Decrement decrement);

  std::vector<cloud::AutoScalingGroup> describe_auto_scaling_groups() const override;
  std::vector<cloud::Instance> describe_auto_scaling_instances() const override;
  std::vector<cloud::Activity> describe_scaling_activities() const override { return activities_; }
  void set_desired_capacity(const std::string& group, std::int32_t desired,
                            cloud::Done done) override;
  void terminate_instance_in_auto_scaling_group(const std::string& id, cloud::Decrement decrement,
                                                cloud::Done done) override;
  void update_instances_distribution(const std::string& group,
                                     const cloud::InstancesDistribution& distribution,
                                     cloud::Done done) override;
  void complete_lifecycle_action(const std::string&, const std::string&, const std::string&,
                                 cloud::LifecycleResult, cloud::Done) override {}
  void record_lifecycle_action_heartbeat(const std::string&, const std::string&,
                                         const std::string&, cloud::Done) override {}

 private:
  void launch(cloud::AutoScalingGroup& group);
  void answer(cloud::Done done, Status status);
  void join(const std::string& id);

  World& world_;
  std::map<std::string, cloud::AutoScalingGroup> groups_;
  std::map<std::string, cloud::Instance> instances_;
  std::map<std::string, env::TimerHandle> boots_;
  std::vector<cloud::Activity> activities_;
  std::uint64_t next_ = 1;
};

// Takes a Node away: cordon, evict, end the instance.
class FakeRemovals final : public removal::Removals {
 public:
  explicit FakeRemovals(World& world) : world_(world) {}
  Status begin(removal::Request request) override;
  Status cancel(const std::string& node) override;
  std::vector<removal::Progress> progress() const override;
  void step();
  std::int32_t begun = 0;

 private:
  World& world_;
  std::map<std::string, removal::Progress> under_way_;
};

class World {
 public:
  explicit World(std::uint64_t seed = 1, Options options = {});

  // So many Pods of one ReplicaSet, from now on.
  void want(const std::string& workload, int pods, int milli_cpu);
  void advance(Duration duration) { time.advance(duration); }
  int waiting() const;
  int nodes() const;
  bool has_event(const std::string& reason) const;
  std::uint64_t trace() const { return trace_; }
  void note(std::string_view what);

  env::VirtualTime time;
  env::NullLog log;
  env::Env env;
  store::Store store;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<informer::Informers> informers;
  std::unique_ptr<scheduler::Scheduler> scheduler;
  FakeCloud cloud{*this};
  FakeRemovals removals{*this};
  std::unique_ptr<Autoscaler> autoscaler;

 private:
  struct Workload {
    int pods = 0;
    int milli_cpu = 0;
  };
  void tick();
  void reconcile(const std::string& name, const Workload& workload);

  std::map<std::string, Workload> workloads_;
  env::TimerHandle timer_;
  int next_pod_ = 0;
  std::uint64_t trace_ = 14'695'981'039'346'656'037ULL;
};

}  // namespace minato::autoscaler::testing
