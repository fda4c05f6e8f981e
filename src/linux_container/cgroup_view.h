// What a container sees at /sys/fs/cgroup: its own control groups, read-only, where runtimes such
// as the JVM, Go and .NET look for the limits they have to keep within.
//
// Upstream: runtime-spec config-linux.md, "cgroup" mounts. It is done here because crun, told to
// leave control groups alone, would show those of the host.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace minato::linux_container {

// Mounts the groups that the files in `join_files` belong to below `<dir>/cgroup`, which the
// container's specification binds to /sys/fs/cgroup: one folder a controller with cgroup v1, the
// group itself with v2. For a process with a private mount namespace. Blocking.
Status mount_cgroup_view(const std::string& dir, const std::vector<std::string>& join_files);

}  // namespace minato::linux_container
