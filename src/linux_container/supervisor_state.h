// Parts of the Supervisor that only its own sources see: the state of what runs, and small helpers
// over pipes, pid and status files. One thread, like the Supervisor.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "linux_container/console_socket.h"
#include "linux_container/supervisor.h"

namespace minato::linux_container {

inline constexpr std::size_t kReadBytes = 64 << 10;
inline constexpr std::size_t kMaxPipeBytes = 1 << 20;  // /proc/sys/fs/pipe-max-size by default.

struct Output {
  host::Fd fd;
  MonoTime window_start{};
  std::int64_t window_bytes = 0;
};

struct StopRequest {
  int signal = 0;
  Duration grace{};
};

struct Supervisor::Running {
  pid_t runtime_pid = 0;
  pid_t pid = 0;  // Of the container's first process; 0 while it starts.
  int stop_signal = 0;
  Output output[2];  // By Stream; the first is the terminal, if it has one.
  host::Fd input;    // What its standard input reads; absent for a terminal.
  std::optional<ConsoleSocket> console;  // While it starts on a terminal.
  bool terminal = false;
  bool input_once = false;
  std::optional<LogWriter> log;
  std::vector<std::string> cgroup_join_files;
  PollLoop::TimerId deadline = 0;  // Of starting, later of stopping.
  std::optional<MonoTime> kill_at;
  std::optional<StopRequest> stop_when_started;
  container::Done<container::Container> on_started;
};

struct Supervisor::Command {
  std::string key;
  std::string socket;       // "": nobody talks to it.
  std::uint64_t owner = 0;  // Of a session.
  pid_t runtime_pid = 0;
  pid_t pid = 0;
  host::Fd output;
  std::string text;
  PollLoop::TimerId deadline = 0;
  container::Done<container::ExecResult> done;
};

struct Pipe {
  host::Fd reader;  // Non-blocking.
  host::Fd writer;
};
Result<Pipe> make_pipe();
// The other way round: the writer is ours, the reader a program's.
Result<Pipe> make_input_pipe();
// The ends of a command's streams that go to others are sent to a listening socket.
Status send_descriptors(const std::string& socket, const std::vector<int>& descriptors);
// What can be read now, at most `limit_bytes`.
std::string read_available(int fd, std::size_t limit_bytes);
Result<pid_t> read_pid(const std::string& path);

Result<container::Container> read_status(const std::string& container_dir);
// A status that cannot be written leaves the old one, and is said in the shim's log.
void write_status(const std::string& container_dir, const container::Container& container);

struct ExitCode {
  int code = 0;
  int signal = 0;
};
ExitCode exit_code(int wait_status);
WallTime wall_now();

}  // namespace minato::linux_container
