#include "sim/runtime.h"

#include <fmt/format.h>

namespace minato::sim {
namespace {

std::unexpected<Error> refused(const std::string& host, std::uint16_t port) {
  return fail(Reason::kUnavailable,
              fmt::format("dial tcp {}:{}: connect: connection refused", host, port));
}

}  // namespace

using container::ContainerRef;

SimRuntime::SimRuntime(Datacenter& datacenter, std::string node)
    : datacenter_(datacenter), node_(std::move(node)), alive_(std::make_shared<bool>(true)) {
  if (const SimMachine* machine = datacenter_.by_node(node_)) machine_id_ = machine->machine.id;
}

SimRuntime::~SimRuntime() {
  if (SimMachine* machine = datacenter_.by_id(machine_id_)) machine->sink = nullptr;
}

void SimRuntime::later(Duration delay, std::move_only_function<void(SimMachine&)> work) {
  auto keep = std::make_shared<env::TimerHandle>();
  *keep = datacenter_.env().executor.after(
      delay, [this, keep, alive = std::weak_ptr(alive_), work = std::move(work)]() mutable {
        const auto self = std::move(keep);  // The timer owns itself until it has fired.
        if (!alive.lock()) return;
        SimMachine* machine = datacenter_.by_id(machine_id_);
        if (machine != nullptr && !machine->is_hung) work(*machine);
      });
}

void SimRuntime::set_sink(Sink sink) {
  if (SimMachine* machine = datacenter_.by_id(machine_id_)) machine->sink = std::move(sink);
}

Program* SimRuntime::find(SimMachine& machine, const ContainerRef& ref) {
  const auto pod = machine.pods.find(ref.pod_uid);
  if (pod == machine.pods.end()) return nullptr;
  const auto found = pod->second.programs.find(ref);
  return found == pod->second.programs.end() ? nullptr : &found->second;
}

void SimRuntime::list(container::Done<Inventory> done) {
  later(0s, [done = std::move(done)](SimMachine& machine) mutable {
    Inventory out;
    for (const auto& [uid, pod] : machine.pods) {
      out.sandboxes.push_back(pod.sandbox);
      for (const auto& [ref, program] : pod.programs) out.containers.push_back(program.container);
    }
    done(std::move(out));
  });
}

void SimRuntime::pull_image(const std::string& reference, container::PullPolicy policy,
                            container::Done<container::Image> done) {
  const Behaviour* behaviour = datacenter_.behaviour(reference);
  SimMachine* machine = datacenter_.by_id(machine_id_);
  if (machine == nullptr) return;
  const bool present = machine->images.contains(reference);
  const bool pull = behaviour != nullptr && (!present || policy == container::PullPolicy::kAlways);
  if (pull) {
    if (const Status reached = datacenter_.registry_outage().reach(reference, datacenter_.env().clock.monotonic()); !reached) {
      return later(datacenter_.timings().network_delay, [done = std::move(done), error = reached.error()](SimMachine&) mutable {
        done(std::unexpected(std::move(error)));
      });
    }
  }
  const Duration delay = pull ? datacenter_.draw(behaviour->pull) : 1ms;
  later(delay, [this, reference, done = std::move(done)](SimMachine& here) mutable {
    if (datacenter_.behaviour(reference) == nullptr) {
      done(fail(Reason::kNotFound, fmt::format("image {} not found", reference)));
      return;
    }
    here.images.insert(reference);
    done(container::Image{.reference = reference, .digest = "sha256:" + reference, .config = {}});
  });
}

void SimRuntime::run_sandbox(container::SandboxConfig config,
                             container::Done<container::Sandbox> done) {
  const Duration delay = datacenter_.draw(datacenter_.timings().sandbox);
  later(delay, [this, config = std::move(config), done = std::move(done)](SimMachine& machine) mutable {
    const auto found = machine.pods.find(config.pod_uid);
    if (found != machine.pods.end()) return done(found->second.sandbox);
    const std::string ip =
        config.host_network ? machine.machine.private_ip : datacenter_.new_pod_address(machine);
    if (ip.empty()) return done(fail(Reason::kUnavailable, "no free address on this Node"));
    SimPod pod;
    pod.sandbox = {config.pod_uid, config.pod_namespace, config.pod_name, ip,
                   datacenter_.env().clock.wall(), config.annotations};
    datacenter_.pod_started(config.pod_uid, machine);
    const container::Sandbox sandbox = pod.sandbox;
    SimPod& kept = machine.pods.emplace(config.pod_uid, std::move(pod)).first->second;
    if (!config.host_network) datacenter_.keep_address(ip, kept);
    done(sandbox);
  });
}

void SimRuntime::remove_sandbox(const std::string& pod_uid, container::DoneStatus done) {
  later(datacenter_.draw(datacenter_.timings().sandbox),
        [this, pod_uid, done = std::move(done)](SimMachine& machine) mutable {
          const auto found = machine.pods.find(pod_uid);
          if (found != machine.pods.end()) {
            datacenter_.about_to_change();
            for (const auto& [ref, program] : found->second.programs) {
              if (program.running()) machine.cpu_requested_milli -= program.cpu_request_milli;
              if (program.running()) datacenter_.program_ended(program);
            }
            datacenter_.pod_ended(pod_uid);
            datacenter_.forget_address(found->second.sandbox.ip);
            machine.pods.erase(found);
          }
          done({});
        });
}

Result<container::Container> SimRuntime::start_program(SimMachine& machine,
                                                       const std::string& pod_uid,
                                                       const container::ContainerConfig& config) {
  const auto pod = machine.pods.find(pod_uid);
  if (pod == machine.pods.end()) return fail(Reason::kNotFound, "no sandbox for this Pod");
  const std::string image = config.image.starts_with("sha256:") ? config.image.substr(7) : config.image;
  const Behaviour* behaviour = datacenter_.behaviour(image);
  if (behaviour == nullptr) return fail(Reason::kNotFound, "no such image: " + config.image);
  const ContainerRef ref{pod_uid, config.name, config.attempt};
  Program& program = pod->second.programs[ref];
  if (program.running()) return program.container;
  datacenter_.about_to_change();
  program.machine = &machine;
  program.cpu_request_milli = config.resources.cpu_request_milli;
  program.cpu_limit_milli = config.resources.cpu_limit_milli;
  program.memory_limit_bytes = static_cast<std::uint64_t>(config.resources.memory_limit_bytes);
  machine.cpu_requested_milli += program.cpu_request_milli;
  program.behaviour = *behaviour;
  pod->second.answers_change();
  container::Container& container = program.container;
  container = {.pod_uid = pod_uid, .name = config.name, .attempt = config.attempt};
  container.id = fmt::format("sim://{}/{}/{}", pod_uid, config.name, config.attempt);
  container.image = image;
  container.image_digest = "sha256:" + image;
  container.state = container::ContainerState::kRunning;
  container.created_at = container.started_at = datacenter_.env().clock.wall();
  container.annotations = config.annotations;
  program.began = datacenter_.env().clock.monotonic();
  program.listens_from = program.began + datacenter_.draw(behaviour->listen);
  if (behaviour->exits_after > Duration{0}) {
    program.exit_timer = datacenter_.env().executor.after(
        behaviour->exits_after, [&datacenter = datacenter_, id = machine_id_, ref,
                                 code = behaviour->exit_code] { datacenter.end_program(id, ref, code, 0); });
  }
  return container;
}

void SimRuntime::start_container(const std::string& pod_uid, container::ContainerConfig config,
                                 container::Done<container::Container> done) {
  const Behaviour* behaviour = datacenter_.behaviour(
      config.image.starts_with("sha256:") ? config.image.substr(7) : config.image);
  const Duration delay = behaviour != nullptr ? datacenter_.draw(behaviour->start) : 1ms;
  later(delay, [this, pod_uid, config = std::move(config),
                done = std::move(done)](SimMachine& machine) mutable {
    done(start_program(machine, pod_uid, config));
  });
}

void SimRuntime::update_files(const std::string&, container::Mount, container::DoneStatus done) {
  later(0s, [done = std::move(done)](SimMachine&) mutable { done({}); });
}

void SimRuntime::stop_container(const ContainerRef& ref, Duration grace, container::DoneStatus done) {
  later(0s, [this, ref, grace, done = std::move(done)](SimMachine& machine) mutable {
    Program* program = find(machine, ref);
    if (program != nullptr && program->running()) {
      const Duration stop = datacenter_.draw(program->behaviour.stop);
      const bool in_time = stop < grace;
      // Lives with the program, not with this view: SIGTERM has been sent whatever becomes of us.
      program->kill_timer = datacenter_.env().executor.after(
          in_time ? stop : grace, [&datacenter = datacenter_, id = machine_id_, ref, in_time] {
            datacenter.end_program(id, ref, 0, in_time ? 0 : 9);
          });
    }
    done({});
  });
}

void SimRuntime::remove_container(const ContainerRef& ref, container::DoneStatus done) {
  later(0s, [this, ref, done = std::move(done)](SimMachine& machine) mutable {
    const auto pod = machine.pods.find(ref.pod_uid);
    if (pod == machine.pods.end()) return done({});
    const auto found = pod->second.programs.find(ref);
    if (found != pod->second.programs.end()) {
      datacenter_.about_to_change();
      if (found->second.running()) machine.cpu_requested_milli -= found->second.cpu_request_milli;
      pod->second.programs.erase(found);
    }
    done({});
  });
}

void SimRuntime::exec(const ContainerRef& ref, std::vector<std::string>, Duration,
                      container::Done<container::ExecResult> done) {
  later(1ms, [this, ref, done = std::move(done)](SimMachine& machine) mutable {
    const Program* program = find(machine, ref);
    if (program == nullptr || !program->running()) {
      return done(fail(Reason::kNotFound, "container is not running"));
    }
    done(container::ExecResult{.exit_code = program->behaviour.ready ? 0 : 1, .output = {}});
  });
}

void SimRuntime::ask(const std::string& host, std::uint16_t port, Duration timeout,
                     container::Done<bool> done) {
  Duration wait = datacenter_.queueing_delay(host);
  if (const Program* program = datacenter_.listener(host);
      program != nullptr && program->behaviour.answer.high > Duration{0}) {
    wait += datacenter_.draw(program->behaviour.answer);
  }
  if (wait > timeout) {
    later(timeout, [done = std::move(done)](SimMachine&) mutable {
      done(fail(Reason::kTimeout, "context deadline exceeded"));
    });
    return;
  }
  later(datacenter_.timings().network_delay + wait,
        [this, host, port, done = std::move(done)](SimMachine&) mutable {
          const Program* program = datacenter_.listener(host);
          if (program != nullptr) return done(program->behaviour.ready);
          done(refused(host, port));
        });
}

void SimRuntime::http_get(container::HttpRequest request, Duration timeout,
                          container::Done<container::HttpResponse> done) {
  const std::string url = fmt::format("http://{}:{}{}", request.host, request.port, request.path);
  ask(request.host, request.port, timeout,
      [url, done = std::move(done)](Result<bool> ready) mutable {
        if (ready) return done(container::HttpResponse{.status = *ready ? 200 : 503, .body = {}});
        if (is(ready.error(), Reason::kTimeout)) {
          ready.error().message = fmt::format("Get \"{}\": {}", url, ready.error().message);
        }
        done(std::unexpected(std::move(ready).error()));
      });
}

void SimRuntime::check_health(container::HealthCheck request, Duration timeout,
                              container::Done<container::HealthAnswer> done) {
  ask(request.host, request.port, timeout, [done = std::move(done)](Result<bool> ready) mutable {
    container::HealthAnswer answer;
    if (ready) {
      answer.serving_status =
          *ready ? container::HealthAnswer::kServing : container::HealthAnswer::kNotServing;
    } else if (is(ready.error(), Reason::kTimeout)) {
      answer.code = container::HealthAnswer::kDeadlineExceeded;  // Connected, but waiting.
    } else {
      return done(std::unexpected(std::move(ready).error()));
    }
    done(std::move(answer));
  });
}

void SimRuntime::tcp_connect(const std::string& host, std::uint16_t port, Duration,
                             container::DoneStatus done) {
  later(datacenter_.timings().network_delay,
        [this, host, port, done = std::move(done)](SimMachine&) mutable {
          if (datacenter_.listener(host) == nullptr) return done(refused(host, port));
          done({});
        });
}

bool SimRuntime::will_tell_change(const std::string& pod_uid, std::function<void()> changed) {
  SimMachine* machine = datacenter_.by_id(machine_id_);
  if (machine == nullptr) return false;
  const auto pod = machine->pods.find(pod_uid);
  if (pod == machine->pods.end() || !datacenter_.answers_steadily(pod->second)) return false;
  pod->second.watchers.push_back(std::move(changed));
  return true;
}

void SimRuntime::stats(container::Done<container::NodeStats> done) {
  later(0s, [this, done = std::move(done)](SimMachine& machine) mutable {
    container::NodeStats out;
    out.at = datacenter_.env().clock.wall();
    const MonoTime now = datacenter_.env().clock.monotonic();
    for (const auto& [uid, pod] : machine.pods) {
      for (const auto& [ref, program] : pod.programs) {
        if (!program.running()) continue;
        const auto cpu_usage_ns = static_cast<std::uint64_t>(program.cpu_usage_ns(now));
        out.containers.push_back({.ref = ref,
                                  .cpu_usage_ns = cpu_usage_ns,
                                  .memory_working_set_bytes = program.behaviour.memory_bytes,
                                  .memory_usage_bytes = program.behaviour.memory_bytes});
        out.cpu_usage_ns += cpu_usage_ns;
        out.memory_working_set_bytes += program.behaviour.memory_bytes;
      }
    }
    done(std::move(out));
  });
}

std::unique_ptr<container::Runtime::LogStream> SimRuntime::read_log(
    const ContainerRef&, container::LogOptions, std::function<void(std::string_view)>,
    container::DoneStatus done) {
  later(0s, [done = std::move(done)](SimMachine&) mutable { done({}); });
  return std::make_unique<LogStream>();
}

}  // namespace minato::sim
