// Seam: machines. The cloud model decides which instances exist; a Driver makes them real.
//
// Implementations: linux_net (a network namespace with a VPC address and a cgroup of the type's
// size), sim (modelled boot times and failures). Owned by the world; called and calling back on the
// loop; results never arrive from inside the call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::instance {

struct Spec {
  std::string id;    // "i-0123456789abcdef0"
  std::string type;  // "m6i.large"
  std::string zone;  // "ap-northeast-1a"
  std::int64_t vcpus = 0;
  std::int64_t memory_bytes = 0;
  bool spot = false;
  std::string group;  // Auto Scaling Group name.
};

struct Machine {
  std::string id;
  std::string zone;
  std::string private_ip;
  std::string hostname;  // "ip-10-77-1-11.ap-northeast-1.compute.internal"; also the Node's name.
};

enum class Loss {
  kTerminate,  // As asked: everything on it ends at once.
  kKill,       // Sudden: no warning to what runs on it.
};

class Driver {
 public:
  virtual ~Driver() = default;

  // Called when a machine is gone that nobody asked to go. Set once, first.
  using Sink = std::function<void(const std::string& id)>;
  virtual void set_sink(Sink sink) = 0;

  // The machines that are up now; after a restart of the control process these are adopted.
  virtual std::vector<Machine> list() = 0;

  // `done` when the machine runs and has its address ("running" in EC2, not yet a Ready Node).
  // Errors: Unavailable with EC2's code in the message, e.g. "InsufficientInstanceCapacity: …".
  virtual void boot(const Spec& spec, std::move_only_function<void(Result<Machine>)> done) = 0;
  // `done` when nothing of it is left. NotFound is success.
  virtual void terminate(const std::string& id, Loss loss,
                         std::move_only_function<void(Status)> done) = 0;
};

}  // namespace minato::instance
