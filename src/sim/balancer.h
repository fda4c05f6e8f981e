// A modelled ALB: health checks by interval and threshold, routing to healthy targets, fail-open,
// and requests that take the whole way target → NodePort → Pod.
//
// A Pod works off what it is sent in order, at its share of its machine's CPU: more than that makes
// requests wait, and probes with them; a queue that is full refuses. Every request ends as ok, or
// failed by cause, or is still in flight. Where nothing changes, requests need not be looked at one
// by one: then they are counted, and Pods work at a steady rate (traffic.h decides when).
//
// Owned by SimWorld; outlives the control plane, as a load balancer does. Loop thread only.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "sim/network.h"

namespace minato::sim {

// How a request ended.
enum class Outcome { kOk, kNoTarget, kRefused, kReset, kTimeout, kOverloaded };

struct RequestCounts {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::uint64_t slow = 0;        // Of those, answered later than was asked for.
  std::uint64_t no_target = 0;   // 503 by the balancer.
  std::uint64_t refused = 0;     // 502: nobody listened.
  std::uint64_t reset = 0;       // 502: the server ended while serving.
  std::uint64_t timeout = 0;     // 504: the machine was gone, or the answer took too long.
  std::uint64_t overloaded = 0;  // 502: the server's queue was full.
  std::uint64_t in_flight() const { return sent - ok - failed(); }
  std::uint64_t failed() const { return no_target + refused + reset + timeout + overloaded; }
};

class SimBalancer final : public balancer::Driver {
 public:
  // Requests that a server lets wait: the listen backlog of most.
  static constexpr std::int64_t kQueueLimit = 512;
  static constexpr std::uint64_t kMaximumHandedOver = 2000;  // Flights; they weigh more then.
  // Of their CPU that Pods may use while their requests are not looked at one by one, and what may
  // be waiting there as that begins: at this use it is soon worked off.
  static constexpr double kSteadyUtilization = 0.85;
  static constexpr Duration kSteadyWait = 250ms;
  // Ways at most that requests of one instant take: each stands for its part of them.
  static constexpr std::uint64_t kWays = 8;

  SimBalancer(env::Env env, Datacenter& datacenter, SimServiceRules& rules);

  void set_sink(Sink sink) override { sink_ = std::move(sink); }
  Status configure(const balancer::Config& config) override;
  Status add_target(const balancer::Target& target) override;
  Status drain_target(const std::string& target_id) override;
  Status remove_target(const std::string& target_id) override;
  std::vector<balancer::Observation> observe() override;
  balancer::Counters counters() override;

  // One request that a program takes `work.time` to answer when it is idle, `work.cpu` of it on the
  // CPU.
  struct Work {
    Duration time = 20ms;
    Duration cpu = 2ms;
  };
  // `number` requests at once. `left`: of the answer, for those begun before.
  void request(const Work& work, std::uint64_t number, Duration left);
  void request(const Work& work) { request(work, 1, work.time); }
  const RequestCounts& counts();
  // From now on an answer after `limit` counts as slow.
  void set_slow_after(Duration limit) { slow_after_ = limit; }
  // Upper bound of the time within which so many of a hundred requests were answered.
  Duration latency(double percent) const { return percentile(latencies_, percent); }
  // Of those since the last call of this that passed through the zone while any zone was slow.
  Duration take_latency(double percent, const std::string& zone);

  // Begins to serve at a steady rate. False: the next request might not end well, or would wait
  // long; then nothing has begun.
  bool begin_steady(const Work& work, double rps);
  // Requires: begun. False: too much for some Pod.
  bool change_steady(const Work& work, double rps);
  void end_steady();
  void count_served(std::uint64_t requests, Duration time);
  void count_sent(std::uint64_t requests) { counts_.sent += requests; }
  // Of those sent while steady, so many are still in flight: from now on they are known one by one.
  void hand_over(const Work& work, std::uint64_t requests);

  // A machine is about to be no more: what it was passing on is lost.
  void machine_lost(const std::string& id);

 private:
  using Histogram = std::array<std::uint64_t, 32>;  // Answered within 2^i ms.
  struct Target {
    balancer::Target target;
    balancer::Observation seen;
    std::uint64_t serial = 0;
    bool draining = false;
    std::uint32_t passes = 0;
    std::uint32_t failures = 0;
    std::uint64_t in_flight = 0;
    MonoTime last_end{};  // Of those in flight.
    env::TimerHandle check_timer;
    env::TimerHandle drain_timer;
  };
  struct Flight {
    std::uint64_t weight = 1;
    std::uint64_t target = 0;  // Serial.
    const Program* program = nullptr;  // Compared only.
    Outcome outcome = Outcome::kOk;
    bool slow = false;
  };
  struct SteadyProgram {
    Program* program = nullptr;
    double share = 0;  // Of all requests.
  };
  void schedule_check(const std::string& id, Duration delay);
  void check(const std::string& id);
  void record_check(Target& target, bool passed, const std::string& reason,
                    const std::string& description);
  void check_drained(const std::string& id);
  void refresh_pool();
  Target* choose_target();
  Program* choose_program(const Target& target, Outcome& failure);
  void send(const Work& work, std::uint64_t weight, Duration left);
  void take_off(const Work& work, Target& target, Program& program, std::uint64_t weight, Duration left);
  void settle();
  void end_flights(const std::function<bool(const Flight&)>& match);
  void end_flight(const Flight& flight, Outcome outcome);
  void program_ended(const Program& program);
  void count(Outcome outcome, std::uint64_t weight);
  void count_latency(Duration time, std::uint64_t weight);
  static void add(Histogram& histogram, Duration time, std::uint64_t weight);
  static Duration percentile(const Histogram& histogram, double percent);
  void end_if_out_of_memory(const Work& work, const Program& program, Duration wait);
  void report(const Target& target);
  bool collect_steady();

  env::Env env_;
  Datacenter& datacenter_;
  SimServiceRules& rules_;
  balancer::Config config_;
  Sink sink_;
  std::map<std::string, Target> targets_;
  std::map<std::uint64_t, Target*> by_serial_;
  std::uint64_t next_serial_ = 1;
  std::vector<Target*> pool_;  // Those that requests go to, by id.
  bool pool_is_stale_ = true;
  bool is_fail_open_ = false;
  std::string last_target_;  // Round robin: the next in order of id follows.
  std::map<MonoTime, std::vector<Flight>> flights_;  // By their end.
  RequestCounts counts_;
  Duration slow_after_ = Duration::max();
  std::vector<SteadyProgram> steady_;
  Histogram latencies_{};
  std::map<std::string, Histogram> by_zone_;
};

}  // namespace minato::sim
