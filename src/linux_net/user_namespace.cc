#include "linux_net/user_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>

#include "base/strings.h"
#include "host/files.h"
#include "host/process.h"

namespace minato::linux_net {
namespace {

constexpr char kAsksForIds = '?';  // No Reason.

Status run_mapper(const char* program, pid_t pid, std::int64_t own, const SubordinateRange& range) {
  const auto result =
      host::run_command({program, std::to_string(pid), "0", std::to_string(own), "1", "1",
                         std::to_string(range.first), std::to_string(range.count)});
  RETURN_IF_ERROR(result);
  if (result->status.code == 0) return {};
  return fail(Reason::kForbidden, fmt::format("{}: {}", program, trim(result->output)));
}

struct Ends {
  host::Fd reader, writer;
};
Result<Ends> make_ends() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  return Ends{host::Fd(ends[0]), host::Fd(ends[1])};
}

// What is said next, or "" at the end.
std::string hear(int fd) {
  char buffer[PIPE_BUF];
  ssize_t n = 0;
  while ((n = ::read(fd, buffer, sizeof buffer)) < 0 && errno == EINTR) {
  }
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
}

// What the child says: one byte to ask for its ids; later, after a failure, its reason in a byte
// and a sentence.
void say(int fd, const Error& error) {
  std::string text(1, static_cast<char>(error.reason));
  text.append(error.message, 0, PIPE_BUF - 1);
  [[maybe_unused]] const ssize_t n = ::write(fd, text.data(), text.size());
}

Status run_as_namespace_root(const std::function<Status()>& body, int says, int permission) {
  if (::unshare(CLONE_NEWUSER) != 0) return namespace_refused("creating a user namespace", errno);
  char byte = kAsksForIds;
  if (::write(says, &byte, 1) != 1 || ::read(permission, &byte, 1) != 1) {
    return fail(Reason::kAborted, "the command that wanted it is gone");
  }
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
    return namespace_refused("becoming root of the user namespace", errno);
  }
  return body();
}

// The parent's part: maps ids when the child asks, and gives it leave to go on.
Status give_ids(pid_t child, const std::string& asked, int permit) {
  if (asked.empty() || asked.front() != kAsksForIds) return {};
  if (const auto mapped = map_ids(child); !mapped) return wrap("mapping user ids", mapped.error());
  return ::write(permit, "", 1) == 1 ? Status{} : fail_errno("letting a child go on", errno);
}

}  // namespace

Result<std::string> map_ids(pid_t pid) {
  const std::string proc = fmt::format("/proc/{}/", pid);
  if (::geteuid() == 0) {
    // Every id but the last: container runtimes take a map of all of them for the host's own user
    // namespace, and then try what only the host's root may.
    constexpr std::string_view kIdentity = "0 0 4294967294";
    RETURN_IF_ERROR(host::write_kernel_file(proc + "uid_map", kIdentity));
    RETURN_IF_ERROR(host::write_kernel_file(proc + "gid_map", kIdentity));
    return std::string();
  }
  const auto users = subordinate_range("/etc/subuid");
  const auto groups = subordinate_range("/etc/subgid");
  Status mapped = users ? Status{} : Status(std::unexpected(users.error()));
  if (mapped && !groups) mapped = std::unexpected(groups.error());
  if (mapped) mapped = run_mapper("newuidmap", pid, ::geteuid(), *users);
  if (mapped) {
    RETURN_IF_ERROR(run_mapper("newgidmap", pid, ::getegid(), *groups));
    return std::string();
  }
  RETURN_IF_ERROR(host::write_kernel_file(proc + "setgroups", "deny"));
  RETURN_IF_ERROR(host::write_kernel_file(proc + "uid_map", fmt::format("0 {} 1", ::geteuid())));
  RETURN_IF_ERROR(host::write_kernel_file(proc + "gid_map", fmt::format("0 {} 1", ::getegid())));
  return fmt::format("containers can run as root only, since no further user ids may be used: {}",
                     mapped.error().message);
}

Status run_with_world_ids(const std::function<Status()>& body) {
  if (::geteuid() == 0) return body();
  ASSIGN_OR_RETURN(Ends saying, make_ends());
  ASSIGN_OR_RETURN(Ends permission, make_ends());
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting a process with a world's user ids", errno);
  if (child == 0) {
    permission.writer.reset();  // Ours would hide that the parent is gone.
    const Status status =
        run_as_namespace_root(body, saying.writer.get(), permission.reader.get());
    if (!status) say(saying.writer.get(), status.error());
    std::fflush(nullptr);
    ::_exit(status ? 0 : 1);
  }
  saying.writer.reset();
  std::string last = hear(saying.reader.get());
  const Status given = give_ids(child, last, permission.writer.get());
  permission.writer.reset();
  if (!last.empty() && last.front() == kAsksForIds) last = hear(saying.reader.get());
  int wait_status = 0;
  while (::waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  RETURN_IF_ERROR(given);
  if (!last.empty()) return fail(static_cast<Reason>(last.front()), last.substr(1));
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return {};
  return fail(Reason::kAborted, "a process with a world's user ids was ended from outside");
}

std::unexpected<Error> namespace_refused(const std::string& step, int error_number) {
  const std::string hint = namespace_hint();
  return fail_errno(hint.empty() ? step : fmt::format("{} ({})", step, hint), error_number);
}

std::string namespace_hint() {
  const auto value = [](const std::string& name) {
    const auto content = host::read_file("/proc/sys/" + name);
    return content ? std::string(trim(*content)) : std::string();
  };
  if (value("kernel/unprivileged_userns_clone") == "0") {
    return "this host closes user namespaces to ordinary users; allow them with "
           "`sysctl kernel.unprivileged_userns_clone=1`, or run as root";
  }
  if (value("user/max_user_namespaces") == "0") {
    return "this host allows no user namespaces; raise `sysctl user.max_user_namespaces`";
  }
  if (value("kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return "AppArmor restricts user namespaces of ordinary users; allow them with "
           "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or run as root";
  }
  return "";
}

Result<SubordinateRange> subordinate_range(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string table, host::read_file(file));
  const passwd* const user = ::getpwuid(::geteuid());
  const std::string name = user != nullptr ? user->pw_name : "";
  for (const std::string& line : split(table, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 3 || (fields[0] != name && fields[0] != std::to_string(::geteuid())))
      continue;
    ASSIGN_OR_RETURN(const std::int64_t first, parse_int(fields[1]));
    ASSIGN_OR_RETURN(const std::int64_t count, parse_int(fields[2]));
    return SubordinateRange{first, count};
  }
  return fail(Reason::kNotFound, fmt::format("{} has no range for user {}", file,
                                             name.empty() ? std::to_string(::geteuid()) : name));
}

}  // namespace minato::linux_net
