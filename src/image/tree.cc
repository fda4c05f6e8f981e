#include "image/tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/strings.h"

namespace minato::image {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

int openat2_directory(int root, const char* path, std::uint64_t resolve) {
  struct open_how how {};
  how.flags = kDirectoryFlags;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

std::string shown(const std::vector<std::string>& components) {
  return "\"" + join(components, "/").substr(0, 300) + "\"";
}

std::unexpected<Error> lookup_failure(const std::vector<std::string>& components, int error) {
  if (error == ENOTDIR) {
    return fail(Reason::kInvalid,
                shown(components) + " goes through something that is no directory");
  }
  if (error == ELOOP || error == EXDEV) {
    return fail(Reason::kInvalid,
                shown(components) + " goes through symbolic links that are not followed");
  }
  return fail_errno("opening " + shown(components), error);
}

Result<host::Fd> open_root(const std::string& directory) {
  host::Fd root(::open(directory.c_str(), kDirectoryFlags | O_NOFOLLOW));
  if (!root) return fail_errno("opening " + directory, errno);
  return root;
}

}  // namespace

Result<std::vector<std::string>> split_entry_name(std::string_view name) {
  const auto bad = [&](std::string_view why) {
    return fail(Reason::kInvalid, fmt::format("entry \"{}\" {}", name.substr(0, 300), why));
  };
  if (name.size() >= PATH_MAX) return bad("has a name longer than 4095 bytes");
  if (name.find('\0') != std::string_view::npos) return bad("has a NUL byte in its name");
  std::vector<std::string> components;
  for (std::string& part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return bad("leaves the layer by \"..\"");
    if (part.size() > NAME_MAX) return bad("has a name component longer than 255 bytes");
    components.push_back(std::move(part));
  }
  if (components.size() > Tree::kMaxDepth) return bad("is nested deeper than 200 directories");
  return components;
}

Result<Tree> Tree::open(const std::string& directory) {
  ASSIGN_OR_RETURN(host::Fd root, open_root(directory));
  const host::Fd probe(openat2_directory(root.get(), ".", RESOLVE_BENEATH));
  return Tree(std::move(root), probe ? Lookup::kOpenat2 : Lookup::kWalk);
}

Result<Tree> Tree::open(const std::string& directory, Lookup lookup) {
  ASSIGN_OR_RETURN(host::Fd root, open_root(directory));
  return Tree(std::move(root), lookup);
}

Result<host::Fd> Tree::walk(const std::vector<std::string>& components) const {
  host::Fd at(::openat(root_.get(), ".", kDirectoryFlags));
  if (!at) return fail_errno("opening a layer", errno);
  for (const std::string& name : components) {
    host::Fd next(::openat(at.get(), name.c_str(), kDirectoryFlags | O_NOFOLLOW));
    if (!next) {
      struct stat info {};
      const int error = errno;
      const bool link = ::fstatat(at.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISLNK(info.st_mode);
      return lookup_failure(components, link ? ELOOP : error);
    }
    at = std::move(next);
  }
  return at;
}

// Links let a short name reach far down; the depth that counts is that of the directory itself.
Status Tree::check_depth(int directory) const {
  const auto depth_of = [](int fd) -> std::ptrdiff_t {
    char path[PATH_MAX];
    const ssize_t n =
        ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path, sizeof path);
    // A path that does not fit is deeper than any that is allowed.
    return n < 0 ? PATH_MAX : std::count(path, path + n, '/');
  };
  constexpr auto kLimit = static_cast<std::ptrdiff_t>(kMaxDepth);
  if (depth_of(directory) - depth_of(root_.get()) < kLimit) return {};
  return fail(Reason::kInvalid, "a directory reached through links is nested too deep");
}

Result<host::Fd> Tree::open_directory(const std::vector<std::string>& components) const {
  if (components.empty() || lookup_ == Lookup::kWalk) return walk(components);
  const std::string path = join(components, "/");
  host::Fd fd(openat2_directory(root_.get(), path.c_str(), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
  if (fd) return fd;
  if (errno != ELOOP) return lookup_failure(components, errno);
  fd = host::Fd(openat2_directory(root_.get(), path.c_str(), RESOLVE_IN_ROOT));
  if (!fd) return lookup_failure(components, errno);
  RETURN_IF_ERROR(check_depth(fd.get()));
  return fd;
}

Result<host::Fd> Tree::make_directories(const std::vector<std::string>& components) const {
  auto found = open_directory(components);
  if (found || found.error().reason != Reason::kNotFound || components.empty()) return found;
  const std::vector<std::string> parents(components.begin(), components.end() - 1);
  ASSIGN_OR_RETURN(const host::Fd parent, make_directories(parents));
  const char* name = components.back().c_str();
  if (::mkdirat(parent.get(), name, 0755) != 0) {
    // It exists and could not be opened: a link that leads to nothing in this layer.
    if (errno == EEXIST) return lookup_failure(components, ELOOP);
    return fail_errno("creating " + shown(components), errno);
  }
  if (::fchmodat(parent.get(), name, 0755, 0) != 0) {
    return fail_errno("creating " + shown(components), errno);
  }
  return open_directory(components);
}

Status remove_entry(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return fail_errno("removing " + name, errno);
  // remove_tree() looks at the last component without following it.
  return host::remove_tree(fmt::format("/proc/self/fd/{}/{}", parent, name));
}

}  // namespace minato::image
