#include "linux_net/holder_init.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "base/strings.h"
#include "base/time.h"
#include "host/files.h"
#include "host/process.h"

namespace minato::linux_net {
namespace {

constexpr Duration kFirstBackoff = 100ms;
constexpr Duration kLongestBackoff = 5s;
constexpr Duration kStableAfter = 30s;  // Control ran this long: the next back-off starts over.
constexpr std::string_view kTitle = "minato holder";
constexpr std::size_t kArgStartField = 45;  // Of /proc/self/stat, after the command's parenthesis.

using SteadyTime = std::chrono::steady_clock::time_point;

sigset_t init_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

void note(const InitOptions& options, const std::string& text) {
  const std::string line = fmt::format("minato holder: {}\n", text);
  [[maybe_unused]] const ssize_t n = ::write(options.log_fd, line.data(), line.size());
}

Status mount_or_fail(const char* type, const char* target, unsigned long flags, const char* data) {
  if (::mount(type, target, type, flags, data) == 0) return {};
  return fail_errno(fmt::format("mounting {} on {}", type, target), errno);
}

bool is_below_run(const std::string& path) { return path.starts_with("/run/"); }

Result<pid_t> start_control(const InitOptions& options) {
  host::SpawnOptions spawn;
  spawn.argv = options.control;
  spawn.environment = options.environment;
  spawn.descriptors = options.descriptors;
  spawn.descriptors.emplace_back(options.log_fd, 1);
  spawn.descriptors.emplace_back(options.log_fd, 2);
  spawn.new_session = true;
  return host::spawn(spawn);
}

// The next signal, or 0 when `deadline` came first.
int wait_for_signal(std::optional<SteadyTime> deadline) {
  const sigset_t signals = init_signals();
  if (!deadline) return ::sigwaitinfo(&signals, nullptr);
  const Duration left =
      std::max(Duration::zero(), Duration(*deadline - std::chrono::steady_clock::now()));
  const timespec timeout{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
  const int number = ::sigtimedwait(&signals, nullptr, &timeout);
  return number < 0 && errno == EAGAIN ? 0 : number;
}

// Reaps everything that has ended; the wait status of `control` if it is among that.
std::optional<int> reap(pid_t control) {
  std::optional<int> ended;
  int wait_status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0) {
    if (pid == control) ended = wait_status;
  }
  return ended;
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) return fmt::format("was ended by signal {}", WTERMSIG(wait_status));
  return fmt::format("ended with status {}", WEXITSTATUS(wait_status));
}

// Control's life: when it started, or when it is to be started again.
class ControlKeeper {
 public:
  explicit ControlKeeper(const InitOptions& options) : options_(options) {}

  Status start() {
    started_at_ = std::chrono::steady_clock::now();
    const auto pid = start_control(options_);
    pid_ = pid ? *pid : -1;
    restart_at_.reset();
    if (pid) return {};
    return std::unexpected(pid.error());
  }
  pid_t pid() const { return pid_; }
  const std::optional<SteadyTime>& restart_at() const { return restart_at_; }

  void schedule_restart(const std::string& why) {
    const auto now = std::chrono::steady_clock::now();
    if (now - started_at_ >= kStableAfter) backoff_ = kFirstBackoff;
    note(options_,
         fmt::format("control {}; starting it again in {}", why, format_duration(backoff_)));
    restart_at_ = now + backoff_;
    backoff_ = std::min(backoff_ * 2, kLongestBackoff);
    pid_ = -1;
  }

 private:
  const InitOptions& options_;
  pid_t pid_ = -1;
  SteadyTime started_at_;
  std::optional<SteadyTime> restart_at_;
  Duration backoff_ = kFirstBackoff;
};

}  // namespace

Status prepare_mounts(const InitOptions& options) {
  // Nothing that is mounted here may reach the host, nor the other way round.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("making mounts private", errno);
  }
  std::vector<std::pair<std::string, host::Fd>> kept;
  for (const std::string& directory : options.visible_directories) {
    if (!is_below_run(directory)) continue;
    host::Fd tree(::open_tree(AT_FDCWD, directory.c_str(),
                              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!tree) return fail_errno("keeping " + directory, errno);
    kept.emplace_back(directory, std::move(tree));
  }
  RETURN_IF_ERROR(mount_or_fail("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755"));
  for (const auto& [directory, tree] : kept) {
    RETURN_IF_ERROR(host::make_directories(directory));
    if (::move_mount(tree.get(), "", AT_FDCWD, directory.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
      return fail_errno("keeping " + directory, errno);
    }
  }
  return mount_or_fail("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

void set_process_title() {
  const auto stat = host::read_file("/proc/self/stat");
  if (!stat) return;
  const auto fields = split(trim(std::string_view(*stat).substr(stat->rfind(") ") + 2)), ' ');
  if (fields.size() < kArgStartField + 2) return;
  const std::int64_t start = parse_int(fields[kArgStartField]).value_or(0);
  const std::int64_t end = parse_int(fields[kArgStartField + 1]).value_or(0);
  if (start == 0 || end <= start) return;
  // The kernel shows the memory where argv once was put.
  const std::size_t room = static_cast<std::size_t>(end - start);
  char* const argv = reinterpret_cast<char*>(start);
  std::memset(argv, 0, room);
  std::memcpy(argv, kTitle.data(), std::min(kTitle.size(), room - 1));
}

void block_init_signals() {
  const sigset_t signals = init_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int run_holder_init(const InitOptions& options, const std::function<void(const Status&)>& started) {
  ControlKeeper keeper(options);
  const Status first = keeper.start();
  started(first);
  if (!first) return 1;
  while (true) {
    const int signal = wait_for_signal(keeper.restart_at());
    // When PID 1 ends, the kernel ends everything else in its namespace.
    if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) return 0;
    const auto ended = reap(keeper.pid());
    if (ended) {
      if (WIFEXITED(*ended) && WEXITSTATUS(*ended) == 0) return 0;
      keeper.schedule_restart(describe_end(*ended));
      continue;
    }
    const auto restart_at = keeper.restart_at();
    if (!restart_at || std::chrono::steady_clock::now() < *restart_at) continue;
    if (const Status again = keeper.start(); !again) {
      keeper.schedule_restart("could not be started: " + again.error().message);
    }
  }
}

}  // namespace minato::linux_net
