// A process that we may end or trust later: its pid alone may belong to another one by then.
//
// Stateless; reads /proc. The pid counts in the PID namespace of whoever asks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"

namespace minato::linux_net {

struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // Clock ticks since boot, field 22 of /proc/PID/stat.
  std::string boot_id;           // Ticks start again after a reboot.
  bool operator==(const ProcessIdentity&) const = default;
};

// Errors: NotFound, also for a process that has ended and waits to be reaped.
Result<ProcessIdentity> identify(pid_t pid);
bool is_alive(const ProcessIdentity& process);
// SIGKILL to exactly that process, then waits until it is gone. Success when it was gone already.
// Errors: Forbidden, Timeout.
Status end_process(const ProcessIdentity& process);

// One line of text, for a file.
std::string format_identity(const ProcessIdentity& process);
Result<ProcessIdentity> parse_identity(const std::string& text);

}  // namespace minato::linux_net
