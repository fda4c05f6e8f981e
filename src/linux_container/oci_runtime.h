// The OCI runtime program (crun, else runc): how it is called, what its failures mean, and which
// one works on this host. It sets up one container and leaves; the shim is the parent that stays.
//
// Cgroups are ours, so crun is told to leave them alone; on hosts that are not pure v2 it would
// still refuse ("cgroups in hybrid mode not supported"), so /sys/fs/cgroup is covered for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "linux_container/protocol.h"

namespace minato::linux_container {

struct OciCall {
  std::string runtime;   // Absolute path of the program.
  std::string root;      // Where it keeps its own state; private to the Pod.
  std::string id;        // Within that root.
  std::string pid_file;  // Receives the pid of the process that was started.
};
// A terminal is sent to the socket (not "").
std::vector<std::string> run_argv(const OciCall& call, const std::string& bundle,
                                  const std::string& console_socket = {});
// The command is in `process_file`, never in argv.
std::vector<std::string> exec_argv(const OciCall& call, const std::string& process_file,
                                   const std::string& console_socket = {});

// What the runtime printed when it could not start a process, in the words that Kubernetes users
// know: `exec: "/nope": no such file or directory`. Always Invalid: trying again does not help.
struct StartFailure {
  Error error;
  int exit_code = 128;  // 127 not found, 126 not executable, as shells and Docker have it.
};
StartFailure start_failure(std::string_view runtime_output);

// Mounts that a container needs before its runtime runs; made in a mount namespace of its own, so
// that nothing is left when the container has gone.
struct RootPlan {
  std::string dir;  // The container's directory.
  std::vector<std::string> layer_dirs;
  std::string overlay_options;
  std::string writable_layer;
  std::vector<SubPath> sub_paths;
};

// Moves the calling process. Into a frozen group it does not return until that is thawed.
Status enter_cgroups(const std::vector<std::string>& join_files);

struct Launch {
  std::vector<std::string> argv;
  int stdin_fd = -1;  // -1: /dev/null.
  int stdout_fd = -1;
  int stderr_fd = -1;  // Failures before the program runs are written here too.
  std::vector<std::string> cgroup_join_files;
  const RootPlan* root = nullptr;  // May be null (exec).
};
// Forks and never waits: even entering a frozen cgroup must not stop the caller.
Result<pid_t> launch(const Launch& launch);

// The program to use here, found by having each candidate set up a container whose command is
// missing: one that gets as far as saying so works. Takes some 20 ms; blocking; needs root (of the
// user namespace). `scratch_dir` must exist. Errors: Unavailable, with what each candidate said.
Result<std::string> detect_oci_runtime(const std::string& scratch_dir);

}  // namespace minato::linux_container
