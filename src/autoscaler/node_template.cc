#include "autoscaler/node_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "autoscaler/discovery.h"
#include "base/check.h"
#include "controllers/common/taints.h"
#include "controllers/daemonset/daemon_pods.h"
#include "kube/names.h"

namespace minato::autoscaler {
namespace {

using scheduling::PodInfo;
using scheduling::PodInfoPtr;
using scheduling::Resources;

// A Node that has just become ready may still be changing: labels come late.
constexpr Duration kExampleStability = 1min;

constexpr auto kStartupPrefixes =
    std::to_array<std::string_view>({"startup-taint.cluster-autoscaler.kubernetes.io/",
                                     "ignore-taint.cluster-autoscaler.kubernetes.io/"});
constexpr std::string_view kStatusPrefix = "status-taint.cluster-autoscaler.kubernetes.io/";

bool is_startup_taint(const std::string& key, const ScaleUpOptions& options) {
  return key == kTaintUninitialized ||
         std::ranges::find(options.startup_taints, key) != options.startup_taints.end() ||
         std::ranges::any_of(kStartupPrefixes,
                             [&](std::string_view prefix) { return key.starts_with(prefix); });
}

// Of that one Node's life, and not of Nodes like it.
bool is_passing_taint(const std::string& key, const ScaleUpOptions& options) {
  const auto conditions = std::to_array<std::string_view>(
      {kTaintToBeDeleted, kTaintDeletionCandidate, kube::kTaintNotReady, kube::kTaintUnreachable,
       kube::kTaintUnschedulable, kube::kTaintMemoryPressure, controllers::kTaintDiskPressure,
       controllers::kTaintPidPressure, controllers::kTaintNetworkUnavailable,
       controllers::kTaintOutOfService});
  return std::ranges::find(conditions, key) != conditions.end() ||
         is_startup_taint(key, options) || key.starts_with(kStatusPrefix) ||
         std::ranges::find(options.ignored_taints, key) != options.ignored_taints.end();
}

const kube::NodeCondition* ready_condition(const kube::Node& node) {
  const auto& conditions = node.status.conditions;
  const auto found = std::ranges::find(conditions, kube::kReady, &kube::NodeCondition::type);
  return found == conditions.end() ? nullptr : &*found;
}

bool is_good_example(const kube::Node& node, WallTime wall, const ScaleUpOptions& options) {
  const kube::NodeCondition* ready = ready_condition(node);
  return is_node_ready(node, options) && !node.spec.unschedulable &&
         ready->last_transition_time + kExampleStability <= wall &&
         std::ranges::none_of(node.spec.taints, [](const kube::Taint& taint) {
           return taint.key == kTaintToBeDeleted;
         });
}

const kube::Node* example_of(const Memory& memory, const std::string& group,
                             const std::string& type) {
  const auto found = memory.examples.find(group + "/" + type);
  return found == memory.examples.end() ? nullptr : found->second.get();
}

void take_capacity_of(kube::Node& node, const cloud::InstanceType& type, const Tags& tags,
                      std::int64_t cpu_scale_percent) {
  using kube::Quantity;
  const std::int64_t cpu = type.vcpus * 10 * cpu_scale_percent;
  const std::int64_t memory = static_cast<std::int64_t>(type.memory_mib) << 20;
  const cloud::KubeReserved reserved = cloud::kube_reserved(type);
  auto& capacity = node.status.capacity;
  auto& allocatable = node.status.allocatable;
  capacity = {{std::string(kube::kCpu), Quantity::milli(cpu)},
              {std::string(kube::kMemory), Quantity::bytes(memory)},
              {std::string(kube::kPods), Quantity::of(type.max_pods)}};
  allocatable = capacity;
  allocatable[std::string(kube::kCpu)] = Quantity::milli(std::max<std::int64_t>(
      0, cpu - reserved.cpu_milli));
  allocatable[std::string(kube::kMemory)] = Quantity::bytes(std::max<std::int64_t>(
      0, memory - reserved.memory_bytes));
  for (const auto& [name, amount] : resource_tags(tags)) {
    capacity[name] = amount;
    allocatable[name] = amount;
  }
}

// Null: nothing is known about such a Node.
std::shared_ptr<kube::Node> describe(const cloud::AutoScalingGroup& group, const std::string& type,
                                     const std::string& zone, const Options& options,
                                     const Memory& memory) {
  const cloud::InstanceType* known = options.catalogue->find(type);
  const kube::Node* same = example_of(memory, group.name, type);
  const kube::Node* any = same ? same : example_of(memory, group.name, "");
  if (!same && !known) return nullptr;
  auto out = std::make_shared<kube::Node>();
  out->metadata.name = fmt::format("template-{}-{}-{}", group.name, type, zone);
  if (any) {
    out->metadata.labels = any->metadata.labels;
    out->spec.taints = any->spec.taints;
    std::erase_if(out->spec.taints, [&](const kube::Taint& taint) {
      return is_passing_taint(taint.key, options.scale_up);
    });
  } else {
    out->metadata.labels = label_tags(group.tags);
    out->spec.taints = taint_tags(group.tags);
  }
  auto& labels = out->metadata.labels;
  labels.erase(std::string(kube::kLabelExcludeFromLoadBalancers));
  labels[std::string(kube::kLabelHostname)] = out->metadata.name;
  labels[std::string(kube::kLabelZone)] = zone;
  labels[std::string(kube::kLabelRegion)] = zone.empty() ? "" : zone.substr(0, zone.size() - 1);
  labels[std::string(kube::kLabelInstanceType)] = type;
  labels[std::string(kube::kLabelOs)] = "linux";
  if (known) labels[std::string(kube::kLabelArch)] = known->architecture;
  if (same) {
    out->status.capacity = same->status.capacity;
    out->status.allocatable = same->status.allocatable;
  } else {
    take_capacity_of(*out, *known, group.tags, options.cpu_scale_percent);
  }
  return out;
}

PodInfoPtr daemon_of(const kube::DaemonSet& daemon_set, scheduling::TemplateTable& templates) {
  auto pod = std::make_shared<kube::Pod>();
  pod->metadata.name = daemon_set.metadata.name;
  pod->metadata.namespace_ = daemon_set.metadata.namespace_;
  pod->metadata.labels = daemon_set.spec.template_.metadata.labels;
  pod->spec = daemon_set.spec.template_.spec;
  return templates.parse(std::move(pod));
}

NodeTemplate finish(const std::string& type, const std::string& zone, NodePtr node,
                    const Observation& seen) {
  NodeTemplate out{.type = type, .zone = zone, .node = std::move(node)};
  for (const auto& daemon_set : seen.daemon_sets) {
    if (is_set(daemon_set->metadata.deletion_timestamp)) continue;
    if (controllers::placement(*daemon_set, *out.node) != controllers::Placement::kWanted) continue;
    out.daemons.push_back(daemon_of(*daemon_set, *seen.templates));
  }
  out.capacity = scheduling::parse_resources(out.node->status.capacity);
  out.info.name = out.node->metadata.name;
  out.info.node = out.node;
  out.info.allocatable = scheduling::parse_resources(out.node->status.allocatable);
  const auto pods = out.node->status.allocatable.find(std::string(kube::kPods));
  out.info.allowed_pods = pods == out.node->status.allocatable.end() ? 0 : pods->second.value();
  for (const PodInfoPtr& daemon : out.daemons) {
    const scheduling::PodTemplate& load = *daemon->pod_template;
    out.info.pods.push_back(daemon);
    out.info.requested += load.requests;
    out.info.used_ports.insert(out.info.used_ports.end(), load.host_ports.begin(),
                               load.host_ports.end());
  }
  return out;
}

using Amounts = std::map<std::string, kube::Quantity>;

// Of each resource, what both have.
void lower_to(Amounts& amounts, const Amounts& other) {
  for (auto& [name, amount] : amounts) {
    const auto found = other.find(name);
    amount = found == other.end() ? kube::Quantity() : std::min(amount, found->second);
  }
}

NodeTemplate least_of(const std::vector<std::shared_ptr<kube::Node>>& nodes,
                      const std::string& zone, const Observation& seen) {
  auto out = std::make_shared<kube::Node>(*nodes.front());
  out->metadata.name = fmt::format("{}-least", out->metadata.name);
  out->metadata.labels[std::string(kube::kLabelHostname)] = out->metadata.name;
  for (const auto& other : nodes) {
    lower_to(out->status.capacity, other->status.capacity);
    lower_to(out->status.allocatable, other->status.allocatable);
  }
  return finish("", zone, std::move(out), seen);
}

}  // namespace

bool is_node_ready(const kube::Node& node, const ScaleUpOptions& options) {
  const kube::NodeCondition* ready = ready_condition(node);
  return ready && ready->status == kube::kTrue &&
         std::ranges::none_of(node.spec.taints, [&](const kube::Taint& taint) {
           return is_startup_taint(taint.key, options);
         });
}

void NodeTemplate::add_to(scheduling::Snapshot& snapshot, const std::string& name) const {
  auto copy = std::make_shared<kube::Node>(*node);
  copy->metadata.name = name;
  copy->metadata.labels[std::string(kube::kLabelHostname)] = name;
  snapshot.set_node(std::move(copy));
  const scheduling::NodeSlot slot = snapshot.slot_of(name);
  for (std::size_t i = 0; i < daemons.size(); ++i) {
    // The template has all that placement looks at; the Pod is only who it is.
    auto pod = std::make_shared<kube::Pod>();
    pod->metadata.name = daemons[i]->pod->metadata.name;
    pod->metadata.namespace_ = daemons[i]->pod->metadata.namespace_;
    pod->metadata.uid = fmt::format("{}/daemon-{}", name, i);
    snapshot.add_pod(std::make_shared<const PodInfo>(
                         PodInfo{std::move(pod), daemons[i]->pod_template, false}),
                     slot);
  }
}

const NodeTemplate* GroupTemplates::least_in(std::string_view zone) const {
  const auto found = std::ranges::find(least, zone, &NodeTemplate::zone);
  return found == least.end() ? nullptr : &*found;
}

void learn_examples(const Observation& seen, const std::map<std::string, NodePtr>& node_of_instance,
                    const Options& options, Memory& memory) {
  for (const cloud::Instance& instance : seen.instances) {
    const auto node = node_of_instance.find(instance.id);
    if (node == node_of_instance.end() ||
        !is_good_example(*node->second, seen.wall, options.scale_up)) {
      continue;
    }
    memory.examples[instance.group + "/" + instance.type] = node->second;
    memory.examples[instance.group + "/"] = node->second;
  }
  std::erase_if(memory.examples, [&](const auto& example) {
    return std::ranges::none_of(seen.groups, [&](const cloud::AutoScalingGroup& group) {
      return example.first.starts_with(group.name + "/");
    });
  });
}

GroupTemplates make_templates(const cloud::AutoScalingGroup& group, const Observation& seen,
                              const Options& options, const Memory& memory) {
  GroupTemplates out;
  for (const std::string& zone : group.zones) {
    std::vector<std::shared_ptr<kube::Node>> nodes;
    std::vector<NodeTemplate> of_zone;
    for (const std::string& type : group.types) {
      if (auto node = describe(group, type, zone, options, memory)) {
        nodes.push_back(node);
        of_zone.push_back(finish(type, zone, std::move(node), seen));
        out.largest.raise_to(of_zone.back().capacity);
      } else if (out.least.empty()) {
        out.unknown_types.push_back(type);
      }
    }
    if (nodes.empty()) return out;
    out.by_type.push_back(std::move(of_zone));
    out.least.push_back(least_of(nodes, zone, seen));
  }
  return out;
}

NodeTemplate make_template(const cloud::AutoScalingGroup& group, const std::string& type,
                           const std::string& zone, const Observation& seen,
                           const Options& options, const Memory& memory) {
  NodePtr node = describe(group, type, zone, options, memory);
  CHECK(node, "no template of {} for {}", type, group.name);
  return finish(type, zone, std::move(node), seen);
}

}  // namespace minato::autoscaler
