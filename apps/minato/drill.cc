// `minato drill`: breaks the running service on purpose and measures how it recovers.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <filesystem>

#include "ask.h"
#include "catalogue_choice.h"
#include "drill/file.h"
#include "drill/table.h"
#include "drill_sim.h"
#include "host/files.h"
#include "linux_net/holder.h"
#include "local/drill_world.h"
#include "local/world_config.h"
#include "stderr_log.h"
#include "table.h"

namespace minato::app {
namespace {

constexpr std::size_t kMaxFileBytes = 64 << 20;
constexpr Duration kLeastLimit = 2min;

struct Arguments {
  Common common;
  std::vector<std::string> kinds;
  std::vector<std::string> files;
  bool list = false;
  bool all = false;
  double rate = 200;
  std::string path = "/";
  std::string hold;
  std::string report;
  std::string compare;
  std::string calibration;
  std::string catalogue;
  std::vector<std::string> simulate;  // Files: only in virtual time.
  bool realistic = false;
  int seeds = 200;
  int repeat = 1;
};

std::string render(const drill::Cells& cells) {
  Table table(cells.front());
  for (std::size_t i = 1; i < cells.size(); ++i) table.add(cells[i]);
  return table.render();
}

int list(const Arguments& arguments) {
  if (arguments.common.json()) {
    boost::json::array rows;
    for (const drill::Drill& each : drill::catalogue()) {
      rows.push_back(boost::json::object{{"kind", each.kind}, {"does", each.does}, {"expects", each.expects},
                                         {"protects", each.protects}, {"planned", each.is_planned}});
    }
    fmt::print("{}\n", drill::plain_json(rows));
    return kDone;
  }
  for (const drill::Drill& each : drill::catalogue()) {
    fmt::print("{}\n  does      {}\n  expected  {}\n  protects  {}\n  requests  {}\n", each.kind, each.does, each.expects,
               each.protects, each.is_planned ? "none may fail" : "as many may fail as 'minato lint --timings' says");
  }
  return kDone;
}

// What is asked for; from sets, what this file cannot have is left out and said.
Result<std::vector<drill::Drill>> choose_drills(const Arguments& arguments, const spec::Spec& spec) {
  std::vector<drill::Drill> out;
  std::vector<std::string> kinds = arguments.kinds;
  const bool is_set = kinds.empty() && arguments.files.empty();
  if (arguments.all) {
    for (const drill::Drill& each : drill::catalogue()) kinds.push_back(each.kind);
  } else if (is_set) {
    kinds = drill::default_set();
  }
  for (const std::string& kind : kinds) {
    const bool needs_spot = kind.starts_with("spot-") && spec.scaling.spot_percent == 0;
    const bool needs_secret = kind == "secret-rotated" && spec.secrets.empty();
    const bool needs_room = kind == "load-step" && spec.replicas.max <= spec.replicas.min;
    if (needs_room && !arguments.all) {
      return fail(Reason::kInvalid, "load-step needs replicas that may grow: raise replicas.max above replicas.min in the file");
    }
    if ((arguments.all || is_set) && (needs_spot || needs_secret || needs_room)) {
      fmt::print(stderr, "minato: {} is left out: the file asks for no {}\n", kind,
                 needs_spot ? "spot instances" : needs_secret ? "secrets" : "more replicas (replicas.max)");
      continue;
    }
    ASSIGN_OR_RETURN(drill::Drill found, drill::find_drill(kind));
    out.push_back(std::move(found));
  }
  for (const std::string& file : arguments.files) {
    ASSIGN_OR_RETURN(const std::string text, host::read_file(file, kMaxFileBytes));
    ASSIGN_OR_RETURN(drill::Drill own, drill::read_drill(file, text));
    out.push_back(std::move(own));
  }
  return out;
}

// Every connection is a descriptor: as many as the system lets us have.
Status raise_descriptor_limit(std::size_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed + 64) return {};
  return fail(Reason::kUnavailable, fmt::format("{} connections need as many file descriptors, and there may be {}: raise "
                                                "the limit (ulimit -n)", needed, limit.rlim_cur));
}

Status check_folder(const std::string& folder) {
  if (folder.empty()) return {};
  RETURN_IF_ERROR(host::make_directories(folder, 0755));
  const std::string probe = folder + "/report.json";
  if (::access(folder.c_str(), W_OK) != 0) return fail(Reason::kForbidden, fmt::format("{} is not writable", probe));
  return {};
}

Result<drill::Calibration> base_calibration(const Arguments& arguments, const cluster::Profile& profile) {
  if (arguments.calibration.empty()) return drill::default_calibration(profile);
  ASSIGN_OR_RETURN(const std::string text, host::read_file(arguments.calibration, kMaxFileBytes));
  auto read = drill::read_calibration(text);
  return read ? read : wrap(arguments.calibration, read.error());
}

drill::RunOptions run_options(const Arguments& arguments, const spec::Spec& spec, const cluster::Profile& profile) {
  drill::RunOptions out;
  out.rate = arguments.rate;
  out.path = arguments.path;
  out.availability_percent = spec.slo.availability_percent;
  out.restart_memory = profile.crash_backoff_max * 2;
  // Nodes first, then Pods: each some moves after it has been uneven for a while.
  out.spread_patience = profile.zones_settle * 2 + profile.descheduler_settle * 3;
  for (const std::string& zone : spec.zones) out.zones.push_back(spec.region + zone);
  const bool is_fast = profile.name == cluster::kFast.name;
  out.hold = is_fast ? 5s : 30s;
  out.jitter = is_fast ? 2s : 10s;  // As long as its probes and checks are apart.
  if (!arguments.hold.empty()) out.hold = parse_duration(arguments.hold).value_or(out.hold);
  return out;
}

// Everything that one run of the command works on.
class Session {
 public:
  Session(const Arguments& arguments, const World& world, const local::WorldConfig& config, const spec::Spec& spec,
          const cloud::Catalogue& catalogue, std::vector<drill::Drill> drills, drill::Calibration base)
      : arguments_(arguments),
        spec_(spec),
        catalogue_(catalogue),
        profile_(spec.local.realistic ? cluster::kRealistic : cluster::kFast),
        bounds_(bounds::compute(spec, profile_)),
        drills_(std::move(drills)),
        runs_(drills_.size()),
        base_calibration_(base),
        world_(loop_, {.control_socket = world.control_socket(), .is_up = same_holder(world), .load = load_of(world, config, spec)}),
        signals_(loop_.io(), SIGINT, SIGTERM) {}

