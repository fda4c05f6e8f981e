#include "sim/drill_world.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "blueprint/system.h"
#include "cluster/view.h"
#include "drill/scale_out.h"
#include "kube/names.h"
#include "kube/types/apps.h"

namespace minato::sim {
namespace {

using drill::Verb;

constexpr const char* kGoodImage = "v1";
constexpr const char* kNextImage = "v2";
constexpr const char* kNeverReadyImage = "drill-never-ready";
constexpr const char* kMissingImage = "drill-missing";
constexpr Duration kControlAway = 400ms;
constexpr Duration kWatch = 100ms;
constexpr Duration kStep = 50ms;
constexpr Duration kLeastSandbox = 5ms;
constexpr Duration kLongest = 4h;
constexpr std::string_view kBurnPath = "burn?ms=";  // Of the example: so much work on the CPU.

Spread around(Duration middle) { return {middle * 8 / 10, middle * 12 / 10}; }

bool is_modelled(const drill::Action& action) {
  return action.verb != Verb::kRotateSecret && action.verb != Verb::kRenewCertificate;
}

}  // namespace

DrillWorld::DrillWorld(SimWorld& world) : world_(world) {}
DrillWorld::~DrillWorld() { observer_.reset(); }

env::Env DrillWorld::env(std::string_view name) {
  return env::Env{world_.time(), world_.time(), log_, env::Rng(1).fork(name)};
}

void DrillWorld::observe(Sink sink) {
  sink_ = std::move(sink);
  begin_observing();
}

void DrillWorld::begin_observing() {
  memory_.begin();
  observer_ = std::make_unique<drill::Observer>(
      env("observer"), world_.cluster(),
      drill::Observer::Options{.service = world_.options().spec.service, .interval = kStep},
      [this](const drill::Observation& seen) { tell(seen); });
  whole_timer_ = world_.time().after(1ms, [this] {
    for (const drill::Observation& each : memory_.missing(world_.time().monotonic())) tell(each);
    tell_control("up");
  });
}

void DrillWorld::tell(const drill::Observation& seen) {
  if (memory_.take(seen)) sink_(seen);
}

void DrillWorld::tell_control(const char* state) {
  drill::Observation seen;
  seen.at = world_.time().monotonic();
  seen.subject = drill::Subject::kControl;
  seen.name = "control";
  seen.state = state;
  tell(seen);
}

void DrillWorld::act(const drill::Act& act, Done done) {
  world_.time().post([done = std::move(done), status = perform(act)]() mutable { done(status); });
}

Status DrillWorld::perform(const drill::Act& act) {
  if (act.verb == Verb::kKillControl) {
    restart_control();
    return {};
  }
  cloudmodel::Cloud& cloud = world_.cluster().cloud();
  const std::string& service = world_.options().spec.service;
  switch (act.verb) {
    case Verb::kKillProcess:
    case Verb::kExhaustMemory: return end_processes(act.target);
    case Verb::kKillRole: return end_role(act.target);
    case Verb::kFailReadiness: return fail_readiness(act.target);
    case Verb::kDeletePod: return world_.cluster().client().remove(kube::Pod::static_kind(), {service, act.target});
    case Verb::kBadImage: return bad_release(kMissingImage);
    case Verb::kNeverReady: return bad_release(kNeverReadyImage);
    case Verb::kRollBack: return world_.rollback();
    case Verb::kUndrainNode: return world_.cluster().remover().cancel(act.target);
    case Verb::kDrainNode: {
      removal::Request wanted;
      wanted.node = act.target;
      wanted.cause = removal::Cause::kDrain;
      wanted.after = removal::After::kKeep;
      return world_.cluster().remover().begin(wanted);
    }
    case Verb::kKillNode: {
      for (const cloud::Instance& instance : cloud.describe_auto_scaling_instances()) {
        if (instance.hostname == act.target) return cloud.kill_instance(instance.id);
      }
      return fail(Reason::kNotFound, "no instance is behind " + act.target);
    }
    case Verb::kInterrupt: return cloud.interrupt(act.target, {});
    case Verb::kFailZone: cloud.fail_zone(act.target); return {};
    case Verb::kRestoreZone: cloud.restore_zone(act.target); return {};
    case Verb::kCutRegistry:
      world_.datacenter().registry_outage().begin(bounds::registry_fault(world_.options().profile));
      return {};
    case Verb::kRestoreRegistry: world_.datacenter().registry_outage().end(); return {};
    case Verb::kScaleOut: return drill::scale_out(world_.cluster(), service);
    case Verb::kScaleIn: return world_.deploy(world_.options().spec.image);
    default: return fail(Reason::kInvalid, fmt::format("'{}' is not modelled", drill::to_string(act.verb)));
  }
}

// Of the Pod that observations call so: of the service by its name, of a role "namespace/name".
Status DrillWorld::end_processes(const std::string& pod) {
  const std::string name = pod.substr(pod.find('/') + 1);
  std::vector<std::pair<std::string, container::ContainerRef>> running;
  for (const auto& [id, machine] : world_.datacenter().machines()) {
    for (const auto& [uid, there] : machine.pods) {
      if (there.sandbox.pod_name != name) continue;
      for (const auto& [ref, program] : there.programs) {
        if (program.running()) running.emplace_back(id, ref);
      }
    }
  }
  if (running.empty()) return fail(Reason::kNotFound, fmt::format("no process of {} runs", pod));
  for (const auto& [id, ref] : running) world_.datacenter().end_program(id, ref, 0, 9);
  return {};
}

Status DrillWorld::end_role(const std::string& role) {
  Status out = fail(Reason::kNotFound, fmt::format("no Pod of the role '{}' runs", role));
  for (const auto& pod : world_.cluster().informers().of<kube::Pod>().in_namespace(std::string(kube::kNamespaceSystem))) {
    const auto label = pod->metadata.labels.find(std::string(blueprint::kLabelRole));
    if (label == pod->metadata.labels.end() || label->second != role) continue;
    if (end_processes(pod->metadata.name)) out = {};
  }
  return out;
}

Status DrillWorld::fail_readiness(const std::string& pod) {
  if (!world_.datacenter().set_pod_ready(pod, false)) return fail(Reason::kNotFound, fmt::format("pods \"{}\" not found", pod));
  readiness_timer_ = world_.time().after(drill::kReadinessFault, [this, pod] { world_.datacenter().set_pod_ready(pod, true); });
  return {};
}

Status DrillWorld::bad_release(const std::string& image) {
  RETURN_IF_ERROR(world_.deploy(image));
  watch_release();
  return {};
}

// As `minato deploy` does: turns back when the release has failed.
void DrillWorld::watch_release() {
  release_timer_ = world_.time().after(kWatch, [this] {
    const std::string& service = world_.options().spec.service;
    const auto deployment = world_.cluster().informers().of<kube::Deployment>().get({service, service});
    if (deployment && cluster::rollout_of(*deployment).failed) {
      (void)world_.rollback();
      return;
    }
    watch_release();
  });
}

void DrillWorld::restart_control() {
  // In a turn of its own: whoever asks may be called by what goes away.
  control_timer_ = world_.time().after(0s, [this] {
    observer_.reset();
    world_.stop_control();
    tell_control("down");
    control_timer_ = world_.time().after(kControlAway, [this] {
      if (world_.start_control()) begin_observing();
    });
  });
}

Status DrillWorld::set_load(double requests_per_second, const std::string& path) {
  const std::size_t burn = path.find(kBurnPath);
  Duration cpu{};
  if (burn != std::string::npos) cpu = std::chrono::milliseconds(parse_int(path.substr(burn + kBurnPath.size())).value_or(1));
  world_.set_work(cpu > Duration{} ? SimBalancer::Work{.time = cpu + 2ms, .cpu = cpu} : world_.options().work);
  world_.set_rate(requests_per_second);
  if (timeline_.begun() == MonoTime{}) {
    const Duration slow_after = world_.options().spec.slo.p99;
    world_.set_slow_after(slow_after);
    timeline_.begin(world_.time().monotonic(), slow_after);
    counted_ = world_.requests();
    count();
  }
  return {};
}

void DrillWorld::stop_load() {
  world_.set_rate(0);
  count_timer_.cancel();
}

// The model counts in sum: what has ended since the last look counts in this slice.
void DrillWorld::count() {
  count_timer_ = world_.time().after(drill::Timeline::kSlice, [this] {
    const RequestCounts now = world_.requests();
    const MonoTime at = world_.time().monotonic() - drill::Timeline::kSlice / 2;
    const auto since = [](std::uint64_t later, std::uint64_t earlier) { return static_cast<std::uint32_t>(later - earlier); };
    const std::uint32_t ok = since(now.ok, counted_.ok);
    const std::uint32_t slow = since(now.slow, counted_.slow);
    timeline_.ok(at, world_.options().work.time, ok - slow);
    if (slow > 0) timeline_.ok(at, world_.options().spec.slo.p99 + 1ms, slow);
    const std::pair<drill::Cause, std::uint32_t> failed[] = {
        {drill::Cause::kBalancer5xx, since(now.no_target + now.refused + now.overloaded,
                                           counted_.no_target + counted_.refused + counted_.overloaded)},
        {drill::Cause::kReset, since(now.reset, counted_.reset)},
        {drill::Cause::kTimeout, since(now.timeout, counted_.timeout)}};
    std::uint32_t sent = ok;
    for (const auto& [cause, count] : failed) {
      timeline_.failed(at, cause, count);
      sent += count;
    }
    timeline_.sent(at, sent);
    counted_ = now;
    count();
  });
}

drill::Latency DrillWorld::latency() const {
  return {.p50 = world_.latency(50), .p99 = world_.latency(99), .maximum = world_.latency(100), .generator_late = {}};
}

drill::Outcome run_drill(const DrillSetup& setup, const drill::Drill& drill, std::uint64_t seed) {
  drill::Outcome out;
  out.drill = drill;
  out.was_refused = true;
  if (!std::ranges::all_of(drill.inject, is_modelled)) return out;
  SimOptions options;
  options.seed = seed;
  options.spec = setup.spec;
  options.spec.image = kGoodImage;
  options.profile = setup.profile;
  options.catalogue = setup.catalogue;
  options.roles = cluster::Roles::Presence::kByPods;
  options.timings.boot = around(setup.calibration.boot);
  // What a new Pod needs more than a container that is made again.
  options.timings.sandbox = around(std::max<Duration>(setup.calibration.start - setup.calibration.restart, kLeastSandbox));
  options.work = {.time = 5ms, .cpu = 200us};
  SimWorld world(std::move(options));
  Behaviour good;
  good.pull = {1ms, 5ms};
  good.start = around(setup.calibration.restart);
  good.listen = {10ms, 60ms};
  world.datacenter().set_behaviour(kGoodImage, good);
  const Behaviour next = good;
  good.ready = false;
  world.datacenter().set_behaviour(kNeverReadyImage, good);
  out.status = world.start();
  if (!out.status) return out;
  if (!world.run_until_converged(1h)) {
    out.status = fail(Reason::kTimeout, "the simulated world did not come to rest before the drill");
    return out;
  }
  // Once deployed since its Nodes are there: when a service starts on an empty cluster, its Pods
  // crowd on the Node that is ready first.
  world.datacenter().set_behaviour(kNextImage, next);
  if (out.status = world.deploy(kNextImage); !out.status) return out;
  if (!world.run_until_converged(1h)) {
    out.status = fail(Reason::kTimeout, "the simulated world did not come to rest after a deploy");
    return out;
  }
  // Clocks of probes and health checks are at any phase when the failure comes.
  world.run_for(env::Rng(seed).fork("phase").between(1s, 11s));
  DrillWorld target(world);
  bool done = false;
  env::NullLog log;
  drill::Runner runner(env::Env{world.time(), world.time(), log, env::Rng(seed)}, target, setup.options);
  runner.run(drill, [&](drill::Outcome outcome) {
    out = std::move(outcome);
    done = true;
  });
  const MonoTime until = world.time().monotonic() + kLongest;
  while (!done && world.violations().empty() && world.time().monotonic() < until) world.run_for(kStep);
  if (!world.violations().empty()) {
    out.was_refused = false;
    out.status = fail(Reason::kInternalError, world.violations().front());
  }
  return out;
}

}  // namespace minato::sim
