#include "kubelet/fake_runtime.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace minato::kubelet {

using container::Container;
using container::ContainerRef;
using container::ContainerState;

namespace {

constexpr int kKilled = 137;
constexpr int kCannotRun = 127;

}  // namespace

FakeRuntime::FakeRuntime(env::Clock& clock, env::Executor& executor)
    : clock_(clock), executor_(executor) {}

void FakeRuntime::note(const std::string& what) {
  const auto at =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.monotonic().time_since_epoch());
  trace_.push_back(fmt::format("{}s {}", at.count(), what));
}

void FakeRuntime::after(Duration delay, env::Task task) {
  timers_.push_back(executor_.after(delay, std::move(task)));
}

const container::ContainerConfig& FakeRuntime::config_of(const std::string& name) const {
  const auto found = configs_.find(name);
  CHECK(found != configs_.end(), "container {} was never started", name);
  return found->second;
}

std::size_t FakeRuntime::running() const {
  return static_cast<std::size_t>(std::count_if(
      containers_.begin(), containers_.end(), [](const auto& entry) {
        return entry.second.container.state == ContainerState::kRunning;
      }));
}

void FakeRuntime::stop_sandboxes() {
  for (auto& [uid, sandbox] : sandboxes_) sandbox.is_ready = false;
}

void FakeRuntime::forget_everything() {
  sandboxes_.clear();
  containers_.clear();
}

void FakeRuntime::restart() {
  sink_ = nullptr;
  timers_.clear();
}

void FakeRuntime::list(container::Done<Inventory> done) {
  Inventory out;
  for (const auto& [uid, sandbox] : sandboxes_) out.sandboxes.push_back(sandbox);
  for (const auto& [ref, entry] : containers_) out.containers.push_back(entry.container);
  after({}, [out = std::move(out), done = std::move(done)]() mutable { done(std::move(out)); });
}

void FakeRuntime::pull_image(const std::string& reference, container::PullPolicy,
                             container::Done<container::Image> done) {
  note("pull " + reference);
  after({}, [this, reference, done = std::move(done)]() mutable {
    if (const Status status = pull ? pull(reference) : Status{}; !status) {
      return done(std::unexpected(status.error()));
    }
    done(container::Image{.reference = reference, .digest = "sha256:" + reference});
  });
}

void FakeRuntime::run_sandbox(container::SandboxConfig config,
                              container::Done<container::Sandbox> done) {
  note("sandbox " + config.pod_name);
  const auto [found, is_new] = sandboxes_.try_emplace(config.pod_uid);
  if (is_new) {
    found->second = {.pod_uid = config.pod_uid,
                     .pod_namespace = config.pod_namespace,
                     .pod_name = config.pod_name,
                     .ip = fmt::format("10.0.0.{}", next_ip_++),
                     .created_at = clock_.wall(),
                     .annotations = config.annotations};
  }
  found->second.is_ready = true;
  after({}, [sandbox = found->second, done = std::move(done)]() mutable { done(sandbox); });
}

void FakeRuntime::remove_sandbox(const std::string& pod_uid, container::DoneStatus done) {
  note("remove sandbox");
  sandboxes_.erase(pod_uid);
  std::erase_if(containers_, [&](const auto& entry) { return entry.first.pod_uid == pod_uid; });
  after({}, [done = std::move(done)]() mutable { done({}); });
}

void FakeRuntime::start_container(const std::string& pod_uid, container::ContainerConfig config,
                                  container::Done<Container> done) {
  note(fmt::format("start {}/{}", config.name, config.attempt));
  const ContainerRef ref{pod_uid, config.name, config.attempt};
  const Behaviour script = behaviour ? behaviour(config) : Behaviour{};
  configs_[config.name] = config;
  after(script.start_takes, [this, ref, script, config, done = std::move(done)]() mutable {
    if (!sandboxes_.contains(ref.pod_uid)) return done(fail(Reason::kNotFound, "no sandbox"));
    if (script.start_error) return done(std::unexpected(*script.start_error));
    Entry& entry = containers_[ref];
    entry.script = script;
    entry.container = {.pod_uid = ref.pod_uid,
                       .name = ref.name,
                       .attempt = ref.attempt,
                       .id = fmt::format("{}-{}", ref.name, ref.attempt),
                       .image = config.image,
                       .image_digest = "sha256:" + config.image,
                       .state = ContainerState::kRunning,
                       .created_at = clock_.wall(),
                       .started_at = clock_.wall(),
                       .annotations = config.annotations};
    if (!script.cannot_run.empty()) {
      finish(ref, kCannotRun, false);
      return done(entry.container);
    }
    run(entry);
    done(entry.container);
  });
}

void FakeRuntime::run(Entry& entry) {
  if (!entry.script.runs_for) return;
  const ContainerRef ref{entry.container.pod_uid, entry.container.name, entry.container.attempt};
  entry.end = executor_.after(*entry.script.runs_for, [this, ref] {
    const Behaviour script = containers_.at(ref).script;
    finish(ref, script.exit_code, script.oom_killed);
  });
}

