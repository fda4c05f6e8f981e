// A container::Runtime in memory for tests: containers do what a script says, in virtual time, and
// everything asked of it goes into a trace. Keeps state across kubelets, as a real one does.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "container/runtime.h"
#include "env/env.h"

namespace minato::kubelet {

class FakeRuntime final : public container::Runtime {
 public:
  struct Behaviour {
    Duration start_takes{};
    std::optional<Error> start_error;
    std::string cannot_run;  // Kept as exited with this message, which the sink hears of first.
    std::optional<Duration> runs_for;  // Ends by itself after this.
    int exit_code = 0;
    bool oom_killed = false;
    Duration stop_takes{};  // From the stop signal to the exit with code 0; grace 0 kills.
  };

  FakeRuntime(env::Clock& clock, env::Executor& executor);

  // Scripts; what is not set succeeds at once.
  std::function<Behaviour(const container::ContainerConfig&)> behaviour;
  std::function<Status(const std::string& reference)> pull;
  std::function<Result<container::HttpResponse>(const container::HttpRequest&)> http;
  std::function<Status(const std::string& host, std::uint16_t port)> tcp;
  std::function<Result<container::HealthAnswer>(const container::HealthCheck&)> health;
  std::function<Result<container::ExecResult>(const std::vector<std::string>&)> command;
  std::function<bool(std::function<void()> changed)> tells_change;  // Not set: it does not.
  Duration exec_takes{};
  std::optional<Error> files_error;
  std::map<std::string, std::uint64_t> memory_bytes;  // By container name, for stats().

  const std::vector<std::string>& trace() const { return trace_; }  // "12s start web/0"
  const container::ContainerConfig& config_of(const std::string& name) const;
  void exit_now(const std::string& name, int exit_code);
  void stop_sandboxes();     // They are there, but nothing can run in them.
  void forget_everything();  // The machine was rebooted.
  void restart();            // As a new Runtime over the same containers: answers are lost.
  std::size_t running() const;

  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  void list(container::Done<Inventory> done) override;
  void pull_image(const std::string& reference, container::PullPolicy policy,
                  container::Done<container::Image> done) override;
  void run_sandbox(container::SandboxConfig config,
                   container::Done<container::Sandbox> done) override;
  void remove_sandbox(const std::string& pod_uid, container::DoneStatus done) override;
  void start_container(const std::string& pod_uid, container::ContainerConfig config,
                       container::Done<container::Container> done) override;
  void update_files(const std::string& pod_uid, container::Mount volume,
                    container::DoneStatus done) override;
  void stop_container(const container::ContainerRef& ref, Duration grace,
                      container::DoneStatus done) override;
  void remove_container(const container::ContainerRef& ref, container::DoneStatus done) override;
  void exec(const container::ContainerRef& ref, std::vector<std::string> command_line,
            Duration timeout, container::Done<container::ExecResult> done) override;
  void http_get(container::HttpRequest request, Duration timeout,
                container::Done<container::HttpResponse> done) override;
  void tcp_connect(const std::string& host, std::uint16_t port, Duration timeout,
                   container::DoneStatus done) override;
  void check_health(container::HealthCheck request, Duration timeout,
                    container::Done<container::HealthAnswer> done) override;
  bool will_tell_change(const std::string&, std::function<void()> changed) override {
    return tells_change && tells_change(std::move(changed));
  }
  void stats(container::Done<container::NodeStats> done) override;
  std::unique_ptr<LogStream> read_log(const container::ContainerRef& ref,
                                      container::LogOptions options,
                                      std::function<void(std::string_view)> chunk,
                                      container::DoneStatus done) override;

 private:
  struct Entry {
    container::Container container;
    Behaviour script;
    env::TimerHandle end;  // The scripted exit, or SIGKILL.
  };
  void note(const std::string& what);
  void run(Entry& entry);
  void finish(const container::ContainerRef& ref, int exit_code, bool oom_killed);
  void after(Duration delay, env::Task task);

  env::Clock& clock_;
  env::Executor& executor_;
  Sink sink_;
  std::map<std::string, container::Sandbox> sandboxes_;
  std::map<container::ContainerRef, Entry> containers_;
  std::map<std::string, container::ContainerConfig> configs_;  // Newest, by container name.
  std::vector<std::string> trace_;
  std::vector<env::TimerHandle> timers_;
  int next_ip_ = 1;
};

}  // namespace minato::kubelet
