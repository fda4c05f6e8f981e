#include "sim/balancer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace minato::sim {

using balancer::Health;

SimBalancer::SimBalancer(env::Env env, Datacenter& datacenter, SimServiceRules& rules)
    : env_(std::move(env)), datacenter_(datacenter), rules_(rules) {
  datacenter_.on_program_end([this](const Program& program) { program_ended(program); });
}

Status SimBalancer::configure(const balancer::Config& config) {
  config_ = config;
  return {};
}

Status SimBalancer::add_target(const balancer::Target& target) {
  const auto found = targets_.find(target.id);
  if (found != targets_.end() && !found->second.draining) return {};
  datacenter_.about_to_change();
  if (found != targets_.end()) (void)remove_target(target.id);
  Target& added = targets_[target.id];
  added.target = target;
  added.serial = next_serial_++;
  added.seen = {target.id, Health::kChecking, "Elb.InitialHealthChecking",
                "Initial health checks in progress", 0};
  by_serial_[added.serial] = &added;
  pool_is_stale_ = true;
  // The first check follows soon after registration, at a phase of its own.
  schedule_check(target.id, env_.rng.between(0s, config_.target_group.health_check.interval));
  return {};
}

Status SimBalancer::drain_target(const std::string& id) {
  const auto found = targets_.find(id);
  if (found == targets_.end()) return fail(Reason::kNotFound, "no such target: " + id);
  datacenter_.about_to_change();
  found->second.draining = true;
  pool_is_stale_ = true;
  env_.executor.post([this, id] { check_drained(id); });
  return {};
}

void SimBalancer::check_drained(const std::string& id) {
  settle();
  const auto found = targets_.find(id);
  if (found == targets_.end() || !found->second.draining) return;
  Target& target = found->second;
  if (target.in_flight == 0) return report(target);
  const Duration left = std::max<Duration>(target.last_end - env_.clock.monotonic(), 1ms);
  target.drain_timer = env_.executor.after(left, [this, id] { check_drained(id); });
}

Status SimBalancer::remove_target(const std::string& id) {
  const auto found = targets_.find(id);
  if (found == targets_.end()) return {};
  datacenter_.about_to_change();
  settle();
  end_flights([serial = found->second.serial](const Flight& flight) { return flight.target == serial; });
  by_serial_.erase(found->second.serial);
  targets_.erase(found);
  pool_is_stale_ = true;
  return {};
}

std::vector<balancer::Observation> SimBalancer::observe() {
  settle();
  std::vector<balancer::Observation> out;
  for (const auto& [id, target] : targets_) {
    out.push_back(target.seen);
    out.back().in_flight = target.in_flight;
  }
  return out;
}

balancer::Counters SimBalancer::counters() {
  settle();
  balancer::Counters out;
  out.requests = counts_.sent;
  out.elb_5xx = counts_.failed();
  return out;
}

void SimBalancer::schedule_check(const std::string& id, Duration delay) {
  targets_.at(id).check_timer = env_.executor.after(delay, [this, id] { check(id); });
}

void SimBalancer::check(const std::string& id) {
  const auto found = targets_.find(id);
  if (found == targets_.end() || found->second.draining) return;
  const balancer::HealthCheck& rules = config_.target_group.health_check;
  Outcome failure = Outcome::kOk;
  const Program* program = choose_program(found->second, failure);
  const Duration wait =
      program == nullptr ? Duration{} : std::max(program->busy_until - env_.clock.monotonic(), Duration{});
  if (failure == Outcome::kTimeout || wait > rules.timeout) {
    // Nothing answers at all: known only when the timeout is over.
    found->second.check_timer = env_.executor.after(rules.timeout, [this, id] {
      record_check(targets_.at(id), false, "Target.Timeout", "Request timed out");
      schedule_check(id, config_.target_group.health_check.interval -
                             config_.target_group.health_check.timeout);
    });
    return;
  }
  if (program == nullptr) {
    record_check(found->second, false, "Target.FailedHealthChecks", "Health checks failed");
  } else if (!program->behaviour.ready) {
    record_check(found->second, false, "Target.ResponseCodeMismatch",
                 "Health checks failed with these codes: [503]");
  } else {
    record_check(found->second, true, "", "");
  }
  schedule_check(id, rules.interval);
}

