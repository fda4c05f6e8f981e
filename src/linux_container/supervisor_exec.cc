// The Supervisor's commands inside containers (exec).
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "linux_container/supervisor.h"
#include "linux_container/supervisor_state.h"

namespace minato::linux_container {
namespace json = boost::json;
namespace {

// The container's own process with another command: same user, environment and limits.
Result<std::string> exec_process(const std::string& spec_path,
                                 const std::vector<std::string>& command) {
  ASSIGN_OR_RETURN(const std::string text, host::read_file(spec_path));
  ASSIGN_OR_RETURN(json::object spec, parse_object(text));
  json::value* process = spec.if_contains("process");
  if (process == nullptr || !process->is_object()) {
    return fail(Reason::kInternalError, spec_path + " has no process");
  }
  json::array args;
  for (const std::string& arg : command) args.emplace_back(arg);
  process->get_object()["args"] = std::move(args);
  return json::serialize(*process);
}

std::string exec_file(const std::string& dir, std::uint64_t id, const char* suffix) {
  return fmt::format("{}/exec-{}.{}", dir, id, suffix);
}

}  // namespace

void Supervisor::exec(const std::string& key, std::vector<std::string> command, Duration timeout,
                      container::Done<container::ExecResult> done) {
  const std::uint64_t id = next_command_++;
  commands_[id] = std::make_unique<Command>();
  commands_[id]->key = key;
  commands_[id]->done = std::move(done);
  if (const Status status = begin_exec(key, command, id); !status) {
    loop_.after(Duration{0},
                [this, id, error = status.error()] { finish_exec(id, std::unexpected(error)); });
    return;
  }
  commands_[id]->deadline = loop_.after(timeout, [this, id] { exec_timed_out(id); });
}

Status Supervisor::begin_exec(const std::string& key, const std::vector<std::string>& command,
                              std::uint64_t id) {
  const Running* running = find_running(key);
  if (running == nullptr || running->pid == 0) {
    return fail(Reason::kNotFound, fmt::format("container {} is not running", key));
  }
  if (commands_.size() > kMaxCommands) {
    return fail(Reason::kTooManyRequests,
                fmt::format("{} commands run in the Pod's containers already", kMaxCommands));
  }
  if (command.empty()) return fail(Reason::kInvalid, "exec: no command specified");
  const std::string dir = paths_.container_dir(key);
  ASSIGN_OR_RETURN(const std::string process, exec_process(spec_file(dir), command));
  const std::string process_file = exec_file(dir, id, "json");
  RETURN_IF_ERROR(host::write_file_atomic(process_file, process, 0600));
  ASSIGN_OR_RETURN(Pipe pipe, make_pipe());
  const OciCall call{config_.oci_runtime, paths_.oci_root(), key, exec_file(dir, id, "pid")};
  Command& started = *commands_[id];
  ASSIGN_OR_RETURN(started.runtime_pid, launch({.argv = exec_argv(call, process_file),
                                                .stdout_fd = pipe.writer.get(),
                                                .stderr_fd = pipe.writer.get(),
                                                .cgroup_join_files = running->cgroup_join_files}));
  started.output = std::move(pipe.reader);
  loop_.watch(started.output.get(), POLLIN, [this, id](short) { read_command(id); });
  loop_.watch_child(started.runtime_pid,
                    [this, id](int wait_status) { exec_runtime_exited(id, wait_status); });
  return {};
}

void Supervisor::exec_runtime_exited(std::uint64_t id, int wait_status) {
  const auto it = commands_.find(id);
  if (it == commands_.end()) return;
  Command& command = *it->second;
  command.runtime_pid = 0;
  const bool answered = !command.done;
  const bool succeeded = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
  const auto pid = succeeded ? read_pid(exec_file(paths_.container_dir(command.key), id, "pid"))
                             : fail(Reason::kInvalid, "");
  if (answered) {
    if (pid) ::kill(*pid, SIGKILL);
    return forget_exec(id);
  }
  if (pid) {
    command.pid = *pid;
    loop_.watch_child(*pid, [this, id](int status) { exec_exited(id, status); });
    return;
  }
  if (command.output) read_command(id);
  const StartFailure failure = start_failure(command.text);
  finish_exec(id, container::ExecResult{failure.exit_code, failure.error.message});
}

void Supervisor::read_command(std::uint64_t id) {
  Command& command = *commands_.at(id);
  char buffer[kReadBytes];
  while (true) {
    const ssize_t n = ::read(command.output.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) break;
    // What is beyond the limit is read all the same, so that the command does not stand still.
    const std::size_t room = container::kExecOutputLimit - command.text.size();
    command.text.append(buffer, std::min(room, static_cast<std::size_t>(n)));
    if (static_cast<std::size_t>(n) == sizeof buffer) return;  // Others get their turn.
  }
  loop_.unwatch(command.output.get());
  command.output.reset();
}

void Supervisor::exec_exited(std::uint64_t id, int wait_status) {
  const auto it = commands_.find(id);
  if (it == commands_.end()) return;
  // Its own last words are in the pipe; a process that it left behind may hold the pipe open for
  // ever and is not waited for.
  if (it->second->output) read_command(id);
  finish_exec(id, container::ExecResult{exit_code(wait_status).code, it->second->text});
}

void Supervisor::exec_timed_out(std::uint64_t id) {
  const Command& command = *commands_.at(id);
  if (command.pid != 0) ::kill(command.pid, SIGKILL);
  finish_exec(id, fail(Reason::kTimeout,
                       fmt::format("the command in {} did not end in time", command.key)));
}

void Supervisor::finish_exec(std::uint64_t id, Result<container::ExecResult> result) {
  Command& command = *commands_.at(id);
  auto done = std::exchange(command.done, nullptr);
  // While the runtime is still at it the process has no known pid: it is killed as soon as it has.
  if (command.runtime_pid == 0) forget_exec(id);
  done(std::move(result));
}

void Supervisor::forget_exec(std::uint64_t id) {
  const auto node = commands_.extract(id);
  const Command& command = *node.mapped();
  loop_.cancel(command.deadline);
  if (command.output) loop_.unwatch(command.output.get());
  const std::string dir = paths_.container_dir(command.key);
  ::unlink(exec_file(dir, id, "json").c_str());
  ::unlink(exec_file(dir, id, "pid").c_str());
}

}  // namespace minato::linux_container
