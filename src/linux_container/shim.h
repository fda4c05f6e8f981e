// `minato shim POD_DIR`: the process that stands behind one Pod, as the pause container and the
// containerd shim do elsewhere.
//
// It is process 1 of the Pod's own PID namespace, so when it dies for whatever reason the kernel
// kills all the Pod's containers: none is ever left without a parent. It owns the Pod's IPC and UTS
// namespaces, is in its network namespace, and has a mount namespace of its own, so mounts go away
// with it too. It is in a session of its own and outlives the process that started it.
//
// The calling process sets this up, becomes ready, and leaves: exit status 0 when the shim's socket
// accepts connections, else 1 with the reason on stderr. Single-threaded; no Asio.
#pragma once

#include "base/result.h"

namespace minato::linux_container {

// `args` as after "minato shim": the Pod's run directory, which holds shim.json. Returns the exit
// status of the starting process; the shim itself never returns.
int run_shim(int argc, const char* const* argv);

}  // namespace minato::linux_container