void SimBalancer::record_check(Target& target, bool passed, const std::string& reason,
                               const std::string& description) {
  const balancer::HealthCheck& rules = config_.target_group.health_check;
  target.passes = passed ? target.passes + 1 : 0;
  target.failures = passed ? 0 : target.failures + 1;
  const Health before = target.seen.health;
  // A new target needs one pass only; one that was unhealthy needs the threshold.
  const std::uint32_t needed = before == Health::kChecking ? 1 : rules.healthy_threshold;
  balancer::Observation seen = target.seen;
  if (passed && target.passes >= needed) {
    seen = {target.target.id, Health::kHealthy, "", "", 0};
  } else if (!passed && target.failures >= rules.unhealthy_threshold) {
    seen = {target.target.id, Health::kUnhealthy, reason, description, 0};
  }
  if (seen.health == before) return;
  datacenter_.about_to_change();
  target.seen = std::move(seen);
  pool_is_stale_ = true;
  report(target);
}

void SimBalancer::report(const Target& target) {
  if (!sink_) return;
  balancer::Observation observation = target.seen;
  observation.in_flight = target.in_flight;
  sink_(observation);
}

void SimBalancer::refresh_pool() {
  if (!pool_is_stale_) return;
  pool_is_stale_ = false;
  pool_.clear();
  std::vector<Target*> open;
  for (auto& [id, target] : targets_) {
    if (target.draining) continue;
    open.push_back(&target);
    if (target.seen.health == Health::kHealthy) pool_.push_back(&target);
  }
  // Fail-open: with no healthy target, all of them are tried.
  is_fail_open_ = pool_.empty();
  if (is_fail_open_) pool_ = std::move(open);
}

SimBalancer::Target* SimBalancer::choose_target() {
  refresh_pool();
  if (pool_.empty()) return nullptr;
  const auto next = std::ranges::upper_bound(pool_, last_target_, {},
                                             [](const Target* target) -> const std::string& { return target->target.id; });
  Target* out = next == pool_.end() ? pool_.front() : *next;
  last_target_ = out->target.id;
  return out;
}

// Null: `failure` is how a request ends that comes this way.
Program* SimBalancer::choose_program(const Target& target, Outcome& failure) {
  failure = Outcome::kTimeout;
  const SimMachine* machine = datacenter_.by_id(target.target.id);
  if (machine == nullptr || machine->is_hung) return nullptr;
  const network::Endpoint endpoint = rules_.choose(machine->node, target.target.port, env_.rng);
  failure = Outcome::kRefused;
  if (endpoint.ip.empty()) return nullptr;
  Program* program = datacenter_.listener(endpoint.ip);
  // Where its machine is gone, packets vanish.
  if (program == nullptr && datacenter_.pod_at(endpoint.ip) == nullptr) failure = Outcome::kTimeout;
  return program;
}

void SimBalancer::request(const Work& work, std::uint64_t number, Duration left) {
  settle();
  const std::uint64_t ways = std::min(number, kWays);
  for (std::uint64_t way = 0; way < ways; ++way) send(work, number / ways + (way < number % ways ? 1 : 0), left);
}

void SimBalancer::send(const Work& work, std::uint64_t weight, Duration left) {
  counts_.sent += weight;
  Target* target = choose_target();
  if (target == nullptr) return count(Outcome::kNoTarget, weight);
  Outcome failure = Outcome::kOk;
  Program* program = choose_program(*target, failure);
  if (program == nullptr) return count(failure, weight);
  take_off(work, *target, *program, weight, left);
}

void SimBalancer::take_off(const Work& work, Target& target, Program& program, std::uint64_t weight,
                           Duration left) {
  const MonoTime now = env_.clock.monotonic();
  const SimMachine& machine = *program.machine;
  program.share_milli = Datacenter::cpu_share_milli(machine, program);
  const Duration own = work.cpu * 1000 / program.share_milli;
  const MonoTime start = std::max(now, program.busy_until);
  // Those handed over have been in the queue already and bring no work.
  if (own > Duration{} && start - now > own * kQueueLimit) return count(Outcome::kOverloaded, weight);
  program.work_ns += work.cpu.count() * static_cast<std::int64_t>(weight);
  program.busy_until = start + own * static_cast<std::int64_t>(weight);
  if (program.busy_until - now > Datacenter::kPrompt) datacenter_.answers_change(program);
  // A share above one core does not make one request faster.
  Duration takes = (start - now) + left + std::max<Duration>(own - work.cpu, Duration{});
  std::set<std::string> zones;
  if (datacenter_.any_zone_is_slow()) zones = {target.target.zone, machine.machine.zone};
  for (const std::string& zone : zones) takes += datacenter_.zone_delay(zone);
  end_if_out_of_memory(work, program, start - now);
  Flight flight{weight, target.serial, &program, Outcome::kOk, takes > slow_after_};
  const Duration patience = config_.listener.idle_timeout;
  if (takes > patience) {
    takes = patience;
    flight.outcome = Outcome::kTimeout;
  }
  target.in_flight += weight;
  target.last_end = std::max(target.last_end, now + takes);
  count_latency(takes, weight);
  for (const std::string& zone : zones) add(by_zone_[zone], takes, weight);
  flights_[now + takes].push_back(flight);
}

