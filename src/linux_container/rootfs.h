// A container's root file system and the volume parts it shows: overlayfs over the image's layers,
// and subPath mounts that cannot be led out of their volume by links that a container planted.
//
// Called in a process with a private mount namespace, just before the OCI runtime: the mounts live
// exactly as long as the container. Blocking, about a millisecond.
#pragma once

#include "base/result.h"
#include "linux_container/oci_runtime.h"

namespace minato::linux_container {

// Mounts <plan.dir>/rootfs and every sub path's target. Changes the working directory.
Status mount_root(const RootPlan& plan);

// A tmpfs at `path` unless one is there already. size_bytes 0: the kernel's default.
Status mount_memory(const std::string& path, std::int64_t size_bytes, mode_t mode);

}  // namespace minato::linux_container
