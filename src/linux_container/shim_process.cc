#include "linux_container/shim_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"

namespace minato::linux_container {
namespace {

// Clock ticks since boot at which the process started (proc(5), field 22 of stat).
Result<std::string> start_time(pid_t pid) {
  constexpr std::size_t kFieldsAfterName = 19;
  ASSIGN_OR_RETURN(const std::string stat, host::read_file(fmt::format("/proc/{}/stat", pid)));
  // The name, in parentheses, may hold anything; what follows the last ')' is regular.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > stat.size()) {
    return fail(Reason::kInternalError, fmt::format("/proc/{}/stat is malformed", pid));
  }
  const auto fields = split(std::string_view(stat).substr(name_end + 2), ' ');
  if (fields.size() <= kFieldsAfterName) {
    return fail(Reason::kInternalError, fmt::format("/proc/{}/stat is malformed", pid));
  }
  return fields[kFieldsAfterName];
}

}  // namespace

Status write_shim_pid(const std::string& path, pid_t pid) {
  ASSIGN_OR_RETURN(const std::string started, start_time(pid));
  return host::write_file_atomic(path, fmt::format("{} {}\n", pid, started), 0600);
}

Result<ShimProcess> find_shim(const std::string& pid_path) {
  ASSIGN_OR_RETURN(const std::string text, host::read_file(pid_path, 64));
  const auto parts = split(trim(text), ' ');
  if (parts.size() != 2) return fail(Reason::kNotFound, pid_path + " names no process");
  ASSIGN_OR_RETURN(const std::int64_t number, parse_int(parts[0]));
  ShimProcess shim;
  shim.pid = static_cast<pid_t>(number);
  shim.pidfd = host::Fd(static_cast<int>(::syscall(SYS_pidfd_open, shim.pid, 0)));
  if (!shim.pidfd) return fail(Reason::kNotFound, fmt::format("shim {} has ended", shim.pid));
  // One that has ended may stay as a zombie for a while. The start time tells a new process with
  // an old number; it is read after the pidfd was opened, to which the number then belongs.
  pollfd end{shim.pidfd.get(), POLLIN, 0};
  const auto started = start_time(shim.pid);
  if (!started || *started != parts[1] || ::poll(&end, 1, 0) != 0) {
    return fail(Reason::kNotFound, fmt::format("shim {} has ended", shim.pid));
  }
  return shim;
}

}  // namespace minato::linux_container
