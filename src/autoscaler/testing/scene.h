// A scene for one decision, put together by hand: groups with their instances and Nodes, Pods on
// them and waiting, and a clock that the test moves. For tests and the benchmark.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "autoscaler/decide.h"
#include "kube/names.h"
#include "scheduling/testing.h"

namespace minato::autoscaler::testing {

namespace st = scheduling::testing;

inline constexpr WallTime kStart{Duration{1'767'225'600'000'000'000}};

inline kube::Pod owned(kube::Pod pod, const std::string& kind = "ReplicaSet",
                       const std::string& name = "rs") {
  kube::OwnerReference owner;
  owner.kind = kind;
  owner.name = name;
  owner.uid = "uid-" + name;
  owner.controller = true;
  pod.metadata.owner_references.push_back(std::move(owner));
  return pod;
}

inline kube::Pod make_pod(const std::string& name, int milli_cpu, int mib = 0,
                          const kube::Labels& labels = {}) {
  return st::make_pod(name, labels, fmt::format("{}m", milli_cpu),
                      mib ? fmt::format("{}Mi", mib) : "");
}

inline void mark_unschedulable(kube::Pod& pod) {
  pod.status.conditions.push_back({.type = std::string(kube::kPodScheduled),
                                   .status = std::string(kube::kFalse),
                                   .reason = "Unschedulable"});
}

inline kube::Node make_node(const std::string& name, const std::string& zone, int milli_cpu,
                            int mib = 8192, int pods = 110, bool ready = true) {
  kube::Node out = st::make_node(name, {{std::string(kube::kLabelZone), zone}},
                                 fmt::format("{}m", milli_cpu), fmt::format("{}Mi", mib), pods);
  out.status.capacity = out.status.allocatable;
  out.metadata.creation_timestamp = kStart - 1h;
  out.status.conditions.push_back({.type = std::string(kube::kReady),
                                   .status = std::string(ready ? kube::kTrue : kube::kFalse),
                                   .last_transition_time = kStart - 1h});
  return out;
}

class Scene {
 public:
  explicit Scene(Options chosen = {}, std::uint64_t seed = 1)
      : options(std::move(chosen)), memory(options), rng(seed),
        placer(snapshot, env::Rng(seed)) {
    seen.now = MonoTime{} + 100h;
    seen.wall = kStart;
    seen.replica_set = [](const kube::ObjectKey& key) {
      return key.name == "gone" ? std::nullopt : std::optional(3);
    };
    seen.placer = &placer;
    seen.templates = &templates;
  }

  cloud::AutoScalingGroup& group(const std::string& name, std::int32_t max,
                                 std::vector<std::string> types = {"m5.large"},
                                 std::vector<std::string> zones = {"z-a"}) {
    cloud::AutoScalingGroup out;
    out.name = name;
    out.max_size = max;
    out.types = std::move(types);
    out.zones = std::move(zones);
    return seen.groups.emplace_back(std::move(out));
  }
  cloud::AutoScalingGroup& find(const std::string& name) {
    return *std::ranges::find(seen.groups, name, &cloud::AutoScalingGroup::name);
  }
  void node(kube::Node node) {
    auto shared = std::make_shared<const kube::Node>(std::move(node));
    std::erase_if(seen.nodes, [&](const NodePtr& each) {
      return each->metadata.name == shared->metadata.name;
    });
    snapshot.set_node(shared);
    seen.nodes.push_back(std::move(shared));
    std::ranges::sort(seen.nodes, {}, [](const NodePtr& each) { return each->metadata.name; });
  }
  // An instance without a Node; it counts as wanted.
  cloud::Instance& instance(const std::string& group, const std::string& id,
                            const std::string& zone = "z-a", const std::string& type = "m5.large") {
    cloud::Instance out;
    out.id = "i-" + id;
    out.hostname = id;
    out.group = group;
    out.zone = zone;
    out.type = type;
    out.launch_time = kStart - 1h;
    ++find(group).desired_capacity;
    return seen.instances.emplace_back(std::move(out));
  }
  // A ready Node of the group.
  void member(const std::string& group, kube::Node made, const std::string& type = "m5.large",
              cloud::Market market = cloud::Market::kOnDemand) {
    const std::string name = made.metadata.name;
    instance(group, name, made.metadata.labels[std::string(kube::kLabelZone)], type).market =
        market;
    made.spec.provider_id = seen.instances.back().provider_id();
    node(std::move(made));
  }
  scheduling::PodInfoPtr place(kube::Pod pod, const std::string& node) {
    pod.spec.node_name = node;
    auto info = templates.parse(std::make_shared<const kube::Pod>(std::move(pod)));
    snapshot.add_pod(info, node);
    return info;
  }
  void wait(kube::Pod pod) {
    if (pod.status.conditions.empty()) mark_unschedulable(pod);
    seen.waiting.push_back(templates.parse(std::make_shared<const kube::Pod>(std::move(pod))));
  }
  void wait_many(const std::string& prefix, int count, int milli_cpu, int mib = 0) {
    for (int i = 0; i < count; ++i) {
      wait(owned(make_pod(fmt::format("{}-{:05}", prefix, i), milli_cpu, mib)));
    }
  }
  void pass(Duration time) {
    seen.now += time;
    seen.wall += time;
  }
  Plan run() { return decide(seen, options, memory, rng); }
  // Until `time` has passed, a scan every `step`.
  Plan run_for(Duration time, Duration step = 10s) {
    Plan plan = run();
    for (Duration past{}; past < time; past += step) {
      pass(step);
      plan = run();
    }
    return plan;
  }
  void fail_pool(const std::string& group, const std::string& type, const std::string& zone,
                 cloud::Market market,
                 const std::string& message = "InsufficientInstanceCapacity: none left") {
    seen.activities.push_back({.id = ++activities,
                               .start = seen.wall,
                               .end = seen.wall,
                               .group = group,
                               .status = "Failed",
                               .status_message = message,
                               .type = type,
                               .zone = zone,
                               .market = market});
  }

  Options options;
  Memory memory;
  env::Rng rng;
  scheduling::Snapshot snapshot;
  scheduling::TemplateTable templates;
  scheduling::Placer placer;
  Observation seen;
  std::uint64_t activities = 0;
};

inline const NodeVerdict& verdict(const Plan& plan, const std::string& node) {
  return *std::ranges::find(plan.nodes, node, &NodeVerdict::node);
}
inline std::string reasons_of(const Plan& plan, const std::string& node) {
  return fmt::format("{}", fmt::join(verdict(plan, node).reasons, "; "));
}
inline int count_fate(const Plan& plan, PodFate fate) {
  return static_cast<int>(std::ranges::count(plan.pods, fate, &PodOutcome::fate));
}
inline bool announces(const Plan& plan, const std::string& reason, const std::string& part = "") {
  return std::ranges::any_of(plan.announcements, [&](const Announcement& news) {
    return news.reason == reason && news.message.find(part) != std::string::npos;
  });
}

}  // namespace minato::autoscaler::testing
