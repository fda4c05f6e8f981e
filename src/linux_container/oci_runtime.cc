#include "linux_container/oci_runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/strings.h"
#include "host/process.h"
#include "linux_container/bundle.h"
#include "linux_container/cgroup_view.h"
#include "linux_container/layout.h"
#include "linux_container/rootfs.h"

namespace minato::linux_container {
namespace {

constexpr const char* kCgroupDir = "/sys/fs/cgroup";
constexpr long kCgroup2Magic = 0x63677270;

bool is_crun(std::string_view program) {
  return program.substr(program.rfind('/') + 1).starts_with("crun");
}

std::vector<std::string> common_argv(const OciCall& call) {
  std::vector<std::string> argv{call.runtime, "--root", call.root};
  if (is_crun(call.runtime)) argv.emplace_back("--cgroup-manager=disabled");
  return argv;
}

// The quoted word that follows `prefix`, or "". Quotes are ", ' or `, whatever comes first.
std::string quoted_after(std::string_view text, std::string_view prefix) {
  constexpr std::string_view kQuotes = "\"'`";
  const std::size_t at = text.find(prefix);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = text.find_first_of(kQuotes, at + prefix.size());
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find_first_of(kQuotes, begin + 1);
  if (end == std::string_view::npos) return {};
  return std::string(text.substr(begin + 1, end - begin - 1));
}

// runc logs its error as a quoted string.
std::string without_backslashes(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '\\') plain += c;
  }
  return plain;
}

StartFailure not_found(const std::string& command) {
  const bool is_path = command.find('/') != std::string::npos;
  return {{Reason::kInvalid, fmt::format("exec: \"{}\": {}", command,
                                         is_path ? "no such file or directory"
                                                 : "executable file not found in $PATH")},
          127};
}

}  // namespace

std::vector<std::string> run_argv(const OciCall& call, const std::string& bundle,
                                  const std::string& console_socket) {
  std::vector<std::string> argv = common_argv(call);
  argv.insert(argv.end(), {"run", "--detach", "--bundle", bundle});
  if (!console_socket.empty()) argv.insert(argv.end(), {"--console-socket", console_socket});
  argv.insert(argv.end(), {"--pid-file", call.pid_file, call.id});
  return argv;
}

std::vector<std::string> exec_argv(const OciCall& call, const std::string& process_file,
                                   const std::string& console_socket) {
  std::vector<std::string> argv = common_argv(call);
  argv.insert(argv.end(), {"exec", "--detach", "--process", process_file});
  if (!console_socket.empty()) argv.insert(argv.end(), {"--console-socket", console_socket});
  argv.insert(argv.end(), {"--pid-file", call.pid_file, call.id});
  return argv;
}

StartFailure start_failure(std::string_view output) {
  // The reason comes last; earlier lines are warnings.
  std::string_view last = trim(output);
  if (const std::size_t line = last.rfind('\n'); line != std::string_view::npos) {
    last = trim(last.substr(line + 1));
  }
  const std::string text = without_backslashes(last);
  if (const auto command = quoted_after(text, "executable file"); !command.empty()) {  // crun
    return not_found(command);
  }
  const bool denied = text.find("ermission denied") != std::string::npos ||
                      text.find("open executable") != std::string::npos;
  if (const auto command = quoted_after(text, "exec:"); !command.empty()) {  // runc
    if (!denied) return not_found(command);
    return {{Reason::kInvalid, fmt::format("exec: \"{}\": permission denied", command)}, 126};
  }
  if (text.empty()) {
    return {{Reason::kInvalid,
             "the container was killed before its command ran; is its memory "
             "limit too small?"},
            128};
  }
  return {{Reason::kInvalid, text}, denied ? 126 : 128};
}

Status enter_cgroups(const std::vector<std::string>& join_files) {
  for (const std::string& file : join_files) RETURN_IF_ERROR(host::write_kernel_file(file, "0"));
  return {};
}

