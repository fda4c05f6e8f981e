// Scenarios from 201 on: many Nodes and Pods.
#include "sim/stage.h"

namespace minato::sim {
namespace {

void large(SimOptions& options) {
  spec::Spec& spec = options.spec;
  spec.cpu_milli = 100;
  spec.memory_bytes = 128 << 20;
  spec.replicas = {.min = 5000, .max = 5400, .cpu_percent = 60};
  spec.scaling = {.types = {"m6i.large", "m5.large", "m5a.large"}, .min = 300, .max = 340, .spot_percent = 100};
  // Probes, heartbeats and samples are most of the events of so many Pods: as seldom as they may be.
  options.events = kubelet::EventDetail::kWarnings;
  options.profile.metrics_interval = 60s;
}

void medium(SimOptions& options) {
  large(options);
  options.spec.replicas = {.min = 200, .max = 220, .cpu_percent = 60};
  options.spec.scaling.min = 20;
  options.spec.scaling.max = 24;
}

void large_hour(Stage& stage) {
  stage.load(4.0 * stage.replicas());
  stage.run(5min);
  stage.interrupt(1);
  stage.run(10min);
  stage.recover(20min);
  stage.expect_failed(0, 0, "");
}

}  // namespace

std::vector<Scenario> large_scenarios() {
  return {
      {201, "large-spot", "300 Nodes and 5,000 Pods; spot takes a hundredth of them back.", "No request is lost.", large,
       large_hour, Scale::kLong},
      {202, "medium-spot", "The same with 20 Nodes and 200 Pods.", "No request is lost.", medium, large_hour, Scale::kLarge},
  };
}

}  // namespace minato::sim
