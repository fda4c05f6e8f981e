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
#include <unordered_map>
#include <utility>
#include <vector>

#include "container/registry_outage.h"
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
  std::int64_t start_cpu_milli = 0;  // What it uses of the CPU until then.
  bool ready = true;           // Whether its health path answers 200.
  Duration exits_after{};      // 0: never by itself.
  int exit_code = 1;
  Spread stop{10ms, 200ms};    // From SIGTERM to exit; it serves until then.
  Spread answer{};             // More than a request has to wait, its health path takes.
  std::uint64_t memory_bytes = 32 << 20;
  std::uint64_t memory_per_request_bytes = 0;  // Of each that waits.
};

struct Timings {
  Spread boot{1s, 3s};
  Spread sandbox{5ms, 30ms};
  Duration network_delay = 1ms;
};

struct SimMachine;

struct Program {
  container::Container container;
  const SimMachine* machine = nullptr;  // On which it is.
  Behaviour behaviour;
  MonoTime began{};
  MonoTime listens_from{};
  std::int64_t cpu_request_milli = 0;
  std::int64_t cpu_limit_milli = 0;
  std::uint64_t memory_limit_bytes = 0;  // 0: none.
  // CPU work that requests have brought: taken in so far, and at a steady rate from then on.
  std::int64_t work_ns = 0;
  double work_ns_per_second = 0;
  MonoTime steady_since{};
  MonoTime busy_until{};         // With what is queued, at its present share of the CPU.
  std::int64_t share_milli = 1;  // That share.
  env::TimerHandle start_timer;
  env::TimerHandle exit_timer;
  env::TimerHandle kill_timer;
  bool running() const { return container.state == container::ContainerState::kRunning; }
  std::int64_t cpu_usage_ns(MonoTime now) const;
  // Takes what the steady rate has brought so far into the sum.
  void settle_work(MonoTime now);
};

struct SimPod {
  container::Sandbox sandbox;
  std::map<container::ContainerRef, Program> programs;
  // Told, once, that its answers may be others from now on.
  std::vector<std::function<void()>> watchers;
  void answers_change();
};

struct SimMachine {
  instance::Machine machine;
  std::string node;  // Its Node's name: the host name.
  std::set<std::string> images;
  std::map<std::string, SimPod> pods;  // By uid.
  int next_address = 1;
  int index = 0;
  std::int64_t cpu_milli = 0;
  std::int64_t cpu_requested_milli = 0;  // By programs that run.
  bool is_hung = false;                  // It has booted, and nothing on it ever answers.
  container::Runtime::Sink sink;  // Of the runtime that looks at this machine now.
};

class Datacenter {
 public:
  Datacenter(env::Env env, Timings timings) : env_(std::move(env)), timings_(timings) {}

  void set_behaviour(const std::string& image, Behaviour behaviour) {
    behaviours_[image] = behaviour;
  }
  // Of those that run and those to come: whether their health path answers 200.
  void set_ready(const std::string& image, bool ready);
  // Of one Pod. False: there is none of that name.
  bool set_pod_ready(const std::string& pod_name, bool ready);
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
  // Until it is forgotten, which the end of its machine does too.
  void keep_address(const std::string& ip, SimPod& pod) { addresses_[ip] = &pod; }
  // Whether a connection to this address is accepted now, and by which program.
  Program* listener(const std::string& ip);
  // Where machines get images that they do not have.
  container::RegistryOutage& registry_outage() { return registry_outage_; }
  // How long a request waits there before its turn comes.
  Duration queueing_delay(const std::string& ip);
  // As long as no request waits longer than this, no probe times out: timeouts are whole seconds.
  static constexpr Duration kPrompt = 500ms;
  // Whether the Pod answers probes now as it will until its watchers are told.
  bool answers_steadily(const SimPod& pod) const;
  // Of the Pod that the program is in.
  void answers_change(const Program& program);

  // What a program gets of its machine's CPU when all want it: by weight of its request, up to its
  // limit, as control groups share.
  static std::int64_t cpu_share_milli(const SimMachine& machine, const Program& program);

  // Everything that passes through machines of this zone takes so much longer; 0: no more.
  void set_zone_delay(const std::string& zone, Duration delay);
  Duration zone_delay(const std::string& zone) const;
  bool any_zone_is_slow() const { return !zone_delays_.empty(); }

  // Called before anything changes that requests can see; what was taken to be steady is settled.
  void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }
  void about_to_change() const {
    if (on_change_) on_change_();
  }
  // Called when a program has ended that may have been serving, or is about to be no more.
  void on_program_end(std::function<void(const Program&)> callback) {
    on_program_end_ = std::move(callback);
  }
  void program_ended(const Program& program) const {
    if (on_program_end_) on_program_end_(program);
  }
  // Pods that have come up since the last call, with their machines' Nodes.
  std::vector<std::pair<std::string, std::string>> take_started() { return std::exchange(started_, {}); }
  void pod_started(const std::string& uid, const SimMachine& machine);
  void pod_ended(const std::string& uid) { pods_.erase(uid); }

  // Ends a program as the kernel would; reports to the machine's runtime.
  void end_program(const std::string& machine_id, const container::ContainerRef& ref, int code,
                   int signal, const std::string& reason = "");

  env::Env& env() { return env_; }
  const Timings& timings() const { return timings_; }

 private:
  env::Env env_;
  Timings timings_;
  std::map<std::string, Behaviour> behaviours_;
  std::map<std::string, SimMachine> machines_;  // By instance id.
  std::map<std::string, std::string> nodes_;    // Node name to instance id.
  std::unordered_map<std::string, SimPod*> addresses_;
  std::map<std::string, std::string> pods_;  // Uid to instance.
  std::map<std::string, Duration> zone_delays_;
  container::RegistryOutage registry_outage_;
  int next_index_ = 1;
  std::function<void()> on_change_;
  std::function<void(const Program&)> on_program_end_;
  std::vector<std::pair<std::string, std::string>> started_;
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
  bool has_capacity() const { return full_zones_.empty() && full_subnets_.empty(); }
  // Whether the zone's subnet has addresses for more machines.
  void set_addresses(const std::string& zone, bool available);
  // So many of the machines that boot from now on hang: they never become Nodes.
  void hang_next(int machines) { hang_ = machines; }
  // Called before a machine goes, however it goes.
  void on_loss(std::function<void(const SimMachine&)> callback) { on_loss_ = std::move(callback); }

 private:
  void remove(const std::string& id);

  Datacenter& datacenter_;
  std::string region_;
  Sink sink_;
  int hang_ = 0;
  std::function<void(const SimMachine&)> on_loss_;
  std::set<std::string> full_zones_;
  std::set<std::string> full_subnets_;  // By zone.
  std::map<std::string, env::TimerHandle> boots_;
};

}  // namespace minato::sim