void SimBalancer::settle() {
  const MonoTime now = env_.clock.monotonic();
  while (!flights_.empty() && flights_.begin()->first <= now) {
    for (const Flight& flight : flights_.begin()->second) end_flight(flight, flight.outcome);
    flights_.erase(flights_.begin());
  }
}

void SimBalancer::end_flight(const Flight& flight, Outcome outcome) {
  count(outcome, flight.weight);
  if (outcome == Outcome::kOk && flight.slow) counts_.slow += flight.weight;
  const auto found = by_serial_.find(flight.target);
  if (found != by_serial_.end()) found->second->in_flight -= flight.weight;
}

// Those that match are cut off.
void SimBalancer::end_flights(const std::function<bool(const Flight&)>& match) {
  for (auto at = flights_.begin(); at != flights_.end();) {
    std::erase_if(at->second, [&](const Flight& flight) {
      if (!match(flight)) return false;
      end_flight(flight, Outcome::kReset);
      return true;
    });
    at = at->second.empty() ? flights_.erase(at) : std::next(at);
  }
  for (const auto& [id, target] : targets_) {
    if (target.draining && target.in_flight == 0) env_.executor.post([this, id] { check_drained(id); });
  }
}

void SimBalancer::program_ended(const Program& program) {
  settle();
  // A server that was asked to stop finishes what it has begun; one that is killed does not.
  const bool ended_well = !program.running() && program.container.exit_code == 0;
  if (!ended_well) end_flights([&](const Flight& flight) { return flight.program == &program; });
}

void SimBalancer::machine_lost(const std::string& id) {
  datacenter_.about_to_change();
  settle();
  const auto found = targets_.find(id);
  if (found == targets_.end()) return;
  end_flights([serial = found->second.serial](const Flight& flight) { return flight.target == serial; });
}

void SimBalancer::count(Outcome outcome, std::uint64_t weight) {
  switch (outcome) {
    case Outcome::kOk: counts_.ok += weight; return;
    case Outcome::kNoTarget: counts_.no_target += weight; return;
    case Outcome::kRefused: counts_.refused += weight; return;
    case Outcome::kReset: counts_.reset += weight; return;
    case Outcome::kTimeout: counts_.timeout += weight; return;
    case Outcome::kOverloaded: counts_.overloaded += weight; return;
  }
}

const RequestCounts& SimBalancer::counts() {
  settle();
  return counts_;
}

// A program whose requests pile up until they do not fit any more is killed by the kernel.
void SimBalancer::end_if_out_of_memory(const Work& work, const Program& program, Duration wait) {
  const Behaviour& behaviour = program.behaviour;
  if (behaviour.memory_per_request_bytes == 0 || program.memory_limit_bytes == 0) return;
  const Duration own = work.cpu * 1000 / program.share_milli;
  const auto waiting = static_cast<std::uint64_t>(wait / std::max<Duration>(own, 1ns));
  if (behaviour.memory_bytes + waiting * behaviour.memory_per_request_bytes <= program.memory_limit_bytes) return;
  env_.executor.post([this, id = program.machine->machine.id, ref = container::ContainerRef{program.container.pod_uid, program.container.name,
                                                                                      program.container.attempt}] {
    datacenter_.end_program(id, ref, 0, 9, "OOMKilled");
  });
}

void SimBalancer::count_latency(Duration time, std::uint64_t weight) { add(latencies_, time, weight); }

void SimBalancer::add(Histogram& histogram, Duration time, std::uint64_t weight) {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(time / 1ms, 1));
  histogram[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(ms - 1)), histogram.size() - 1)] += weight;
}

Duration SimBalancer::take_latency(double percent, const std::string& zone) {
  return percentile(std::exchange(by_zone_[zone], Histogram{}), percent);
}

Duration SimBalancer::percentile(const Histogram& histogram, double percent) {
  std::uint64_t all = 0, sum = 0;
  for (const std::uint64_t count : histogram) all += count;
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    sum += histogram[i];
    if (all > 0 && static_cast<double>(sum) * 100 >= percent * static_cast<double>(all)) return Duration{1ms} * (1LL << i);
  }
  return {};
}

}  // namespace minato::sim
