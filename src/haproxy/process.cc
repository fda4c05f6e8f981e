#include "haproxy/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <tuple>

#include "base/strings.h"
#include "haproxy/config.h"
#include "host/files.h"
#include "host/process.h"

namespace minato::haproxy {
namespace {

constexpr std::string_view kConfigSuffix = ".cfg";
constexpr std::string_view kSocketSuffix = ".sock";
constexpr std::size_t kProcFileLimit = 64 << 10;

// Descriptors and signals of its own user are all that a running HAProxy needs.
int drop_privileges() {
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // EPERM without root, and then needless.
  }
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

// Fields 3 and 22 of /proc/<pid>/stat; the name before them may hold spaces and parentheses.
std::optional<std::uint64_t> living_since(pid_t pid) {
  const auto stat = host::read_file(fmt::format("/proc/{}/stat", pid), kProcFileLimit);
  if (!stat) return std::nullopt;
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return std::nullopt;
  const std::vector<std::string> fields = split(std::string_view(*stat).substr(name_end + 2), ' ');
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  const auto start = parse_int(fields[19]);
  if (!start) return std::nullopt;
  return static_cast<std::uint64_t>(*start);
}

// "" when the process is not a HAProxy of this run directory.
std::string digest_of(pid_t pid, const std::string& run_dir) {
  const auto command = host::read_file(fmt::format("/proc/{}/cmdline", pid), kProcFileLimit);
  if (!command) return {};
  const std::string prefix = run_dir + "/haproxy-";
  const std::vector<std::string> words = split(*command, '\0');
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string_view word = words[i];
    const bool is_config = words[i - 1] == "-f" && word.starts_with(prefix);
    if (!is_config || !word.ends_with(kConfigSuffix)) continue;
    word.remove_prefix(prefix.size());
    word.remove_suffix(kConfigSuffix.size());
    return std::string(word);
  }
  return {};
}

Result<host::Fd> open_log(const std::string& path) {
  host::Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno("opening " + path, errno);
  return fd;
}

// A pidfd tells the end of any process, child or not; children are reaped besides.
bool wait_for_end(const host::Fd& pidfd, pid_t pid, Duration patience) {
  pollfd entry{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  if (::poll(&entry, 1, static_cast<int>(milliseconds)) <= 0) return false;
  ::waitpid(pid, nullptr, WNOHANG);
  return true;
}

Status end_process(const FoundProcess& process, Duration patience) {
  const host::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd || living_since(process.pid) != process.start_time) return {};
  // Stopped HAProxys (SIGSTOP of a drill) would not see the first signal.
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0);
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGCONT, nullptr, 0);
  if (wait_for_end(pidfd, process.pid, patience)) return {};
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  if (wait_for_end(pidfd, process.pid, patience)) return {};
  return fail(Reason::kTimeout, fmt::format("HAProxy (pid {}) does not end", process.pid));
}

}  // namespace

std::vector<FoundProcess> find_processes(const std::string& run_dir) {
  std::vector<FoundProcess> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto pid = parse_int(entry.path().filename().string());
    if (!pid) continue;
    FoundProcess process{.pid = static_cast<pid_t>(*pid)};
    process.digest = digest_of(process.pid, run_dir);
    if (process.digest.empty()) continue;
    const auto since = living_since(process.pid);
    if (!since) continue;
    process.start_time = *since;
    found.push_back(std::move(process));
  }
  std::ranges::sort(found, {}, [](const FoundProcess& process) {
    return std::pair(process.start_time, process.pid);
  });
  return found;
}

Result<pid_t> launch(const LaunchOptions& options) {
  ASSIGN_OR_RETURN(const host::Fd access_log, open_log(options.access_log_file));
  ASSIGN_OR_RETURN(const host::Fd error_log, open_log(options.error_log_file));
  host::SpawnOptions spawn;
  // -db: in the foreground, so that the pid we know is the pid that serves.
  spawn.argv = {options.program, "-db", "-f", config_path(options.run_dir, options.digest)};
  if (!options.sockets_from.empty()) {
    spawn.argv.insert(spawn.argv.end(), {"-x", options.sockets_from});
  }
  if (!options.relieve.empty()) {
    spawn.argv.emplace_back("-sf");
    for (const pid_t pid : options.relieve) spawn.argv.push_back(std::to_string(pid));
  }
  spawn.descriptors = {{access_log.get(), STDOUT_FILENO},
                       {error_log.get(), STDERR_FILENO},
                       {options.https_fd, kHttpsDescriptor}};
  if (options.http_fd >= 0) spawn.descriptors.emplace_back(options.http_fd, kHttpDescriptor);
  spawn.working_directory = options.run_dir;
  spawn.new_session = true;
  spawn.before_exec = drop_privileges;
  ASSIGN_OR_RETURN(const pid_t pid, host::spawn(spawn));
  // For people only, so a failure does not undo the start.
  std::ignore = host::write_file_atomic(options.run_dir + "/haproxy.pid", fmt::format("{}\n", pid));
  return pid;
}

Status check_listening_socket(int fd, const std::string& option) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) {
    return fail(Reason::kInvalid,
                fmt::format("{} is descriptor {}, which is not a listening socket; it has to be "
                            "opened outside and inherited",
                            option, fd));
  }
  return {};
}

Status stop_processes(const std::string& run_dir, Duration patience) {
  Status result;
  for (const FoundProcess& process : find_processes(run_dir)) {
    if (Status ended = end_process(process, patience); !ended) result = ended;
  }
  RETURN_IF_ERROR(result);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_dir, error)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name == "haproxy.pid" ||
                      (name.starts_with("haproxy-") &&
                       (name.ends_with(kConfigSuffix) || name.ends_with(kSocketSuffix)));
    if (ours) ::unlink(entry.path().c_str());
  }
  return {};
}

}  // namespace minato::haproxy
