// Puts on disk what a Pod and its containers need before a shim can start them: /etc files,
// volumes, and the bundle with the OCI configuration.
//
// Secrets, in files or in environment variables, are written only below the Pod's private run
// directory, which is memory. Blocking: for worker threads. Nothing here touches the Runtime.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "container/runtime.h"
#include "linux_container/images.h"
#include "linux_container/layout.h"
#include "linux_container/protocol.h"
#include "linux_container/volume_files.h"

namespace minato::linux_container {

Status prepare_pod(const PodPaths& paths, const container::SandboxConfig& config,
                   const container::Sandbox& sandbox, const ShimConfig& shim);

struct HostLimits {
  std::uint64_t capabilities = 0;  // What this process may pass on (CapBnd).
  std::int64_t open_files = 0;     // Hard RLIMIT_NOFILE; may be kept, not raised.
};
HostLimits host_limits();

struct ContainerInput {
  PodPaths paths;
  std::string pod_uid;
  std::string hostname;
  std::string log_file;
  container::ContainerConfig config;
  HostLimits limits;
  std::shared_ptr<VolumeFiles> volumes;
  std::uint64_t version = 0;  // Of the files in `config`, from `volumes`.
};
// The request for the shim, all but the cgroup files. Errors: those of Images, and Invalid for what
// the configuration gets wrong (user, command, paths), naming the field.
Result<StartRequest> prepare_container(Images& images, const ContainerInput& input);

}  // namespace minato::linux_container
