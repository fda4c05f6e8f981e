#include "haproxy/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/files.h"

namespace minato::haproxy {

namespace {

Status copy_rest(int from, int to) {
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading the access log", errno);
    if (n == 0) return {};
    if (::write(to, buffer, static_cast<std::size_t>(n)) != n) {
      return fail_errno("copying the access log", errno);
    }
  }
}

}  // namespace

Status bound_access_log(const std::string& path, std::uint64_t limit_bytes) {
  const host::Fd log(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!log && errno == ENOENT) return {};
  if (!log) return fail_errno("opening " + path, errno);
  struct stat info{};
  if (::fstat(log.get(), &info) != 0) return fail_errno("looking at " + path, errno);
  if (static_cast<std::uint64_t>(info.st_size) < limit_bytes) return {};

  const std::string unfinished = path + ".1.tmp";
  const host::Fd copy(
      ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  Status copied = copy ? copy_rest(log.get(), copy.get())
                       : fail_errno("opening " + unfinished, errno);
  // Also when copying failed: on a full disk the bound matters more than old lines.
  if (::ftruncate(log.get(), 0) != 0) return fail_errno("emptying " + path, errno);
  if (copied && ::rename(unfinished.c_str(), (path + ".1").c_str()) != 0) {
    copied = fail_errno("renaming " + unfinished, errno);
  }
  if (!copied) ::unlink(unfinished.c_str());
  return copied;
}

}  // namespace minato::haproxy