  int run();

 private:
  static load::Options load_of(const World& world, const local::WorldConfig& config, const spec::Spec& spec) {
    load::Options out;
    out.host = spec.domain;
    out.address = "127.0.0.1";
    out.port = config.https_port;
    out.ca_file = world.authority_dir() + "/ca.crt";
    out.slow_after = spec.slo.p99;
    return out;
  }
  // Another world of the same name is not the one that is drilled.
  static std::function<bool()> same_holder(const World& world) {
    const auto holder = linux_net::find_holder(world.state_dir);
    return [holder] { return holder && linux_net::is_alive(*holder); };
  }
  const bounds::Bound& bound_of(const drill::Drill& drill) const;
  void next();
  void ended(drill::Outcome outcome);
  void wait_for_signal();
  void judge();
  int show(const std::map<std::string, drill::Earlier>& earlier);
  Status write(const drill::Report& report) const;

  const Arguments& arguments_;
  const spec::Spec& spec_;
  const cloud::Catalogue& catalogue_;
  const cluster::Profile& profile_;
  std::vector<bounds::Bound> bounds_;
  std::vector<drill::Drill> drills_;
  std::vector<std::vector<drill::Outcome>> runs_;  // Of each.
  drill::Calibration base_calibration_;
  host::Loop loop_;
  StderrLog log_{loop_};
  local::DrillWorld world_;
  boost::asio::signal_set signals_;
  std::unique_ptr<drill::Runner> runner_;
  std::size_t at_ = 0;
  bool interrupted_ = false;
  bool is_gone_ = false;  // The world.
  drill::Report report_;
};

const bounds::Bound& Session::bound_of(const drill::Drill& drill) const {
  static const bounds::Bound kNone{};
  const bounds::Bound* found = bounds::find(bounds_, drill.bound);
  return found == nullptr ? kNone : *found;
}

void Session::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    if (std::exchange(interrupted_, true)) return loop_.stop();
    fmt::print(stderr, "minato: interrupted; mending what is broken (once more to leave it as it is)\n");
    runner_->abort("interrupted");
    wait_for_signal();
  });
}

int Session::run() {
  std::map<std::string, drill::Earlier> earlier;
  if (!arguments_.compare.empty()) {
    const auto text = host::read_file(arguments_.compare, kMaxFileBytes);
    if (!text) return fail_with(text.error(), arguments_.common);
    auto read = drill::read_earlier(*text);
    if (!read) return fail_with(wrap(arguments_.compare, read.error()).error(), arguments_.common);
    earlier = std::move(*read);
  }
  runner_ = std::make_unique<drill::Runner>(
      env::Env{loop_, loop_, log_, env::Rng(static_cast<std::uint64_t>(loop_.monotonic().time_since_epoch().count()))}, world_, run_options(arguments_, spec_, profile_),
      [](const std::string& line) { fmt::print(stderr, "  {}\n", line); });
  wait_for_signal();
  loop_.post([this] { next(); });
  loop_.run();
  runner_.reset();
  judge();
  return show(earlier);
}

