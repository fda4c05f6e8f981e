// Serving at a steady rate: while nothing changes, every request ends well, and all that is to be
// known of them is how many there are and how much CPU each Pod uses for its part.
#include <algorithm>

#include "sim/balancer.h"

namespace minato::sim {

using balancer::Health;

// Who serves which share. False: some request might not end well.
bool SimBalancer::collect_steady() {
  refresh_pool();
  if (pool_.empty() || is_fail_open_ || datacenter_.any_zone_is_slow()) return false;
  // Targets that share a list of endpoints send the same share to the same Pods.
  std::map<const network::Endpoint*, std::size_t> targets;
  std::vector<const network::Endpoints*> lists;  // In order of targets, not of addresses.
  for (const Target* target : pool_) {
    const SimMachine* machine = datacenter_.by_id(target->target.id);
    if (machine == nullptr || machine->is_hung) return false;
    const network::Endpoints* endpoints = rules_.endpoints(machine->node, target->target.port);
    if (endpoints == nullptr || endpoints->empty()) return false;
    if (targets[endpoints->begin()]++ == 0) lists.push_back(endpoints);
  }
  const MonoTime now = env_.clock.monotonic();
  steady_.clear();
  for (const network::Endpoints* endpoints : lists) {
    const double share = static_cast<double>(targets.at(endpoints->begin())) / static_cast<double>(pool_.size() * endpoints->size());
    for (const network::Endpoint& endpoint : *endpoints) {
      Program* program = datacenter_.listener(endpoint.ip);
      if (program == nullptr || program->busy_until > now + kSteadyWait) return false;
      program->share_milli = Datacenter::cpu_share_milli(*program->machine, *program);
      steady_.push_back({program, share});
    }
  }
  for (const auto& [id, target] : targets_) {
    if (target.draining && target.in_flight > 0) return false;
  }
  return true;
}

bool SimBalancer::begin_steady(const Work& work, double rps) {
  settle();
  if (collect_steady() && change_steady(work, rps)) return true;
  steady_.clear();
  return false;
}

bool SimBalancer::change_steady(const Work& work, double rps) {
  const double cpu = static_cast<double>(work.cpu.count());
  for (const SteadyProgram& entry : steady_) {
    const double ns = rps * entry.share * cpu;  // Of CPU per second.
    if (ns > kSteadyUtilization * static_cast<double>(entry.program->share_milli) * 1e6) return false;
  }
  const MonoTime now = env_.clock.monotonic();
  for (const SteadyProgram& entry : steady_) entry.program->settle_work(now);
  for (const SteadyProgram& entry : steady_) {
    entry.program->work_ns_per_second += rps * entry.share * cpu;
    entry.program->steady_since = now;
  }
  return true;
}

void SimBalancer::end_steady() {
  const MonoTime now = env_.clock.monotonic();
  for (const SteadyProgram& entry : steady_) entry.program->settle_work(now);
  steady_.clear();
}

void SimBalancer::hand_over(const Work& work, std::uint64_t requests) {
  settle();
  counts_.sent -= requests;  // Counted again as they take off.
  const std::uint64_t weight = std::max<std::uint64_t>(1, (requests + kMaximumHandedOver - 1) / kMaximumHandedOver);
  for (std::uint64_t done = 0; done < requests; done += weight) {
    const std::uint64_t some = std::min(weight, requests - done);
    const double left = static_cast<double>(done + some) / static_cast<double>(requests);
    send({.time = work.time, .cpu = {}}, some, Duration{static_cast<std::int64_t>(left * static_cast<double>(work.time.count()))});
  }
}

void SimBalancer::count_served(std::uint64_t requests, Duration time) {
  counts_.ok += requests;
  count_latency(time, requests);
}

}  // namespace minato::sim
