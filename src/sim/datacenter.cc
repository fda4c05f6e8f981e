#include "sim/datacenter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace minato::sim {
namespace {

constexpr int kPodsPerMachine = 250;  // One /24 each.

}  // namespace

std::int64_t Program::cpu_usage_ns(MonoTime now) const {
  std::int64_t out = work_ns + (std::min(now, listens_from) - began).count() * behaviour.start_cpu_milli / 1000;
  if (work_ns_per_second > 0) {
    out += static_cast<std::int64_t>(work_ns_per_second * static_cast<double>((now - steady_since).count()) / 1e9);
  }
  if (busy_until > now) out -= (busy_until - now).count() * share_milli / 1000;
  return std::max<std::int64_t>(out, 0);
}

void Program::settle_work(MonoTime now) {
  if (work_ns_per_second > 0) {
    work_ns += static_cast<std::int64_t>(work_ns_per_second * static_cast<double>((now - steady_since).count()) / 1e9);
  }
  work_ns_per_second = 0;
}

void SimPod::answers_change() {
  for (const auto& watcher : std::exchange(watchers, {})) watcher();
}

std::int64_t Datacenter::cpu_share_milli(const SimMachine& machine, const Program& program) {
  // No machine of the catalogue: as much as anybody may want.
  std::int64_t share = machine.cpu_milli == 0 ? 1'000'000 : machine.cpu_milli;
  if (machine.cpu_requested_milli > 0 && program.cpu_request_milli > 0) {
    share = share * program.cpu_request_milli / machine.cpu_requested_milli;
  }
  if (program.cpu_limit_milli > 0) share = std::min(share, program.cpu_limit_milli);
  return std::max<std::int64_t>(share, 1);
}

void Datacenter::set_ready(const std::string& image, bool ready) {
  about_to_change();
  behaviours_[image].ready = ready;
  for (auto& [id, machine] : machines_) {
    for (auto& [uid, pod] : machine.pods) {
      for (auto& [ref, program] : pod.programs) {
        if (program.container.image == image) program.behaviour.ready = ready;
      }
      pod.answers_change();
    }
  }
}

bool Datacenter::set_pod_ready(const std::string& pod_name, bool ready) {
  about_to_change();
  bool found = false;
  for (auto& [id, machine] : machines_) {
    for (auto& [uid, pod] : machine.pods) {
      if (pod.sandbox.pod_name != pod_name) continue;
      found = true;
      for (auto& [ref, program] : pod.programs) program.behaviour.ready = ready;
      pod.answers_change();
    }
  }
  return found;
}

const Behaviour* Datacenter::behaviour(const std::string& image) const {
  const auto found = behaviours_.find(image);
  return found == behaviours_.end() ? nullptr : &found->second;
}

SimMachine& Datacenter::add_machine(const instance::Spec& spec, const std::string& region) {
  SimMachine machine;
  machine.index = next_index_++;
  const int high = machine.index / 256, low = machine.index % 256;
  machine.machine.id = spec.id;
  machine.machine.zone = spec.zone;
  machine.cpu_milli = spec.vcpus * 1000;
  machine.machine.private_ip = fmt::format("10.0.{}.{}", high, low);
  machine.machine.hostname = fmt::format("ip-10-0-{}-{}.{}.compute.internal", high, low, region);
  machine.node = machine.machine.hostname;
  nodes_[machine.node] = spec.id;
  return machines_.emplace(spec.id, std::move(machine)).first->second;
}

void Datacenter::remove_machine(const std::string& id) {
  const auto found = machines_.find(id);
  if (found == machines_.end()) return;
  about_to_change();
  for (const auto& [uid, pod] : found->second.pods) {
    for (const auto& [ref, program] : pod.programs) {
      if (program.running()) program_ended(program);
    }
  }
  for (const auto& [uid, pod] : found->second.pods) {
    addresses_.erase(pod.sandbox.ip);
    pod_ended(uid);
  }
  nodes_.erase(found->second.node);
  machines_.erase(found);
}

void Datacenter::pod_started(const std::string& uid, const SimMachine& machine) {
  pods_[uid] = machine.machine.id;
  started_.emplace_back(uid, machine.node);
}

SimMachine* Datacenter::by_id(const std::string& id) {
  const auto found = machines_.find(id);
  return found == machines_.end() ? nullptr : &found->second;
}

SimMachine* Datacenter::by_node(const std::string& node) {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : by_id(found->second);
}

std::string Datacenter::new_pod_address(SimMachine& machine) {
  for (int tries = 0; tries < kPodsPerMachine; ++tries) {
    const std::string ip = fmt::format("10.{}.{}.{}", 1 + machine.index / 256, machine.index % 256,
                                       machine.next_address);
    machine.next_address = machine.next_address % kPodsPerMachine + 1;
    if (!addresses_.contains(ip)) return ip;
  }
  return {};
}

SimPod* Datacenter::pod_at(const std::string& ip) {
  const auto found = addresses_.find(ip);
  return found == addresses_.end() ? nullptr : found->second;
}

