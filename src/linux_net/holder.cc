#include "linux_net/holder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/strings.h"
#include "host/files.h"
#include "host/process.h"
#include "linux_net/holder_init.h"
#include "linux_net/user_namespace.h"

namespace minato::linux_net {
namespace {

constexpr std::string_view kIdentityFile = "/holder";
constexpr std::string_view kLockFile = "/holder.lock";

// What the children say to start_holder(), each in one write below PIPE_BUF.
struct Report {
  enum class Kind : char { kNeedsIdMap, kHolderPid, kReady, kFailed };
  Kind kind = Kind::kFailed;
  pid_t pid = 0;
  Reason reason = Reason::kUnknown;
  char message[512] = {};
};
static_assert(sizeof(Report) <= PIPE_BUF);

void send_report(int fd, Report report) {
  [[maybe_unused]] const ssize_t n = ::write(fd, &report, sizeof report);
}

void send_failure(int fd, const Error& error) {
  Report report{.reason = error.reason};
  const std::size_t length = std::min(error.message.size(), sizeof report.message - 1);
  std::memcpy(report.message, error.message.data(), length);
  send_report(fd, report);
}

std::optional<Report> receive_report(int fd) {
  Report report;
  ssize_t n = 0;
  while ((n = ::read(fd, &report, sizeof report)) < 0 && errno == EINTR) {
  }
  if (n != static_cast<ssize_t>(sizeof report)) return std::nullopt;
  return report;
}

// One byte in the pipe is one permission to go on; its end means that the caller is gone.
bool wait_for_permission(int fd) {
  char byte = 0;
  ssize_t n = 0;
  while ((n = ::read(fd, &byte, 1)) < 0 && errno == EINTR) {
  }
  return n == 1;
}

struct Pipe {
  host::Fd reader, writer;
};
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  return Pipe{host::Fd(ends[0]), host::Fd(ends[1])};
}

// Everything the children need, prepared before the first fork.
struct Launch {
  InitOptions init;
  int report_fd = -1;
  int permission_fd = -1;
  int lock_fd = -1;
};

void close_all_but(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned from = 3;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (number < from) continue;
    if (number > from) ::close_range(from, number - 1, 0);
    from = number + 1;
  }
  ::close_range(from, ~0U, 0);
}

// PID 1 of the new namespaces.
[[noreturn]] void holder_main(const Launch& launch) {
  block_init_signals();
  ::setsid();
  ::umask(022);
  if (::chdir("/") != 0) ::_exit(1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int number = 0; number < 3; ++number) ::dup2(null, number);
  std::vector<int> kept = {launch.report_fd, launch.permission_fd, launch.lock_fd,
                           launch.init.log_fd};
  for (const auto& [ours, number] : launch.init.descriptors) kept.push_back(ours);
  close_all_but(std::move(kept));
  if (!wait_for_permission(launch.permission_fd)) ::_exit(1);
  ::close(launch.permission_fd);
  if (const Status mounted = prepare_mounts(launch.init); !mounted) {
    const std::string hint = namespace_hint();
    Error error = mounted.error();
    if (!hint.empty()) error.message += fmt::format(" ({})", hint);
    send_failure(launch.report_fd, error);
    ::_exit(1);
  }
  ::_exit(run_holder_init(launch.init, [&](const Status& started) {
    if (started) {
      send_report(launch.report_fd, {.kind = Report::Kind::kReady});
    } else {
      send_failure(launch.report_fd, started.error());
    }
    ::close(launch.report_fd);
  }));
}

// The process in between: makes the namespaces, forks the holder into them and ends, so that the
// holder belongs to nobody.
[[noreturn]] void launcher_main(const Launch& launch) {
  const auto give_up = [&](const Error& error) {
    send_failure(launch.report_fd, error);
    ::_exit(1);
  };
  ::setsid();
  set_process_title();
  if (::unshare(CLONE_NEWUSER) != 0) {
    give_up(namespace_refused("creating a user namespace", errno).error());
  }
  send_report(launch.report_fd, {.kind = Report::Kind::kNeedsIdMap});
  if (!wait_for_permission(launch.permission_fd)) ::_exit(1);
  // With a single mapped id, groups cannot be set: then there is nothing to drop either.
  (void)::setgroups(0, nullptr);
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
    give_up(namespace_refused("becoming root of the user namespace", errno).error());
  }
  // The IPC namespace too: what mounts a message queue must own the namespace it shows.
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC) != 0) {
    give_up(namespace_refused("creating mount, network and PID namespaces", errno).error());
  }
  const pid_t holder = ::fork();
  if (holder < 0) give_up(fail_errno("forking the holder", errno).error());
  if (holder == 0) holder_main(launch);
  send_report(launch.report_fd, {.kind = Report::Kind::kHolderPid, .pid = holder});
  ::_exit(0);
}

