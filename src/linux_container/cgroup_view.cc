#include "linux_container/cgroup_view.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/strings.h"
#include "host/files.h"
#include "linux_container/layout.h"

namespace minato::linux_container {
namespace {

constexpr std::string_view kCgroupDir = "/sys/fs/cgroup/";

Status bind_read_only(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(host::make_directories(to));
  constexpr unsigned long kFlags = MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, to.c_str(), nullptr, kFlags | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    return fail_errno(fmt::format("showing {} to the container", from), errno);
  }
  return {};
}

// "cpu,cpuacct" is also found as "cpu" and as "cpuacct", as on the host.
Status link_parts(const std::string& view, const std::string& controllers) {
  for (const std::string& part : split(controllers, ',')) {
    if (part == controllers) continue;
    const std::string path = view + "/" + part;
    if (::symlink(controllers.c_str(), path.c_str()) != 0 && errno != EEXIST) {
      return fail_errno("linking " + path, errno);
    }
  }
  return {};
}

}  // namespace

Status mount_cgroup_view(const std::string& dir, const std::vector<std::string>& join_files) {
  const std::string view = cgroup_view_dir(dir);
  for (const std::string& file : join_files) {
    const std::string group = file.substr(0, file.rfind('/'));
    if (!group.starts_with(kCgroupDir)) continue;
    if (join_files.size() == 1) return bind_read_only(group, view);
    const std::string controllers =
        group.substr(kCgroupDir.size(), group.find('/', kCgroupDir.size()) - kCgroupDir.size());
    RETURN_IF_ERROR(bind_read_only(group, view + "/" + controllers));
    RETURN_IF_ERROR(link_parts(view, controllers));
  }
  return {};
}

}  // namespace minato::linux_container
