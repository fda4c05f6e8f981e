// The parent of a Pod's containers, inside the shim: starts them, keeps their output and their exit
// status, stops them in time and runs commands in them.
//
// Durability: a status file per container attempt is replaced atomically before anybody is told of
// the change, so whoever comes later reads the same truth. Bounds: output is read at most at
// kLogBytesPerSecond per container (a container that writes faster waits), messages, command
// output and the number of commands are limited.
//
// Threading: the shim's only thread. Callbacks come from the PollLoop, never from inside the call.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linux_container/attachments.h"
#include "linux_container/layout.h"
#include "linux_container/log_writer.h"
#include "linux_container/oci_runtime.h"
#include "linux_container/poll_loop.h"
#include "linux_container/protocol.h"

namespace minato::linux_container {

class Supervisor {
 public:
  static constexpr std::size_t kMaxContainers = 256;  // With those that have exited.
  static constexpr std::size_t kMaxCommands = 32;     // exec at the same time.
  static constexpr std::size_t kMaxSessions = 24;     // Of these, the ones people talk to.
  static constexpr std::size_t kMaxMessageBytes = 4096;
  static constexpr std::int64_t kLogBytesPerSecond = 64 << 20;
  static constexpr Duration kStartTimeout = 120s;

  using OnChange = std::function<void(const container::Container&)>;
  Supervisor(PollLoop& loop, ShimConfig config, OnChange on_change);
  ~Supervisor();

  // Takes up the status files of an earlier shim of this Pod; what ran then is dead now.
  void load();

  // All that have been told of: neither removed nor still being started.
  std::vector<container::Container> containers() const;

  // Errors: AlreadyExists, Invalid (cannot run; the container is then kept as exited), Timeout.
  void start(StartRequest request, container::Done<container::Container> done);
  // Sends the signal (0: the container's own stop signal) and SIGKILL after `grace`. A second call
  // may only shorten the time that is left.
  Status stop(const std::string& key, int signal, Duration grace);
  void exec(const std::string& key, std::vector<std::string> command, Duration timeout,
            container::Done<container::ExecResult> done);
  // A command whose streams go to whoever listens on `socket` (of the Pod's run directory), as
  // descriptors: a terminal, or standard input (if asked for), output and error. It runs until it
  // ends or end_session(). A command that could not run has kNotStarted as its exit code.
  struct Session {
    std::string key;
    std::vector<std::string> command;
    std::string socket;
    std::uint64_t owner = 0;
    bool terminal = false;
    bool input = false;
  };
  void open_session(Session session, container::Done<container::ExecResult> done);
  void end_session(const std::string& socket);
  void end_sessions_of(std::uint64_t owner);
  // What a container writes from now on goes to whoever listens on `socket`, as for a session; with
  // `input` its standard input too, and its terminal in any case.
  struct Attach {
    std::string key;
    std::string socket;
    std::uint64_t owner = 0;
    bool input = false;
  };
  void attach(const Attach& wanted, container::Done<container::ExecResult> done);
  // Errors: Conflict while it runs. NotFound is success.
  Status remove(const std::string& key);

 private:
  struct Running;
  struct Command;
  struct Entry {
    container::Container container;
    std::unique_ptr<Running> running;  // Null when exited.
  };

  Status begin_start(StartRequest& request, const std::string& key);
  Result<std::string> open_console(Running& running, const std::string& key);
  Status enter_processes_of(const std::string& name, const std::string& spec_path);
  Status begin_attach(const Attach& wanted, container::Done<container::ExecResult>& done);
  Status mount_memory_volumes(const StartRequest& request);
  void runtime_exited(const std::string& key, int wait_status);
  void start_failed(const std::string& key, StartFailure failure);
  void started(const std::string& key, pid_t pid);
  void process_exited(const std::string& key, int wait_status);
  void watch_output(const std::string& key, Stream stream);
  void read_output(const std::string& key, Stream stream);
  void drain_output(const std::string& key, Running& running);
  void set_exited(container::Container& container, int code, int signal, std::string reason);
  void publish(const container::Container& container);
  std::string termination_message(const std::string& key) const;
  Running* find_running(const std::string& key);

  std::uint64_t add_command(const std::string& key, container::Done<container::ExecResult> done);
  void begin(std::uint64_t id, const Session& session);
  Status begin_exec(const Session& session, std::uint64_t id);
  void end(std::uint64_t id);
  void exec_runtime_exited(std::uint64_t id, int wait_status);
  void exec_exited(std::uint64_t id, int wait_status);
  void exec_timed_out(std::uint64_t id);
  void read_command(std::uint64_t id);
  void finish_exec(std::uint64_t id, Result<container::ExecResult> result);
  void forget_exec(std::uint64_t id);

  PollLoop& loop_;
  ShimConfig config_;
  PodPaths paths_;
  OnChange on_change_;
  Attachments attachments_;
  std::map<std::string, Entry> entries_;
  std::map<std::uint64_t, std::unique_ptr<Command>> commands_;
  std::uint64_t next_command_ = 1;
};

}  // namespace minato::linux_container
