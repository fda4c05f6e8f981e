#include "sim/sim_world.h"

#include <fmt/format.h>

#include "blueprint/system.h"
#include "cluster/view.h"
#include "controllers/deployment/rollback.h"
#include "kube/display.h"
#include "kube/names.h"
#include "sim/runtime.h"

namespace minato::sim {
namespace {

constexpr const char* kSystemImage = "minato";
constexpr Duration kLookInterval = 100ms;  // Between looks whether all is at rest.

Invariants::Options limits(const cluster::Profile& profile) {
  // Twice as long as the slowest way to help: a launch that is given up, its back-off, another one.
  return {.agent_poll = profile.agent_poll,
          .downscale_stabilization = profile.hpa_downscale_stabilization,
          .help_within = 2 * (profile.autoscaler_provision + profile.autoscaler_backoff)};
}

}  // namespace

SimWorld::SimWorld(SimOptions options)
    : options_(std::move(options)),
      env_{time_, time_, options_.log != nullptr ? *options_.log : null_log_, env::Rng(options_.seed)},
      datacenter_(env_.fork("datacenter"), options_.timings),
      instances_(datacenter_, options_.spec.region),
      rules_(datacenter_),
      balancer_(env_.fork("balancer"), datacenter_, rules_),
      traffic_(env_.fork("traffic"), datacenter_, balancer_, options_.work),
      trace_(time_, store_),
      story_(time_, store_),
      invariants_(time_, store_, datacenter_, limits(options_.profile)) {
  instances_.on_loss([this](const SimMachine& machine) {
    balancer_.machine_lost(machine.machine.id);
    rules_.forget(machine.node);
  });
  const blueprint::Blueprint blueprint = blueprint::compile(options_.spec, {});
  balancer::Config config;
  config.target_group = blueprint.target_group;
  config.listener.idle_timeout = blueprint.idle_timeout;
  config.target_group.health_check = cluster::at_pace(config.target_group.health_check, options_.profile);
  (void)balancer_.configure(config);
  datacenter_.set_behaviour(kSystemImage, {});
}

SimWorld::~SimWorld() { cluster_.reset(); }

Status SimWorld::start() {
  RETURN_IF_ERROR(start_control());
  RETURN_IF_ERROR(cluster_->apply(compile()));
  set_rate(options_.requests_per_second);
  return {};
}

blueprint::Blueprint SimWorld::compile() const {
  blueprint::Blueprint out = blueprint::compile(options_.spec, {}, {.image = kSystemImage, .args = {}});
  if (options_.roles == cluster::Roles::Presence::kAssumed) return out;
  const auto system = blueprint::system_objects(
      {.image = kSystemImage, .hosts_directory = "/run/minato/hosts", .agent_directory = "/run/minato/agent"});
  out.objects.insert(out.objects.begin(), system.begin(), system.end());
  return out;
}

Status SimWorld::start_control() {
  const blueprint::Blueprint blueprint = blueprint::compile(options_.spec, {});
  cluster::Options options;
  options.profile = options_.profile;
  options.region = options_.spec.region;
  options.groups = blueprint.groups;
  options.deregistration_delay = blueprint.target_group.deregistration_delay;
  options.roles = options_.roles;
  options.events = options_.events;
  options.catalogue = options_.catalogue;
  cluster::Seams seams{instances_, balancer_, rules_, dns_, [this](const cloud::Instance& instance) {
                         return std::make_unique<SimRuntime>(datacenter_, instance.hostname);
                       }};
  // A new process draws new numbers, or it would give out the names of its predecessor again.
  env::Env env = env_.fork(fmt::format("control-{}", ++lives_));
  ASSIGN_OR_RETURN(cluster_, cluster::Cluster::make(std::move(env), store_, std::move(seams), std::move(options)));
  return cluster_->start();
}

void SimWorld::stop_control() { cluster_.reset(); }

void SimWorld::kill_control() {
  stop_control();
  if (const Status status = start_control(); !status) violations_.push_back("control did not come back: " + status.error().message);
}

void SimWorld::set_rate(double requests_per_second) {
  traffic_.follow(LoadCurve::constant(requests_per_second));
}

void SimWorld::check() {
  std::string broken = invariants_.check(balancer_.counts(), cluster_.get());
  if (broken.empty()) broken = trace_.violation();
  if (!broken.empty()) {
    violations_.push_back(fmt::format("{} (seed {}, at {})", broken, options_.seed,
                                      format_duration(time_.monotonic().time_since_epoch())));
  }
}

bool SimWorld::step(MonoTime until) {
  if (!violations_.empty() || !time_.step(until)) return false;
  check();
  return true;
}

void SimWorld::audit() {
  if (!violations_.empty() || cluster_ == nullptr) return;
  if (const std::string broken = cluster_->scheduler().audit(); !broken.empty()) {
    violations_.push_back(fmt::format("scheduler: {} (seed {})", broken, options_.seed));
  }
}

void SimWorld::run_for(Duration duration) {
  const MonoTime until = time_.monotonic() + duration;
  while (step(until)) continue;
  audit();
  if (violations_.empty()) time_.advance(until - time_.monotonic());
}

bool SimWorld::converged() const {
  if (cluster_ == nullptr) return false;
  const std::string& service = options_.spec.service;
  const auto deployment = cluster_->informers().of<kube::Deployment>().get({service, service});
  if (!deployment || !cluster::rollout_of(*deployment).done) return false;
  const auto instances = cluster_->cloud().describe_auto_scaling_instances();
  for (const cloud::AutoScalingGroup& group : cluster_->cloud().describe_auto_scaling_groups()) {
    std::int32_t in_service = 0;
    for (const cloud::Instance& instance : instances) {
      if (instance.group != group.name) continue;
      // The machine itself: its group learns of a death only at its next health check.
      const bool runs = cluster_->cloud().exists(instance.provider_id());
      if (instance.state != cloud::LifecycleState::kInService || !runs) return false;
      ++in_service;
    }
    if (in_service != group.desired_capacity) return false;
  }
  for (const cloud::TargetHealth& target : cluster_->cloud().describe_target_health()) {
    if (target.state != cloud::TargetState::kHealthy) return false;
  }
  for (const auto& [key, node] : cluster_->informers().of<kube::Node>().all()) {
    if (kube::display_status(*node) != "Ready") return false;
  }
  return true;
}

bool SimWorld::run_until_converged(Duration limit) {
  const MonoTime until = time_.monotonic() + limit;
  while (time_.monotonic() < until && violations_.empty()) {
    if (converged()) break;
    const MonoTime look = std::min(until, time_.monotonic() + kLookInterval);
    while (step(look)) continue;
    if (violations_.empty()) time_.advance(look - time_.monotonic());
  }
  audit();
  return converged();
}

Status SimWorld::deploy(const std::string& image) {
  if (cluster_ == nullptr) return fail(Reason::kUnavailable, "the control process is away");
  options_.spec.image = image;
  return cluster_->apply(compile());
}

Status SimWorld::rollback() {
  if (cluster_ == nullptr) return fail(Reason::kUnavailable, "the control process is away");
  const std::string& service = options_.spec.service;
  const auto back = controllers::rollback(cluster_->client(), {service, service}, 0);
  if (!back) return std::unexpected(back.error());
  const auto deployment = kube::get<kube::Deployment>(cluster_->client(), {service, service});
  if (deployment) options_.spec.image = (*deployment)->spec.template_.spec.containers[0].image;
  return {};
}

void SimWorld::crash_container(std::uint64_t choice) {
  std::vector<std::pair<std::string, container::ContainerRef>> running;
  for (const auto& [id, machine] : datacenter_.machines()) {
    for (const auto& [uid, pod] : machine.pods) {
      for (const auto& [ref, program] : pod.programs) {
        if (program.running()) running.emplace_back(id, ref);
      }
    }
  }
  if (running.empty()) return;
  const auto& [id, ref] = running[choice % running.size()];
  datacenter_.end_program(id, ref, 0, 9);
}

void SimWorld::kill_machine(std::uint64_t choice) {
  if (datacenter_.machines().empty()) return;
  auto victim = datacenter_.machines().begin();
  std::advance(victim, static_cast<std::ptrdiff_t>(choice % datacenter_.machines().size()));
  instances_.fail_machine(std::string(victim->first));
}

Status SimWorld::delete_pod(std::uint64_t choice) {
  if (cluster_ == nullptr) return fail(Reason::kUnavailable, "the control process is away");
  const auto pods = cluster_->informers().of<kube::Pod>().in_namespace(options_.spec.service);
  if (pods.empty()) return {};
  return ignore_not_found(cluster_->client().remove(kube::Pod::static_kind(), pods[choice % pods.size()]->key()));
}

void SimWorld::fail_zone(const std::string& zone) {
  if (cluster_ != nullptr) cluster_->cloud().fail_zone(zone);
}

void SimWorld::restore_zone(const std::string& zone) {
  if (cluster_ != nullptr) cluster_->cloud().restore_zone(zone);
}

void SimWorld::set_zone_capacity(const std::string& zone, bool available) {
  instances_.set_capacity(zone, available);
  invariants_.set_has_capacity(instances_.has_capacity());
}

void SimWorld::set_zone_addresses(const std::string& zone, bool available) {
  instances_.set_addresses(zone, available);
  invariants_.set_has_capacity(instances_.has_capacity());
}

}  // namespace minato::sim
