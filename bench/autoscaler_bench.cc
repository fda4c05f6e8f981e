// How long one decision of the autoscaler takes, snapshot work included, on one core.
//
// Cases follow cluster-autoscaler's scalability tests (proposals/scalability_tests.md): many Pods
// pending on few or many Nodes, a full cluster with many Nodes to give up, noise that nobody can
// help. Prints every repetition, the median and the budget of one second.
//   minato_autoscaler_bench [--nodes=1000] [--repetitions=5] [--case=name]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "autoscaler/testing/scene.h"
#include "base/strings.h"

namespace minato::autoscaler {
namespace {

using namespace testing;

constexpr int kPodsPerNode = 30;
constexpr int kPending = 30'000;

struct Case {
  std::string name;
  std::function<void(Scene&, int nodes)> prepare;
};

Options options_of_bench() {
  Options out;
  out.scale_down.max_drain_parallelism = 10;
  return out;
}

void add_groups(Scene& scene) {
  const std::vector<std::string> zones = {"z-a", "z-b", "z-c"};
  scene.group("mixed", 5'000, {"m5.large", "m5a.large", "m5d.large", "m6i.large", "m5ad.large"},
              zones);
  scene.group("large", 5'000, {"m5.2xlarge"}, zones);
}

// `percent` of every Node is used, by Pods of a ReplicaSet.
void add_nodes(Scene& scene, int nodes, int percent) {
  add_groups(scene);
  for (int i = 0; i < nodes; ++i) {
    const std::string name = fmt::format("node-{:05}", i);
    scene.member("mixed", make_node(name, fmt::format("z-{}", "abc"[i % 3]), 1930, 7000, 110));
    const int pods = percent == 0 ? 0 : kPodsPerNode;
    for (int j = 0; j < pods; ++j) {
      scene.place(owned(make_pod(fmt::format("p-{}-{}", i, j), 19 * percent / kPodsPerNode)),
                  name);
    }
  }
}

// Twenty workloads, some of which spread over zones.
void add_pending(Scene& scene, int count, int spread_of_twenty) {
  for (int i = 0; i < count; ++i) {
    const int kind = i % 20;
    const std::string app = fmt::format("app-{}", kind);
    kube::Pod pod = make_pod(fmt::format("w-{:05}", i), 50 + 10 * kind, 100, {{"app", app}});
    if (kind < spread_of_twenty) st::add_spread(pod, std::string(kube::kLabelZone), 1);
    scene.wait(owned(std::move(pod)));
  }
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"pending-on-full-nodes",
       [](Scene& s, int nodes) { add_nodes(s, nodes, 100), add_pending(s, kPending, 0); }},
      {"pending-with-zone-spread",
       [](Scene& s, int nodes) { add_nodes(s, nodes, 100), add_pending(s, kPending, 5); }},
      {"pending-on-empty-nodes",
       [](Scene& s, int nodes) { add_nodes(s, nodes, 0), add_pending(s, kPending, 0); }},
      {"pending-from-one-node",
       [](Scene& s, int) { add_nodes(s, 1, 100), add_pending(s, kPending, 0); }},
      {"noise-of-1000-helpless",
       [](Scene& s, int nodes) {
         add_nodes(s, nodes, 100);
         for (int i = 0; i < 1'000; ++i) {
           s.wait(owned(make_pod(fmt::format("noise-{}", i), 64'000 + i)));
         }
       }},
      {"nodes-at-30-percent", [](Scene& s, int nodes) { add_nodes(s, nodes, 30); }},
      {"empty-nodes", [](Scene& s, int nodes) { add_nodes(s, nodes, 0); }},
  };
  return all;
}

double seconds_of_decision(Scene& scene) {
  const auto start = std::chrono::steady_clock::now();
  scene.run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int run(int nodes, int repetitions, const std::string& only) {
  fmt::print("{} Nodes; seconds per decision, first and later ones; budget 1 s\n", nodes);
  for (const Case& c : cases()) {
    if (!only.empty() && c.name != only) continue;
    std::vector<double> first;
    std::vector<double> later;
    std::size_t pods = 0;
    for (int i = 0; i < repetitions; ++i) {
      Scene scene(options_of_bench());
      c.prepare(scene, nodes);
      pods = scene.seen.waiting.size();
      first.push_back(seconds_of_decision(scene));
      scene.pass(10s);
      later.push_back(seconds_of_decision(scene));
    }
    std::ranges::sort(first);
    std::ranges::sort(later);
    fmt::print("{:26} pending {:6}  first {:.3f} [{:.3f}]  later {:.3f} [{:.3f}]\n", c.name, pods,
               first[first.size() / 2], fmt::join(first, ", "), later[later.size() / 2],
               fmt::join(later, ", "));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace minato::autoscaler

int main(int argc, char** argv) {
  int nodes = 1'000;
  int repetitions = 5;
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
  return minato::autoscaler::run(nodes, repetitions, only);
}
