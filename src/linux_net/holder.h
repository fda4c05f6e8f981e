// The holder: a tiny init process whose namespaces contain everything of a local world.
//
//   minato up ──► holder (PID 1 of own user, mount, PID and network namespaces)
//                   └─ minato control …   restarted when it dies
//                   └─ orphans: Pod shims, HAProxy, DNS (children of a control that is gone)
//
// The host's routes, firewall and mounts are never touched, with root or without: the same code
// runs for both and only the id mapping differs. When the holder ends, the kernel ends and removes
// all of it: processes, interfaces, namespaces and mounts. (Control groups stay: see
// host::Cgroups::remove_root().) As root a user namespace maps every id to itself; what root owns
// on the host, such as control groups of version 1, stays writable inside.
//
// Inside, /run is an empty tmpfs, so that namespace files made there live and end with the holder;
// `run_dir` and `state_dir` are the host's even when they lie below /run. Unix sockets in them are
// reachable from both sides, as these belong to files and not to network namespaces.
//
// start_holder() is blocking, tens of milliseconds, and forks: call it before threads are started.
// Errors name the step that failed and how to allow it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "linux_net/process_identity.h"

namespace minato::linux_net {

struct HolderOptions {
  std::string state_dir;  // Absolute; made if needed. Keeps the lock and the holder's identity.
  std::string run_dir;    // Absolute; made if needed.
  std::vector<std::string> control;      // argv; ends the world with exit status 0, else restarted.
  std::vector<std::string> environment;  // Of control, "K=V"; empty: the present one.
  // (ours, control's number) for every start of control: listening sockets of the host.
  std::vector<std::pair<int, int>> descriptors;
  std::string log_file;  // stdout and stderr of control, and the holder's own notes; appended to.
};

struct HolderInfo {
  ProcessIdentity process;  // As seen from the host.
  std::string note;         // What is limited here and why; "" when nothing is.
};

// Returns when control has been started. Errors: AlreadyExists (this state_dir has a holder),
// Forbidden and Unavailable (the host does not allow a step).
Result<HolderInfo> start_holder(const HolderOptions& options);
// The holder of a state_dir. Errors: NotFound (none, or it is gone).
Result<HolderInfo> find_holder(const std::string& state_dir);
bool is_alive(const HolderInfo& holder);
// Ends it and everything in it; returns when all of it is gone.
Status stop_holder(const HolderInfo& holder);

}  // namespace minato::linux_net
