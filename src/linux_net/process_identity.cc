#include "linux_net/process_identity.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "base/time.h"
#include "host/files.h"

namespace minato::linux_net {
namespace {

// Ending a holder ends all processes below it first.
constexpr Duration kEndTimeout = 30s;
constexpr std::size_t kStartTimeField = 19;  // Counted after the command's closing parenthesis.

}  // namespace

Result<ProcessIdentity> identify(pid_t pid) {
  const auto gone = [pid] { return fail(Reason::kNotFound, fmt::format("no process {}", pid)); };
  const auto stat = host::read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return gone();
  // The command may contain spaces and parentheses; fields are counted after the last one.
  const std::size_t end = stat->rfind(") ");
  if (end == std::string::npos) return gone();
  const auto fields = split(trim(std::string_view(*stat).substr(end + 2)), ' ');
  if (fields.size() <= kStartTimeField || fields[0] == "Z" || fields[0] == "X") return gone();
  ASSIGN_OR_RETURN(const std::int64_t ticks, parse_int(fields[kStartTimeField]));
  ASSIGN_OR_RETURN(const std::string boot_id, host::read_file("/proc/sys/kernel/random/boot_id"));
  return ProcessIdentity{pid, static_cast<std::uint64_t>(ticks), std::string(trim(boot_id))};
}

bool is_alive(const ProcessIdentity& process) {
  const auto now = identify(process.pid);
  return now && *now == process;
}

Status end_process(const ProcessIdentity& process) {
  const host::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd && errno == ESRCH) return {};
  if (!pidfd) return fail_errno(fmt::format("ending process {}", process.pid), errno);
  // The descriptor names one process for ever: checked after opening, it cannot be another one.
  if (!is_alive(process)) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
    return fail_errno(fmt::format("ending process {}", process.pid), errno);
  }
  pollfd wait{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(kEndTimeout);
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, static_cast<int>(timeout.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready == 1) return {};
  return fail(Reason::kTimeout, fmt::format("process {} did not end {} after SIGKILL", process.pid,
                                            format_duration(kEndTimeout)));
}

std::string format_identity(const ProcessIdentity& process) {
  return fmt::format("{} {} {}\n", process.pid, process.start_time, process.boot_id);
}

Result<ProcessIdentity> parse_identity(const std::string& text) {
  const auto fields = split(trim(text), ' ');
  if (fields.size() != 3) return fail(Reason::kInvalid, "not the record of a process");
  ASSIGN_OR_RETURN(const std::int64_t pid, parse_int(fields[0]));
  ASSIGN_OR_RETURN(const std::int64_t ticks, parse_int(fields[1]));
  return ProcessIdentity{static_cast<pid_t>(pid), static_cast<std::uint64_t>(ticks), fields[2]};
}

}  // namespace minato::linux_net
