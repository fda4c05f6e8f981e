#include "sim/balancer.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::sim {

using balancer::Health;

SimBalancer::SimBalancer(env::Env env, Datacenter& datacenter, SimServiceRules& rules)
    : env_(std::move(env)), datacenter_(datacenter), rules_(rules) {}

Status SimBalancer::configure(const balancer::Config& config) {
  config_ = config;
  return {};
}

Status SimBalancer::add_target(const balancer::Target& target) {
  const auto [found, is_new] = targets_.try_emplace(target.id);
  if (!is_new && !found->second.draining) return {};
  found->second = Target{};
  found->second.target = target;
  found->second.seen = {target.id, Health::kChecking, "Elb.InitialHealthChecking",
                        "Initial health checks in progress", 0};
  // The first check follows soon after registration, at a phase of its own.
  schedule_check(target.id, env_.rng.between(0s, config_.target_group.health_check.interval));
  return {};
}

Status SimBalancer::drain_target(const std::string& id) {
  const auto found = targets_.find(id);
  if (found == targets_.end()) return fail(Reason::kNotFound, "no such target: " + id);
  found->second.draining = true;
  env_.executor.post([this, id] {
    const auto target = targets_.find(id);
    if (target != targets_.end() && target->second.in_flight == 0) report(target->second);
  });
  return {};
}

Status SimBalancer::remove_target(const std::string& id) {
  targets_.erase(id);
  return {};
}

std::vector<balancer::Observation> SimBalancer::observe() {
  std::vector<balancer::Observation> out;
  for (const auto& [id, target] : targets_) {
    out.push_back(target.seen);
    out.back().in_flight = target.in_flight;
  }
  return out;
}

balancer::Counters SimBalancer::counters() {
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
  SimMachine* machine = datacenter_.by_id(id);
  if (machine == nullptr) {
    // Nothing answers at all: known only when the timeout is over.
    found->second.check_timer = env_.executor.after(rules.timeout, [this, id] {
      record_check(targets_.at(id), false, "Target.Timeout", "Request timed out");
      schedule_check(id, config_.target_group.health_check.interval -
                             config_.target_group.health_check.timeout);
    });
    return;
  }
  const network::Endpoint endpoint = rules_.choose(machine->node, found->second.target.port, env_.rng);
  const Program* program = endpoint.ip.empty() ? nullptr : datacenter_.listener(endpoint.ip);
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
  if (passed && target.passes >= needed) {
    target.seen = {target.target.id, Health::kHealthy, "", "", 0};
  } else if (!passed && target.failures >= rules.unhealthy_threshold) {
    target.seen = {target.target.id, Health::kUnhealthy, reason, description, 0};
  }
  if (target.seen.health != before) report(target);
}

void SimBalancer::report(const Target& target) {
  if (!sink_) return;
  balancer::Observation observation = target.seen;
  observation.in_flight = target.in_flight;
  sink_(observation);
}

std::string SimBalancer::choose_target() {
  std::vector<std::string> healthy, open;
  for (const auto& [id, target] : targets_) {
    if (target.draining) continue;
    open.push_back(id);
    if (target.seen.health == Health::kHealthy) healthy.push_back(id);
  }
  // Fail-open: with no healthy target, all of them are tried.
  const std::vector<std::string>& pool = healthy.empty() ? open : healthy;
  if (pool.empty()) return {};
  const auto next = std::ranges::upper_bound(pool, last_target_);
  last_target_ = next == pool.end() ? pool.front() : *next;
  return last_target_;
}

void SimBalancer::request(const Work& work) {
  ++counts_.sent;
  const std::string id = choose_target();
  if (id.empty()) return count(Outcome::kNoTarget);
  Target& target = targets_.at(id);
  SimMachine* machine = datacenter_.by_id(id);
  if (machine == nullptr) return count(Outcome::kTimeout);
  const network::Endpoint endpoint = rules_.choose(machine->node, target.target.port, env_.rng);
  if (endpoint.ip.empty()) return count(Outcome::kRefused);
  const SimPod* pod = datacenter_.pod_at(endpoint.ip);
  if (pod == nullptr) return count(Outcome::kTimeout);  // Its machine is gone: packets vanish.
  Program* program = datacenter_.listener(endpoint.ip);
  if (program == nullptr) return count(Outcome::kRefused);
  program->cpu_usage_ns += static_cast<std::uint64_t>(work.cpu.count());
  ++target.in_flight;
  auto keep = std::make_shared<env::TimerHandle>();
  *keep = env_.executor.after(
      work.time, [this, keep, flight = Flight{id, endpoint.ip, program->container.id}]() mutable {
        const auto self = std::move(keep);
        // A server that was asked to stop finishes what it has begun; one that is gone does not.
        const SimPod* there = datacenter_.pod_at(flight.pod_ip);
        bool alive = false, ended_well = false;
        if (there != nullptr) {
          for (const auto& [ref, candidate] : there->programs) {
            if (candidate.container.id != flight.container_id) continue;
            alive = candidate.running();
            ended_well = !alive && candidate.container.exit_code == 0;
          }
        }
        finish(flight, alive || ended_well ? Outcome::kOk : Outcome::kReset);
      });
}

void SimBalancer::finish(const Flight& flight, Outcome outcome) {
  count(outcome);
  end_flight(flight.target);
}

void SimBalancer::end_flight(const std::string& id) {
  const auto found = targets_.find(id);
  if (found == targets_.end() || found->second.in_flight == 0) return;
  if (--found->second.in_flight == 0 && found->second.draining) report(found->second);
}

void SimBalancer::count(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk: ++counts_.ok; return;
    case Outcome::kNoTarget: ++counts_.no_target; return;
    case Outcome::kRefused: ++counts_.refused; return;
    case Outcome::kReset: ++counts_.reset; return;
    case Outcome::kTimeout: ++counts_.timeout; return;
  }
}

}  // namespace minato::sim
