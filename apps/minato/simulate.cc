#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "catalogue_choice.h"
#include "commands.h"
#include "sim/chaos.h"
#include "sim/scenario.h"
#include "sources.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct SimulateArguments {
  Common common;
  std::vector<std::string> files;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  int steps = 200;
  double rate = 20;
  bool list = false;
  std::string scenario;
  std::string catalogue;
  std::int32_t nodes = 0;
  std::int32_t pods = 0;
  double scenario_rate = 0;
};

spec::Spec example() {
  spec::Spec spec;
  spec.service = "hello";
  spec.image = "v1";
  spec.port = 8080;
  spec.replicas = {.min = 6, .max = 12};
  spec.master.max = spec.master.min;
  spec.scaling = {.types = {"m6i.large"}, .min = 4, .max = 8};
  return spec;
}

struct Simulated {
  spec::Spec spec;
  CataloguePtr types;
};

Result<Simulated> read_service(const SimulateArguments& arguments) {
  Simulated out{example(), nullptr};
  std::vector<spec::Source> sources;
  if (!arguments.files.empty()) {
    ASSIGN_OR_RETURN(sources, read_sources(arguments.files));
    ASSIGN_OR_RETURN(out.spec, spec::read(sources));
    // Its containers are modelled here: what the image is called is all that matters of it.
    out.spec.image = "v1";
  }
  ASSIGN_OR_RETURN(out.types, choose_catalogue(arguments.catalogue, out.spec, sources));
  return out;
}

json::object to_json(const sim::ChaosReport& report) {
  return {{"seed", report.seed},
          {"traceHash", fmt::format("{:016x}", report.trace_hash)},
          {"events", report.events},
          {"writes", report.writes},
          {"simulatedSeconds", std::chrono::duration<double>(report.simulated).count()},
          {"convergenceSeconds", std::chrono::duration<double>(report.convergence).count()},
          {"requests", {{"sent", report.requests.sent}, {"ok", report.requests.ok}, {"failed", report.requests.failed()}}},
          {"violations", json::array(report.violations.begin(), report.violations.end())}};
}

void print(const sim::ChaosReport& report) {
  fmt::print("seed {}  trace {:016x}  {} simulated  {} events, {} writes  requests {} ok, {} failed of {}  "
             "at rest {} after the last fault\n",
             report.seed, report.trace_hash, format_minutes(report.simulated), report.events, report.writes,
             report.requests.ok, report.requests.failed(), report.requests.sent, format_minutes(report.convergence));
  for (const std::string& violation : report.violations) fmt::print("  BROKEN {}\n", violation);
}

int list_scenarios(const SimulateArguments& arguments) {
  if (arguments.common.json()) {
    json::array out;
    for (const sim::Scenario& each : sim::scenarios()) {
      out.push_back(json::object{{"number", each.number}, {"name", each.name}, {"happens", each.happens}, {"expected", each.expected}});
    }
    fmt::print("{}\n", json::serialize(out));
    return kDone;
  }
  for (const sim::Scenario& each : sim::scenarios()) {
    fmt::print("{:>4}  {:<28}{}\n      {:<28}{}\n", each.number, each.name, each.happens, "", each.expected);
  }
  return kDone;
}

