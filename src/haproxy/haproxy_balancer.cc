#include "haproxy/haproxy_balancer.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/strings.h"
#include "haproxy/access_log.h"
#include "haproxy/listener_certificate.h"
#include "host/files.h"

namespace minato::haproxy {
namespace {

constexpr Duration kPollInterval = 200ms;
constexpr Duration kFollowUpInterval = 20ms;  // After commands, to see what became of them.
constexpr Duration kLogInterval = 5s;
constexpr Duration kStopPatience = 2s;
constexpr Duration kFirstBackOff = 100ms;
constexpr Duration kLongestBackOff = 10s;
constexpr Duration kStableAfter = 30s;  // A process that lived this long ends the back-off.

// Two descriptors per connection, and a few for listeners, checks, logs and the runtime socket.
int connections_for_descriptor_limit() {
  constexpr rlim_t kReserved = 200;
  constexpr rlim_t kMost = 20'000;
  rlimit limit{};
  // HAProxy raises its soft limit to what it needs, up to the hard one.
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 2 * kReserved) return 100;
  return static_cast<int>(std::min(kMost, (limit.rlim_max - kReserved) / 2));
}

// Answers of commands that reconcile() knows to be harmless: what should go is gone, or is still
// connected and will be tried again.
bool is_expected(std::string_view answer) {
  constexpr std::string_view kExpected[] = {
      "New server registered", "Server deleted", "No such server",
      "Server still has connections", "Already exists a server with the same name"};
  return answer.empty() || std::ranges::any_of(kExpected, [&](std::string_view expected) {
           return answer.find(expected) != std::string_view::npos;
         });
}

}  // namespace

