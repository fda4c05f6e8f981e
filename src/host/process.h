// Child processes by posix_spawn-like rules: every descriptor but those named is closed, the
// signal mask is clear, the parent is told of the exit through a pidfd on the loop.
//
// A Process that is destroyed does not end its child: what serves traffic must outlive us. Never
// put secrets into argv.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "host/files.h"
#include "host/loop.h"

namespace minato::host {

struct SpawnOptions {
  std::vector<std::string> argv;              // argv[0] is looked up in PATH when without '/'.
  std::vector<std::string> environment;       // "K=V"; empty: the present one.
  std::vector<std::pair<int, int>> descriptors;  // (ours, child's number). 0, 1, 2 default to /dev/null.
  std::string working_directory;
  bool new_session = false;                   // setsid(): not reached by the terminal's signals.
  // Runs in the child just before exec, after fork: async-signal-safe calls only. A non-empty
  // result is the reported failure.
  std::function<int()> before_exec;
};

// Starts a process; fails with NotFound when the program is missing.
Result<pid_t> spawn(const SpawnOptions& options);

struct ExitStatus {
  int code = 0;    // 128 + signal when a signal ended it.
  int signal = 0;
};

// Watches any process by pid; children are reaped, of others only the end is seen (code -1).
class ProcessWatch {
 public:
  virtual ~ProcessWatch() = default;
};
Result<std::unique_ptr<ProcessWatch>> watch_process(Loop& loop, pid_t pid,
                                                    std::function<void(ExitStatus)> on_exit);

struct CommandResult {
  ExitStatus status;
  std::string output;  // stdout and stderr, at most 1 MiB.
};
// Runs a short command to its end and gathers what it prints. Blocking: for setup and workers.
Result<CommandResult> run_command(const std::vector<std::string>& argv,
                                  const std::string& standard_input = {});
// The same without blocking the loop; killed at the timeout, then fails with Timeout.
void run_command_async(Loop& loop, SpawnOptions options, Duration timeout,
                       std::move_only_function<void(Result<CommandResult>)> done);

// Absolute path of a program in PATH or in the sbin directories, or NotFound.
Result<std::string> find_program(const std::string& name);

}  // namespace minato::host
