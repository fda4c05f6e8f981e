// The simulated world: the same composition as the local one, on a virtual clock, over modelled
// machines, containers, network and load balancer.
//
// Deterministic: one seed gives one trace (hash of every write to the store, in order, with its
// time). Invariants are checked after every event by code that shares nothing with what it checks
// (invariants.h). Owned by the caller; single-threaded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/cluster.h"
#include "env/virtual_time.h"
#include "sim/balancer.h"
#include "sim/datacenter.h"
#include "sim/invariants.h"
#include "sim/network.h"
#include "sim/story.h"
#include "sim/trace.h"
#include "sim/traffic.h"
#include "spec/spec.h"
#include "store/store.h"

namespace minato::sim {

struct SimOptions {
  std::uint64_t seed = 1;
  spec::Spec spec;
  Timings timings;
  cluster::Profile profile = cluster::kFast;
  double requests_per_second = 0;
  SimBalancer::Work work;  // Of one request.
  kubelet::EventDetail events = kubelet::EventDetail::kAll;
  // The cluster's own roles run as Pods; else they are taken for granted.
  cluster::Roles::Presence roles = cluster::Roles::Presence::kAssumed;
  const cloud::Catalogue* catalogue = &cloud::Catalogue::built_in();  // Outlives the world.
  env::Log* log = nullptr;  // Null: no log.
};

class SimWorld {
 public:
  explicit SimWorld(SimOptions options);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  Status start();
  // Lets virtual time pass; stops early at the first broken invariant.
  void run_for(Duration duration);
  // Until the service is as its spec says and every target is healthy; false when `limit` passes.
  bool run_until_converged(Duration limit);
  bool converged() const;

  // What people and fate do.
  Status deploy(const std::string& image);
  Status rollback();
  void kill_control();     // The control process dies and is back at once, as after kill -9.
  void stop_control();     // Dies and stays away.
  Status start_control();  // Comes back.
  bool control_is_up() const { return cluster_ != nullptr; }
  void crash_container(std::uint64_t choice);
  void kill_machine(std::uint64_t choice);
  Status delete_pod(std::uint64_t choice);
  void set_zone_capacity(const std::string& zone, bool available);
  void set_rate(double requests_per_second);
  void set_load(LoadCurve curve) { traffic_.follow(std::move(curve)); }
  void set_work(SimBalancer::Work work) { traffic_.set_work(work); }
  void set_slow_after(Duration limit) { balancer_.set_slow_after(limit); }
  void fail_zone(const std::string& zone);
  void restore_zone(const std::string& zone);
  // So many of the machines that boot from now on never become Nodes.
  void hang_machines(int machines) { instances_.hang_next(machines); }
  void set_zone_addresses(const std::string& zone, bool available);
  // p99 of requests through the zone while any zone was slow, since this was last asked.
  Duration take_zone_p99(const std::string& zone) { return balancer_.take_latency(99, zone); }
  void jump_clock(Duration by) { time_.jump_wall(by); }

  const SimOptions& options() const { return options_; }
  Story& story() { return story_; }
  Trace& trace() { return trace_; }
  const Invariants& invariants() const { return invariants_; }
  Duration latency(double percent) const { return balancer_.latency(percent); }
  Datacenter& datacenter() { return datacenter_; }
  cluster::Cluster& cluster() { return *cluster_; }
  env::VirtualTime& time() { return time_; }
  const RequestCounts& requests() { return traffic_.counts(); }
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t trace_hash() const { return trace_.hash(); }
  std::uint64_t writes() const { return trace_.writes(); }

 private:
  blueprint::Blueprint compile() const;
  void check();
  bool step(MonoTime until);
  void audit();

  SimOptions options_;
  env::VirtualTime time_;
  env::NullLog null_log_;
  env::Env env_;
  Datacenter datacenter_;
  SimInstances instances_;
  SimServiceRules rules_;
  SimDns dns_;
  SimBalancer balancer_;
  Traffic traffic_;
  store::Store store_;
  Trace trace_;
  Story story_;
  Invariants invariants_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::uint64_t lives_ = 0;  // Of the control process.
  std::vector<std::string> violations_;
};

}  // namespace minato::sim
