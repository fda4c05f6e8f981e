// A shim seen from outside: which process it is, whether it lives, and its end.
//
// The pid is written with the process's start time, so that a pid that was given to somebody else
// is never mistaken for a shim. Blocking calls on kernel files, microseconds each.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "host/files.h"

namespace minato::linux_container {

// By the process that starts the shim, in whose PID namespace `pid` counts.
Status write_shim_pid(const std::string& path, pid_t pid);

struct ShimProcess {
  pid_t pid = 0;
  host::Fd pidfd;  // Readable when the shim and all containers of its Pod have ended.
};
// NotFound when there is no living shim.
Result<ShimProcess> find_shim(const std::string& pid_path);

}  // namespace minato::linux_container
