// What must hold after every event, checked against the store, the modelled machines and the cloud
// directly, by code that shares nothing with what it checks.
//
//   I1  a Pod is bound once and never moves; it has a sandbox on its own Node's machine only
//   I2  requests on a Node never exceed what it can allocate, Pods never its limit
//   I3  nothing is billed that does not run
//   I4  every request is accounted for
//   I5  no eviction takes a service below what its PodDisruptionBudget says
//   I7  versions in a watch only grow (Trace)
//   I9  replicas change direction no oftener than stabilization allows
//   I12 a Pod that waits for a Node says why
//   I14 no group is above its maximum (10 % or one more while AZRebalance or Capacity Rebalancing
//       moves)
//   I15 a noticed interruption has its replacement ordered within kOrderedWithin
//   I16 no Pod of the cluster's own roles, agents aside, is on the scaling group
//   I17 no Pod waits longer than help_within while a group could grow for it
//
// Follows the store by watches, so that a check costs what has changed since the last one; the
// cloud is looked at every kCloudInterval. Owned by SimWorld. Numbers: docs/TESTING.md.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cluster/cluster.h"
#include "sim/balancer.h"
#include "sim/datacenter.h"
#include "store/store.h"

namespace minato::sim {

class Invariants {
 public:
  // A Pod may wait this long before it must carry a reason.
  static constexpr Duration kReasonWithin = 10s;
  static constexpr Duration kOrderedWithin = 5s;  // After the agent's poll.
  static constexpr Duration kCloudInterval = 1s;
  static constexpr Duration kBillInterval = 10s;

  struct Options {
    Duration agent_poll = 2s;
    Duration downscale_stabilization = 5min;
    Duration help_within = 20min;  // Failed launches and their back-offs included.
  };
  Invariants(const env::Clock& clock, store::Store& store, Datacenter& datacenter, Options options);

  // "" while all hold. `cluster`: null while the control plane is away, whose work some of it is.
  std::string check(const RequestCounts& requests, cluster::Cluster* cluster);

  // Whether machines can be had at all, for what Pods may hope.
  void set_has_capacity(bool has) { has_capacity_ = has; }

  // Most changes of direction of a Deployment's replicas within an hour so far.
  std::size_t direction_changes() const { return most_turns_; }

 private:
  struct Sum {
    std::int64_t cpu = 0, memory = 0, pods = 0;
  };
  struct Waiting {
    MonoTime since{};
    bool is_explained = false;
  };
  struct Replicas {
    std::int32_t last = 0;
    int direction = 0;
    std::deque<MonoTime> turns;  // Within the last hour.
  };
  void pod_changed(const store::Event& event);
  void node_changed(const store::Event& event);
  void deployment_changed(const store::Event& event);
  void follow_binding(const kube::Pod& pod);
  void follow_waiting(const kube::Pod& pod, bool is_gone);
  void check_eviction(const kube::Pod& pod);
  void broken(std::string what);
  void check_started();
  void check_nodes();
  void check_waiting();
  void check_cloud(cluster::Cluster& cluster);
  void check_groups(const cluster::Cluster& cluster, const std::vector<cloud::Instance>& instances);
  void check_bills(const cluster::Cluster& cluster);
  void check_notices(cluster::Cluster& cluster, const std::vector<cloud::Instance>& instances);
  void check_helped(cluster::Cluster& cluster);

  const env::Clock& clock_;
  store::Store& store_;
  Datacenter& datacenter_;
  Options options_;
  std::vector<std::unique_ptr<kube::Watch>> watches_;
  std::string broken_;  // The first.
  std::map<std::string, std::string> bound_;  // Pod uid to Node.
  std::map<std::string, Sum> sums_;           // By Node.
  std::set<std::string> stale_nodes_;
  std::map<kube::ObjectKey, Waiting> waiting_;
  std::set<std::pair<MonoTime, kube::ObjectKey>> unexplained_;
  std::map<kube::ObjectKey, Replicas> replicas_;
  std::size_t most_turns_ = 0;
  MonoTime next_cloud_check_{};
  MonoTime next_bill_check_{};
  MonoTime control_since_{};  // Without a break.
  bool control_was_up_ = false;
  bool has_capacity_ = true;
  MonoTime help_since_{};  // Since when the cloud has had everything.
  std::map<std::string, MonoTime> noticed_;  // Instances.
};

}  // namespace minato::sim