json::object to_json(const sim::RequestCounts& counts) {
  return {{"sent", counts.sent},
          {"ok", counts.ok},
          {"noTarget", counts.no_target},
          {"refused", counts.refused},
          {"reset", counts.reset},
          {"timeout", counts.timeout},
          {"overloaded", counts.overloaded},
          {"inFlight", counts.in_flight()}};
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

json::object to_json(const sim::ScenarioReport& report) {
  json::array story;
  for (const sim::StoryLine& line : report.story) {
    story.push_back(json::object{{"atSeconds", seconds(line.at)}, {"source", line.source}, {"text", line.text}, {"count", line.count}});
  }
  json::object out{{"number", report.number},
                   {"name", report.name},
                   {"seed", report.seed},
                   {"traceHash", fmt::format("{:016x}", report.trace_hash)},
                   {"simulatedSeconds", seconds(report.simulated)},
                   {"requests", to_json(report.requests)},
                   {"p50Ms", seconds(report.p50) * 1000},
                   {"p99Ms", seconds(report.p99) * 1000},
                   {"onDemandMicroUsd", report.on_demand_micro_usd},
                   {"spotMicroUsd", report.spot_micro_usd},
                   {"directionChanges", report.direction_changes},
                   {"events", report.events},
                   {"writes", report.writes},
                   {"story", std::move(story)},
                   {"facts", json::array(report.facts.begin(), report.facts.end())},
                   {"failures", json::array(report.failures.begin(), report.failures.end())}};
  if (report.recovery >= Duration{}) out["recoverySeconds"] = seconds(report.recovery);
  return out;
}

void print(const sim::ScenarioReport& report) {
  for (const sim::StoryLine& line : report.story) {
    const std::string times = line.count > 1 ? fmt::format(" (and {} more)", line.count - 1) : "";
    fmt::print("{:>10}  {:<24}{}{}\n", format_minutes(line.at), line.source, line.text, times);
  }
  const sim::RequestCounts& counts = report.requests;
  fmt::print("\n{} {}  seed {}  trace {:016x}  {} simulated, {} events, {} writes\n", report.number, report.name, report.seed,
             report.trace_hash, format_minutes(report.simulated), report.events, report.writes);
  fmt::print("requests   {} sent, {} ok, {} failed, {} in flight; half within {}, 99 % within {}\n", counts.sent, counts.ok,
             counts.failed(), counts.in_flight(), format_duration(report.p50), format_duration(report.p99));
  if (counts.failed() > 0) {
    fmt::print("  by cause {} no target, {} refused, {} reset, {} timeout, {} overloaded\n", counts.no_target, counts.refused,
               counts.reset, counts.timeout, counts.overloaded);
  }
  if (report.recovery >= Duration{}) fmt::print("recovery   {}\n", format_minutes(report.recovery));
  fmt::print("cost       {:.4f} USD on-demand, {:.4f} USD spot\n", static_cast<double>(report.on_demand_micro_usd) / 1e6,
             static_cast<double>(report.spot_micro_usd) / 1e6);
  for (const std::string& fact : report.facts) fmt::print("seen       {}\n", fact);
  for (const std::string& failure : report.failures) fmt::print("NOT MET    {}\n", failure);
}

int run_scenarios(const SimulateArguments& arguments) {
  const sim::Scenario* scenario = sim::find_scenario(arguments.scenario);
  if (scenario == nullptr) {
    return fail_with({Reason::kNotFound, fmt::format("no scenario \"{}\"; see minato simulate --list", arguments.scenario)},
                     arguments.common);
  }
  bool broken = false;
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
    const sim::ScenarioReport report =
        sim::run_scenario(*scenario, {.seed = seed,
                                      .nodes = arguments.nodes,
                                      .replicas = arguments.pods,
                                      .requests_per_second = arguments.scenario_rate});
    if (arguments.common.json()) {
      fmt::print("{}\n", json::serialize(to_json(report)));
    } else {
      print(report);
    }
    std::fflush(stdout);
    broken = broken || !report.failures.empty();
  }
  return broken ? kFailed : kDone;
}

int run_simulate(const SimulateArguments& arguments) {
  if (arguments.list) return list_scenarios(arguments);
  if (!arguments.scenario.empty()) return run_scenarios(arguments);
  const auto service = read_service(arguments);
  if (!service) return fail_with(service.error(), arguments.common);
  bool broken = false;
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
    const sim::ChaosReport report = sim::run_chaos(
        service->spec, {.seed = seed, .steps = arguments.steps, .requests_per_second = arguments.rate,
                        .catalogue = &service->types->catalogue});
    if (arguments.common.json()) {
      fmt::print("{}\n", json::serialize(to_json(report)));
    } else {
      print(report);
    }
    std::fflush(stdout);
    broken = broken || !report.violations.empty();
  }
  return broken ? kFailed : kDone;
}

}  // namespace

void add_simulate(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<SimulateArguments>();
  CLI::App* command = app.add_subcommand(
      "simulate", "A long, hard life of the service in virtual time: deploys, crashes, dead machines");
  add_output(*command, arguments->common);
  command->add_option("FILE", arguments->files, "minato.yaml, then overlays (default: a built-in example)");
  command->add_option("--seed", arguments->seed, "The same seed gives the same run, event for event")->capture_default_str();
  command->add_option("--seeds", arguments->seeds, "So many runs, from --seed on")->check(CLI::Range(1, 1000000))->capture_default_str();
  command->add_option("--steps", arguments->steps, "Things that happen in one run")->check(CLI::Range(0, 1000000))->capture_default_str();
  command->add_option("--rps", arguments->rate, "Requests per second")->check(CLI::Range(0.0, 10000.0))->capture_default_str();
  add_catalogue_option(*command, arguments->catalogue);
  command->add_flag("--list", arguments->list, "The named scenarios, which have a file and a catalogue of their own");
  command->add_option("--scenario", arguments->scenario, "Plays one of them, by name or number")->excludes("FILE", "--catalogue");
  command->add_option("--nodes", arguments->nodes, "Of a scenario: most Nodes of the scaling group")->check(CLI::Range(1, 5000));
  command->add_option("--pods", arguments->pods, "Of a scenario: replicas at the least")->check(CLI::Range(1, 100000));
  command->add_option("--load", arguments->scenario_rate, "Of a scenario: requests per second at first")->check(CLI::Range(0.0, 1e6));
  command->callback([arguments, &exit_code] { exit_code = run_simulate(*arguments); });
}

}  // namespace minato::app
