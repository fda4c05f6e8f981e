// A modelled ALB: health checks by interval and threshold, routing to healthy targets, fail-open,
// and requests that take the whole way target → NodePort → Pod.
//
// Every request ends as ok, or failed by cause, or is still in flight. Owned by SimWorld; outlives
// the control plane, as a load balancer does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "sim/network.h"

namespace minato::sim {

// How a request ended.
enum class Outcome { kOk, kNoTarget, kRefused, kReset, kTimeout };

struct RequestCounts {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::uint64_t no_target = 0;  // 503 by the balancer.
  std::uint64_t refused = 0;    // 502: nobody listened.
  std::uint64_t reset = 0;      // 502: the server ended while serving.
  std::uint64_t timeout = 0;    // 504: the machine was gone.
  std::uint64_t in_flight() const { return sent - ok - failed(); }
  std::uint64_t failed() const { return no_target + refused + reset + timeout; }
};

class SimBalancer final : public balancer::Driver {
 public:
  SimBalancer(env::Env env, Datacenter& datacenter, SimServiceRules& rules);

  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  Status configure(const balancer::Config& config) override;
  Status add_target(const balancer::Target& target) override;
  Status drain_target(const std::string& target_id) override;
  Status remove_target(const std::string& target_id) override;
  std::vector<balancer::Observation> observe() override;
  balancer::Counters counters() override;

  // One request that a program takes `work.time` to answer, and as much CPU.
  struct Work {
    Duration time = 20ms;
    Duration cpu = 2ms;
  };
  void request(const Work& work);
  const RequestCounts& counts() const { return counts_; }

 private:
  struct Target {
    balancer::Target target;
    balancer::Observation seen;
    bool draining = false;
    std::uint32_t passes = 0;
    std::uint32_t failures = 0;
    std::uint64_t in_flight = 0;
    env::TimerHandle check_timer;
  };
  struct Flight {
    std::string target;
    std::string pod_ip;
    std::string container_id;
  };
  void schedule_check(const std::string& id, Duration delay);
  void check(const std::string& id);
  void record_check(Target& target, bool passed, const std::string& reason,
                    const std::string& description);
  std::string choose_target();
  void finish(const Flight& flight, Outcome outcome);
  void count(Outcome outcome);
  void end_flight(const std::string& target_id);
  void report(const Target& target);

  env::Env env_;
  Datacenter& datacenter_;
  SimServiceRules& rules_;
  balancer::Config config_;
  Sink sink_;
  std::map<std::string, Target> targets_;
  std::string last_target_;  // Round robin: the next in order of id follows.
  RequestCounts counts_;
};

}  // namespace minato::sim