Status check_options(const HolderOptions& options) {
  for (const std::string& path : {options.state_dir, options.run_dir, options.log_file}) {
    if (!path.starts_with('/')) {
      return fail(Reason::kInvalid, fmt::format("\"{}\" is not an absolute path", path));
    }
  }
  if (options.control.empty()) return fail(Reason::kInvalid, "no command for control");
  for (const auto& [ours, number] : options.descriptors) {
    if (ours < 0 || number < 3) {
      return fail(Reason::kInvalid,
                  fmt::format("cannot hand over descriptor {} as {}", ours, number));
    }
  }
  return {};
}

// /var/run is a link to /run on many hosts: what counts for mounts is the resolved path.
Result<std::string> resolve(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return fail_errno("resolving " + path, errno);
  return std::string(resolved);
}

// Held by the holder for its whole life through the descriptor it inherits.
Result<host::Fd> lock_state(const std::string& state_dir) {
  const std::string path = fmt::format("{}{}", state_dir, kLockFile);
  host::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("opening " + path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) {
    return fail(Reason::kAlreadyExists, fmt::format("a world is already running in {}", state_dir));
  }
  return fail_errno("locking " + path, errno);
}

Result<host::Fd> open_log(const std::string& path) {
  host::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("opening " + path, errno);
  return fd;
}

// The caller's part of the conversation, until the holder is ready or something failed.
Result<HolderInfo> supervise(pid_t launcher, int report_fd, int permission_fd,
                             const std::string& state_dir) {
  const auto permit = [&]() -> Status {
    if (::write(permission_fd, "1", 1) == 1) return {};
    return fail_errno("letting the holder go on", errno);
  };
  HolderInfo info;
  while (const auto report = receive_report(report_fd)) {
    switch (report->kind) {
      case Report::Kind::kNeedsIdMap: {
        auto note = map_ids(launcher);
        if (!note) return wrap("mapping user ids", std::move(note).error());
        info.note = std::move(note).value();
        RETURN_IF_ERROR(permit());
        break;
      }
      case Report::Kind::kHolderPid: {
        ASSIGN_OR_RETURN(info.process, identify(report->pid));
        const std::string record = format_identity(info.process) + info.note + "\n";
        RETURN_IF_ERROR(
            host::write_file_atomic(fmt::format("{}{}", state_dir, kIdentityFile), record, 0600));
        RETURN_IF_ERROR(permit());
        break;
      }
      case Report::Kind::kReady: return info;
      case Report::Kind::kFailed:
        return fail(report->reason, fmt::format("starting the holder: {}", report->message));
    }
  }
  return fail(Reason::kAborted, "the holder ended before it was ready");
}

}  // namespace

Result<HolderInfo> start_holder(const HolderOptions& options) {
  RETURN_IF_ERROR(check_options(options));
  RETURN_IF_ERROR(host::find_program(options.control.front()));
  RETURN_IF_ERROR(host::make_directories(options.state_dir, 0700));
  RETURN_IF_ERROR(host::make_directories(options.run_dir, 0700));
  ASSIGN_OR_RETURN(const host::Fd lock, lock_state(options.state_dir));
  ASSIGN_OR_RETURN(const host::Fd log, open_log(options.log_file));
  ASSIGN_OR_RETURN(Pipe report, make_pipe());
  ASSIGN_OR_RETURN(Pipe permission, make_pipe());
  ASSIGN_OR_RETURN(const std::string run_dir, resolve(options.run_dir));
  ASSIGN_OR_RETURN(const std::string state_dir, resolve(options.state_dir));
  const Launch launch{.init = {.control = options.control,
                               .environment = options.environment,
                               .descriptors = options.descriptors,
                               .log_fd = log.get(),
                               .visible_directories = {run_dir, state_dir}},
                      .report_fd = report.writer.get(),
                      .permission_fd = permission.reader.get(),
                      .lock_fd = lock.get()};
  const pid_t launcher = ::fork();
  if (launcher < 0) return fail_errno("forking the holder", errno);
  if (launcher == 0) {
    // Ours would keep the children from seeing that the caller is gone.
    permission.writer.reset();
    launcher_main(launch);
  }
  report.writer.reset();
  permission.reader.reset();
  auto info = supervise(launcher, report.reader.get(), permission.writer.get(), state_dir);
  // With the pipe closed, whichever child still waits for permission ends.
  permission.writer.reset();
  while (::waitpid(launcher, nullptr, 0) < 0 && errno == EINTR) {
  }
  return info;
}

Result<HolderInfo> find_holder(const std::string& state_dir) {
  const std::string path = fmt::format("{}{}", state_dir, kIdentityFile);
  ASSIGN_OR_RETURN(const std::string text, host::read_file(path));
  const std::size_t line_end = text.find('\n');
  HolderInfo info;
  ASSIGN_OR_RETURN(info.process, parse_identity(text.substr(0, line_end)));
  if (line_end != std::string::npos) info.note = trim(std::string_view(text).substr(line_end));
  if (is_alive(info)) return info;
  return fail(Reason::kNotFound, fmt::format("the holder of {} is not running", state_dir));
}

bool is_alive(const HolderInfo& holder) { return is_alive(holder.process); }

Status stop_holder(const HolderInfo& holder) { return end_process(holder.process); }

}  // namespace minato::linux_net
