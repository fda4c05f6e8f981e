// Commands about this machine: doctor, trust, load.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>

#include "ask.h"
#include "base/strings.h"
#include "drill/report.h"
#include "host/loop.h"
#include "linux_net/doctor.h"
#include "load/generator.h"
#include "local/world_config.h"
#include "tls/authority.h"

namespace minato::app {
namespace json = boost::json;
namespace {

int run_doctor(const Common& common) {
  using Level = linux_net::Finding::Level;
  bool missing = false;
  json::array rows;
  for (const linux_net::Finding& finding : linux_net::examine_host()) {
    missing = missing || finding.level == Level::kMissing;
    const std::string_view level = finding.level == Level::kOk        ? "ok"
                                   : finding.level == Level::kLimited ? "limited"
                                                                      : "missing";
    if (common.json()) {
      rows.push_back(json::object{{"name", finding.name}, {"level", level}, {"why", finding.why}, {"fix", finding.fix}});
      continue;
    }
    fmt::print("{:<8} {:<24} {}\n", level, finding.name, finding.why);
    if (!finding.fix.empty()) fmt::print("         fix: {}\n", finding.fix);
  }
  if (common.json()) fmt::print("{}\n", json::serialize(rows));
  if (!common.json()) fmt::print("\n{}\n", missing ? "This machine cannot run 'minato up' yet." : "This machine can run 'minato up'.");
  return missing ? kCannot : kDone;
}

int run_trust(const Common& common) {
  const auto world = choose_world(common.name);
  if (!world) return fail_without_world(world.error(), common);
  const auto config = local::load_world_config(world->state_dir);
  if (!config) return fail_with(config.error(), common);
  host::Loop loop;
  const auto authority = tls::Authority::open_or_create(world->authority_dir(), "localhost", loop.wall());
  if (!authority) return fail_with(authority.error(), common);
  fmt::print("{}", tls::trust_instructions(*authority, config->url()));
  return kDone;
}

struct LoadArguments {
  Common common;
  std::string url;
  std::string ca_file;
  std::string path = "/";
  double rate = 100;
  std::string duration = "10s";
  std::string timeout = "10s";
  std::size_t connections = 1000;
};

// Whether the figures are the service's or the generator's own.
json::object generator_json(const load::Report& report) {
  const auto milliseconds = [](Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); };
  return {{"lateP99Ms", milliseconds(report.lateness.percentile(990))},
          {"lateMaxMs", milliseconds(report.lateness.maximum())},
          {"waitedForConnection", report.waited},
          {"isLimit", report.is_generator_slow()}};
}

// Tenths of a second in which requests failed, by when they were due.
json::array error_timeline(const load::Report& report) {
  json::array out;
  for (std::size_t i = 0; i < report.timeline.slices().size(); ++i) {
    const drill::Slice& slice = report.timeline.slices()[i];
    if (slice.failures() == 0) continue;
    const Duration at = report.timeline.start_of(i) - report.timeline.begun();
    json::object causes;
    for (std::size_t cause = 0; cause < drill::kCauses; ++cause) {
      if (slice.failed[cause] > 0) causes[std::string(to_string(static_cast<drill::Cause>(cause)))] = slice.failed[cause];
    }
    out.push_back(json::object{{"atSeconds", std::chrono::duration<double>(at).count()}, {"sent", slice.sent},
                               {"failed", slice.failures()}, {"causes", std::move(causes)}});
  }
  return out;
}

json::object report_json(const load::Report& report) {
  json::object failures;
  for (const auto& [cause, count] : report.failures) failures[std::string(to_string(cause))] = count;
  const auto milliseconds = [&](std::uint32_t permille) {
    return std::chrono::duration<double, std::milli>(report.latency.percentile(permille)).count();
  };
  return {{"sent", report.sent},
          {"ok", report.ok},
          {"failed", report.failed()},
          {"failures", std::move(failures)},
          {"seconds", std::chrono::duration<double>(report.elapsed).count()},
          {"p50Ms", milliseconds(500)},
          {"p95Ms", milliseconds(950)},
          {"p99Ms", milliseconds(990)},
          {"maxMs", milliseconds(1000)},
          {"firstFailure", report.example},
          {"generator", generator_json(report)},
          {"errorTimeline", error_timeline(report)}};
}

std::string report_text(const load::Report& report) {
  const double seconds = std::chrono::duration<double>(report.elapsed).count();
  std::string out = fmt::format("{:6.1f} s  {} sent, {} ok, {} failed", seconds, report.sent, report.ok, report.failed());
  for (const auto& [cause, count] : report.failures) out += fmt::format(", {} {}", count, to_string(cause));
  const auto ms = [&](std::uint32_t permille) {
    return std::chrono::duration<double, std::milli>(report.latency.percentile(permille)).count();
  };
  out += fmt::format("; latency p50 {:.1f} ms, p99 {:.1f} ms, max {:.1f} ms", ms(500), ms(990), ms(1000));
  if (report.is_generator_slow()) {
    const double late = std::chrono::duration<double, std::milli>(report.lateness.percentile(990)).count();
    out += fmt::format("; the generator is the limit (late by {:.0f} ms at p99, {} waited for a connection)", late, report.waited);
  }
  return out;
}

Status apply_common(const LoadArguments& arguments, load::Options& out) {
  out.rate = arguments.rate;
  out.max_connections = arguments.connections;
  out.threads = 0;
  ASSIGN_OR_RETURN(out.duration, parse_duration(arguments.duration));
  ASSIGN_OR_RETURN(out.timeout, parse_duration(arguments.timeout));
  return {};
}

// "http://127.0.0.1:8080/path": anything on this machine, for comparisons.
Result<load::Options> options_of_url(const LoadArguments& arguments) {
  const auto bad = [&] {
    return fail(Reason::kInvalid, fmt::format("--url '{}': expected http[s]://127.0.0.1:PORT[/PATH]; only this machine is loaded", arguments.url));
  };
  load::Options out;
  out.tls = arguments.url.starts_with("https://");
  if (!out.tls && !arguments.url.starts_with("http://")) return bad();
  const std::string rest = arguments.url.substr(arguments.url.find("://") + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  const std::size_t colon = authority.rfind(':');
  const auto port = parse_int(colon == std::string::npos ? "" : authority.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535 || !authority.starts_with("127.0.0.1:")) return bad();
  out.host = out.address = "127.0.0.1";
  out.port = static_cast<std::uint16_t>(*port);
  out.path = slash < rest.size() ? rest.substr(slash) : "/";
  out.ca_file = arguments.ca_file;
  RETURN_IF_ERROR(apply_common(arguments, out));
  return out;
}

Result<load::Options> load_options(const LoadArguments& arguments) {
  if (!arguments.url.empty()) return options_of_url(arguments);
  ASSIGN_OR_RETURN(const World world, choose_world(arguments.common.name));
  ASSIGN_OR_RETURN(const local::WorldConfig config, local::load_world_config(world.state_dir));
  ASSIGN_OR_RETURN(const spec::Spec spec, local::spec_of(config));
  load::Options out;
  out.host = spec.domain;
  out.address = "127.0.0.1";
  out.port = config.https_port;
  out.ca_file = world.authority_dir() + "/ca.crt";
  out.path = arguments.path;
  RETURN_IF_ERROR(apply_common(arguments, out));
  return out;
}

int run_load(const LoadArguments& arguments) {
  const auto options = load_options(arguments);
  if (!options) return fail_with(options.error(), arguments.common);
  ::signal(SIGPIPE, SIG_IGN);
  host::Loop loop;
  auto generator = load::Generator::make(loop, *options);
  if (!generator) return fail_with(generator.error(), arguments.common);
  boost::asio::signal_set signals(loop.io(), SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) (*generator)->stop();
  });
  load::Report report;
  const bool live = ::isatty(STDERR_FILENO) == 1 && !arguments.common.json();
  (*generator)->start(
      [&](const load::Report& so_far) {
        if (live) fmt::print(stderr, "\r\033[K{}", report_text(so_far));
      },
      [&](const load::Report& last) {
        report = last;
        loop.stop();
      });
  loop.run();
  if (live) fmt::print(stderr, "\r\033[K");
  fmt::print("{}\n", arguments.common.json() ? drill::plain_json(report_json(report)) : report_text(report));
  return report.failed() == 0 ? kDone : kFailed;
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  auto common = std::make_shared<Common>();
  CLI::App* command = app.add_subcommand("doctor", "Whether this machine can run services locally, and how to mend it");
  add_output(*command, *common);
  command->callback([common, &exit_code] { exit_code = run_doctor(*common); });
}

void add_trust(CLI::App& app, int& exit_code) {
  auto common = std::make_shared<Common>();
  CLI::App* command = app.add_subcommand("trust", "How to trust the local certificate authority (changes nothing)");
  add_name(*command, *common);
  command->callback([common, &exit_code] { exit_code = run_trust(*common); });
}

void add_load(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<LoadArguments>();
  CLI::App* command = app.add_subcommand("load", "Constant-rate requests to the running service; exit code 0 only if none failed");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("--rps", arguments->rate, "Requests per second")->check(CLI::Range(0.1, 100000.0))->capture_default_str();
  command->add_option("--for", arguments->duration, "How long, for example 30s")->capture_default_str();
  command->add_option("--path", arguments->path, "Path to ask for")->capture_default_str();
  command->add_option("--url", arguments->url, "Instead of the service: http[s]://127.0.0.1:PORT/PATH");
  command->add_option("--ca", arguments->ca_file, "Trusted authority of that URL");
  command->add_option("--timeout", arguments->timeout, "Of one request")->capture_default_str();
  command->add_option("--connections", arguments->connections, "At most so many at once")->check(CLI::Range(1, 20000))->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = run_load(*arguments); });
}

}  // namespace minato::app
