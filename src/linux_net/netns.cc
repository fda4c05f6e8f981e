#include "linux_net/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/check.h"
#include "base/strings.h"

namespace minato::linux_net {
namespace {

constexpr long kNsfsMagic = 0x6e736673;
constexpr const char* kOwnNetns = "/proc/thread-self/ns/net";

Result<host::Fd> open_own_netns() {
  host::Fd fd(::open(kOwnNetns, O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("opening this thread's network namespace", errno);
  return fd;
}

}  // namespace

Result<NetnsGuard> NetnsGuard::enter(const std::string& netns_path) {
  ASSIGN_OR_RETURN(host::Fd home, open_own_netns());
  const host::Fd target(::open(netns_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!target) return fail_errno("opening network namespace " + netns_path, errno);
  if (::setns(target.get(), CLONE_NEWNET) != 0) {
    return fail_errno("entering network namespace " + netns_path, errno);
  }
  return NetnsGuard(std::move(home));
}

NetnsGuard::~NetnsGuard() {
  if (!home_) return;
  const int result = ::setns(home_.get(), CLONE_NEWNET);
  // Everything after this would configure the wrong network.
  CHECK(result == 0, "cannot return to the network namespace: errno {}", errno);
}

Status create_netns(const std::string& netns_path) {
  ASSIGN_OR_RETURN(host::Fd home, open_own_netns());
  const host::Fd file(::open(netns_path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!file) return fail_errno("creating network namespace " + netns_path, errno);
  Status status;
  if (::unshare(CLONE_NEWNET) != 0) {
    status = fail_errno("creating network namespace " + netns_path, errno);
  } else {
    if (::mount(kOwnNetns, netns_path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      status = fail_errno("naming network namespace " + netns_path, errno);
    }
    const int result = ::setns(home.get(), CLONE_NEWNET);
    CHECK(result == 0, "cannot return to the network namespace: errno {}", errno);
  }
  if (!status) ::unlink(netns_path.c_str());
  return status;
}

Status delete_netns(const std::string& netns_path) {
  // EINVAL: a plain file, left when the mount never came about.
  if (::umount2(netns_path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) {
    return fail_errno("unmounting network namespace " + netns_path, errno);
  }
  if (::unlink(netns_path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno("removing network namespace " + netns_path, errno);
  }
  return {};
}

bool is_netns(const std::string& netns_path) {
  struct statfs info{};
  return ::statfs(netns_path.c_str(), &info) == 0 && info.f_type == kNsfsMagic;
}

std::vector<pid_t> processes_in(const std::vector<std::string>& netns_paths) {
  std::vector<ino_t> wanted;
  struct stat info{};
  for (const std::string& path : netns_paths) {
    if (::stat(path.c_str(), &info) == 0) wanted.push_back(info.st_ino);
  }
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto pid = parse_int(entry.path().filename().string());
    if (!pid || *pid == ::getpid()) continue;
    if (::stat((entry.path() / "ns/net").c_str(), &info) != 0) continue;
    if (std::find(wanted.begin(), wanted.end(), info.st_ino) != wanted.end()) {
      found.push_back(static_cast<pid_t>(*pid));
    }
  }
  return found;
}

Status write_net_sysctl(const std::string& name, const std::string& value) {
  return host::write_kernel_file("/proc/sys/" + name, value);
}

}  // namespace minato::linux_net