// Every drill, then every drill again: what one leaves behind is there for the next.
void Session::next() {
  const std::size_t count = drills_.size() * static_cast<std::size_t>(arguments_.repeat);
  if (at_ == count || interrupted_ || is_gone_) return loop_.stop();
  const drill::Drill& drill = drills_[at_ % drills_.size()];
  fmt::print(stderr, "[{}/{}] {}: {}\n", ++at_, count, drill.kind, drill.does);
  runner_->set_limit(std::max(kLeastLimit, bound_of(drill).total() * 3));
  runner_->run(drill, [this](drill::Outcome outcome) { ended(std::move(outcome)); });
}

void Session::ended(drill::Outcome outcome) {
  is_gone_ = outcome.is_world_gone;
  runs_[(at_ - 1) % drills_.size()].push_back(std::move(outcome));
  loop_.post([this] { next(); });
}

// Beside each the same in virtual time, with what the measured runs have shown of this machine.
void Session::judge() {
  const bool simulates = !interrupted_ && !is_gone_ && arguments_.seeds > 0;
  if (simulates) fmt::print(stderr, "simulating {} runs of each\n", arguments_.seeds);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i].empty()) continue;
    const bounds::Bound& bound = bound_of(drills_[i]);
    std::optional<drill::Simulated> simulated;
    if (simulates && !runs_[i].front().was_refused) {
      std::vector<const drill::Outcome*> measured;
      for (const drill::Outcome& run : runs_[i]) measured.push_back(&run);
      const auto calibration = drill::calibrate(measured, base_calibration_);
      simulated = simulate_drill({spec_, profile_, run_options(arguments_, spec_, profile_), calibration, arguments_.seeds, &catalogue_}, drills_[i], bound);
    }
    report_.rows.push_back(drill::judge(std::move(runs_[i]), bound, std::move(simulated)));
  }
}

Status Session::write(const drill::Report& report) const {
  if (arguments_.report.empty()) return {};
  RETURN_IF_ERROR(host::write_file_atomic(arguments_.report + "/report.json", drill::plain_json(drill::to_json(report)) + "\n", 0644));
  RETURN_IF_ERROR(host::write_file_atomic(arguments_.report + "/report.html", drill::to_html(report), 0644));
  fmt::print(stderr, "report: {}\n", std::filesystem::absolute(arguments_.report + "/report.html").lexically_normal().string());
  return {};
}

int Session::show(const std::map<std::string, drill::Earlier>& earlier) {
  report_.service = spec_.service;
  report_.world = "local";
  report_.profile = profile_.name;
  report_.rate = arguments_.rate;
  report_.at = format_rfc3339(loop_.wall());
  report_.slo = fmt::format("{}% within {}", spec_.slo.availability_percent, format_duration(spec_.slo.p99));
  if (arguments_.common.json()) {
    fmt::print("{}\n", drill::plain_json(drill::to_json(report_)));
  } else {
    fmt::print("\nRecovery of {}: {} profile, {:.0f} requests per second; m:ss, phases in seconds\n\n{}", report_.service,
               report_.profile, report_.rate, render(drill::recovery_cells(report_)));
    for (const drill::Row& row : report_.rows) {
      const std::string causes = drill::causes_of(row.outcome.requests());
      if (!causes.empty()) fmt::print("{}: {}\n", row.outcome.drill.kind, causes);
      for (const std::string& fault : row.faults) fmt::print("{}: NOT KEPT: {}\n", row.outcome.drill.kind, fault);
      for (const std::string& remark : row.remarks) fmt::print("{}: {}\n", row.outcome.drill.kind, remark);
    }
    if (!earlier.empty()) fmt::print("\nCompared with {}\n\n{}", arguments_.compare, render(drill::comparison_cells(report_, earlier)));
  }
  if (const Status written = write(report_); !written) return fail_with(written.error(), arguments_.common);
  if (interrupted_) return kInterrupted;
  if (is_gone_) {
    return fail_without_world({Reason::kNotFound, fmt::format("{} went down during the drill; start it with: minato up",
                                                              report_.service)}, arguments_.common);
  }
  return report_.passed() ? kDone : kFailed;
}

