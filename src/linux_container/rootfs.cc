#include "linux_container/rootfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "host/files.h"
#include "linux_container/layout.h"

namespace minato::linux_container {
namespace {

// mount(2) takes one page of options. Short names in one directory leave room for every layer of
// an image with the most layers that builders allow (127), and hide the host's paths.
Status link_layers(const RootPlan& plan, const std::string& links) {
  RETURN_IF_ERROR(host::make_directories(links, 0700));
  const auto link = [&](const std::string& target, const std::string& name) -> Status {
    const std::string path = links + "/" + name;
    if (::symlink(target.c_str(), path.c_str()) == 0 || errno == EEXIST) return {};
    return fail_errno("linking " + path, errno);
  };
  for (std::size_t i = 0; i < plan.layer_dirs.size(); ++i) {
    RETURN_IF_ERROR(link(plan.layer_dirs[i], std::to_string(i)));
  }
  for (const char* part : {"upper", "work"}) {
    RETURN_IF_ERROR(host::make_directories(plan.writable_layer + "/" + part));
    RETURN_IF_ERROR(link(plan.writable_layer + "/" + part, part));
  }
  return {};
}

Status mount_overlay(const RootPlan& plan) {
  const std::string links = plan.dir + "/layers";
  RETURN_IF_ERROR(link_layers(plan, links));
  RETURN_IF_ERROR(host::make_directories(rootfs_dir(plan.dir)));
  if (::chdir(links.c_str()) != 0) return fail_errno("entering " + links, errno);
  std::string lower = "0";
  for (std::size_t i = 1; i < plan.layer_dirs.size(); ++i) lower += fmt::format(":{}", i);
  std::string options = fmt::format("lowerdir={},upperdir=upper,workdir=work", lower);
  if (!plan.overlay_options.empty()) options += "," + plan.overlay_options;
  if (::mount("overlay", rootfs_dir(plan.dir).c_str(), "overlay", 0, options.c_str()) != 0) {
    return fail_errno(fmt::format("mounting the root file system of {} layers (upper directory {})",
                                  plan.layer_dirs.size(), plan.writable_layer),
                      errno);
  }
  return {};
}

host::Fd open_beneath(int root, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return host::Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// Opens a part of a volume; missing directories are made, as a kubelet does.
Result<host::Fd> open_sub_path(const SubPath& sub) {
  host::Fd at(::open(sub.volume_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at) return fail_errno("opening the volume " + sub.volume_dir, errno);
  for (const std::string& part : split(sub.path, '/')) {
    if (part.empty() || part == ".") continue;
    host::Fd next = open_beneath(at.get(), part, O_PATH);
    if (!next && errno == ENOENT) {
      ::mkdirat(at.get(), part.c_str(), 0755);
      next = open_beneath(at.get(), part, O_PATH);
    }
    if (!next) {
      return fail(Reason::kInvalid,
                  fmt::format("subPath \"{}\" must stay within its volume and pass no links: {}",
                              sub.path, fail_errno(part, errno).error().message));
    }
    at = std::move(next);
  }
  return at;
}

Status mount_sub_path(const SubPath& sub) {
  ASSIGN_OR_RETURN(const host::Fd source, open_sub_path(sub));
  struct stat info{};
  if (::fstat(source.get(), &info) != 0) return fail_errno("subPath " + sub.path, errno);
  if (S_ISDIR(info.st_mode)) {
    RETURN_IF_ERROR(host::make_directories(sub.target, 0700));
  } else {
    RETURN_IF_ERROR(host::make_directories(sub.target.substr(0, sub.target.rfind('/')), 0700));
    RETURN_IF_ERROR(host::write_file_atomic(sub.target, "", 0600));
  }
  // By descriptor: the path could be changed by a container between the check and the mount.
  const std::string path = fmt::format("/proc/self/fd/{}", source.get());
  if (::mount(path.c_str(), sub.target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return fail_errno("mounting subPath " + sub.path, errno);
  }
  return {};
}

}  // namespace

Status mount_root(const RootPlan& plan) {
  RETURN_IF_ERROR(mount_overlay(plan));
  for (const SubPath& sub : plan.sub_paths) RETURN_IF_ERROR(mount_sub_path(sub));
  return {};
}

Status mount_memory(const std::string& path, std::int64_t size_bytes, mode_t mode) {
  RETURN_IF_ERROR(host::make_directories(path));
  struct stat here{}, above{};
  if (::stat(path.c_str(), &here) == 0 && ::stat((path + "/..").c_str(), &above) == 0 &&
      here.st_dev != above.st_dev) {
    return {};
  }
  std::string options = fmt::format("mode={:o}", mode);
  if (size_bytes > 0) options += fmt::format(",size={}", size_bytes);
  if (::mount("none", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return fail_errno("mounting memory at " + path, errno);
  }
  return {};
}

}  // namespace minato::linux_container