Program* Datacenter::listener(const std::string& ip) {
  SimPod* pod = pod_at(ip);
  if (pod == nullptr) return nullptr;
  for (auto& [ref, program] : pod->programs) {
    if (program.running() && program.listens_from <= env_.clock.monotonic()) return &program;
  }
  return nullptr;
}

Duration Datacenter::queueing_delay(const std::string& ip) {
  const Program* program = listener(ip);
  return program == nullptr ? Duration{} : std::max(program->busy_until - env_.clock.monotonic(), Duration{});
}

bool Datacenter::answers_steadily(const SimPod& pod) const {
  const MonoTime now = env_.clock.monotonic();
  return std::ranges::all_of(pod.programs, [&](const auto& each) {
    const Program& program = each.second;
    return !program.running() || (program.listens_from <= now && program.busy_until <= now + kPrompt &&
                                  program.behaviour.answer.high == Duration{0});
  });
}

void Datacenter::answers_change(const Program& program) {
  const auto machine = pods_.find(program.container.pod_uid);
  if (machine == pods_.end()) return;
  auto& pods = machines_.at(machine->second).pods;
  if (const auto pod = pods.find(program.container.pod_uid); pod != pods.end()) pod->second.answers_change();
}

void Datacenter::set_zone_delay(const std::string& zone, Duration delay) {
  about_to_change();
  if (delay > Duration{0}) {
    zone_delays_[zone] = delay;
  } else {
    zone_delays_.erase(zone);
  }
}

Duration Datacenter::zone_delay(const std::string& zone) const {
  const auto found = zone_delays_.find(zone);
  return found == zone_delays_.end() ? Duration{0} : found->second;
}

void Datacenter::end_program(const std::string& machine_id, const container::ContainerRef& ref,
                             int code, int signal, const std::string& reason) {
  SimMachine* machine = by_id(machine_id);
  if (machine == nullptr) return;
  const auto pod = machine->pods.find(ref.pod_uid);
  if (pod == machine->pods.end()) return;
  const auto found = pod->second.programs.find(ref);
  if (found == pod->second.programs.end() || !found->second.running()) return;
  Program& program = found->second;
  about_to_change();
  machine->cpu_requested_milli -= program.cpu_request_milli;
  program.exit_timer.cancel();
  program.kill_timer.cancel();
  program.container.state = container::ContainerState::kExited;
  program.container.finished_at = env_.clock.wall();
  program.container.exit_code = signal != 0 ? 128 + signal : code;
  program.container.signal = signal;
  program.container.reason = !reason.empty()                     ? reason
                             : program.container.exit_code == 0 ? "Completed"
                                                                : "Error";
  program_ended(program);
  pod->second.answers_change();
  if (machine->sink) {
    // Reported in a turn of its own: the seam promises no callback from inside a call.
    env_.executor.post([this, machine_id, container = program.container] {
      SimMachine* alive = by_id(machine_id);
      if (alive != nullptr && alive->sink) alive->sink(container);
    });
  }
}

std::vector<instance::Machine> SimInstances::list() {
  std::vector<instance::Machine> out;
  for (const auto& [id, machine] : datacenter_.machines()) out.push_back(machine.machine);
  return out;
}

void SimInstances::boot(const instance::Spec& spec,
                        std::move_only_function<void(Result<instance::Machine>)> done) {
  const Duration delay = datacenter_.draw(datacenter_.timings().boot);
  boots_[spec.id] = datacenter_.env().executor.after(
      delay, [this, spec, done = std::move(done)]() mutable {
        const env::TimerHandle keep = std::move(boots_[spec.id]);
        boots_.erase(spec.id);
        if (full_zones_.contains(spec.zone)) {
          done(fail(Reason::kUnavailable,
                    fmt::format("InsufficientInstanceCapacity: no {} capacity in {}", spec.type,
                                spec.zone)));
          return;
        }
        if (full_subnets_.contains(spec.zone)) {
          done(fail(Reason::kUnavailable,
                    fmt::format("InsufficientFreeAddressesInSubnet: the subnet of {} has no free "
                                "addresses", spec.zone)));
          return;
        }
        SimMachine& machine = datacenter_.add_machine(spec, region_);
        if (hang_ > 0) {
          --hang_;
          machine.is_hung = true;
        }
        done(machine.machine);
      });
}

void SimInstances::terminate(const std::string& id, instance::Loss,
                             std::move_only_function<void(Status)> done) {
  boots_.erase(id);
  remove(id);
  datacenter_.env().executor.post([done = std::move(done)]() mutable { done({}); });
}

void SimInstances::remove(const std::string& id) {
  if (const SimMachine* machine = datacenter_.by_id(id); machine != nullptr && on_loss_) on_loss_(*machine);
  datacenter_.remove_machine(id);
}

void SimInstances::fail_machine(const std::string& id) {
  remove(id);
  datacenter_.env().executor.post([this, id] {
    if (sink_) sink_(id);
  });
}

void SimInstances::set_capacity(const std::string& zone, bool available) {
  if (available) {
    full_zones_.erase(zone);
  } else {
    full_zones_.insert(zone);
  }
}

void SimInstances::set_addresses(const std::string& zone, bool available) {
  if (available) {
    full_subnets_.erase(zone);
  } else {
    full_subnets_.insert(zone);
  }
}

}  // namespace minato::sim
