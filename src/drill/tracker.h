// The world as a drill has seen it: how everything is now, how it was when the drill began, and
// whether a condition holds.
//
// Fed by a World's observations. Pure; values.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drill/drill.h"
#include "drill/observation.h"

namespace minato::drill {

struct Counts {
  std::int32_t ready_pods = 0;  // Of the service.
  std::int32_t ready_nodes = 0;
  std::int32_t healthy_targets = 0;
  std::int32_t wanted = 0;  // Replicas.
  bool operator==(const Counts&) const = default;
};

// What was hit, and what stood on it.
struct Victims {
  std::set<std::string> pods;
  std::set<std::string> nodes;
  std::set<std::string> instances;
  std::vector<std::string> targets;  // Of the Acts, in order.
};

class Tracker {
 public:
  void see(const Observation& observation);
  // From here on things are compared with how they are now.
  void begin(Victims victims);

  bool holds(const Condition& condition) const;
  Counts counts() const;
  const Counts& before() const { return before_; }
  const Victims& victims() const { return victims_; }
  // Everything at rest: rollout done, all Pods ready, all targets healthy, all instances in service
  // and their Nodes ready, no removal and no notice; else why not.
  bool is_steady(std::string& why_not) const;

  // Where the service's Pods, or the Nodes of the groups they run in, crowd: one of the zones has two
  // more than another. Zones with such a Node count although they are not named. "": nowhere.
  std::string crowding(const std::vector<std::string>& zones) const;

  // Whom to hit: among what is ready, the first by name that carries most. Errors: NotFound, with
  // what is missing.
  Result<Victims> choose(const Action& action, const std::string& zone_hint = {}) const;
  // When the ready Pod of the service that has run longest was last restarted; the oldest of times
  // where one never was.
  MonoTime calmest_pod_since() const;

  std::vector<const Observation*> all(Subject subject) const;
  const Observation* find(Subject subject, const std::string& name) const;

 private:
  using Key = std::pair<Subject, std::string>;
  std::vector<const Observation*> service_pods() const;
  std::vector<const Observation*> replacements(Subject subject) const;  // Came since begin().
  std::int32_t restarted(std::string_view state_at_least) const;
  std::int32_t come_pods(int least) const;
  bool is_role(const std::string& role, std::string_view state) const;
  Victims standing_on(std::set<std::string> nodes) const;
  Result<std::string> busiest_node() const;
  const Observation* calmest_pod() const;
  MonoTime restarted_at(const std::string& pod) const;

  std::map<Key, Observation> now_;
  std::map<Key, Observation> then_;  // At begin().
  std::map<std::string, MonoTime> restarted_;  // Pods by name: when it was seen that they had been.
  std::set<std::string> fallen_;     // Victim Pods that were seen not ready since.
  std::set<std::string> waited_for_; // Reasons for which Pods waited since.
  std::set<std::string> left_;       // Instances whose target was seen not healthy since.
  bool release_seen_ = false;
  bool control_fell_ = false;
  std::set<std::string> roles_fell_;
  Counts before_;
  Victims victims_;
};

}  // namespace minato::drill
