// The working of decide(): one pass over the removals, most urgent first, with what earlier ones
// have taken from the common stock (healthy targets, budgets, room in groups).
//
// Private to plan*.cc. Lives for one decide(); refers to its State.
#pragma once

#include <map>
#include <set>
#include <string>

#include "removal/plan.h"

namespace minato::removal {

class Planner {
 public:
  explicit Planner(const State& state);
  Plan run();

 private:
  using Removal = const RemovalView&;

  // plan.cc: order, stock, phases.
  std::vector<const RemovalView*> by_urgency() const;
  void count_stock();
  void match_replacements();
  Decision decide(Removal removal);
  void wait(Removal removal, Decision& out);
  bool admit(Removal removal, Decision& out);
  bool may_detach(Removal removal, Decision& out);
  bool may_go_without_replacement(Removal removal, Decision& out) const;
  void drain(Removal removal, Decision& out);
  void finish(Removal removal, Decision& out);
  void end_instance(Removal removal, Decision& out);
  void lose(Removal removal, Decision& out);
  void undo(Removal removal, Decision& out);
  void order_replacement(Removal removal, Decision& out);
  static bool rebalances_by_itself(Removal removal, const cloud::AutoScalingGroup& group);
  Capacity settle_replacement(Removal removal) const;
  // plan_evictions.cc: Pods.
  void evict(Removal removal, Decision& out);
  void evict_pod(Removal removal, const PodView& pod, Decision& out);
  bool may_leave_now(Removal removal, const PodView& pod, Decision& out);
  void shorten(Removal removal, const PodView& pod, Decision& out) const;
  void cut_short(Removal removal, Decision& out) const;
  bool pods_must_hurry(Removal removal) const;
  std::vector<const PodView*> waited_for(Removal removal) const;
  WallTime last_call(Removal removal, const PodView& pod) const;

  std::optional<WallTime> end_of(Removal removal) const;
  bool is_over(Removal removal) const;
  bool is_drained(Removal removal) const;
  const cloud::TargetHealth* target_of(Removal removal) const;
  const cloud::Instance* instance_of(Removal removal) const;
  const cloud::AutoScalingGroup* group_of(Removal removal) const;
  std::int32_t live_in(const std::string& group) const;
  bool replacement_serves(Removal removal) const;

  const State& state_;
  std::map<std::string, const cloud::TargetHealth*> targets_;      // By instance.
  std::map<std::string, const cloud::Instance*> instances_;        // By id.
  std::map<std::string, const cloud::AutoScalingGroup*> groups_;   // By name.
  std::map<std::string, std::string> matched_;                     // Node to its replacement.
  std::map<std::string, std::int32_t> room_;                       // Up to a group's maximum.
  std::set<std::string> leaving_;                                  // Instances.
  std::set<std::string> disturbed_;  // Controllers that have lost a Pod in this pass.
  std::int32_t staying_healthy_ = 0;
  std::int32_t staying_registered_ = 0;
  std::int32_t voluntary_ = 0;
  std::int32_t draining_ = 0;
  bool is_any_urgent_ = false;
};

}  // namespace minato::removal
