// What the holder does as PID 1 of its namespaces (holder.h): prepares mounts, then starts control
// and keeps it going. Runs in a forked child and ends with the process; nothing else calls it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace minato::linux_net {

struct InitOptions {
  std::vector<std::string> control;
  std::vector<std::string> environment;
  std::vector<std::pair<int, int>> descriptors;
  int log_fd = -1;
  std::vector<std::string> visible_directories;  // Kept although they may lie below /run.
};

// Mounts of the holder's own mount namespace.
Status prepare_mounts(const InitOptions& options);
// Shows "minato holder" in process lists instead of what the forking process was called.
void set_process_title();
// SIGCHLD and the signals that end the holder are waited for, never delivered. To be called before
// control is started.
void block_init_signals();
// Starts control, calls `started` with the outcome, then reaps orphans and restarts control until
// it ends with status 0 or SIGTERM comes. The exit status of the holder.
int run_holder_init(const InitOptions& options, const std::function<void(const Status&)>& started);

}  // namespace minato::linux_net
