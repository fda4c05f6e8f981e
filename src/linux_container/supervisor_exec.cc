// The Supervisor's commands inside containers (exec).
#include <fcntl.h>
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
                                 const Supervisor::Session& session) {
  ASSIGN_OR_RETURN(const std::string text, host::read_file(spec_path));
  ASSIGN_OR_RETURN(json::object spec, parse_object(text));
  json::value* process = spec.if_contains("process");
  if (process == nullptr || !process->is_object()) {
    return fail(Reason::kInternalError, spec_path + " has no process");
  }
  json::array args;
  for (const std::string& arg : session.command) args.emplace_back(arg);
  process->get_object()["args"] = std::move(args);
  if (session.terminal) {
    process->get_object()["terminal"] = true;
    json::value& environment = process->get_object()["env"];
    // First: what the container sets itself comes later and wins.
    if (environment.is_array()) {
      environment.get_array().insert(environment.get_array().begin(), "TERM=xterm");
    }
  }
  return json::serialize(*process);
}

std::string exec_file(const std::string& dir, std::uint64_t id, const char* suffix) {
  return fmt::format("{}/exec-{}.{}", dir, id, suffix);
}

}  // namespace

std::uint64_t Supervisor::add_command(const std::string& key,
                                      container::Done<container::ExecResult> done) {
  const std::uint64_t id = next_command_++;
  commands_[id] = std::make_unique<Command>();
  commands_[id]->key = key;
  commands_[id]->done = std::move(done);
  return id;
}

void Supervisor::exec(const std::string& key, std::vector<std::string> command, Duration timeout,
                      container::Done<container::ExecResult> done) {
  const std::uint64_t id = add_command(key, std::move(done));
  begin(id, {.key = key, .command = std::move(command)});
  commands_[id]->deadline = loop_.after(timeout, [this, id] { exec_timed_out(id); });
}

void Supervisor::open_session(Session session, container::Done<container::ExecResult> done) {
  const std::uint64_t id = add_command(session.key, std::move(done));
  commands_[id]->socket = session.socket;
  commands_[id]->owner = session.owner;
  begin(id, session);
}

void Supervisor::begin(std::uint64_t id, const Session& session) {
  if (const Status status = begin_exec(session, id); !status) {
    loop_.after(Duration{0}, [this, id, error = status.error()] {
      if (commands_.contains(id)) finish_exec(id, std::unexpected(error));
    });
  }
}

Status Supervisor::begin_exec(const Session& session, std::uint64_t id) {
  const std::string& key = session.key;
  const Running* running = find_running(key);
  if (running == nullptr || running->pid == 0) {
    return fail(Reason::kNotFound, fmt::format("container {} is not running", key));
  }
  const std::ptrdiff_t sessions =
      std::ranges::count_if(commands_, [](const auto& entry) { return entry.second->socket != ""; });
  if (commands_.size() > kMaxCommands || (!session.socket.empty() && sessions >= std::ptrdiff_t{kMaxSessions})) {
    return fail(Reason::kTooManyRequests,
                fmt::format("{} commands run in the Pod's containers already",
                            session.socket.empty() ? kMaxCommands : kMaxSessions));
  }
  if (session.command.empty()) return fail(Reason::kInvalid, "exec: no command specified");
  const std::string dir = paths_.container_dir(key);
  ASSIGN_OR_RETURN(const std::string process, exec_process(spec_file(dir), session));
  const std::string process_file = exec_file(dir, id, "json");
  RETURN_IF_ERROR(host::write_file_atomic(process_file, process, 0600));
  const OciCall call{config_.oci_runtime, paths_.oci_root(), key, exec_file(dir, id, "pid")};
  const std::string console = session.terminal ? session.socket : "";
  Launch launching{.argv = exec_argv(call, process_file, console),
                   .cgroup_join_files = running->cgroup_join_files};
  ASSIGN_OR_RETURN(Pipe out, make_pipe());
  launching.stdout_fd = out.writer.get();
  launching.stderr_fd = out.writer.get();
  Pipe in, err;
  const bool own_streams = !session.socket.empty() && !session.terminal;
  if (own_streams) {
    ASSIGN_OR_RETURN(in, make_input_pipe());
    ASSIGN_OR_RETURN(err, make_pipe());
    std::vector<int> theirs{out.reader.get(), err.reader.get()};
    if (session.input) theirs.push_back(in.writer.get());
    RETURN_IF_ERROR(send_descriptors(session.socket, theirs));
    launching.stdin_fd = in.reader.get();
    launching.stderr_fd = err.writer.get();
  }
  Command& started = *commands_[id];
  ASSIGN_OR_RETURN(started.runtime_pid, launch(launching));
  loop_.watch_child(started.runtime_pid,
                    [this, id](int wait_status) { exec_runtime_exited(id, wait_status); });
  if (own_streams) return {};
  started.output = std::move(out.reader);
  loop_.watch(started.output.get(), POLLIN, [this, id](short) { read_command(id); });
  return {};
}

void Supervisor::end(std::uint64_t id) {
  Command& command = *commands_.at(id);
  if (command.pid != 0) ::kill(command.pid, SIGKILL);
  if (command.done) finish_exec(id, fail(Reason::kTimeout, "nobody talks to the command any more"));
}

void Supervisor::end_session(const std::string& socket) {
  attachments_.remove(socket);
  for (const auto& [id, command] : commands_) {
    if (command->socket == socket) return end(id);
  }
}

void Supervisor::end_sessions_of(std::uint64_t owner) {
  attachments_.remove_of(owner);
  std::vector<std::uint64_t> ids;
  for (const auto& [id, command] : commands_) {
    if (!command->socket.empty() && command->owner == owner) ids.push_back(id);
  }
  for (const std::uint64_t id : ids) end(id);
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
  if (!command.socket.empty() && command.text.empty()) {  // Its words are in its own streams.
    return finish_exec(id, container::ExecResult{kNotStarted, {}});
  }
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
