// The modelled world under the seams: machines, the Pods on them and the programs in those Pods.
// The drivers (instances, runtime, network, balancer) are views of it; traffic flows through it.
//
// Everything is an event on the virtual clock, every duration is drawn from the seeded Rng, nothing
// is iterated in an order that depends on addresses. Owned by SimWorld; survives the control plane,
// as real machines do: the views may be destroyed and made again.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "container/runtime.h"
#include "env/env.h"
#include "instance/driver.h"

namespace minato::sim {

// A duration between two bounds, drawn anew each time.
struct Spread {
  Duration low{};
  Duration high{};
};

// How programs made from an image behave.
struct Behaviour {
  Spread pull{500ms, 2s};      // First time on a machine.
  Spread start{50ms, 300ms};   // Until the process runs.
  Spread listen{20ms, 200ms};  // From running until it accepts connections.
  bool ready = true;           // Whether its health path answers 200.
  Duration exits_after{};      // 0: never by itself.
  int exit_code = 1;
  Spread stop{10ms, 200ms};    // From SIGTERM to exit; it serves until then.
  std::uint64_t memory_bytes = 32 << 20;
};

struct Timings {
  Spread boot{1s, 3s};
  Spread sandbox{5ms, 30ms};
  Duration network_delay = 1ms;
};

struct Program {
  container::Container container;
  Behaviour behaviour;
  MonoTime listens_from{};
  std::uint64_t cpu_usage_ns = 0;
  env::TimerHandle start_timer;
  env::TimerHandle exit_timer;
  env::TimerHandle kill_timer;
  bool running() const { return container.state == container::ContainerState::kRunning; }
};

struct SimPod {
  container::Sandbox sandbox;
  std::map<container::ContainerRef, Program> programs;
};

struct SimMachine {
  instance::Machine machine;
  std::string node;  // Its Node's name: the host name.
  std::set<std::string> images;
  std::map<std::string, SimPod> pods;  // By uid.
  int next_address = 1;
  int index = 0;
  container::Runtime::Sink sink;  // Of the runtime that looks at this machine now.
};

class Datacenter {
 public:
  Datacenter(env::Env env, Timings timings) : env_(std::move(env)), timings_(timings) {}

  void set_behaviour(const std::string& image, Behaviour behaviour) {
    behaviours_[image] = behaviour;
  }
  const Behaviour* behaviour(const std::string& image) const;
  Duration draw(const Spread& spread) { return env_.rng.between(spread.low, spread.high); }

  SimMachine& add_machine(const instance::Spec& spec, const std::string& region);
  // Everything on it ends at once and says nothing.
  void remove_machine(const std::string& id);
  SimMachine* by_node(const std::string& node);
  SimMachine* by_id(const std::string& id);
  const std::map<std::string, SimMachine>& machines() const { return machines_; }

  // The Pod that has this address, or null.
  SimPod* pod_at(const std::string& ip);
  std::string new_pod_address(SimMachine& machine);
  void forget_address(const std::string& ip) { addresses_.erase(ip); }
  void keep_address(const std::string& ip, const std::string& machine_id, const std::string& uid) {
    addresses_[ip] = {machine_id, uid};
  }
  // Whether a connection to this address is accepted now, and by which program.
  Program* listener(const std::string& ip);

  // Ends a program as the kernel would; reports to the machine's runtime.
  void end_program(const std::string& machine_id, const container::ContainerRef& ref, int code,
                   int signal);

  env::Env& env() { return env_; }
  const Timings& timings() const { return timings_; }

 private:
  env::Env env_;
  Timings timings_;
  std::map<std::string, Behaviour> behaviours_;
  std::map<std::string, SimMachine> machines_;  // By instance id.
  std::map<std::string, std::string> nodes_;    // Node name to instance id.
  std::map<std::string, std::pair<std::string, std::string>> addresses_;  // To (instance, Pod uid).
  int next_index_ = 1;
};

// instance::Driver over the Datacenter.
class SimInstances final : public instance::Driver {
 public:
  SimInstances(Datacenter& datacenter, std::string region)
      : datacenter_(datacenter), region_(std::move(region)) {}
  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  std::vector<instance::Machine> list() override;
  void boot(const instance::Spec& spec,
            std::move_only_function<void(Result<instance::Machine>)> done) override;
  void terminate(const std::string& id, instance::Loss loss,
                 std::move_only_function<void(Status)> done) override;

  // Faults. A failed machine tells the sink; a zone without capacity refuses launches.
  void fail_machine(const std::string& id);
  void set_capacity(const std::string& zone, bool available);

 private:
  Datacenter& datacenter_;
  std::string region_;
  Sink sink_;
  std::set<std::string> full_zones_;
  std::map<std::string, env::TimerHandle> boots_;
};

}  // namespace minato::sim
