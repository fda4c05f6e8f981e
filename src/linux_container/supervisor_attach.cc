// The Supervisor's containers as people are shown them: attach, and other containers' processes.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "linux_container/supervisor.h"
#include "linux_container/supervisor_state.h"

namespace minato::linux_container {
namespace json = boost::json;
namespace {

// A pipe that neither side waits for.
Result<Pipe> make_quick_pipe() {
  ASSIGN_OR_RETURN(Pipe pipe, make_pipe());
  if (::fcntl(pipe.writer.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("pipe", errno);
  return pipe;
}

}  // namespace

void Supervisor::attach(const Attach& wanted, container::Done<container::ExecResult> done) {
  const Status begun = begin_attach(wanted, done);
  if (begun) return;
  auto box = std::make_shared<container::Done<container::ExecResult>>(std::move(done));
  loop_.after(Duration{0}, [box, error = begun.error()] { (*box)(std::unexpected(error)); });
}

// Takes `done` when it succeeds.
Status Supervisor::begin_attach(const Attach& wanted, container::Done<container::ExecResult>& done) {
  Running* running = find_running(wanted.key);
  if (running == nullptr || running->pid == 0) {
    return fail(Reason::kNotFound, fmt::format("container {} is not running", wanted.key));
  }
  if (attachments_.is_full()) {
    return fail(Reason::kTooManyRequests,
                fmt::format("{} readers are attached to the Pod's containers already",
                            Attachments::kMaxReaders));
  }
  ASSIGN_OR_RETURN(Pipe out, make_quick_pipe());
  std::vector<int> theirs{out.reader.get()};
  Pipe err;
  if (running->terminal) {
    if (running->output[0].fd) theirs.push_back(running->output[0].fd.get());
  } else {
    ASSIGN_OR_RETURN(err, make_quick_pipe());
    theirs.push_back(err.reader.get());
    if (wanted.input && running->input) theirs.push_back(running->input.get());
  }
  RETURN_IF_ERROR(send_descriptors(wanted.socket, theirs));
  if (wanted.input && running->input_once) running->input.reset();
  attachments_.add(wanted.socket, {.key = wanted.key,
                                   .owner = wanted.owner,
                                   .output = std::move(out.writer),
                                   .error = std::move(err.writer),
                                   .done = std::move(done)});
  return {};
}

// Where the runtime, which is called in the container's directory, finds it: a whole path may be too
// long for a socket.
Result<std::string> Supervisor::open_console(Running& running, const std::string& key) {
  const std::string name = "console-" + key + ".sock";
  ASSIGN_OR_RETURN(ConsoleSocket listening, ConsoleSocket::listen(name));
  running.console.emplace(std::move(listening));
  running.terminal = true;
  return "/proc/1/cwd/" + name;
}

Status Supervisor::enter_processes_of(const std::string& name, const std::string& spec_path) {
  const auto target = std::ranges::find_if(entries_, [&](const auto& each) {
    const Entry& entry = each.second;
    return entry.container.name == name && entry.running && entry.running->pid != 0;
  });
  if (target == entries_.end()) {
    return fail(Reason::kInvalid, fmt::format("unable to find target container {}: it is not running", name));
  }
  ASSIGN_OR_RETURN(const std::string text, host::read_file(spec_path));
  ASSIGN_OR_RETURN(json::object spec, parse_object(text));
  for (json::value& each : spec.at("linux").at("namespaces").as_array()) {
    if (each.at("type") != "pid") continue;
    each.as_object()["path"] = fmt::format("/proc/{}/ns/pid", target->second.running->pid);
  }
  return host::write_file_atomic(spec_path, json::serialize(spec), 0600);
}

}  // namespace minato::linux_container
