// Files as minato writes them: whole, atomically, with the mode that was asked for.
// Blocking; call for small files only, or from a worker. Thread-safe (no shared state).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace minato::host {

// Owns a file descriptor; closes it when destroyed.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Fails with Invalid when the file is larger than `limit_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes = 64 << 20);
// Writes beside the target, syncs and renames: readers see the old content or the new one.
Status write_file_atomic(const std::string& path, std::string_view content, mode_t mode = 0644);
// One write() to an existing kernel file (cgroup, sysctl); says path and value on failure.
Status write_kernel_file(const std::string& path, std::string_view value);
Status make_directories(const std::string& path, mode_t mode = 0755);
// Removes a tree without following links and without crossing a mount point. NotFound is success.
Status remove_tree(const std::string& path);

}  // namespace minato::host
