#include "drill/tracker.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::drill {
namespace {

// How far a Pod is on its way to ready.
int progress_of(std::string_view state) {
  if (state == "bound") return 1;
  if (state == "started") return 2;
  if (state == "ready") return 3;
  return 0;
}

bool is_there(const Observation& observation) { return observation.state != "gone"; }

// "": they differ by one at most.
std::string differ(const std::map<std::string, std::int32_t>& by_zone, std::string_view what) {
  if (by_zone.empty()) return "";
  const auto [least, most] = std::ranges::minmax_element(by_zone, {}, [](const auto& zone) { return zone.second; });
  if (most->second - least->second < 2) return "";
  return fmt::format("{} {} in {}, {} in {}", most->second, what, most->first, least->second, least->first);
}

}  // namespace

void Tracker::see(const Observation& seen) {
  const Key key{seen.subject, seen.name};
  if (seen.subject == Subject::kPod && seen.state != "ready" && victims_.pods.contains(seen.name)) {
    fallen_.insert(seen.name);
  }
  if (seen.subject == Subject::kPod && seen.group.empty() && !seen.detail.empty()) waited_for_.insert(seen.detail);
  if (seen.subject == Subject::kTarget && seen.state != "healthy") left_.insert(seen.name);
  if (seen.subject == Subject::kRollout && seen.state != "done") release_seen_ = true;
  if (seen.subject == Subject::kControl && seen.state == "down") control_fell_ = true;
  if (seen.subject == Subject::kRole && seen.state != "active") roles_fell_.insert(seen.name);
  // A restart that was too quick to be seen on its way counts too.
  const auto before = now_.find(key);
  if (seen.subject == Subject::kPod && before != now_.end() && seen.count > before->second.count &&
      victims_.pods.contains(seen.name)) {
    fallen_.insert(seen.name);
  }
  const std::int32_t restarts = before == now_.end() ? 0 : before->second.count;
  if (seen.subject == Subject::kPod && seen.count > restarts) restarted_[seen.name] = seen.at;
  if (is_there(seen)) {
    now_[key] = seen;
  } else {
    now_.erase(key);
    if (seen.subject == Subject::kPod) restarted_.erase(seen.name);
  }
}

void Tracker::begin(Victims victims) {
  victims_ = std::move(victims);
  then_ = now_;
  fallen_.clear();
  waited_for_.clear();
  left_.clear();
  roles_fell_.clear();
  release_seen_ = control_fell_ = false;
  before_ = counts();
}

const Observation* Tracker::find(Subject subject, const std::string& name) const {
  const auto found = now_.find({subject, name});
  return found == now_.end() ? nullptr : &found->second;
}

std::vector<const Observation*> Tracker::all(Subject subject) const {
  std::vector<const Observation*> out;
  for (auto it = now_.lower_bound({subject, ""}); it != now_.end() && it->first.first == subject; ++it) {
    out.push_back(&it->second);
  }
  return out;
}

std::vector<const Observation*> Tracker::service_pods() const {
  std::vector<const Observation*> out = all(Subject::kPod);
  std::erase_if(out, [](const Observation* pod) { return !pod->group.empty(); });
  return out;
}

std::vector<const Observation*> Tracker::replacements(Subject subject) const {
  std::vector<const Observation*> out = all(subject);
  std::erase_if(out, [&](const Observation* each) {
    return then_.contains({subject, each->name}) || each->state == "leaving" || each->state == "terminating";
  });
  return out;
}

Counts Tracker::counts() const {
  Counts out;
  for (const Observation* pod : service_pods()) out.ready_pods += pod->state == "ready";
  for (const Observation* node : all(Subject::kNode)) out.ready_nodes += node->state == "ready" && !node->is_marked;
  for (const Observation* target : all(Subject::kTarget)) out.healthy_targets += target->state == "healthy";
  for (const Observation* rollout : all(Subject::kRollout)) out.wanted += rollout->count;
  return out;
}

// New Pods of the service that have come at least that far, and victims that were restarted.
std::int32_t Tracker::come_pods(int least) const {
  std::int32_t out = 0;
  for (const Observation* pod : replacements(Subject::kPod)) {
    out += pod->group.empty() && progress_of(pod->state) >= least;
  }
  for (const std::string& name : victims_.pods) {
    const Observation* pod = find(Subject::kPod, name);
    const auto old = then_.find({Subject::kPod, name});
    if (pod == nullptr || old == then_.end()) continue;
    const bool again = pod->count > old->second.count || (least == 3 && fallen_.contains(name));
    out += again && pod->state != "leaving" && progress_of(pod->state) >= least;
  }
  return out;
}

bool Tracker::is_role(const std::string& role, std::string_view state) const {
  const Observation* seen = find(Subject::kRole, role);
  return seen != nullptr && seen->state == state;
}

