#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "commands.h"
#include "host/files.h"
#include "sim/chaos.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct Arguments {
  Common common;
  std::vector<std::string> files;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  int steps = 200;
  double rate = 20;
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

Result<spec::Spec> read_spec(const Arguments& arguments) {
  if (arguments.files.empty()) return example();
  std::vector<spec::Source> sources;
  for (const std::string& file : arguments.files) {
    ASSIGN_OR_RETURN(std::string text, host::read_file(file, 2 << 20));
    sources.push_back({file, std::move(text)});
  }
  ASSIGN_OR_RETURN(spec::Spec spec, spec::read(sources));
  // Its containers are modelled here: what the image is called is all that matters of it.
  spec.image = "v1";
  return spec;
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

int run_simulate(const Arguments& arguments) {
  const auto spec = read_spec(arguments);
  if (!spec) return fail_with(spec.error(), arguments.common);
  bool broken = false;
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
    const sim::ChaosReport report = sim::run_chaos(
        *spec, {.seed = seed, .steps = arguments.steps, .requests_per_second = arguments.rate});
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
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "simulate", "A long, hard life of the service in virtual time: deploys, crashes, dead machines");
  add_output(*command, arguments->common);
  command->add_option("FILE", arguments->files, "minato.yaml, then overlays (default: a built-in example)");
  command->add_option("--seed", arguments->seed, "The same seed gives the same run, event for event")->capture_default_str();
  command->add_option("--seeds", arguments->seeds, "So many runs, from --seed on")->check(CLI::Range(1, 1000000))->capture_default_str();
  command->add_option("--steps", arguments->steps, "Things that happen in one run")->check(CLI::Range(0, 1000000))->capture_default_str();
  command->add_option("--rps", arguments->rate, "Requests per second")->check(CLI::Range(0.0, 10000.0))->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = run_simulate(*arguments); });
}

}  // namespace minato::app