namespace {

Status cover_cgroups_for(const std::string& program) {
  struct statfs info{};
  if (!is_crun(program) || ::statfs(kCgroupDir, &info) != 0 || info.f_type == kCgroup2Magic) {
    return {};
  }
  if (::mount("none", kCgroupDir, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "size=0") != 0) {
    return fail_errno(fmt::format("covering {}", kCgroupDir), errno);
  }
  return {};
}

Status prepare_child(const Launch& launch) {
  RETURN_IF_ERROR(enter_cgroups(launch.cgroup_join_files));
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("making a mount namespace", errno);
  }
  if (launch.root != nullptr) {
    RETURN_IF_ERROR(mount_root(*launch.root));
    RETURN_IF_ERROR(mount_cgroup_view(launch.root->dir, launch.cgroup_join_files));
  }
  return cover_cgroups_for(launch.argv.front());
}

[[noreturn]] void child_main(const Launch& launch) {
  constexpr int kCannotLaunch = 125;
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int in =
      launch.stdin_fd >= 0 ? launch.stdin_fd : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  // Pipe ends are never below 3 here: the shim keeps 0 to 2 open for its whole life.
  if (::dup2(in, 0) < 0 || ::dup2(launch.stdout_fd, 1) < 0 || ::dup2(launch.stderr_fd, 2) < 0) {
    ::_exit(kCannotLaunch);
  }
  ::syscall(SYS_close_range, 3U, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
  Status status = prepare_child(launch);
  if (status) {
    std::vector<char*> argv;
    for (const std::string& arg : launch.argv) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    status = fail_errno("starting " + launch.argv.front(), errno);
  }
  ::dprintf(2, "%s\n", status.error().message.c_str());
  ::_exit(kCannotLaunch);
}

}  // namespace

Result<pid_t> launch(const Launch& launch) {
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("starting " + launch.argv.front(), errno);
  if (pid == 0) child_main(launch);
  return pid;
}

namespace {

constexpr int kProbeTimeoutMs = 10'000;

// Output of the process until all of its writers have ended.
std::string read_to_end(int fd, pid_t pid) {
  std::string output;
  char buffer[4096];
  pollfd wait{fd, POLLIN, 0};
  while (::poll(&wait, 1, kProbeTimeoutMs) > 0) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return output;
    output.append(buffer, static_cast<std::size_t>(n));
  }
  ::kill(pid, SIGKILL);
  return output + "no answer";
}

Result<std::string> try_candidate(const std::string& program, const std::string& scratch_dir) {
  static constexpr const char* kMissing = "/minato-probe";
  const std::string dir = scratch_dir + "/oci-probe";
  RETURN_IF_ERROR(host::make_directories(rootfs_dir(dir), 0700));
  SpecInput input;
  input.args = {kMissing};
  input.capabilities = default_capabilities();
  RETURN_IF_ERROR(host::write_file_atomic(spec_file(dir), oci_spec(input), 0600));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  host::Fd reader(ends[0]), writer(ends[1]);
  const OciCall call{program, dir + "/root", "probe", pid_file(dir)};
  Launch probe{.argv = run_argv(call, dir), .stdout_fd = writer.get(), .stderr_fd = writer.get()};
  ASSIGN_OR_RETURN(const pid_t pid, launch(probe));
  writer.reset();
  const std::string output = read_to_end(reader.get(), pid);
  ::waitpid(pid, nullptr, 0);
  RETURN_IF_ERROR(host::remove_tree(dir));
  if (start_failure(output).exit_code == 127) return program;
  return fail(Reason::kUnavailable, fmt::format("{}: {}", program, trim(output)));
}

}  // namespace

Result<std::string> detect_oci_runtime(const std::string& scratch_dir) {
  std::vector<std::string> refusals;
  for (const char* name : {"crun", "runc"}) {
    auto program = host::find_program(name);
    if (program) program = try_candidate(*program, scratch_dir);
    if (program) return program;
    refusals.push_back(program.error().message);
  }
  return fail(Reason::kUnavailable,
              "no container runtime works here; install crun (" + join(refusals, "; ") + ")");
}

}  // namespace minato::linux_container
