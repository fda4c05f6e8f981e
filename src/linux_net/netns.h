// Network namespaces: made, named by a bind mount, entered by one thread, deleted.
//
// Blocking, well below a millisecond. A guard switches the calling thread only; nothing else may
// run on that thread meanwhile. Errors name the namespace. Needs CAP_SYS_ADMIN over the user
// namespace that we are in.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "host/files.h"

namespace minato::linux_net {

// The calling thread is in another network namespace while this lives.
class NetnsGuard {
 public:
  static Result<NetnsGuard> enter(const std::string& netns_path);
  NetnsGuard(NetnsGuard&&) noexcept = default;
  NetnsGuard& operator=(NetnsGuard&&) = delete;
  ~NetnsGuard();

 private:
  explicit NetnsGuard(host::Fd home) : home_(std::move(home)) {}
  host::Fd home_;
};

// Makes an empty namespace that lives until delete_netns(); the directory must exist.
// Errors: AlreadyExists.
Status create_netns(const std::string& netns_path);
// Takes the name away; the namespace ends with the last process in it. Interfaces with a peer
// elsewhere must be deleted first: a namespace is torn down asynchronously, and until then their
// names stay taken. NotFound is success.
Status delete_netns(const std::string& netns_path);
bool is_netns(const std::string& netns_path);
// Processes of this PID namespace that are in one of the network namespaces, ourselves excepted.
std::vector<pid_t> processes_in(const std::vector<std::string>& netns_paths);

// Writes a sysctl of the calling thread's network namespace: "net/ipv4/ip_forward", "1".
Status write_net_sysctl(const std::string& name, const std::string& value);

}  // namespace minato::linux_net
