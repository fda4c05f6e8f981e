#include "descheduler/spread.h"

#include <algorithm>
#include <functional>
#include <map>

#include "controllers/common/conditions.h"
#include "controllers/common/eviction.h"
#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "kube/names.h"

namespace minato::descheduler {
namespace {

using Constraint = kube::TopologySpreadConstraint;
using PodPtr = std::shared_ptr<const kube::Pod>;
// Pods by value of one topology key; a domain without Pods is there with none.
using Domains = std::map<std::string, std::int64_t>;
using Labels = std::map<std::string, const kube::Labels*>;  // Of Nodes, by name.

Labels labels_of(const Nodes& nodes) {
  Labels out;
  for (const auto& node : nodes) out[node->metadata.name] = &node->metadata.labels;
  return out;
}

// Null: the Node is not known or lacks the label.
const std::string* domain_of(const Labels& labels, const std::string& node, const std::string& key) {
  const auto found = labels.find(node);
  if (found == labels.end()) return nullptr;
  const auto label = found->second->find(key);
  return label == found->second->end() ? nullptr : &label->second;
}

// Whether such a Pod is welcome there, were there room. A Node that the autoscaler wants to be rid
// of (PreferNoSchedule) is not worth moving to.
bool welcomes(const kube::Node& node, const kube::PodSpec& pod) {
  const auto* ready = controllers::find_condition(node.status.conditions, kube::kReady);
  if (ready == nullptr || ready->status != kube::kTrue || node.spec.unschedulable) return false;
  const bool kept_away = std::ranges::any_of(node.spec.taints, [&](const kube::Taint& taint) {
    return !controllers::tolerated(pod.tolerations, taint);
  });
  return !kept_away && controllers::matches_required_affinity(pod, node);
}

Domains count(const Workload& workload, const Nodes& nodes, const std::string& key) {
  Domains out;
  const kube::PodSpec& spec = workload.replica_set->spec.template_.spec;
  for (const auto& node : nodes) {
    const auto label = node->metadata.labels.find(key);
    if (label != node->metadata.labels.end() && welcomes(*node, spec)) out[label->second];
  }
  const Labels labels = labels_of(nodes);
  for (const PodPtr& pod : workload.pods) {
    if (const std::string* domain = domain_of(labels, pod->spec.node_name, key)) ++out[*domain];
  }
  return out;
}

// Those that have more than maxSkew over the emptiest.
std::vector<std::string> fullest_first(const Domains& domains, const Constraint& constraint) {
  const auto least = std::ranges::min_element(domains, {}, &Domains::value_type::second);
  std::vector<std::string> out;
  for (const auto& [domain, pods] : domains) {
    if (pods - least->second > std::max(constraint.max_skew, 1)) out.push_back(domain);
  }
  std::ranges::stable_sort(out, std::greater{}, [&](const std::string& domain) { return domains.at(domain); });
  return out;
}

const std::vector<Constraint>& constraints_of(const Workload& workload) {
  return workload.replica_set->spec.template_.spec.topology_spread_constraints;
}

bool may_leave(const kube::Pod& pod) {
  const auto& annotations = pod.metadata.annotations;
  const auto found = annotations.find(std::string(controllers::kAnnotationSafeToEvict));
  return found == annotations.end() || found->second != "false";
}

// Of the most crowded domain, from its fullest Node; the newest there, which has the least to lose.
PodPtr candidate(const Workload& workload, const Labels& labels, const std::string& key, const std::string& domain) {
  std::map<std::string, std::int64_t> on_node;
  for (const PodPtr& pod : workload.pods) ++on_node[pod->spec.node_name];
  PodPtr best;
  for (const PodPtr& pod : workload.pods) {
    const std::string* stands_in = domain_of(labels, pod->spec.node_name, key);
    if (stands_in == nullptr || *stands_in != domain || !may_leave(*pod)) continue;
    const auto rank = [&](const kube::Pod& of) {
      return std::pair(on_node[of.spec.node_name], of.metadata.creation_timestamp);
    };
    if (!best || rank(*best) < rank(*pod)) best = pod;
  }
  return best;
}

// Where the scheduler would put the Pod's successor while the Pod still takes up its room. Null:
// nowhere, or where it would not be welcome.
const kube::Node* successor_node(const PodPtr& pod, const Nodes& nodes, scheduling::Placer& placer,
                                 scheduling::TemplateTable& templates) {
  scheduling::Snapshot& snapshot = placer.snapshot();
  const scheduling::PodInfoPtr stays = snapshot.find_pod(pod->metadata.uid);
  if (!stays) return nullptr;
  auto leaves = std::make_shared<scheduling::PodInfo>(*stays);
  leaves->terminating = true;
  auto comes = std::make_shared<kube::Pod>(*pod);
  comes->metadata.uid.clear();
  comes->spec.node_name.clear();
  snapshot.fork();
  snapshot.remove_pod(pod->metadata.uid);
  snapshot.add_pod(leaves, pod->spec.node_name);
  const auto placement = placer.schedule(*templates.parse(std::move(comes)));
  snapshot.revert();
  if (!placement) return nullptr;
  const auto node = std::ranges::find_if(nodes, [&](const auto& known) { return known->metadata.name == placement->node; });
  return node != nodes.end() && welcomes(**node, pod->spec) ? node->get() : nullptr;
}

// By how much the sum of squares changes when one Pod goes from one domain to another.
std::int64_t change(const Domains& domains, const std::string* from, const std::string* to) {
  if (from == nullptr || to == nullptr || *from == *to) return 0;
  return 2 * (domains.at(*to) - domains.at(*from) + 1);
}

bool improves(const Workload& workload, const Nodes& nodes, const Labels& labels, const std::string& from, const std::string& to) {
  bool is_better = false;
  for (const Constraint& constraint : constraints_of(workload)) {
    const std::int64_t by = change(count(workload, nodes, constraint.topology_key),
                                   domain_of(labels, from, constraint.topology_key),
                                   domain_of(labels, to, constraint.topology_key));
    if (by > 0) return false;
    is_better = is_better || by < 0;
  }
  return is_better;
}

}  // namespace

bool is_at_rest(const Workload& workload) {
  const auto wanted = static_cast<std::size_t>(workload.replica_set->spec.replicas.value_or(1));
  return workload.pods.size() == wanted && std::ranges::all_of(workload.pods, [](const PodPtr& pod) {
           return !pod->spec.node_name.empty() && !controllers::is_deleting(pod->metadata) && controllers::is_pod_ready(*pod);
         });
}

std::int64_t unevenness(const Workload& workload, const Nodes& nodes) {
  std::int64_t out = 0;
  for (const Constraint& constraint : constraints_of(workload)) {
    for (const auto& [domain, pods] : count(workload, nodes, constraint.topology_key)) out += pods * pods;
  }
  return out;
}

bool is_crowded(const Workload& workload, const Nodes& nodes) {
  return workload.pods.size() > 1 && std::ranges::any_of(constraints_of(workload), [&](const Constraint& constraint) {
           return !fullest_first(count(workload, nodes, constraint.topology_key), constraint).empty();
         });
}

std::optional<Move> find_move(const Workload& workload, const Nodes& nodes, scheduling::Placer& placer,
                              scheduling::TemplateTable& templates) {
  const Labels labels = labels_of(nodes);
  for (const Constraint& constraint : constraints_of(workload)) {
    const Domains domains = count(workload, nodes, constraint.topology_key);
    for (const std::string& from : fullest_first(domains, constraint)) {
      const PodPtr pod = candidate(workload, labels, constraint.topology_key, from);
      if (!pod) continue;
      const kube::Node* node = successor_node(pod, nodes, placer, templates);
      if (node == nullptr || !improves(workload, nodes, labels, pod->spec.node_name, node->metadata.name)) continue;
      const auto to = node->metadata.labels.find(constraint.topology_key);
      if (to == node->metadata.labels.end() || to->second == from) continue;
      return Move{.pod = pod, .topology_key = constraint.topology_key, .from = from, .to = to->second,
                  .pods_from = domains.at(from), .pods_to = domains.at(to->second)};
    }
  }
  return std::nullopt;
}

}  // namespace minato::descheduler
