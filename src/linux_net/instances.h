// Machines of a local world: instance::Driver over a Vpc and control groups.
//
// An instance is a network namespace with a VPC address and a control group of its type's size; it
// "boots" for as long as the profile says and is then there at once. Instances survive this object
// and the process: list() shows what the Vpc has adopted. Calls return at once; the work behind a
// termination (killing what runs there) takes milliseconds on the loop. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "env/env.h"
#include "host/cgroup.h"
#include "instance/driver.h"
#include "linux_net/vpc.h"

namespace minato::linux_net {

struct InstancesOptions {
  Duration boot_delay{};  // From the request until "running".
  // How much of a real processor one vCPU gets, in thousandths: laptops run fleets with less.
  std::int64_t cpu_scale_milli = 1000;
  // Lets the container runtime take away what it has on a Node, after its processes are dead and
  // before its network goes.
  std::function<void(const std::string& node)> before_remove;
};

class Instances final : public instance::Driver {
 public:
  Instances(InstancesOptions options, Vpc& vpc, host::Cgroups& cgroups, env::Executor& executor,
            env::Log& log);

  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  std::vector<instance::Machine> list() override;
  void boot(const instance::Spec& spec,
            std::move_only_function<void(Result<instance::Machine>)> done) override;
  void terminate(const std::string& id, instance::Loss loss,
                 std::move_only_function<void(Status)> done) override;

  // Drills. A failing instance is gone at once, and the sink is told: nobody asked for it.
  Status fail_instance(const std::string& id);
  enum class Pause { kRunning, kFrozen };
  Status set_pause(const std::string& id, Pause pause);

 private:
  struct Boot {
    instance::Spec spec;
    std::vector<std::move_only_function<void(Result<instance::Machine>)>> done;
    env::TimerHandle timer;
  };
  void finish_boot(const std::string& id);
  Result<instance::Machine> make(const instance::Spec& spec);
  Status destroy(const std::string& id);
  Status kill_processes(const VpcNode& node);

  InstancesOptions options_;
  Vpc& vpc_;
  host::Cgroups& cgroups_;
  env::Executor& executor_;
  env::Log& log_;
  Sink sink_;
  std::map<std::string, Boot> booting_;                // By instance id.
  std::map<std::uint64_t, env::TimerHandle> replies_;  // Outstanding; dropped with this object.
  std::uint64_t next_reply_ = 0;
};

}  // namespace minato::linux_net
