// Named scenarios: what a service, its autoscalers and the cloud do to each other when something
// goes wrong, each with a number, what happens, and what must come of it.
//
// A scenario is a declaration: changes to a basic world, and steps that act on a Stage. Running one
// gives a Report; the same scenario and seed give the same Report. Numbers are those of the failure
// catalogue; from 101 on they are cases of our own. Pure but for what SimWorld does in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/sim_world.h"

namespace minato::sim {

class Stage;

// kLong: minutes of computing, and no test.
enum class Scale { kSmall, kLarge, kLong };

struct Scenario {
  int number = 0;
  std::string name;      // "hpa-square-wave"
  std::string happens;   // One sentence.
  std::string expected;  // One sentence.
  std::function<void(SimOptions&)> world;
  std::function<void(Stage&)> play;
  Scale scale = Scale::kSmall;
};

struct ScenarioOptions {
  std::uint64_t seed = 1;
  // Zero: as the scenario has it.
  std::int32_t nodes = 0;     // At most so many of the scaling group.
  std::int32_t replicas = 0;  // At the least.
  double requests_per_second = 0;
  env::Log* log = nullptr;
};

struct ScenarioReport {
  int number = 0;
  std::string name;
  std::uint64_t seed = 0;
  std::uint64_t trace_hash = 0;
  std::vector<StoryLine> story;
  RequestCounts requests;
  Duration p50{}, p99{};
  Duration simulated{};
  // From the last fault until all was as it should be; negative: the scenario did not ask.
  Duration recovery{-1};
  std::int64_t on_demand_micro_usd = 0;
  std::int64_t spot_micro_usd = 0;
  std::size_t direction_changes = 0;  // Of replicas, most within an hour.
  std::uint64_t events = 0;           // Turns of the virtual loop.
  std::uint64_t writes = 0;
  std::vector<std::string> facts;     // Measured, for people.
  std::vector<std::string> failures;  // Broken invariants and expectations; empty: all is well.
};

// In order of their numbers.
const std::vector<Scenario>& scenarios();
// Null: there is none of that name (or number).
const Scenario* find_scenario(const std::string& name);

ScenarioReport run_scenario(const Scenario& scenario, const ScenarioOptions& options);

// Parts of scenarios(), by file.
std::vector<Scenario> autoscaling_scenarios();
std::vector<Scenario> disruption_scenarios();
std::vector<Scenario> cloud_scenarios();
std::vector<Scenario> hard_scenarios();
std::vector<Scenario> large_scenarios();

}  // namespace minato::sim