bool Tracker::holds(const Condition& condition) const {
  const Counts now = counts();
  const bool hits = !victims_.targets.empty() && !victims_.targets.front().empty();
  const auto pods = hits ? static_cast<std::int32_t>(victims_.pods.size()) : std::max(now.wanted - before_.wanted, 0);
  const auto instances = hits ? static_cast<std::int32_t>(victims_.instances.size()) : 1;
  const auto every = [](const auto& names, auto test) { return std::ranges::all_of(names, test); };
  const auto came = [&](Subject subject, auto test) {
    const auto found = replacements(subject);
    return std::ranges::count_if(found, [&](const Observation* each) { return test(*each); }) >= instances;
  };
  switch (condition.seen) {
    case Seen::kPodDown:
      return every(victims_.pods, [&](const std::string& name) {
        return fallen_.contains(name) || find(Subject::kPod, name) == nullptr;
      });
    case Seen::kPodReplaced: return come_pods(0) >= pods;
    case Seen::kPodStarted: return come_pods(2) >= pods;
    case Seen::kPodReady: return come_pods(3) >= pods;
    case Seen::kPodWaiting: return waited_for_.contains(condition.word);
    case Seen::kNodeDown:
      return every(victims_.nodes, [&](const std::string& name) {
        const Observation* node = find(Subject::kNode, name);
        return node == nullptr || node->state != "ready";
      });
    case Seen::kNodeMarked:
      return every(victims_.nodes, [&](const std::string& name) {
        const Observation* node = find(Subject::kNode, name);
        return node == nullptr || node->is_marked;
      });
    case Seen::kTargetOut:
      return every(victims_.instances, [&](const std::string& name) {
        return left_.contains(name) || find(Subject::kTarget, name) == nullptr;
      });
    case Seen::kInstanceOrdered: return came(Subject::kInstance, [](const Observation&) { return true; });
    case Seen::kInstanceRunning:
      return came(Subject::kInstance, [](const Observation& each) { return each.state != "pending"; });
    case Seen::kNodeReady:
      return came(Subject::kNode, [](const Observation& each) { return each.state == "ready"; });
    case Seen::kCapacityBack:
      return now.ready_pods >= before_.ready_pods && now.ready_nodes >= before_.ready_nodes &&
             now.healthy_targets >= before_.healthy_targets;
    case Seen::kServiceBack: {
      const auto targets = all(Subject::kTarget);
      return now.wanted > 0 && now.ready_pods >= now.wanted && now.healthy_targets > 0 &&
             std::ranges::all_of(targets, [](const Observation* target) {
               return target->state == "healthy" || target->state == "draining";
             });
    }
    case Seen::kReleaseSeen: return release_seen_;
    case Seen::kReleaseBad:
      return std::ranges::any_of(all(Subject::kRollout), [](const Observation* each) { return each->state == "failed"; });
    case Seen::kReleaseDone:
      return release_seen_ &&
             std::ranges::all_of(all(Subject::kRollout), [](const Observation* each) { return each->state == "done"; });
    case Seen::kReplicasRaised: return now.wanted > before_.wanted;
    case Seen::kRoleDown: return roles_fell_.contains(condition.word);
    case Seen::kRoleUp: return is_role(condition.word, "active");
    case Seen::kControlDown: return control_fell_;
    case Seen::kControlUp:
      return control_fell_ &&
             std::ranges::all_of(all(Subject::kControl), [](const Observation* each) { return each->state == "up"; });
  }
  return false;
}

std::string Tracker::crowding(const std::vector<std::string>& zones) const {
  std::map<std::string, std::int32_t> pods, nodes;  // By zone.
  for (const std::string& zone : zones) pods[zone] = nodes[zone] = 0;
  std::set<std::string> groups;  // In which such Pods run.
  for (const Observation* pod : service_pods()) {
    ++pods[pod->zone];
    if (const Observation* node = find(Subject::kNode, pod->node)) groups.insert(node->group);
  }
  for (const Observation* node : all(Subject::kNode)) {
    if (node->state != "ready" || node->is_marked || !groups.contains(node->group)) continue;
    ++nodes[node->zone];
    pods.try_emplace(node->zone, 0);
  }
  const std::string of_nodes = differ(nodes, "Nodes");
  return of_nodes.empty() ? differ(pods, "Pods") : of_nodes;
}

