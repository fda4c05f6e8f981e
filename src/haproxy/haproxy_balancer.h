// balancer::Driver over a real HAProxy 2.6 with the settings and answers of an Application Load
// Balancer.
//
// HAProxy outlives this object: destroying it leaves traffic alone, and configure() of the next one
// adopts the running process with its targets, health and connections. Targets come and go over the
// runtime socket; only changed settings start a new process, which takes over the listening sockets
// and the known targets while the old one finishes what it has in flight. A HAProxy that dies is
// started again, with back-off, and its healthy targets carry traffic from the first moment.
//
// Ownership: by the world, after the Loop and Log, which outlive it. Threading: loop thread only;
// the sink runs on the loop, never inside a call. Failures after configure() (a refused command, a
// crash) are logged and made good by the next round of kPollInterval.
//
// Where it is not an ALB: a target that cannot be connected to fails its health check after
// min(interval, connect timeout), not after the check's timeout. A group of only initial targets
// answers 503, as an empty one does. A new process knows nothing of running slow starts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "haproxy/config.h"
#include "haproxy/process.h"
#include "haproxy/runtime_client.h"
#include "haproxy/stats.h"
#include "haproxy/targets.h"
#include "host/loop.h"
#include "host/process.h"

namespace minato::haproxy {

struct Options {
  std::string run_dir;    // Config, runtime socket, listener certificate. Mode 0700.
  std::string state_dir;  // access.log, access.log.1, haproxy.log.
  int https_fd = -1;      // Listening sockets, open for as long as this object lives.
  int http_fd = -1;       // -1: no redirect from port 80.
  std::uint16_t public_https_port = 443;  // As clients see it; goes into the redirect.
  std::string program = "haproxy";
  int threads = 2;
  int maximum_connections = 0;       // 0: as many as the descriptor limit allows.
  std::string source_ip;             // To connect to targets from; "": whichever leads there.
  Duration connect_timeout = 10s;    // To a target; ALB's is fixed.
  std::uint64_t access_log_limit_bytes = 64 << 20;  // Twice this at most stays on disk.
};

class HaproxyBalancer final : public balancer::Driver {
 public:
  HaproxyBalancer(host::Loop& loop, env::Log& log, Options options);
  ~HaproxyBalancer() override;

  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  // Invalid: a setting, descriptor or certificate is not usable; NotFound: no HAProxy program.
  Status configure(const balancer::Config& config) override;
  Status add_target(const balancer::Target& target) override;
  Status drain_target(const std::string& target_id) override;
  Status remove_target(const std::string& target_id) override;
  std::vector<balancer::Observation> observe() override;
  balancer::Counters counters() override;

  // Ends HAProxy; open connections are cut. Blocks for milliseconds, at most kStopPatience.
  // Without it HAProxy stays.
  Status stop();
  // The process that serves now, 0 when none does.
  pid_t process_id() const { return serving_ ? serving_->pid : 0; }

 private:
  struct Process {
    pid_t pid = 0;
    std::string digest;
    std::unique_ptr<host::ProcessWatch> watch;
    std::unique_ptr<RuntimeClient> client;
    std::map<std::string, std::uint64_t> in_flight;  // Of one that was relieved.
  };

  Status adopt_or_start();
  Status start_process();
  std::unique_ptr<Process> follow(pid_t pid, const std::string& digest);
  void on_connected(pid_t pid);
  void on_exit(pid_t pid, host::ExitStatus status);
  void retry_start();

  void kick();  // A poll now rather than at the next interval.
  void poll_in(Duration delay);
  void poll();
  void on_statistics(const Result<std::string>& answer);
  void poll_relieved();
  void replace_if_outdated();
  void run(const std::string& command);
  void install_certificate();
  void bound_log();
  void log(env::Level level, const std::string& message);

  host::Loop& loop_;
  env::Log& log_;
  Options options_;
  Sink sink_;
  std::optional<balancer::Config> config_;
  Settings settings_;
  std::string digest_;
  bool certificate_pending_ = false;

  TargetTable targets_;
  CounterLedger ledger_;
  std::unique_ptr<Process> serving_;
  std::unique_ptr<Process> starting_;  // Not yet connected to; serving_, if any, still serves.
  std::vector<std::unique_ptr<Process>> relieved_;

  bool polling_ = false;
  bool poll_again_ = false;
  bool retrying_ = false;
  bool bounding_log_ = false;
  Duration back_off_{};
  MonoTime last_start_{};
  env::TimerHandle poll_timer_;
  env::TimerHandle start_timer_;
  env::TimerHandle log_timer_;
  std::shared_ptr<bool> alive_;  // For worker results that arrive after us.
};

}  // namespace minato::haproxy
