#include "linux_container/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "linux_container/bundle.h"
#include "linux_container/rootfs.h"
#include "linux_container/supervisor_state.h"
#include "linux_container/volume_files.h"

namespace minato::linux_container {
namespace {

constexpr Duration kReadWindow = 100ms;
constexpr std::int64_t kBytesPerWindow = Supervisor::kLogBytesPerSecond / 10;

}  // namespace

Supervisor::Supervisor(PollLoop& loop, ShimConfig config, OnChange on_change)
    : loop_(loop),
      config_(std::move(config)),
      paths_{config_.run_dir, config_.state_dir},
      on_change_(std::move(on_change)),
      attachments_(loop) {}

Supervisor::~Supervisor() = default;

void Supervisor::load() {
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(paths_.containers_dir(), error)) {
    auto container = read_status(item.path().string());
    if (!container) continue;
    if (container->state != container::ContainerState::kExited) {
      set_exited(*container, 128 + SIGKILL, SIGKILL, "Error");
      container->message = "the container ended with the process that supervised it";
      write_status(item.path().string(), *container);
    }
    entries_[container_key(container->name, container->attempt)] = {std::move(*container), nullptr};
  }
}

std::vector<container::Container> Supervisor::containers() const {
  std::vector<container::Container> out;
  for (const auto& [key, entry] : entries_) {
    if (entry.container.state != container::ContainerState::kCreated) {
      out.push_back(entry.container);
    }
  }
  return out;
}

Supervisor::Running* Supervisor::find_running(const std::string& key) {
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : it->second.running.get();
}

void Supervisor::start(StartRequest request, container::Done<container::Container> done) {
  const std::string key = container_key(request.container.name, request.container.attempt);
  const auto refuse = [&](Error error) {
    auto box = std::make_shared<container::Done<container::Container>>(std::move(done));
    loop_.after(Duration{0}, [box, error] { (*box)(std::unexpected(error)); });
  };
  if (entries_.contains(key)) {
    return refuse({Reason::kAlreadyExists, fmt::format("container {} has been started", key)});
  }
  if (entries_.size() >= kMaxContainers) {
    return refuse({Reason::kTooManyRequests,
                   fmt::format("the Pod has {} containers; remove old ones", kMaxContainers)});
  }
  Entry& entry = entries_[key];
  entry.container = request.container;
  entry.container.state = container::ContainerState::kCreated;
  entry.container.created_at = wall_now();
  entry.running = std::make_unique<Running>();
  if (const Status status = begin_start(request, key); !status) {
    entries_.erase(key);
    return refuse(status.error());
  }
  entry.running->on_started = std::move(done);
}

Status Supervisor::begin_start(StartRequest& request, const std::string& key) {
  Running& running = *find_running(key);
  const std::string dir = paths_.container_dir(key);
  RETURN_IF_ERROR(mount_memory_volumes(request));
  ASSIGN_OR_RETURN(running.stop_signal, parse_signal(request.stop_signal));
  ASSIGN_OR_RETURN(LogWriter log, LogWriter::open({.path = request.log_file,
                                                   .max_bytes = config_.log_max_bytes,
                                                   .files = config_.log_files}));
  running.log.emplace(std::move(log));
  running.cgroup_join_files = request.cgroup_join_files;
  if (!request.processes_of.empty()) {
    RETURN_IF_ERROR(enter_processes_of(request.processes_of, spec_file(dir)));
  }
  std::string console;
  if (request.terminal) {
    ASSIGN_OR_RETURN(console, open_console(running, key));
  }
  running.input_once = request.input_once;
  ASSIGN_OR_RETURN(Pipe out, make_pipe());
  ASSIGN_OR_RETURN(Pipe err, make_pipe());
  Pipe in;
  if (request.input && !request.terminal) {
    ASSIGN_OR_RETURN(in, make_input_pipe());
  }
  const OciCall call{config_.oci_runtime, paths_.oci_root(), key, pid_file(dir)};
  const RootPlan root{dir, request.layer_dirs, request.overlay_options, request.writable_layer,
                      request.sub_paths};
  ASSIGN_OR_RETURN(running.runtime_pid, launch({.argv = run_argv(call, dir, console),
                                                .stdin_fd = in.reader ? in.reader.get() : -1,
                                                .stdout_fd = out.writer.get(),
                                                .stderr_fd = err.writer.get(),
                                                .cgroup_join_files = request.cgroup_join_files,
                                                .root = &root}));
  running.output[0].fd = std::move(out.reader);
  running.output[1].fd = std::move(err.reader);
  running.input = std::move(in.writer);
  loop_.watch_child(running.runtime_pid,
                    [this, key](int wait_status) { runtime_exited(key, wait_status); });
  running.deadline = loop_.after(kStartTimeout, [this, key] {
    if (const Running* late = find_running(key)) ::kill(late->runtime_pid, SIGKILL);
  });
  return {};
}

