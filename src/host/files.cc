#include "host/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace minato::host {

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("reading " + path, errno);
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + path, errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > limit_bytes) {
      return fail(Reason::kInvalid, fmt::format("{} is larger than {} bytes", path, limit_bytes));
    }
  }
}

namespace {

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("writing " + path, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Status write_file_atomic(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail_errno("writing " + temporary, errno);
  // The mode must hold whatever the umask and whatever was there before.
  Status status = ::fchmod(fd.get(), mode) == 0 ? Status{} : fail_errno("chmod " + temporary, errno);
  if (status) status = write_all(fd.get(), content, temporary);
  if (status && ::fsync(fd.get()) != 0) status = fail_errno("syncing " + temporary, errno);
  if (status && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = fail_errno("renaming to " + path, errno);
  }
  if (!status) ::unlink(temporary.c_str());
  return status;
}

Status write_kernel_file(const std::string& path, std::string_view value) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("writing '{}' to {}", value, path), errno);
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    return fail_errno(fmt::format("writing '{}' to {}", value, path), errno);
  }
  return {};
}

Status make_directories(const std::string& path, mode_t mode) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at < path.size() && path[at] != '/') continue;
    const std::string prefix = path.substr(0, at);
    if (::mkdir(prefix.c_str(), mode) != 0 && errno != EEXIST) {
      return fail_errno("creating " + prefix, errno);
    }
  }
  return {};
}

namespace {

Status remove_entries(int parent, const char* name, dev_t device, const std::string& shown) {
  struct stat info{};
  if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status{} : fail_errno("removing " + shown, errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
    return fail_errno("removing " + shown, errno);
  }
  if (info.st_dev != device) {
    return fail(Reason::kConflict, fmt::format("{} is a mount point; not removing it", shown));
  }
  const auto open_directory = [&] {
    return Fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  };
  Fd directory = open_directory();
  // Its owner need not be root, and overlayfs makes its own working directory without permissions.
  if (!directory && errno == EACCES && ::fchmodat(parent, name, 0700, 0) == 0) {
    directory = open_directory();
  }
  if (!directory) return fail_errno("removing " + shown, errno);
  std::vector<std::string> names;
  const std::filesystem::path listing = fmt::format("/proc/self/fd/{}", directory.get());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(listing, error)) {
    names.push_back(entry.path().filename().string());
  }
  if (error) return fail(Reason::kInternalError, "listing " + shown + ": " + error.message());
  for (const std::string& child : names) {
    RETURN_IF_ERROR(remove_entries(directory.get(), child.c_str(), device, shown + "/" + child));
  }
  if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return fail_errno("removing " + shown, errno);
  }
  return {};
}

}  // namespace

Status remove_tree(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status{} : fail_errno("removing " + path, errno);
  }
  return remove_entries(AT_FDCWD, path.c_str(), info.st_dev, path);
}

}  // namespace minato::host