HaproxyBalancer::HaproxyBalancer(host::Loop& loop, env::Log& log, Options options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      targets_(options_.source_ip),
      alive_(std::make_shared<bool>(true)) {
  if (options_.maximum_connections == 0) {
    options_.maximum_connections = connections_for_descriptor_limit();
  }
}

HaproxyBalancer::~HaproxyBalancer() = default;

Status HaproxyBalancer::configure(const balancer::Config& config) {
  Settings settings{.run_dir = options_.run_dir,
                    .redirect_http = options_.http_fd >= 0,
                    .public_https_port = options_.public_https_port,
                    .threads = options_.threads,
                    .maximum_connections = options_.maximum_connections,
                    .source_ip = options_.source_ip,
                    .connect_timeout = options_.connect_timeout,
                    .idle_timeout = config.listener.idle_timeout,
                    .target_group = config.target_group};
  RETURN_IF_ERROR(validate(settings));
  RETURN_IF_ERROR(check_listening_socket(options_.https_fd, "https_fd"));
  if (settings.redirect_http) {
    RETURN_IF_ERROR(check_listening_socket(options_.http_fd, "http_fd"));
  }
  ASSIGN_OR_RETURN(options_.program, host::find_program(options_.program));
  RETURN_IF_ERROR(host::make_directories(options_.run_dir, 0700));
  RETURN_IF_ERROR(host::make_directories(options_.state_dir, 0700));
  RETURN_IF_ERROR(store_certificate(options_.run_dir, config.listener));

  const bool rotated =
      config_ && (config_->listener.certificate_pem != config.listener.certificate_pem ||
                  config_->listener.private_key_file != config.listener.private_key_file);
  if (rotated) certificate_pending_ = true;
  config_ = config;
  settings_ = std::move(settings);
  digest_ = settings_digest(settings_);
  targets_.set_group(settings_.target_group);
  if (!serving_ && !starting_) RETURN_IF_ERROR(adopt_or_start());
  if (!bounding_log_) bound_log();
  kick();
  return {};
}

Status HaproxyBalancer::adopt_or_start() {
  const std::vector<FoundProcess> found = find_processes(options_.run_dir);
  if (found.empty()) return start_process();
  // With settings of before it is followed all the same: its targets are needed for a new one.
  serving_ = follow(found.back().pid, found.back().digest);
  if (!serving_) return start_process();
  ledger_.begin_process(CounterLedger::Origin::kAdopted);
  certificate_pending_ = true;  // Whether it was told about the last rotation is not known.
  log(env::Level::kInfo, fmt::format("adopted HAProxy, pid {}", serving_->pid));
  return {};
}

Status HaproxyBalancer::start_process() {
  last_start_ = loop_.monotonic();
  RETURN_IF_ERROR(host::write_file_atomic(config_path(options_.run_dir, digest_),
                                          render_config(settings_, targets_.seeds()), 0600));
  LaunchOptions launch_options{.program = options_.program,
                               .run_dir = options_.run_dir,
                               .digest = digest_,
                               .https_fd = options_.https_fd,
                               .http_fd = options_.http_fd,
                               .access_log_file = options_.state_dir + "/access.log",
                               .error_log_file = options_.state_dir + "/haproxy.log"};
  if (serving_ && serving_->client->connected()) {
    launch_options.sockets_from = socket_path(options_.run_dir, serving_->digest);
  }
  for (const FoundProcess& process : find_processes(options_.run_dir)) {
    launch_options.relieve.push_back(process.pid);
  }
  ASSIGN_OR_RETURN(const pid_t pid, launch(launch_options));
  starting_ = follow(pid, digest_);
  if (!starting_) return fail(Reason::kUnavailable, "HAProxy ended while it was started");
  log(env::Level::kInfo, fmt::format("started HAProxy, pid {}", pid));
  return {};
}

std::unique_ptr<HaproxyBalancer::Process> HaproxyBalancer::follow(pid_t pid,
                                                                  const std::string& digest) {
  auto watch = host::watch_process(loop_, pid,
                                   [this, pid](host::ExitStatus status) { on_exit(pid, status); });
  if (!watch) return nullptr;
  auto process = std::make_unique<Process>(
      Process{.pid = pid, .digest = digest, .watch = std::move(watch).value()});
  process->client = std::make_unique<RuntimeClient>(loop_, socket_path(options_.run_dir, digest),
                                                    [this, pid] { on_connected(pid); });
  return process;
}

void HaproxyBalancer::on_connected(pid_t pid) {
  if (starting_ && starting_->pid == pid) {
    if (serving_) {
      // Until it is asked itself, it has in flight what it had last.
      for (const balancer::Observation& target : targets_.observations()) {
        if (target.in_flight > 0) serving_->in_flight[target.target_id] = target.in_flight;
      }
      relieved_.push_back(std::move(serving_));
    }
    serving_ = std::move(starting_);
    ledger_.begin_process(CounterLedger::Origin::kStartedByUs);
  }
  if (!serving_ || serving_->pid != pid) return;
  polling_ = false;
  poll();
}

void HaproxyBalancer::on_exit(pid_t pid, host::ExitStatus status) {
  if (std::erase_if(relieved_, [&](const auto& process) { return process->pid == pid; }) > 0) {
    kick();
    return;
  }
  const bool was_serving = serving_ && serving_->pid == pid;
  const bool was_starting = starting_ && starting_->pid == pid;
  if (!was_serving && !was_starting) return;
  log(env::Level::kError,
      fmt::format("HAProxy (pid {}) ended with code {}; what it said is in {}/haproxy.log", pid,
                  status.code, options_.state_dir));
  (was_serving ? serving_ : starting_).reset();
  if (was_serving) polling_ = false;
  if (!starting_) retry_start();
}

void HaproxyBalancer::retry_start() {
  retrying_ = true;
  const bool stable = loop_.monotonic() - last_start_ > kStableAfter;
  const Duration delay = stable ? Duration{0} : back_off_;
  back_off_ = stable ? kFirstBackOff : std::clamp(back_off_ * 2, kFirstBackOff, kLongestBackOff);
  start_timer_ = loop_.after(delay, [this] {
    retrying_ = false;
    if (serving_ && serving_->digest == digest_) return;
    if (Status started = start_process(); !started) {
      log(env::Level::kError, started.error().message);
      retry_start();
    }
  });
}

Status HaproxyBalancer::add_target(const balancer::Target& target) {
  RETURN_IF_ERROR(targets_.add(target));
  kick();
  return {};
}

Status HaproxyBalancer::drain_target(const std::string& target_id) {
  RETURN_IF_ERROR(targets_.drain(target_id));
  kick();
  return {};
}

Status HaproxyBalancer::remove_target(const std::string& target_id) {
  RETURN_IF_ERROR(targets_.remove(target_id));
  kick();
  return {};
}

std::vector<balancer::Observation> HaproxyBalancer::observe() { return targets_.observations(); }

balancer::Counters HaproxyBalancer::counters() { return ledger_.totals(); }

Status HaproxyBalancer::stop() {
  serving_.reset();
  starting_.reset();
  relieved_.clear();
  poll_timer_.cancel();
  start_timer_.cancel();
  log_timer_.cancel();
  polling_ = false;
  return stop_processes(options_.run_dir, kStopPatience);
}

void HaproxyBalancer::kick() {
  if (polling_) {
    poll_again_ = true;
  } else {
    // After the caller's turn, so that several calls of one turn make one round.
    poll_in(Duration{0});
  }
}

void HaproxyBalancer::poll_in(Duration delay) {
  poll_timer_ = loop_.after(delay, [this] { poll(); });
}

void HaproxyBalancer::poll() {
  if (polling_) return;
  if (!serving_ || !serving_->client->connected()) {
    poll_in(kPollInterval);
    return;
  }
  polling_ = true;
  poll_again_ = false;
  if (certificate_pending_) install_certificate();
  poll_relieved();
  serving_->client->send("show stat",
                         [this, pid = serving_->pid](const Result<std::string>& answer) {
                           // A late answer of a process that was relieved meanwhile.
                           if (serving_ && serving_->pid == pid) on_statistics(answer);
                         });
}

void HaproxyBalancer::on_statistics(const Result<std::string>& answer) {
  polling_ = false;
  poll_in(poll_again_ ? Duration{0} : kPollInterval);
  if (!answer) return;
  const Result<StatSnapshot> snapshot = parse_stat(*answer);
  if (!snapshot) {
    log(env::Level::kWarning, snapshot.error().message);
    return;
  }
  ledger_.add(*snapshot);
  std::map<std::string, std::uint64_t> elsewhere;
  for (const auto& process : relieved_) {
    for (const auto& [id, count] : process->in_flight) elsewhere[id] += count;
  }
  const TargetTable::Outcome outcome =
      targets_.reconcile(*snapshot, elsewhere, loop_.monotonic());
  for (const std::string& command : outcome.commands) run(command);
  for (const std::string& id : outcome.forgotten) ledger_.forget(id);
  if (!outcome.commands.empty() && !poll_again_) poll_in(kFollowUpInterval);
  replace_if_outdated();
  // Last: the sink may call us.
  for (const balancer::Observation& change : outcome.changes) {
    if (sink_) sink_(change);
  }
}

// A relieved process ends only when nobody is connected to its runtime socket any more, so it is
// asked as long as it has requests in flight and then left alone.
void HaproxyBalancer::poll_relieved() {
  for (const auto& process : relieved_) {
    if (!process->client) continue;
    const pid_t pid = process->pid;
    process->client->send("show stat", [this, pid](const Result<std::string>& answer) {
      const auto found = std::ranges::find(relieved_, pid, [](const auto& p) { return p->pid; });
      if (found == relieved_.end()) return;
      const auto snapshot = answer ? parse_stat(*answer) : std::unexpected(answer.error());
      (*found)->in_flight = snapshot ? snapshot->in_flight() : decltype((*found)->in_flight){};
      std::erase_if((*found)->in_flight, [](const auto& entry) { return entry.second == 0; });
      if ((*found)->in_flight.empty()) (*found)->client.reset();
    });
  }
}

void HaproxyBalancer::replace_if_outdated() {
  if (!serving_ || starting_ || retrying_ || serving_->digest == digest_) return;
  if (Status started = start_process(); !started) {
    log(env::Level::kError, started.error().message);
    retry_start();
  }
}

void HaproxyBalancer::run(const std::string& command) {
  serving_->client->send(command, [this, command](const Result<std::string>& answer) {
    if (!answer || is_expected(trim(*answer))) return;
    log(env::Level::kWarning, fmt::format("HAProxy says to '{}': {}", command, trim(*answer)));
  });
}

void HaproxyBalancer::install_certificate() {
  certificate_pending_ = false;
  const auto commands = certificate_commands(options_.run_dir, config_->listener);
  if (!commands) {
    log(env::Level::kError, commands.error().message);
    return;
  }
  for (const std::string& command : *commands) {
    // The command holds the key, so the log gets its first line only.
    const std::string shown = command.substr(0, command.find(" <<"));
    serving_->client->send(command, [this, shown](const Result<std::string>& answer) {
      if (!answer) {
        certificate_pending_ = true;
      } else if (answer->find("Transaction") == std::string::npos &&
                 answer->find("Success") == std::string::npos) {
        log(env::Level::kError, fmt::format("HAProxy says to '{}': {}", shown, trim(*answer)));
      }
    });
  }
}

void HaproxyBalancer::bound_log() {
  bounding_log_ = true;
  const std::string path = options_.state_dir + "/access.log";
  loop_.run_blocking(
      [path, limit = options_.access_log_limit_bytes] { return bound_access_log(path, limit); },
      [this, alive = std::weak_ptr(alive_)](const Status& bounded) {
        if (alive.expired()) return;
        if (!bounded) log(env::Level::kWarning, bounded.error().message);
        log_timer_ = loop_.after(kLogInterval, [this] { bound_log(); });
      });
}

void HaproxyBalancer::log(env::Level level, const std::string& message) {
  log_.write(level, "haproxy", message);
}

}  // namespace minato::haproxy