int run_simulated(const Arguments& arguments) {
  std::vector<spec::Source> sources;
  for (const std::string& file : arguments.simulate) {
    auto text = host::read_file(file, kMaxFileBytes);
    if (!text) return fail_with(text.error(), arguments.common);
    sources.push_back({file, std::move(*text)});
  }
  const auto spec = spec::read(sources);
  if (!spec) return fail_with(spec.error(), arguments.common);
  const auto types = choose_catalogue(arguments.catalogue, *spec, sources);
  if (!types) return fail_with(types.error(), arguments.common);
  const auto drills = choose_drills(arguments, *spec);
  if (!drills) return fail_with(drills.error(), arguments.common);
  const bool realistic = arguments.realistic || spec->local.realistic;
  const cluster::Profile& profile = realistic ? cluster::kRealistic : cluster::kFast;
  const auto calibration = base_calibration(arguments, profile);
  if (!calibration) return fail_with(calibration.error(), arguments.common);
  drill::RunOptions options = run_options(arguments, *spec, profile);
  options.limit = 2h;
  return simulate_only({*spec, profile, options, *calibration, std::max(1, arguments.seeds), &(*types)->catalogue}, *drills,
                       bounds::compute(*spec, profile), arguments.common);
}

int run_drills(const Arguments& arguments) {
  if (arguments.list) return list(arguments);
  if (!arguments.hold.empty() && !parse_duration(arguments.hold)) {
    return fail_with(parse_duration(arguments.hold).error(), arguments.common);
  }
  for (const std::string& kind : arguments.kinds) {
    if (const auto known = drill::find_drill(kind); !known) return fail_with(known.error(), arguments.common);
  }
  if (!arguments.simulate.empty()) return run_simulated(arguments);
  // Only worlds of this machine can be chosen: nothing else is ever broken by it.
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  if (!control::Client::is_answering(world->control_socket())) {
    return fail_without_world({Reason::kNotFound, fmt::format("{} is not up; start it with: minato up", world->name)}, arguments.common);
  }
  const auto config = local::load_world_config(world->state_dir);
  if (!config) return fail_with(config.error(), arguments.common);
  const auto spec = local::spec_of(*config);
  if (!spec) return fail_with(spec.error(), arguments.common);
  const auto catalogue = local::load_catalogue(config->state_dir);
  if (!catalogue) return fail_with(catalogue.error(), arguments.common);
  auto drills = choose_drills(arguments, *spec);
  if (!drills) return fail_with(drills.error(), arguments.common);
  if (const Status ready = check_folder(arguments.report); !ready) return fail_with(ready.error(), arguments.common);
  if (const Status ready = raise_descriptor_limit(load::Options{}.max_connections); !ready) return fail_with(ready.error(), arguments.common);
  const auto base = base_calibration(arguments, spec->local.realistic ? cluster::kRealistic : cluster::kFast);
  if (!base) return fail_with(base.error(), arguments.common);
  ::signal(SIGPIPE, SIG_IGN);
  Session session(arguments, *world, *config, *spec, **catalogue, std::move(*drills), *base);
  return session.run();
}

}  // namespace

void add_drill(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "drill", "Break the running service on purpose and measure how it recovers; exit code 0 only if all kept SLO and bound");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("KIND", arguments->kinds, "Drills to run, as --list names them (default: a sensible set)");
  command->add_option("--file", arguments->files, "A drill of your own (YAML)");
  command->add_flag("--list", arguments->list, "What there is, what it does, and what protects against it");
  command->add_flag("--all", arguments->all, "Every drill there is");
  command->add_option("--rate", arguments->rate, "Requests per second")->check(CLI::Range(1.0, 20000.0))->capture_default_str();
  command->add_option("--path", arguments->path, "Path to ask for")->capture_default_str();
  command->add_option("--hold", arguments->hold, "Recovered once the SLO has held for so long (default: 5s, realistic 30s)");
  command->add_option("--report", arguments->report, "Folder for report.html and report.json");
  command->add_option("--compare", arguments->compare, "An earlier report.json: what got better or worse");
  command->add_option("--simulate", arguments->simulate, "Only in virtual time, of these files; nothing is broken");
  add_catalogue_option(*command, arguments->catalogue);
  command->add_flag("--realistic", arguments->realistic, "With --simulate: EC2's and AWS's own pace");
  command->add_option("--calibration", arguments->calibration, "How long machines and containers take (minato calibrate -o json)");
  command->add_option("--repeat", arguments->repeat, "So many times, for a median")->check(CLI::Range(1, 100))->capture_default_str();
  command->add_option("--seeds", arguments->seeds, "Simulated runs of each; 0: none")->check(CLI::Range(0, 10000))->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = run_drills(*arguments); });
}

}  // namespace minato::app
