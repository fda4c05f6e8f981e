#include "image/layer_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <deque>

#include "base/strings.h"

namespace minato::image {
namespace {

constexpr int kLinkLimit = 40;  // As the kernel's.

bool hides_below(int directory) {
  char value[2] = {};
  return ::fgetxattr(directory, "user.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y';
}

Result<std::string> read_all(const host::Fd& fd, std::string_view path, std::size_t limit_bytes) {
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(fmt::format("reading the image's {}", path), errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > limit_bytes) {
      return fail(Reason::kInvalid,
                  fmt::format("the image's {} is larger than {} bytes", path, limit_bytes));
    }
  }
}

void push_front(std::deque<std::string>& pending, std::string_view path) {
  auto parts = split(path, '/');
  std::ranges::reverse(parts);
  for (std::string& part : parts) {
    if (!part.empty() && part != ".") pending.push_front(std::move(part));
  }
}

}  // namespace

Result<LayerView> LayerView::open(const std::vector<std::string>& layers) {
  Merged roots;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    host::Fd fd(::open(layer->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return fail_errno("opening " + *layer, errno);
    roots.push_back(std::move(fd));
  }
  return LayerView(std::move(roots));
}

Result<LayerView::Found> LayerView::look_up(const Merged& parent, const std::string& name) {
  Found found;
  for (const host::Fd& layer : parent) {
    struct stat info {};
    if (::fstatat(layer.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return fail_errno("looking up " + name + " in the image", errno);
    }
    const bool whiteout = S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
    if (!S_ISDIR(info.st_mode) && (whiteout || !found.directory.empty())) break;
    if (S_ISLNK(info.st_mode)) {
      char target[PATH_MAX];
      const ssize_t n = ::readlinkat(layer.get(), name.c_str(), target, sizeof target);
      if (n <= 0) return fail(Reason::kInvalid, name + " in the image is an unreadable link");
      found.link.assign(target, static_cast<std::size_t>(n));
      return found;
    }
    // O_NONBLOCK: a FIFO in the place of a file must not block us.
    host::Fd fd(::openat(layer.get(), name.c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) return fail_errno("opening " + name + " in the image", errno);
    if (!S_ISDIR(info.st_mode)) {
      if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return fail(Reason::kInvalid, name + " in the image is not a regular file");
      }
      found.file = std::move(fd);
      return found;
    }
    const bool opaque = hides_below(fd.get());
    found.directory.push_back(std::move(fd));
    if (opaque) break;
  }
  if (found.directory.empty()) return fail(Reason::kNotFound, name + " is not in the image");
  return found;
}

Result<std::string> LayerView::read_file(std::string_view path, std::size_t limit_bytes) const {
  std::deque<std::string> pending;
  push_front(pending, path);
  std::vector<Merged> below;  // Directories entered so far; the roots when empty.
  int links = 0;
  while (!pending.empty()) {
    const std::string name = pending.front();
    pending.pop_front();
    if (name == "..") {
      if (!below.empty()) below.pop_back();
      continue;
    }
    ASSIGN_OR_RETURN(Found found, look_up(below.empty() ? roots_ : below.back(), name));
    if (!found.link.empty()) {
      if (++links > kLinkLimit) return fail(Reason::kInvalid, "too many links in the image");
      if (found.link.starts_with('/')) below.clear();
      push_front(pending, found.link);
    } else if (found.file) {
      if (!pending.empty()) return fail(Reason::kInvalid, name + " in the image is no directory");
      return read_all(found.file, path, limit_bytes);
    } else {
      below.push_back(std::move(found.directory));
    }
  }
  return fail(Reason::kInvalid, fmt::format("{} in the image is a directory", path));
}

}  // namespace minato::image
