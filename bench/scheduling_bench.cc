// Pods per second that the scheduler places, with everything around it: the store writes, watch
// deliveries, conditions, Events and bindings of the in-process client are inside the clock.
//
// Cases follow kubernetes/kubernetes test/integration/scheduler_perf (5,000 Nodes in three zones,
// some Pods placed before the clock starts). Prints every repetition, the median and the spread, by
// the wall clock and by processor time: on a busy machine the latter is the steadier figure.
//   minato_scheduling_bench [--nodes=5000] [--repetitions=3] [--case=name]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "env/virtual_time.h"
#include "kube/names.h"
#include "registry/in_process_client.h"
#include "scheduler/scheduler.h"
#include "store/store.h"

namespace minato {
namespace {

constexpr int kZones = 3;

struct Case {
  std::string name;
  int existing = 0;  // Placed before the clock starts.
  int measured = 0;
  int target = 0;  // Pods per second.
  void (*shape)(kube::Pod& pod, int index) = nullptr;
};

kube::Quantity quantity(const char* text) { return *kube::Quantity::parse(text); }

kube::Node make_node(int index) {
  kube::Node node;
  node.metadata.name = fmt::format("node-{:05}", index);
  node.metadata.labels = {
      {std::string(kube::kLabelHostname), node.metadata.name},
      {std::string(kube::kLabelZone), fmt::format("zone-{}", index % kZones)}};
  node.status.allocatable = {
      {"cpu", quantity("4")}, {"memory", quantity("32Gi")}, {"pods", quantity("110")}};
  return node;
}

kube::Pod make_pod(const std::string& prefix, int index) {
  kube::Pod pod;
  pod.metadata.namespace_ = "default";
  pod.metadata.name = fmt::format("{}-{:06}", prefix, index);
  pod.metadata.labels = {{"app", prefix}};
  kube::Container container;
  container.name = "pause";
  container.image = "registry.k8s.io/pause:3.10";
  container.resources.requests = {{"cpu", quantity("100m")}, {"memory", quantity("500Mi")}};
  pod.spec.containers.push_back(std::move(container));
  return pod;
}

void spread(kube::Pod& pod, std::string_view key, int skew, const char* when) {
  kube::TopologySpreadConstraint constraint;
  constraint.max_skew = skew;
  constraint.topology_key = key;
  constraint.when_unsatisfiable = when;
  constraint.label_selector.ensure().match_labels = pod.metadata.labels;
  pod.spec.topology_spread_constraints.push_back(std::move(constraint));
}

kube::PodAffinityTerm same_app(const kube::Pod& pod, std::string_view key) {
  kube::PodAffinityTerm term;
  term.label_selector.ensure().match_labels = {{"app", pod.metadata.labels.at("app")}};
  term.topology_key = key;
  return term;
}

void zone_spread(kube::Pod& pod, int) { spread(pod, kube::kLabelZone, 5, "DoNotSchedule"); }
void host_spread(kube::Pod& pod, int) { spread(pod, kube::kLabelHostname, 1, "DoNotSchedule"); }
void preferred_spread(kube::Pod& pod, int) {
  spread(pod, kube::kLabelZone, 5, "ScheduleAnyway");
  spread(pod, kube::kLabelHostname, 3, "ScheduleAnyway");
}
void pod_affinity(kube::Pod& pod, int) {
  pod.spec.affinity.ensure()
      .pod_affinity.ensure()
      .required_during_scheduling_ignored_during_execution.push_back(
          same_app(pod, kube::kLabelZone));
}
// Two groups that must not share a host, among others that may.
void pod_anti_affinity(kube::Pod& pod, int index) {
  pod.metadata.labels["app"] = fmt::format("group-{}", index % 2);
  pod.spec.affinity.ensure()
      .pod_anti_affinity.ensure()
      .required_during_scheduling_ignored_during_execution.push_back(
          same_app(pod, kube::kLabelHostname));
}
void preferred_affinity(kube::Pod& pod, int) {
  pod.spec.affinity.ensure()
      .pod_affinity.ensure()
      .preferred_during_scheduling_ignored_during_execution.push_back(
          {1, same_app(pod, kube::kLabelHostname), {}});
}

const Case kCases[] = {
    {"basic", 1'000, 50'000, 10'000, nullptr},
    {"hard zone spread", 1'000, 20'000, 3'000, zone_spread},
    {"hard host spread", 1'000, 20'000, 3'000, host_spread},
    {"preferred spread", 1'000, 20'000, 3'000, preferred_spread},
    {"required pod affinity", 1'000, 20'000, 1'000, pod_affinity},
    {"required pod anti-affinity", 1'000, 8'000, 1'000, pod_anti_affinity},
    {"preferred pod affinity", 1'000, 20'000, 1'000, preferred_affinity},
};

// One cluster, from nothing.
class Cluster {
 public:
  explicit Cluster(int nodes) {
    registry_ = std::move(*registry::Registry::make(env_.fork("registry"), store_));
    CHECK(registry_->bootstrap().has_value());
    client_ = std::make_unique<registry::InProcessClient>(*registry_);
    informers_ = std::make_unique<informer::Informers>(*client_);
    scheduler_ =
        std::make_unique<scheduler::Scheduler>(env_.fork("scheduler"), *client_, *informers_);
    CHECK(informers_->start().has_value());
    scheduler_->start();
    for (int i = 0; i < nodes; ++i) {
      CHECK(kube::create(*client_, make_node(i)).has_value());
    }
  }

  // Creates and places; the scheduler's turns run between bursts of creations, as they would.
  void place(const std::string& prefix, int count, void (*shape)(kube::Pod&, int)) {
    constexpr int kBurst = 100;
    const std::uint64_t before = scheduler_->scheduled();
    for (int i = 0; i < count; ++i) {
      kube::Pod pod = make_pod(prefix, i);
      if (shape) shape(pod, i);
      const auto made = kube::create(*client_, std::move(pod));
      CHECK(made.has_value(), "{}", made.error().message);
      if (i % kBurst == kBurst - 1) time_.settle();
    }
    time_.settle();
    const std::uint64_t placed = scheduler_->scheduled() - before;
    CHECK(placed == static_cast<std::uint64_t>(count), "only {} of {} placed", placed, count);
  }

  std::string audit() const { return scheduler_->audit(); }

 private:
  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<informer::Informers> informers_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
};

struct Rate {
  double wall = 0;
  double processor = 0;
};

Rate measure(const Case& c, int nodes) {
  Cluster cluster(nodes);
  cluster.place("existing", c.existing, nullptr);
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t processor_start = std::clock();
  cluster.place("measured", c.measured, c.shape);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double processor =
      static_cast<double>(std::clock() - processor_start) / static_cast<double>(CLOCKS_PER_SEC);
  const std::string problem = cluster.audit();
  CHECK(problem.empty(), "{}", problem);
  return {c.measured / took.count(), c.measured / processor};
}

// "8873 ±1.2 % [8800, 8873, 8900]": median, half the range, every repetition.
std::string summary(std::vector<double> rates) {
  const std::string all = fmt::format("{:.0f}", fmt::join(rates, ", "));
  std::ranges::sort(rates);
  const double median = rates[rates.size() / 2];
  return fmt::format("{:6.0f} ±{:4.1f} % [{}]", median,
                     50 * (rates.back() - rates.front()) / median, all);
}

int run(int nodes, int repetitions, const std::string& only) {
  fmt::print("{} Nodes; Pods/s including store, watch, Events and bind\n", nodes);
  for (const Case& c : kCases) {
    if (!only.empty() && c.name != only) continue;
    std::vector<double> wall;
    std::vector<double> processor;
    for (int i = 0; i < repetitions; ++i) {
      const Rate rate = measure(c, nodes);
      wall.push_back(rate.wall);
      processor.push_back(rate.processor);
    }
    fmt::print("{:28} wall {}  processor {}  target {}\n", c.name, summary(wall),
               summary(processor), c.target);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace minato

int main(int argc, char** argv) {
  int nodes = 5'000;
  int repetitions = 3;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto number = [&](std::string_view prefix, int& value) {
      const auto parsed = minato::parse_int(argument.substr(prefix.size()));
      if (parsed && *parsed > 0) value = static_cast<int>(*parsed);
    };
    if (argument.starts_with("--nodes=")) number("--nodes=", nodes);
    if (argument.starts_with("--repetitions=")) number("--repetitions=", repetitions);
    if (argument.starts_with("--case=")) only = argument.substr(7);
  }
  return minato::run(nodes, repetitions, only);
}
