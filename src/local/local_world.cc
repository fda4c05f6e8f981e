#include "local/local_world.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "blueprint/system.h"
#include "image/store.h"
#include "linux_container/oci_runtime.h"
#include "local/agent_link.h"
#include "local/system_image.h"
#include "store/sqlite_journal.h"
#include "tls/authority.h"

namespace minato::local {
namespace {

// Inside the holder this is a tmpfs of the world's own: gone with the holder.
constexpr const char* kInsideRun = "/run/minato-world";
constexpr std::uint16_t kApiPort = 443;  // In the VPC.
constexpr const char* kAgentDirectory = "/run/minato-world/agent";

std::uint64_t entropy() {
  std::uint64_t seed = 0;
  CHECK(::getrandom(&seed, sizeof seed, 0) == sizeof seed, "the kernel gives no randomness");
  return seed;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

}  // namespace

LocalWorld::LocalWorld(host::Loop& loop, env::Log& log, WorldConfig config, spec::Spec spec,
                       std::unique_ptr<cloud::Catalogue> catalogue)
    : loop_(loop),
      log_(log),
      config_(std::move(config)),
      spec_(std::move(spec)),
      catalogue_(std::move(catalogue)),
      env_{loop, loop, log, env::Rng(entropy())} {}

LocalWorld::~LocalWorld() = default;

Result<std::unique_ptr<LocalWorld>> LocalWorld::open(host::Loop& loop, env::Log& log,
                                                     WorldConfig config, Listeners listeners) {
  ASSIGN_OR_RETURN(spec::Spec spec, spec_of(config));
  ASSIGN_OR_RETURN(auto catalogue, load_catalogue(config.state_dir));
  std::unique_ptr<LocalWorld> world(
      new LocalWorld(loop, log, std::move(config), std::move(spec), std::move(catalogue)));
  ASSIGN_OR_RETURN(world->system_image_, make_system_image(world->config_.image_cache_dir + "-system"));
  const blueprint::Blueprint blueprint = world->compile(world->spec_, world->config_.secrets);
  RETURN_IF_ERROR(world->open_store());
  RETURN_IF_ERROR(world->open_network());
  RETURN_IF_ERROR(world->open_images());
  RETURN_IF_ERROR(world->open_balancer(listeners));
  RETURN_IF_ERROR(world->make_cluster(blueprint, listeners));
  RETURN_IF_ERROR(world->open_api(listeners.api_fd));
  // Sinks are in place now: what the proxy reports from here on is heard.
  ASSIGN_OR_RETURN(const balancer::Config balancer_config, world->balancer_config(blueprint));
  RETURN_IF_ERROR(world->balancer_->configure(balancer_config));
  return world;
}

// The service and, beside it, what EKS brings along.
blueprint::Blueprint LocalWorld::compile(const spec::Spec& spec, const blueprint::SecretValues& secrets) const {
  blueprint::Blueprint out = blueprint::compile(spec, secrets, {.image = system_image_, .args = {"pause"}});
  const auto system = blueprint::system_objects({.image = system_image_,
                                                 .hosts_directory = std::string(kInsideRun) + "/dns/hosts",
                                                 .agent_directory = kAgentDirectory,
                                                 .agent_poll = profile().agent_poll});
  out.objects.insert(out.objects.begin(), system.begin(), system.end());
  return out;
}

Status LocalWorld::open_store() {
  ASSIGN_OR_RETURN(auto journal, store::SqliteJournal::open(config_.state_dir + "/cluster.db"));
  ASSIGN_OR_RETURN(store_, store::Store::open(std::move(journal)));
  flusher_ = std::make_unique<store::Flusher>(env_.fork("store"), *store_);
  return {};
}

Status LocalWorld::open_network() {
  cgroups_ = std::make_unique<host::Cgroups>(host::Cgroups::detect("minato-" + config_.name));
  cgroup_note_ = cgroups_->describe();
  linux_net::VpcOptions vpc;
  vpc.directory = kInsideRun;
  vpc.region = spec_.region;
  for (const std::string& zone : spec_.zones) vpc.zones.push_back(spec_.region + zone);
  ASSIGN_OR_RETURN(vpc_, linux_net::Vpc::open(std::move(vpc), log_));
  // Groups without a network are what a world that ended badly left behind.
  if (vpc_->nodes().empty()) RETURN_IF_ERROR(cgroups_->remove_root());
  linux_net::InstancesOptions instances;
  instances.boot_delay = profile().boot_delay;
  instances.cpu_scale_milli = spec_.local.cpu_scale_percent * 10;
  instances.before_remove = [this](const std::string& node) { clear_node(node); };
  instances_ = std::make_unique<linux_net::Instances>(std::move(instances), *vpc_, *cgroups_, loop_, log_);
  rules_ = std::make_unique<linux_net::NftServiceRules>(*vpc_, vpc_->plan().pod_range(), log_);
  policies_ = std::make_unique<linux_net::NftPolicyRules>(*vpc_);
  ASSIGN_OR_RETURN(auto records, linux_net::HostsDirectory::open(std::string(kInsideRun) + "/dns",
                                                                 std::string(blueprint::kDnsClusterIp)));
  dns_ = std::make_unique<linux_net::HostsDirectory>(std::move(records));
  return {};
}

Status LocalWorld::open_images() {
  image::Options options;
  options.auth_files = image::default_auth_files();
  ASSIGN_OR_RETURN(image::ImageStore images,
                   image::ImageStore::open(config_.image_cache_dir, std::move(options)));
  images_ = std::make_unique<linux_container::ImageStoreImages>(std::move(images));
  const std::string scratch = std::string(kInsideRun) + "/scratch";
  RETURN_IF_ERROR(host::make_directories(scratch, 0700));
  ASSIGN_OR_RETURN(oci_runtime_, linux_container::detect_oci_runtime(scratch));
  return {};
}

Status LocalWorld::open_balancer(const Listeners& listeners) {
  haproxy::Options options;
  options.run_dir = std::string(kInsideRun) + "/haproxy";
  options.state_dir = config_.state_dir;
  options.https_fd = listeners.https_fd;
  options.http_fd = listeners.http_fd;
  options.public_https_port = config_.https_port;
  options.source_ip = vpc_->plan().load_balancer().to_string();
  RETURN_IF_ERROR(host::make_directories(options.run_dir, 0700));
  balancer_ = std::make_unique<haproxy::HaproxyBalancer>(loop_, log_, std::move(options));
  return {};
}

Result<balancer::Config> LocalWorld::balancer_config(const blueprint::Blueprint& blueprint) const {
  ASSIGN_OR_RETURN(tls::Authority authority,
                   tls::Authority::open_or_create(config_.state_dir + "/authority", host_name(), loop_.wall()));
  tls::Request request;
  request.domain = blueprint.domain;
  request.more_dns_names = {"localhost"};
  ASSIGN_OR_RETURN(const tls::Certificate certificate, authority.issue(request, loop_.wall()));
  balancer::Config out;
  out.listener.domain = blueprint.domain;
  out.listener.certificate_pem = certificate.chain_pem;
  out.listener.private_key_file = certificate.key_file;
  out.listener.idle_timeout = blueprint.idle_timeout;
  out.target_group = blueprint.target_group;
  out.target_group.health_check = cluster::at_pace(out.target_group.health_check, profile());
  return out;
}

Status LocalWorld::open_api(int listening) {
  if (listening < 0) return {};
  const std::string address = vpc_->plan().api().to_string();
  ApiEndpoint::Listening sockets{.host = host::Fd(listening), .vpc = {}};
  ASSIGN_OR_RETURN(sockets.vpc, host::listen_tcp(address, kApiPort));
  ASSIGN_OR_RETURN(api_, ApiEndpoint::open(loop_, env_.fork("api"), *cluster_, std::move(sockets),
                                           {.state_dir = config_.state_dir,
                                            .host_name = host_name(),
                                            .addresses = {std::string(blueprint::kApiClusterIp), address}}));
  return {};
}

// The endpoint is made later than the cluster that it serves, and before the first Pod.
Result<cluster::ApiAccess> LocalWorld::api_access() {
  ASSIGN_OR_RETURN(tls::Authority authority,
                   tls::Authority::open_or_create(config_.state_dir + "/authority", host_name(), loop_.wall()));
  return cluster::ApiAccess{
      .address = vpc_->plan().api().to_string(),
      .port = kApiPort,
      .authority_pem = authority.certificate_pem(),
      .issue_token = [this](const kube::ObjectKey& account, kube::TokenRequest request) -> Result<kube::TokenRequest> {
        if (!api_) return fail(Reason::kUnavailable, "the API is not being served yet");
        return api_->tokens().issue(account, std::move(request));
      }};
}

cluster::Profile LocalWorld::profile() const {
  return spec_.local.realistic ? cluster::kRealistic : cluster::kFast;
}

Status LocalWorld::make_cluster(const blueprint::Blueprint& blueprint, const Listeners& listeners) {
  cluster::Options options;
  if (listeners.api_fd >= 0) {
    ASSIGN_OR_RETURN(options.api_access, api_access());
  }
  options.profile = profile();
  options.region = spec_.region;
  options.groups = blueprint.groups;
  options.catalogue = catalogue_.get();
  options.deregistration_delay = blueprint.target_group.deregistration_delay;
  options.cpu_scale_percent = spec_.local.cpu_scale_percent;
  options.roles = cluster::Roles::Presence::kByPods;
  options.agents = cluster::Agents::kAsProcesses;
  metadata_ = std::make_unique<MetadataServers>(loop_, log_, *vpc_);
  cluster::Seams seams{
      *instances_, *balancer_, *rules_, *dns_,
      [this](const cloud::Instance& instance) { return make_runtime(instance); },
      [this](const cloud::Instance& instance, imds::Service& service) { metadata_->add(instance, service); },
      [this](const cloud::Instance& instance) { metadata_->remove(instance.id); },
      policies_.get()};
  ASSIGN_OR_RETURN(cluster_, cluster::Cluster::make(env_.fork("cluster"), *store_, std::move(seams),
                                                    std::move(options)));
  log_care_ = std::make_unique<LogCare>(loop_, log_, cluster_->informers(), config_.state_dir);
  return open_agent_link();
}

Status LocalWorld::open_agent_link() {
  RETURN_IF_ERROR(host::make_directories(kAgentDirectory, 0700));
  ASSIGN_OR_RETURN(agent_server_, control::Server::listen(loop_, fmt::format("{}/{}", kAgentDirectory, kAgentSocket)));
  add_agent_verbs(*agent_server_, *cluster_);
  return {};
}

std::unique_ptr<container::Runtime> LocalWorld::make_runtime(const cloud::Instance& instance) {
  linux_container::Options options;
  options.node = instance.hostname;
  options.cgroup = instance.id;
  options.run_dir = fmt::format("{}/nodes/{}", kInsideRun, instance.id);
  options.state_dir = fmt::format("{}/nodes/{}", config_.state_dir, instance.id);
  options.logs_dir = config_.state_dir + "/logs";
  options.shim_argv = {"/proc/self/exe", "shim"};
  options.oci_runtime = oci_runtime_;
  options.reach_registry = [this](const std::string& reference) {
    return registry_outage_.reach(reference, loop_.monotonic());
  };
  return std::make_unique<linux_container::LinuxRuntime>(loop_, log_, *images_, *cgroups_, *vpc_,
                                                         std::move(options));
}

// Runs after the Node's processes are dead: their mounts went with the shims' namespaces, so what
// is left are files.
void LocalWorld::clear_node(const std::string& node) {
  rules_->forget(node);
  policies_->forget(node);
  for (const linux_net::VpcNode& known : vpc_->nodes()) {
    if (known.name != node) continue;
    for (const std::string& base : {std::string(kInsideRun), config_.state_dir}) {
      const Status removed = host::remove_tree(fmt::format("{}/nodes/{}", base, known.instance_id));
      if (!removed) log_.write(env::Level::kWarning, "local", removed.error().message);
    }
  }
}

Status LocalWorld::start() {
  RETURN_IF_ERROR(cluster_->start());
  log_care_->start();
  return cluster_->apply(compile(spec_, config_.secrets));
}

void LocalWorld::fetch_image(const WorldConfig& config, std::move_only_function<void(Status)> done) {
  const auto spec = spec_of(config);
  if (!spec) {
    return env_.executor.post([done = std::move(done), error = spec.error()]() mutable {
      done(std::unexpected(std::move(error)));
    });
  }
  loop_.run_blocking(
      [images = images_.get(), image = spec->image]() -> Status {
        const auto stored = images->pull(image, container::PullPolicy::kIfNotPresent);
        if (!stored) return std::unexpected(stored.error());
        return {};
      },
      [done = std::move(done)](Status status) mutable { done(std::move(status)); });
}

Status LocalWorld::deploy(WorldConfig changed) {
  ASSIGN_OR_RETURN(spec::Spec spec, spec_of(changed));
  if (spec.service != spec_.service) {
    return fail(Reason::kInvalid, fmt::format("the file is of service '{}', but '{}' runs here; "
                                              "start it with: minato up", spec.service, spec_.service));
  }
  const blueprint::Blueprint blueprint = compile(spec, changed.secrets);
  RETURN_IF_ERROR(save(changed));
  config_ = std::move(changed);
  spec_ = std::move(spec);
  RETURN_IF_ERROR(cluster_->apply(blueprint));
  ASSIGN_OR_RETURN(const balancer::Config config, balancer_config(blueprint));
  return balancer_->configure(config);
}

Status LocalWorld::renew_certificate() {
  ASSIGN_OR_RETURN(const balancer::Config config, balancer_config(compile(spec_, config_.secrets)));
  return balancer_->configure(config);
}

Status LocalWorld::keep(WorldConfig config) {
  ASSIGN_OR_RETURN(spec::Spec spec, spec_of(config));
  RETURN_IF_ERROR(save(config));
  config_ = std::move(config);
  spec_ = std::move(spec);
  return {};
}

}  // namespace minato::local