bool Tracker::is_steady(std::string& why_not) const {
  const auto say = [&](std::string text) {
    why_not = std::move(text);
    return false;
  };
  const Counts now = counts();
  for (const Observation* each : all(Subject::kControl)) {
    if (each->state != "up") return say("the control process is away");
  }
  for (const Observation* each : all(Subject::kRollout)) {
    if (each->state != "done") return say("a rollout is under way: " + each->detail);
  }
  if (now.wanted == 0) return say("no replicas are wanted");
  if (now.healthy_targets == 0) return say("no target is healthy");
  for (const Observation* pod : all(Subject::kPod)) {
    if (pod->state != "ready") return say(fmt::format("Pod {} is {} {}", pod->name, pod->state, pod->detail));
  }
  if (now.ready_pods != now.wanted) return say(fmt::format("{} of {} Pods are ready", now.ready_pods, now.wanted));
  for (const Observation* node : all(Subject::kNode)) {
    if (node->state != "ready" || node->is_marked) {
      return say(fmt::format("Node {} is {}", node->name, node->is_marked ? "cordoned or being taken out" : node->state));
    }
  }
  for (const Observation* instance : all(Subject::kInstance)) {
    if (instance->state != "in-service" || instance->is_marked) {
      return say(fmt::format("instance {} {}", instance->name, instance->is_marked ? "has a notice" : "is " + instance->state));
    }
  }
  for (const Observation* target : all(Subject::kTarget)) {
    if (target->state != "healthy") return say(fmt::format("target {} is {}", target->name, target->state));
  }
  return true;
}

Victims Tracker::standing_on(std::set<std::string> nodes) const {
  Victims out;
  for (const Observation* instance : all(Subject::kInstance)) {
    if (nodes.contains(instance->node)) out.instances.insert(instance->name);
  }
  for (const Observation* pod : service_pods()) {
    if (nodes.contains(pod->node)) out.pods.insert(pod->name);
  }
  out.nodes = std::move(nodes);
  return out;
}

// Of those that serve the load balancer, the one with most Pods of the service.
Result<std::string> Tracker::busiest_node() const {
  std::string best;
  std::size_t most = 0;
  for (const Observation* target : all(Subject::kTarget)) {
    if (target->state != "healthy" || target->node.empty()) continue;
    const std::size_t pods = standing_on({target->node}).pods.size();
    if (best.empty() || pods > most) {
      best = target->node;
      most = pods;
    }
  }
  if (best.empty()) return fail(Reason::kNotFound, "no Node is a healthy target");
  return best;
}

MonoTime Tracker::restarted_at(const std::string& pod) const {
  const auto found = restarted_.find(pod);
  return found == restarted_.end() ? MonoTime::min() : found->second;
}

// One that was restarted before would be held back longer than a drill's own crashes make it.
const Observation* Tracker::calmest_pod() const {
  const Observation* best = nullptr;
  for (const Observation* pod : service_pods()) {
    if (pod->state != "ready") continue;
    if (best == nullptr || restarted_at(pod->name) < restarted_at(best->name)) best = pod;
  }
  return best;
}

MonoTime Tracker::calmest_pod_since() const {
  const Observation* pod = calmest_pod();
  return pod == nullptr ? MonoTime::min() : restarted_at(pod->name);
}

Result<Victims> Tracker::choose(const Action& action, const std::string& zone_hint) const {
  Victims out;
  switch (choice_of(action.verb)) {
    case Choice::kNothing: out.targets = {""}; return out;
    case Choice::kRole: out.targets = {action.role}; return out;
    case Choice::kPod: {
      const Observation* best = calmest_pod();
      if (best == nullptr) return fail(Reason::kNotFound, "no Pod of the service is ready");
      out.pods = {best->name};
      out.targets = {best->name};
      return out;
    }
    case Choice::kNode: {
      ASSIGN_OR_RETURN(const std::string node, busiest_node());
      out = standing_on({node});
      out.targets = {node};
      return out;
    }
    case Choice::kZone: {
      ASSIGN_OR_RETURN(const std::string node, busiest_node());
      const Observation* victim = find(Subject::kNode, node);
      const std::string zone = !zone_hint.empty() || victim == nullptr ? zone_hint : victim->zone;
      std::set<std::string> nodes;
      for (const Observation* each : all(Subject::kNode)) {
        if (each->zone == zone) nodes.insert(each->name);
      }
      out = standing_on(std::move(nodes));
      out.targets = {zone};
      return out;
    }
    case Choice::kSpot: {
      std::set<std::string> nodes;
      std::string zone;
      for (const Observation* instance : all(Subject::kInstance)) {
        if (instance->detail != "spot" || instance->state != "in-service" || instance->is_marked) continue;
        if (!zone.empty() && (action.count >= 0 || instance->zone != zone)) continue;
        zone = instance->zone;
        nodes.insert(instance->node);
        out.targets.push_back(instance->name);
      }
      if (nodes.empty()) {
        return fail(Reason::kNotFound, "no spot instance runs: the file asks for none (nodes.scaling.spot)");
      }
      std::vector<std::string> targets = std::move(out.targets);
      out = standing_on(std::move(nodes));
      out.targets = std::move(targets);
      return out;
    }
  }
  return out;
}

}  // namespace minato::drill