Status Supervisor::mount_memory_volumes(const StartRequest& request) {
  for (const MemoryVolume& volume : request.memory_volumes) {
    RETURN_IF_ERROR(mount_memory(volume.path, volume.size_bytes, 0777));
    RETURN_IF_ERROR(give_scratch(volume.path, volume.group));
  }
  return {};
}

void Supervisor::runtime_exited(const std::string& key, int wait_status) {
  Running& running = *find_running(key);
  loop_.cancel(running.deadline);
  const bool succeeded = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
  auto pid = succeeded ? read_pid(pid_file(paths_.container_dir(key))) : fail(Reason::kInvalid, "");
  if (pid && running.console) {
    auto terminal = running.console->take();
    running.console.reset();
    if (!terminal) {
      ::kill(*pid, SIGKILL);
      return start_failed(key, {terminal.error()});
    }
    running.output[0].fd = std::move(*terminal);
    running.output[1].fd.reset();
  }
  if (pid) return started(key, *pid);
  start_failed(key, start_failure(read_available(running.output[1].fd.get(), kMaxMessageBytes)));
}

void Supervisor::start_failed(const std::string& key, StartFailure failure) {
  Entry& entry = entries_.at(key);
  container::Container& container = entry.container;
  set_exited(container, failure.exit_code, 0, "ContainerCannotRun");
  container.message = failure.error.message;
  auto on_started = std::move(entry.running->on_started);
  entry.running.reset();
  publish(container);
  on_started(std::unexpected(std::move(failure.error)));
}

void Supervisor::started(const std::string& key, pid_t pid) {
  Entry& entry = entries_.at(key);
  Running& running = *entry.running;
  running.pid = pid;
  entry.container.state = container::ContainerState::kRunning;
  entry.container.started_at = wall_now();
  watch_output(key, Stream::kStdout);
  if (!running.terminal) watch_output(key, Stream::kStderr);
  auto on_started = std::move(running.on_started);
  publish(entry.container);
  loop_.watch_child(pid, [this, key](int status) { process_exited(key, status); });
  on_started(entry.container);
  if (running.stop_when_started) {
    // Cannot fail: the container runs.
    (void)stop(key, running.stop_when_started->signal, running.stop_when_started->grace);
  }
}

void Supervisor::watch_output(const std::string& key, Stream stream) {
  const int fd = find_running(key)->output[static_cast<int>(stream)].fd.get();
  loop_.watch(fd, POLLIN, [this, key, stream](short) { read_output(key, stream); });
}

