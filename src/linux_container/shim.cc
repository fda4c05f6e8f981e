#include "linux_container/shim.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "linux_container/oci_runtime.h"
#include "linux_container/rootfs.h"
#include "linux_container/shim_process.h"
#include "linux_container/shim_server.h"

namespace minato::linux_container {
namespace {

constexpr std::int64_t kShmBytes = 64 << 20;  // /dev/shm, as containerd's and Docker's default.
constexpr int kBacklog = 8;

Status enter_namespaces(const ShimConfig& config) {
  if (!config.netns_path.empty()) {
    const host::Fd netns(::open(config.netns_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!netns || ::setns(netns.get(), CLONE_NEWNET) != 0) {
      return fail_errno("entering the network namespace " + config.netns_path, errno);
    }
  }
  // Only children are in the new PID namespace. This process keeps its mounts and its /proc, by
  // which it tells who the child is.
  if (::unshare(CLONE_NEWPID) != 0) return fail_errno("making the Pod's PID namespace", errno);
  return {};
}

// A copied mount namespace keeps other Pods' network namespaces alive through their bind mounts,
// and with them their links: let go of them.
Status detach_namespace_mounts() {
  ASSIGN_OR_RETURN(const std::string mounts, host::read_file("/proc/self/mountinfo"));
  std::istringstream lines(mounts);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.find(" - nsfs ") == std::string::npos) continue;
    std::istringstream fields(line);
    std::string skipped, path;
    for (int i = 0; i < 4; ++i) fields >> skipped;
    fields >> path;
    ::umount2(path.c_str(), MNT_DETACH);
  }
  return {};
}

Status prepare_namespaces(const ShimConfig& config) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
    return fail_errno("making the Pod's namespaces", errno);
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("making mounts private", errno);
  }
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return fail_errno("mounting /proc", errno);
  }
  RETURN_IF_ERROR(detach_namespace_mounts());
  return mount_memory(PodPaths{config.run_dir, config.state_dir}.shm_dir(), kShmBytes, 01777);
}

Status prepare_names(const ShimConfig& config) {
  if (::sethostname(config.hostname.c_str(), config.hostname.size()) != 0) {
    return fail_errno("setting the host name " + config.hostname, errno);
  }
  if (config.network == ShimConfig::Network::kHost) return {};
  // As containerd: any user may listen on port 80 of a Pod's own address.
  return host::write_kernel_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

Result<host::Fd> listen_on_socket() {
  host::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, kSocketName, sizeof address.sun_path - 1);
  ::unlink(kSocketName);
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return fail_errno("binding the shim's socket", error);
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("listening", errno);
  return fd;
}

Status redirect_output() {
  const host::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const host::Fd log(::open("shim.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!null || !log || ::dup2(null.get(), 0) < 0 || ::dup2(log.get(), 1) < 0 ||
      ::dup2(log.get(), 2) < 0) {
    return fail_errno("opening the shim's log", errno);
  }
  return {};
}

// Process 1 of the Pod. `ready` is written to when the socket accepts connections.
Status serve(const ShimConfig& config, host::Fd ready) {
  ::setsid();
  ::prctl(PR_SET_NAME, "minato-shim");
  if (::chdir(config.run_dir.c_str()) != 0) return fail_errno("entering " + config.run_dir, errno);
  RETURN_IF_ERROR(prepare_namespaces(config));
  RETURN_IF_ERROR(prepare_names(config));
  ASSIGN_OR_RETURN(PollLoop loop, PollLoop::create());
  ASSIGN_OR_RETURN(host::Fd listener, listen_on_socket());
  const ShimServer server(loop, config, std::move(listener));
  RETURN_IF_ERROR(redirect_output());
  if (::write(ready.get(), "1", 1) != 1) return fail_errno("reporting readiness", errno);
  ready.reset();
  loop.run();
  return {};
}

Status start(const std::string& pod_dir) {
  const PodPaths paths{pod_dir, ""};
  ASSIGN_OR_RETURN(const std::string text, host::read_file(paths.shim_config_file()));
  ASSIGN_OR_RETURN(const auto json, parse_object(text));
  ASSIGN_OR_RETURN(const ShimConfig config, shim_config_from_json(json));
  RETURN_IF_ERROR(enter_cgroups(config.cgroup_join_files));
  RETURN_IF_ERROR(enter_namespaces(config));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  host::Fd reader(ends[0]), writer(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("starting the shim", errno);
  if (pid == 0) {
    reader.reset();
    const Status status = serve(config, std::move(writer));
    fmt::print(stderr, "{}\n", status ? "the shim stopped" : status.error().message);
    std::fflush(nullptr);
    ::_exit(1);
  }
  writer.reset();
  RETURN_IF_ERROR(write_shim_pid(paths.shim_pid_file(), pid));
  char byte = 0;
  if (::read(reader.get(), &byte, 1) == 1) return {};
  ::waitpid(pid, nullptr, 0);
  return fail(Reason::kUnavailable, "the Pod's supervisor did not start");
}

}  // namespace

int run_shim(int argc, const char* const* argv) {
  if (argc != 1) {
    fmt::print(stderr, "usage: minato shim POD_DIR (started by minato itself)\n");
    return 2;
  }
  const Status status = start(argv[0]);
  if (status) return 0;
  fmt::print(stderr, "{}\n", status.error().message);
  return 1;
}

}  // namespace minato::linux_container