void FakeRuntime::finish(const ContainerRef& ref, int exit_code, bool oom_killed) {
  const auto found = containers_.find(ref);
  if (found == containers_.end()) return;
  Container& container = found->second.container;
  if (container.state == ContainerState::kExited) return;
  note(fmt::format("exit {}/{} {}", ref.name, ref.attempt, exit_code));
  container.state = ContainerState::kExited;
  container.exit_code = exit_code;
  container.signal = exit_code == kKilled ? 9 : 0;
  container.oom_killed = oom_killed;
  container.finished_at = clock_.wall();
  container.reason = exit_code == 0 ? "Completed" : "Error";
  if (!found->second.script.cannot_run.empty()) {
    container.reason = "ContainerCannotRun";
    container.message = found->second.script.cannot_run;
  }
  if (sink_) sink_(Container(container));
}

void FakeRuntime::exit_now(const std::string& name, int exit_code) {
  for (const auto& [ref, entry] : containers_) {
    if (ref.name != name || entry.container.state != ContainerState::kRunning) continue;
    const ContainerRef which = ref;
    return finish(which, exit_code, false);
  }
  CHECK(false, "container {} is not running", name);
}

void FakeRuntime::update_files(const std::string& pod_uid, container::Mount volume,
                               container::DoneStatus done) {
  std::string files;
  for (const auto& [name, file] : volume.files) files += fmt::format(" {}={}", name, file.content);
  note(fmt::format("files {}:{}", volume.name, files));
  after({}, [found = sandboxes_.contains(pod_uid), error = files_error,
             done = std::move(done)]() mutable {
    if (!found) return done(fail(Reason::kNotFound, "no such Pod"));
    done(error ? Status(std::unexpected(*error)) : Status{});
  });
}

void FakeRuntime::stop_container(const ContainerRef& ref, Duration grace,
                                 container::DoneStatus done) {
  note(fmt::format("stop {}/{} grace {}s", ref.name, ref.attempt,
                   std::chrono::duration_cast<std::chrono::seconds>(grace).count()));
  const auto found = containers_.find(ref);
  if (found == containers_.end()) {
    return after({}, [done = std::move(done)]() mutable {
      done(fail(Reason::kNotFound, "no such container"));
    });
  }
  const Duration takes = found->second.script.stop_takes;
  const int exit_code = takes <= grace && grace > Duration{} ? 0 : kKilled;
  found->second.end = executor_.after(std::min(takes, grace), [this, ref, exit_code] {
    finish(ref, exit_code, false);
  });
  after({}, [done = std::move(done)]() mutable { done({}); });
}

void FakeRuntime::remove_container(const ContainerRef& ref, container::DoneStatus done) {
  containers_.erase(ref);
  after({}, [done = std::move(done)]() mutable { done({}); });
}

void FakeRuntime::exec(const ContainerRef& ref, std::vector<std::string> command_line,
                       Duration timeout, container::Done<container::ExecResult> done) {
  note(fmt::format("exec {} {}", ref.name, fmt::join(command_line, " ")));
  if (!containers_.contains(ref)) {
    return after({}, [done = std::move(done)]() mutable {
      done(fail(Reason::kNotFound, "no such container"));
    });
  }
  const bool late = exec_takes > timeout;
  after(std::min(exec_takes, timeout),
        [this, late, command_line, done = std::move(done)]() mutable {
          if (late) return done(fail(Reason::kTimeout, "timed out"));
          done(command ? command(command_line) : container::ExecResult{});
        });
}

void FakeRuntime::http_get(container::HttpRequest request, Duration,
                           container::Done<container::HttpResponse> done) {
  note(fmt::format("get {}:{}{}", request.host, request.port, request.path));
  after({}, [this, request = std::move(request), done = std::move(done)]() mutable {
    done(http ? http(request) : container::HttpResponse{.status = 200});
  });
}

void FakeRuntime::tcp_connect(const std::string& host, std::uint16_t port, Duration,
                              container::DoneStatus done) {
  after({}, [this, host, port, done = std::move(done)]() mutable {
    done(tcp ? tcp(host, port) : Status{});
  });
}

void FakeRuntime::check_health(container::HealthCheck request, Duration,
                               container::Done<container::HealthAnswer> done) {
  note(fmt::format("health {}:{} \"{}\"", request.host, request.port, request.service));
  after({}, [this, request = std::move(request), done = std::move(done)]() mutable {
    done(health ? health(request)
                : container::HealthAnswer{.serving_status = container::HealthAnswer::kServing});
  });
}

void FakeRuntime::stats(container::Done<container::NodeStats> done) {
  container::NodeStats out;
  out.at = clock_.wall();
  const auto up = static_cast<std::uint64_t>(clock_.monotonic().time_since_epoch().count());
  for (const auto& [ref, entry] : containers_) {
    if (entry.container.state != ContainerState::kRunning) continue;
    const auto memory = memory_bytes.find(ref.name);
    const std::uint64_t used = memory == memory_bytes.end() ? 0 : memory->second;
    // Every container keeps a tenth of a CPU busy.
    out.containers.push_back(
        {.ref = ref, .cpu_usage_ns = up / 10, .memory_working_set_bytes = used});
    out.cpu_usage_ns += up / 10;
    out.memory_working_set_bytes += used;
  }
  after({}, [out = std::move(out), done = std::move(done)]() mutable { done(std::move(out)); });
}

std::unique_ptr<container::Runtime::LogStream> FakeRuntime::read_log(
    const ContainerRef&, container::LogOptions, std::function<void(std::string_view)>,
    container::DoneStatus done) {
  after({}, [done = std::move(done)]() mutable { done({}); });
  return std::make_unique<LogStream>();
}

}  // namespace minato::kubelet
