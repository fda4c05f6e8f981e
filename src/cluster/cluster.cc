#include "cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "blueprint/system.h"
#include "cloud/catalogue.h"
#include "cluster/metadata.h"
#include "cluster/scaling.h"
#include "kube/json.h"
#include "kube/names.h"


namespace minato::cluster {
namespace {

constexpr std::string_view kCloudDocument = "cloud";

// The number that an HorizontalPodAutoscaler chose is not for whoever applies a file to change.
void leave_replicas_alone(boost::json::value& wanted) {
  wanted.as_object()["spec"].as_object().erase("replicas");
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
  registry::RegistryOptions api;
  if (options.api_access) api.api_access = registry::ApiAccess::kForPods;
  ASSIGN_OR_RETURN(auto registry, registry::Registry::make(env.fork("registry"), store, api));
  RETURN_IF_ERROR(registry->bootstrap());
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(env), store, std::move(registry),
                                               std::move(seams), std::move(options)));
  RETURN_IF_ERROR(cluster->make_scaling());
  return cluster;
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
      pod_feed_(informers_, options_.api_access ? options_.api_access->issue_token : nullptr),
      housekeeping_(env_.fork("housekeeping"), client_, informers_),
      roles_(env_.fork("roles"), informers_, options_.roles) {
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
  options.launch_retry = options_.profile.launch_retry;
  options.launch_retry_max = options_.profile.launch_retry_max;
  options.spot_notice = options_.profile.spot_notice;
  options.catalogue = options_.catalogue;
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
  if (const auto& api = options_.api_access) {
    options.api_access = {.service = {.cluster_ip = std::string(blueprint::kApiClusterIp),
                                      .address = api->address,
                                      .port = api->port},
                          .authority_pem = api->authority_pem};
  }
  metrics::Server::Options metrics;
  metrics.resolution = profile.metrics_interval;
  metrics.cpu_scale_percent = options_.cpu_scale_percent;
  metrics.scrape = [this](const std::string& node) { return scrape(node); };
  metrics_ = std::make_unique<metrics::Server>(env_.fork("metrics"), informers_, std::move(metrics));
  options.pod_autoscaler.sources.resource = metrics_.get();
  options.pod_autoscaler.sync_period = profile.hpa_sync_period;
  options.pod_autoscaler.downscale_stabilization = profile.hpa_downscale_stabilization;
  options.pod_autoscaler.cpu_initialization_period = profile.hpa_cpu_initialization;
  options.pod_autoscaler.initial_readiness_delay = profile.hpa_initial_readiness;
  controllers_ = std::make_unique<controllers::ControllerSet>(env_.fork("controllers"), client_,
                                                              informers_, std::move(options));
  scheduler_ = std::make_unique<scheduler::Scheduler>(env_.fork("scheduler"), client_, informers_,
                                                      scheduler::SchedulerOptions{});
  proxy_ = std::make_unique<proxy::Proxy>(env_.fork("proxy"), informers_, seams_.rules,
                                          proxy::Proxy::Options{});
  dns_ = std::make_unique<proxy::ServiceDns>(env_.fork("dns"), informers_, seams_.dns,
                                             proxy::ServiceDns::Options{});
  if (seams_.policies != nullptr) {
    policies_ = std::make_unique<network_policy::Enforcer>(env_.fork("network-policy"), informers_, *seams_.policies,
                                                           network_policy::Enforcer::Options{});
  }
}

Status Cluster::make_scaling() {
  remover_ = std::make_unique<removal::Remover>(env_.fork("removal"), client_, informers_, *cloud_, *cloud_,
                                                removal_options(options_.profile));
  autoscaler::Options options = autoscaler_options(options_.profile, options_.groups);
  options.catalogue = options_.catalogue;
  ASSIGN_OR_RETURN(autoscaler_, autoscaler::Autoscaler::make(env_.fork("autoscaler"), client_, informers_, *cloud_,
                                                             *remover_, std::move(options)));
  descheduler_ = std::make_unique<descheduler::Descheduler>(env_.fork("descheduler"), client_, informers_, descheduler_options(options_.profile));
  roles_.watch_nodes(std::string(blueprint::kRoleAgent), [this] { follow_agents(); });
  roles_.watch(std::string(blueprint::kRoleMetrics), [this](bool active) { metrics_->set_active(active); });
  roles_.watch(std::string(blueprint::kRoleController), [this](bool active) {
    remover_->set_active(active);
    autoscaler_->set_active(active);
    descheduler_->set_active(active);
  });
  return {};
}

// metrics-server's request to a kubelet.
Result<metrics::NodeUsage> Cluster::scrape(const std::string& node) const {
  const auto found = agents_.find(node);
  if (found == agents_.end() || !found->second.kubelet->node_metrics()) {
    return fail(Reason::kUnavailable, fmt::format("the kubelet of {} has no metrics", node));
  }
  const kubelet::NodeMetrics& sample = *found->second.kubelet->node_metrics();
  metrics::NodeUsage out{.at = sample.at,
                         .window = sample.window,
                         .cpu_milli = sample.cpu_milli,
                         .memory_bytes = sample.memory_working_set_bytes,
                         .containers = {}};
  for (const kubelet::ContainerUsage& usage : sample.containers) {
    out.containers.push_back({usage.ref.pod_uid, usage.ref.name, usage.cpu_milli, usage.memory_working_set_bytes});
  }
  return out;
}

Status Cluster::start() {
  const std::string& saved = store_.get_document(std::string(kCloudDocument));
  if (!saved.empty()) RETURN_IF_ERROR(cloud_->restore(saved));
  RETURN_IF_ERROR(informers_.start());
  controllers_->start();
  scheduler_->start();
  housekeeping_.start();
  remover_->start();
  autoscaler_->start();
  descheduler_->start();
  roles_.start();
  for (const blueprint::NodeGroup& group : options_.groups) {
    cloud::AutoScalingGroup spec = group.group;
    // What was chosen while the world ran outlives a restart of the control process.
    for (const cloud::AutoScalingGroup& known : cloud_->describe_auto_scaling_groups()) {
      if (known.name == spec.name) {
        spec.desired_capacity = std::clamp(known.desired_capacity, spec.min_size, spec.max_size);
        spec.distribution = known.distribution;
      }
    }
    RETURN_IF_ERROR(cloud_->put_auto_scaling_group(spec));
  }
  cloud_->start();
  return {};
}

kubelet::Options Cluster::kubelet_options(const cloud::Instance& instance) const {
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
  if (const cloud::InstanceType* type = options_.catalogue->find(instance.type)) {
    out.capacity = {.cpu_milli = type->vcpus * 1000LL,
                    .memory_bytes = static_cast<std::int64_t>(type->memory_mib) << 20,
                    .pods = type->max_pods};
    const cloud::KubeReserved reserved = cloud::kube_reserved(*type);
    out.reserved = {.cpu_milli = reserved.cpu_milli, .memory_bytes = reserved.memory_bytes, .pods = 0};
  }
  const Profile& profile = options_.profile;
  out.lease_interval = profile.lease_interval;
  out.lease_duration = profile.lease_interval * 4;
  out.crash_backoff.base = profile.crash_backoff_base;
  out.crash_backoff.max = profile.crash_backoff_max;
  out.image_backoff.base = profile.image_backoff_base;
  out.image_backoff.max = profile.image_backoff_max;
  out.dns_server = seams_.dns.server_address();
  out.metrics_interval = profile.metrics_interval;
  out.events = options_.events;
  return out;
}

void Cluster::node_up(const cloud::Instance& instance) {
  if (agents_.contains(instance.hostname)) return;
  NodeAgent agent;
  agent.runtime = seams_.make_runtime(instance);
  agent.kubelet = std::make_unique<kubelet::Kubelet>(env_.fork(instance.id), client_, pod_feed_,
                                                     *agent.runtime, kubelet_options(instance));
  agent.kubelet->start();
  add_agent(agent, instance);
  const NodeAgent& added = agents_.emplace(instance.hostname, std::move(agent)).first->second;
  proxy_->add_node({.name = instance.hostname, .zone = instance.zone});
  if (policies_) policies_->add_node(instance.hostname);
  if (seams_.instance_up) seams_.instance_up(instance, *added.metadata);
  follow_agents();
}

void Cluster::add_agent(NodeAgent& node, const cloud::Instance& instance) {
  node.metadata = std::make_unique<imds::Service>(env_.fork("metadata/" + instance.id), [this, id = instance.id] {
    const cloud::Instance* known = cloud_->find_instance(id);
    if (known == nullptr) return imds::InstanceView{.http_endpoint = imds::HttpEndpoint::kDisabled};
    return metadata_of(*cloud_, *known, options_.region, env_.clock.wall());
  });
  agent::RemovalSink::Options sink;
  sink.node = instance.hostname;
  node.sink = std::make_unique<agent::RemovalSink>(env_.fork("agent/" + instance.id), client_, informers_, *remover_,
                                                   std::move(sink));
  if (options_.agents == Agents::kInProcess) {
    auto client = std::make_unique<imds::SimMetadata>(env_.fork("metadata-client/" + instance.id), *node.metadata);
    client->watch = [this, id = instance.id](std::function<void()> changing) {
      return cloud_->watch_instance(id, std::move(changing));
    };
    node.metadata_client = std::move(client);
  }
}

// An agent runs exactly while its Pod is Ready.
void Cluster::follow_agents() {
  if (options_.agents != Agents::kInProcess) return;
  const std::string role(blueprint::kRoleAgent);
  for (auto& [name, node] : agents_) {
    const bool runs = options_.roles == Roles::Presence::kAssumed || roles_.nodes_of(role).contains(name);
    if (!runs) {
      node.agent.reset();
    } else if (node.agent == nullptr) {
      agent::Agent::Options options;
      options.poll_interval = options_.profile.agent_poll;
      node.agent = std::make_unique<agent::Agent>(env_.fork("agent/" + name), *node.metadata_client, *node.sink, options);
      node.agent->start();
    }
  }
}

agent::Sink* Cluster::agent_sink(const std::string& instance_id) {
  const cloud::Instance* instance = cloud_->find_instance(instance_id);
  const auto found = instance == nullptr ? agents_.end() : agents_.find(instance->hostname);
  return found == agents_.end() ? nullptr : found->second.sink.get();
}

// A machine that is gone takes its kubelet with it: nobody renews its Lease any more, and the rest
// of the cluster finds out as it would anywhere.
void Cluster::node_lost(const cloud::Instance& instance) {
  const auto found = agents_.find(instance.hostname);
  if (found == agents_.end()) return;
  proxy_->remove_node(instance.hostname);
  if (policies_) policies_->remove_node(instance.hostname);
  if (seams_.instance_down) seams_.instance_down(instance);
  found->second.agent.reset();
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
  housekeeping_.prune_policies(blueprint.namespace_, blueprint.objects);
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
  if (object.kind().kind == "Deployment" && is_autoscaled(object.key())) leave_replicas_alone(wanted);
  const auto patched = client_.patch(object.kind(), object.key(), kube::PatchType::kMerge,
                                     boost::json::serialize(wanted),
                                     kube::Subresource::kNone);
  if (!patched) return wrap(fmt::format("changing {} {}", object.kind().kind, object.key().to_string()), patched.error());
  return {};
}

bool Cluster::is_autoscaled(const kube::ObjectKey& deployment) {
  const auto autoscalers = informers_.of<kube::HorizontalPodAutoscaler>().in_namespace(deployment.namespace_);
  return std::ranges::any_of(autoscalers, [&](const auto& autoscaler) {
    const auto& target = autoscaler->spec.scale_target_ref;
    return target.kind == "Deployment" && target.name == deployment.name;
  });
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