void Supervisor::read_output(const std::string& key, Stream stream) {
  Running& running = *find_running(key);
  Output& output = running.output[static_cast<int>(stream)];
  char buffer[kReadBytes];
  const ssize_t n = ::read(output.fd.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    loop_.unwatch(output.fd.get());
    output.fd.reset();
    return;
  }
  running.log->write(stream, {buffer, static_cast<std::size_t>(n)}, wall_now());
  attachments_.write(key, stream, {buffer, static_cast<std::size_t>(n)});
  const MonoTime now = PollLoop::now();
  if (now - output.window_start >= kReadWindow) {
    output.window_start = now;
    output.window_bytes = 0;
  }
  output.window_bytes += n;
  if (output.window_bytes < kBytesPerWindow) return;
  // The pipe fills up meanwhile and the container waits in write(2).
  loop_.set_events(output.fd.get(), 0);
  loop_.after(output.window_start + kReadWindow - now, [this, key, stream] {
    Running* still = find_running(key);
    if (still == nullptr) return;
    if (const host::Fd& fd = still->output[static_cast<int>(stream)].fd) {
      loop_.set_events(fd.get(), POLLIN);
    }
  });
}

void Supervisor::drain_output(const std::string& key, Running& running) {
  // Every writer was in the container's PID namespace and is dead: what is left is at most a
  // pipe's capacity. The limit holds should one live on among another container's processes.
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    Output& output = running.output[static_cast<int>(stream)];
    if (!output.fd) continue;
    const std::string last = read_available(output.fd.get(), kMaxPipeBytes);
    running.log->write(stream, last, wall_now());
    attachments_.write(key, stream, last);
    loop_.unwatch(output.fd.get());
    output.fd.reset();
  }
  running.log->finish(wall_now());
}

void Supervisor::process_exited(const std::string& key, int wait_status) {
  Entry& entry = entries_.at(key);
  loop_.cancel(entry.running->deadline);
  drain_output(key, *entry.running);
  entry.running.reset();
  attachments_.finish(key);
  const ExitCode exit = exit_code(wait_status);
  set_exited(entry.container, exit.code, exit.signal, exit.code == 0 ? "Completed" : "Error");
  entry.container.message = termination_message(key);
  publish(entry.container);
}

void Supervisor::set_exited(container::Container& container, int code, int signal,
                            std::string reason) {
  container.state = container::ContainerState::kExited;
  container.finished_at = wall_now();
  container.exit_code = code;
  container.signal = signal;
  container.reason = std::move(reason);
}

void Supervisor::publish(const container::Container& container) {
  write_status(paths_.container_dir(container_key(container.name, container.attempt)), container);
  on_change_(container);
}

std::string Supervisor::termination_message(const std::string& key) const {
  const std::string path = termination_file(paths_.container_dir(key));
  const host::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return file ? read_available(file.get(), kMaxMessageBytes) : std::string();
}

Status Supervisor::stop(const std::string& key, int signal, Duration grace) {
  Running* running = find_running(key);
  if (running == nullptr) return {};
  if (running->pid == 0) {
    running->stop_when_started = StopRequest{signal, grace};
    return {};
  }
  if (grace <= Duration{0}) {
    ::kill(running->pid, SIGKILL);
    return {};
  }
  ::kill(running->pid, signal == 0 ? running->stop_signal : signal);
  const MonoTime due = PollLoop::now() + grace;
  if (running->kill_at && *running->kill_at <= due) return {};
  running->kill_at = due;
  loop_.cancel(running->deadline);
  running->deadline = loop_.after(grace, [this, key] {
    if (const Running* late = find_running(key)) ::kill(late->pid, SIGKILL);
  });
  return {};
}

Status Supervisor::remove(const std::string& key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return {};
  if (it->second.running) {
    return fail(Reason::kConflict, fmt::format("container {} is running; stop it first", key));
  }
  // The runtime's own record; with cgroups and mounts not its business there is nothing else.
  RETURN_IF_ERROR(host::remove_tree(paths_.oci_root() + "/" + key));
  RETURN_IF_ERROR(host::remove_tree(paths_.container_dir(key)));
  entries_.erase(it);
  return {};
}

}  // namespace minato::linux_container
