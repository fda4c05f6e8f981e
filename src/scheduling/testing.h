// Builders for scheduling tests: small Nodes and Pods, said in one line each.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/check.h"
#include "kube/json.h"
#include "kube/names.h"
#include "scheduling/placer.h"

namespace minato::scheduling::testing {

inline const std::string kZone(kube::kLabelZone);
inline const std::string kHost(kube::kLabelHostname);

inline kube::Quantity quantity(const std::string& text) {
  auto parsed = kube::Quantity::parse(text);
  CHECK(parsed.has_value(), "{}", text);
  return *parsed;
}

inline kube::Node make_node(const std::string& name, const kube::Labels& labels = {},
                            const std::string& cpu = "4", const std::string& memory = "16Gi",
                            int pods = 110) {
  kube::Node out;
  out.metadata.name = name;
  out.metadata.labels = labels;
  out.metadata.labels[std::string(kube::kLabelHostname)] = name;
  out.status.allocatable = {
      {"cpu", quantity(cpu)}, {"memory", quantity(memory)}, {"pods", kube::Quantity::of(pods)}};
  return out;
}

inline kube::Pod make_pod(const std::string& name, const kube::Labels& labels = {},
                          const std::string& cpu = "", const std::string& memory = "") {
  kube::Pod out;
  out.metadata.name = name;
  out.metadata.namespace_ = "default";
  out.metadata.uid = "uid-" + name;
  out.metadata.labels = labels;
  out.spec.scheduler_name = "default-scheduler";
  kube::Container container;
  container.name = "c";
  container.image = "image";
  if (!cpu.empty()) container.resources.requests["cpu"] = quantity(cpu);
  if (!memory.empty()) container.resources.requests["memory"] = quantity(memory);
  out.spec.containers.push_back(std::move(container));
  return out;
}

// Part of an object from JSON: `from_text<kube::Affinity>(R"({"podAffinity": …})")`.
template <class T>
T from_text(std::string_view text) {
  const auto json = kube::parse_json(text);
  CHECK(json.has_value(), "{}", json.error().message);
  auto value = kube::from_json_value<T>(*json);
  CHECK(value.has_value(), "{}", value.error().message);
  return std::move(*value);
}

inline kube::LabelSelector select(const kube::Labels& labels) {
  kube::LabelSelector out;
  out.match_labels = labels;
  return out;
}

inline void add_spread(kube::Pod& pod, const std::string& key, int max_skew,
                       const std::string& when = "DoNotSchedule") {
  kube::TopologySpreadConstraint constraint;
  constraint.max_skew = max_skew;
  constraint.topology_key = key;
  constraint.when_unsatisfiable = when;
  constraint.label_selector = select(pod.metadata.labels);
  pod.spec.topology_spread_constraints.push_back(std::move(constraint));
}

inline kube::PodAffinityTerm affinity_term(const kube::Labels& labels, const std::string& key) {
  kube::PodAffinityTerm term;
  term.label_selector = select(labels);
  term.topology_key = key;
  return term;
}

inline void require_near(kube::Pod& pod, const kube::Labels& labels, const std::string& key) {
  pod.spec.affinity.ensure()
      .pod_affinity.ensure()
      .required_during_scheduling_ignored_during_execution.push_back(affinity_term(labels, key));
}

inline void require_away(kube::Pod& pod, const kube::Labels& labels, const std::string& key) {
  pod.spec.affinity.ensure()
      .pod_anti_affinity.ensure()
      .required_during_scheduling_ignored_during_execution.push_back(affinity_term(labels, key));
}

// A Snapshot with a Placer and the parsing that goes with them.
class Bench {
 public:
  explicit Bench(std::uint64_t seed = 1, const PlacerOptions& options = {})
      : placer(snapshot, env::Rng(seed), options) {}

  void node(kube::Node node) {
    snapshot.set_node(std::make_shared<const kube::Node>(std::move(node)));
  }
  PodInfoPtr parse(kube::Pod pod, const std::optional<kube::Selector>& default_selector = {}) {
    return table.parse(std::make_shared<const kube::Pod>(std::move(pod)), default_selector);
  }
  PodInfoPtr place(kube::Pod pod, const std::string& node) {
    PodInfoPtr info = parse(std::move(pod));
    snapshot.add_pod(info, node);
    return info;
  }
  // Schedules and assumes. "": it did not fit; see `message`.
  std::string run(kube::Pod pod) {
    const PodInfoPtr info = parse(std::move(pod));
    const auto placement = placer.schedule(*info);
    message = placement ? "" : placement.error().message();
    if (!placement) return "";
    snapshot.add_pod(info, placement->slot);
    return placement->node;
  }
  // The one reason why `pod` cannot be on `node`; "": it can.
  std::string why_not(kube::Pod pod, const std::string& node) {
    const PodInfoPtr info = parse(std::move(pod));
    const Refusal refusal = placer.check(*info, snapshot.slot_of(node));
    return refusal ? reasons(refusal, *info->pod_template).front() : "";
  }

  TemplateTable table;
  Snapshot snapshot;
  Placer placer;
  std::string message;
};

}  // namespace minato::scheduling::testing
