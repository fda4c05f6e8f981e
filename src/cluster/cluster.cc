#include "cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "cloud/catalogue.h"
#include "kube/json.h"
#include "kube/names.h"


namespace minato::cluster {
namespace {

constexpr std::string_view kCloudDocument = "cloud";

// What EKS keeps for the system on a Node: memory by Pod count, CPU by size.
// Rule: awslabs/amazon-eks-ami nodeadm, kubelet reserved resources.
kubelet::Capacity reserved_for_system(const cloud::InstanceType& type) {
  kubelet::Capacity out{.pods = 0};
  out.memory_bytes = (static_cast<std::int64_t>(type.max_pods) * 11 + 255) << 20;
  constexpr std::pair<std::int32_t, std::int64_t> kShares[] = {{1, 60}, {1, 10}, {2, 5}};
  std::int32_t rest = type.vcpus;
  for (const auto& [cores, milli] : kShares) {
    const std::int32_t counted = std::min(rest, cores);
    out.cpu_milli += counted * milli;
    rest -= counted;
  }
  out.cpu_milli += rest * 5 / 2;
  return out;
}

}  // namespace

balancer::HealthCheck at_pace(balancer::HealthCheck check, const Profile& profile) {
  if (check.interval <= profile.health_check_interval_max) return check;
  check.timeout = Duration{check.timeout.count() * profile.health_check_interval_max.count() /
                           check.interval.count()};
  check.interval = profile.health_check_interval_max;
  return check;
}

Result<std::unique_ptr<Cluster>> Cluster::make(env::Env env, store::Store& store, Seams seams,
                                               Options options) {
  ASSIGN_OR_RETURN(auto registry, registry::Registry::make(env.fork("registry"), store));
  RETURN_IF_ERROR(registry->bootstrap());
  return std::unique_ptr<Cluster>(new Cluster(std::move(env), store, std::move(registry),
                                              std::move(seams), std::move(options)));
}

Cluster::Cluster(env::Env env, store::Store& store, std::unique_ptr<registry::Registry> registry,
                 Seams seams, Options options)
    : env_(std::move(env)),
      store_(store),
      seams_(std::move(seams)),
      options_(std::move(options)),
      registry_(std::move(registry)),
      client_(*registry_),
      informers_(client_),
      pod_feed_(informers_),
      housekeeping_(env_.fork("housekeeping"), client_, informers_) {
  make_cloud();
  make_controllers();
}

Cluster::~Cluster() = default;

void Cluster::make_cloud() {
  cloudmodel::Cloud::Options options;
  options.region = options_.region;
  options.node_port = blueprint::kNodePort;
  options.deregistration_delay = options_.deregistration_delay;
  options.instance_check_interval = options_.profile.instance_check_interval;
  options.save = [this](const std::string& text) {
    if (const Status status = store_.put_document(std::string(kCloudDocument), text); !status) {
      env_.log.write(env::Level::kError, "cluster", status.error().message);
    }
  };
  cloud_ = std::make_unique<cloudmodel::Cloud>(env_.fork("cloud"), seams_.instances,
                                               seams_.balancer, std::move(options));
  cloud_->set_listener({.running = [this](const auto& instance) { node_up(instance); },
                        .lost = [this](const auto& instance) { node_lost(instance); },
                        .gone = [this](const auto& instance) {
                          node_lost(instance);
                          controllers_->instance_gone(instance.provider_id());
                        }});
}

void Cluster::make_controllers() {
  const Profile& profile = options_.profile;
  controllers::ControllerSet::Options options;
  options.node_lifecycle.monitor_period = profile.node_monitor_period;
  options.node_lifecycle.monitor_grace_period = profile.node_monitor_grace_period;
  options.node_lifecycle.rates.eviction_interval = profile.eviction_interval;
  options.pod_gc.check_period = profile.pod_gc_period;
  options.pod_gc.quarantine = profile.pod_gc_quarantine;
  options.cloud_node.check_period = profile.node_monitor_period;
  options.cloud_node.instance_exists = [this](const std::string& id) -> Result<bool> {
    return cloud_->exists(id);
  };
  controllers_ = std::make_unique<controllers::ControllerSet>(env_.fork("controllers"), client_,
                                                              informers_, std::move(options));
  scheduler_ = std::make_unique<scheduler::Scheduler>(env_.fork("scheduler"), client_, informers_,
                                                      scheduler::SchedulerOptions{});
  proxy_ = std::make_unique<proxy::Proxy>(env_.fork("proxy"), informers_, seams_.rules,
                                          proxy::Proxy::Options{});
  dns_ = std::make_unique<proxy::ServiceDns>(env_.fork("dns"), informers_, seams_.dns,
                                             proxy::ServiceDns::Options{});
}

Status Cluster::start() {
  const std::string& saved = store_.get_document(std::string(kCloudDocument));
  if (!saved.empty()) RETURN_IF_ERROR(cloud_->restore(saved));
  RETURN_IF_ERROR(informers_.start());
  controllers_->start();
  scheduler_->start();
  housekeeping_.start();
  for (const blueprint::NodeGroup& group : options_.groups) {
    cloudmodel::GroupSpec spec = group.group;
    // A size that was chosen while the world ran outlives a restart of the control process.
    for (const cloudmodel::GroupSpec& known : cloud_->groups()) {
      if (known.name == spec.name) {
        spec.desired_capacity = std::clamp(known.desired_capacity, spec.min_size, spec.max_size);
      }
    }
    cloud_->put_auto_scaling_group(spec);
  }
  cloud_->start();
  return {};
}

kubelet::Options Cluster::kubelet_options(const cloudmodel::Instance& instance) const {
  kubelet::Options out;
  out.node_name = instance.hostname;
  out.private_ip = instance.private_ip;
  out.provider_id = instance.provider_id();
  const auto group = std::ranges::find(options_.groups, instance.group, [](const auto& candidate) {
    return candidate.group.name;
  });
  if (group != options_.groups.end()) {
    out.labels = group->labels;
    out.taints = group->taints;
  }
  out.labels[std::string(kube::kLabelZone)] = instance.zone;
  out.labels[std::string(kube::kLabelRegion)] = options_.region;
  out.labels[std::string(kube::kLabelInstanceType)] = instance.type;
  if (const cloud::InstanceType* type = cloud::find_instance_type(instance.type)) {
    out.capacity = {.cpu_milli = type->vcpus * 1000LL,
                    .memory_bytes = static_cast<std::int64_t>(type->memory_mib) << 20,
                    .pods = type->max_pods};
    out.reserved = reserved_for_system(*type);
  }
  const Profile& profile = options_.profile;
  out.lease_interval = profile.lease_interval;
  out.lease_duration = profile.lease_interval * 4;
  out.crash_backoff.base = profile.crash_backoff_base;
  out.crash_backoff.max = profile.crash_backoff_max;
  out.image_backoff.base = profile.image_backoff_base;
  out.image_backoff.max = profile.image_backoff_max;
  out.dns_server = seams_.dns.server_address();
  out.metrics_interval = options_.metrics_interval;
  out.events = options_.events;
  return out;
}

void Cluster::node_up(const cloudmodel::Instance& instance) {
  if (agents_.contains(instance.hostname)) return;
  NodeAgent agent;
  agent.runtime = seams_.make_runtime(instance);
  agent.kubelet = std::make_unique<kubelet::Kubelet>(env_.fork(instance.id), client_, pod_feed_,
                                                     *agent.runtime, kubelet_options(instance));
  agent.kubelet->start();
  agents_.emplace(instance.hostname, std::move(agent));
  proxy_->add_node({.name = instance.hostname, .zone = instance.zone});
}

// A machine that is gone takes its kubelet with it: nobody renews its Lease any more, and the rest
// of the cluster finds out as it would anywhere.
void Cluster::node_lost(const cloudmodel::Instance& instance) {
  const auto found = agents_.find(instance.hostname);
  if (found == agents_.end()) return;
  proxy_->remove_node(instance.hostname);
  found->second.kubelet->stop();
  // Destroyed in a turn of its own: we may have been called from one of its callbacks.
  env_.executor.post([agent = std::make_shared<NodeAgent>(std::move(found->second))]() mutable {
    agent->kubelet.reset();
    agent.reset();
  });
  agents_.erase(found);
}

Status Cluster::apply(const blueprint::Blueprint& blueprint) {
  for (const kube::ObjectPtr& object : blueprint.objects) RETURN_IF_ERROR(apply_object(*object));
  housekeeping_.prune_generated(blueprint.namespace_);
  return {};
}

Status Cluster::apply_object(const kube::Object& object) {
  const auto existing = client_.get(object.kind(), object.key());
  if (failed_with(existing, Reason::kNotFound)) {
    const auto created = client_.create(object.clone());
    if (!created) return wrap(fmt::format("creating {} {}", object.kind().kind, object.key().to_string()), created.error());
    return {};
  }
  if (!existing) return std::unexpected(existing.error());
  // A merge leaves alone what the Blueprint does not say: allocated addresses, controllers' fields.
  boost::json::value wanted = kube::to_json_value(object);
  wanted.as_object().erase("status");
  const auto patched = client_.patch(object.kind(), object.key(), kube::PatchType::kMerge,
                                     boost::json::serialize(wanted),
                                     kube::Subresource::kNone);
  if (!patched) return wrap(fmt::format("changing {} {}", object.kind().kind, object.key().to_string()), patched.error());
  return {};
}

container::Runtime* Cluster::runtime_of(const std::string& node) {
  const auto found = agents_.find(node);
  return found == agents_.end() ? nullptr : found->second.runtime.get();
}

kubelet::Kubelet* Cluster::kubelet_of(const std::string& node) {
  const auto found = agents_.find(node);
  return found == agents_.end() ? nullptr : found->second.kubelet.get();
}

}  // namespace minato::cluster
