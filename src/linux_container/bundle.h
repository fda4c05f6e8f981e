// From Kubernetes' words to an OCI runtime specification (config.json): a pure function, so that
// every rule of it can be tested as text.
//
// Upstream: github.com/opencontainers/runtime-spec config.md; defaults of capabilities, masked
// paths and devices are containerd's (pkg/oci), but CAP_MKNOD, which only a device cgroup makes
// safe. The command follows Kubernetes: `command` replaces the image's entrypoint and cmd, `args`
// replaces its cmd (define-command-argument-container). The Pod's network, IPC and UTS namespaces
// are inherited from the shim, so they are not listed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "container/runtime.h"
#include "linux_container/images.h"

namespace minato::linux_container {

struct BindMount {
  std::string source;
  std::string destination;
  enum class Access { kReadWrite, kReadOnly } access = Access::kReadWrite;
  bool operator==(const BindMount&) const = default;
};

struct SpecInput {
  std::vector<std::string> args;
  std::vector<std::string> environment;  // "K=V"
  std::string working_dir = "/";
  ResolvedUser user;
  std::vector<std::string> capabilities;  // "CAP_CHOWN"
  std::vector<BindMount> binds;           // Later ones lie over earlier ones.
  std::int64_t open_files = 0;            // RLIMIT_NOFILE; 0: inherited.
  enum class Root { kWritable, kReadOnly } root = Root::kWritable;
  enum class Confinement { kDefault, kPrivileged } confinement = Confinement::kDefault;
  enum class Seccomp { kDefault, kNone } seccomp = Seccomp::kDefault;  // kPrivileged has none.
  bool no_new_privileges = true;
  bool terminal = false;
};
// The whole document. `root.path` is "rootfs", relative to the bundle.
std::string oci_spec(const SpecInput& input);

// Invalid when neither the Pod nor the image says what to run.
Result<std::vector<std::string>> container_args(const container::ContainerConfig& config,
                                                const container::ImageConfig& image);
// PATH and HOSTNAME, then the image's, then the container's; one entry per name, later wins.
std::vector<std::string> container_environment(const container::ContainerConfig& config,
                                               const container::ImageConfig& image,
                                               const std::string& hostname);
// What the image's USER and runAsUser, runAsGroup make together: "1000:1000", "app", "".
std::string container_user(const container::SecurityContext& security,
                           const container::ImageConfig& image);

std::vector<std::string> default_capabilities();
// "ALL" in either list means all; names come with or without "CAP_". Unknown names are Invalid.
// What this process itself does not have (`available`, as CapBnd) cannot be given and is left out.
Result<std::vector<std::string>> container_capabilities(const container::SecurityContext& security,
                                                        std::uint64_t available);

// "SIGTERM", "TERM", "15", "RTMIN+3" to a number; "" is SIGTERM. Invalid for what is unknown.
Result<int> parse_signal(std::string_view name);

// Files that the Pod's containers share: content of /etc/hosts and /etc/resolv.conf.
std::string hosts_file(const std::string& ip, const std::string& hostname);
std::string resolv_conf(const container::SandboxConfig& config);

}  // namespace minato::linux_container
