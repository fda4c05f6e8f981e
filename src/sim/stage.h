// What the steps of a scenario act on: the world, with words for what people and fate do, and for
// what must be so. An expectation that is not met is noted, and the play goes on.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "kube/types/autoscaling.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "sim/scenario.h"

namespace minato::sim {

class Stage {
 public:
  explicit Stage(SimWorld& world) : world_(world), spec_(world.options().spec) {}

  SimWorld& world() { return world_; }
  cluster::Cluster& cluster() { return world_.cluster(); }
  cloudmodel::Cloud& cloud() { return world_.cluster().cloud(); }
  const spec::Spec& spec() const { return spec_; }

  // What happens.
  void say(std::string text) { world_.story().say(std::move(text)); }
  void load(LoadCurve curve, std::string text);
  void load(double rps) { load(LoadCurve::constant(rps), fmt::format("{:.0f} requests per second", rps)); }
  void deploy(const std::string& image);
  void patch(const kube::Kind& kind, const kube::ObjectKey& key, const std::string& json);
  void scale_role(std::string_view role, int replicas);  // Of the cluster's own.
  void set_budget(const std::string& json);              // The service's PodDisruptionBudget.
  void interrupt(int percent, const cloudmodel::Interruption& how = {}, const cloudmodel::PoolFilter& pools = {});
  void interrupt_node(const std::string& node);
  void drain(const std::string& node);
  void fail_zone(const std::string& letter);
  void restore_zone(const std::string& letter);
  void no_capacity(const cloudmodel::PoolFilter& pools, const std::string& what);
  void capacity_again();
  void kill_node(const std::string& node);
  // Its status says Failed, as a kubelet's that evicts it.
  void fail_pod(const kube::ObjectKey& pod, const std::string& reason);

  // Time passes.
  void run(Duration duration) { world_.run_for(duration); }
  bool run_until(Duration limit, const std::function<bool()>& holds);
  // Until all is as it should be, which must come within `limit`; notes how long it took.
  void recover(Duration limit);
  // A while in which nothing is asked for: writes besides heartbeats stay below `per_hour`.
  void stay_quiet(Duration duration, std::uint64_t per_hour);

  // What is seen.
  RequestCounts counts() { return world_.requests(); }
  std::int32_t replicas();
  std::int32_t desired(std::string_view group = blueprint::kScalingGroup);
  std::int32_t instances(std::string_view group = blueprint::kScalingGroup);
  std::string group_name(std::string_view group) const { return spec_.service + "-" + std::string(group); }
  std::vector<std::shared_ptr<const kube::Pod>> pods() { return pods_named(spec_.service); }
  std::int32_t headroom();  // Pods that hold room on a Node.
  std::int32_t ready_pods();
  std::int32_t waiting_pods();
  std::string waiting_reason();  // Of the first Pod without a Node.
  std::vector<std::string> nodes(std::string_view group = blueprint::kScalingGroup);
  std::string role_node(std::string_view role);  // One on which it runs.
  std::string condition(const std::string& type);  // Of the HorizontalPodAutoscaler: "True Reason: message".
  std::string explain(const std::string& kind, const std::string& name);
  std::uint64_t events(const std::string& reason) { return world_.story().count(reason); }
  std::int64_t cost_micro_usd() { return cloud().costs().total.micro_usd(); }

  // What must be so.
  void expect(bool holds, const std::string& what);
  void expect_failed(std::uint64_t before, std::uint64_t most, const std::string& when);
  void expect_contains(const std::string& text, const std::string& part, const std::string& of_what);
  void fact(std::string text) { facts_.push_back(std::move(text)); }

  Duration recovery() const { return recovery_; }
  const std::vector<std::string>& failures() const { return failures_; }
  const std::vector<std::string>& facts() const { return facts_; }

 private:
  std::vector<std::shared_ptr<const kube::Pod>> pods_named(const std::string& name);
  kube::ObjectKey service() const { return {spec_.service, spec_.service}; }

  SimWorld& world_;
  spec::Spec spec_;
  Duration recovery_{-1};
  std::vector<std::string> failures_;
  std::vector<std::string> facts_;
};

}  // namespace minato::sim
