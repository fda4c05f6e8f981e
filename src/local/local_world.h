// The local world: the same composition as everywhere, over real containers, real network
// namespaces and a real load balancer, inside the holder's namespaces.
//
// Constructed in the control process. Everything it finds running is adopted; destroying it leaves
// all of it running. Loop thread only; open() blocks for some hundred milliseconds.
#pragma once

#include <memory>
#include <string>

#include "cluster/cluster.h"
#include "container/registry_outage.h"
#include "haproxy/haproxy_balancer.h"
#include "host/cgroup.h"
#include "host/loop.h"
#include "linux_container/image_store_images.h"
#include "linux_container/runtime.h"
#include "linux_net/dns.h"
#include "linux_net/instances.h"
#include "linux_net/policy_rules.h"
#include "linux_net/service_rules.h"
#include "linux_net/vpc.h"
#include "control/server.h"
#include "local/api_endpoint.h"
#include "local/log_care.h"
#include "local/metadata_servers.h"
#include "local/world_config.h"
#include "store/flusher.h"
#include "store/store.h"

namespace minato::local {

struct Listeners {
  int https_fd = -1;
  int http_fd = -1;
  int api_fd = -1;  // -1: no Kubernetes API.
};

class LocalWorld {
 public:
  // Errors say which part of the machine did not do what, and how to mend it.
  static Result<std::unique_ptr<LocalWorld>> open(host::Loop& loop, env::Log& log, WorldConfig config,
                                                  Listeners listeners);
  ~LocalWorld();

  Status start();
  // Fetches the image that a configuration names, so that one which cannot run is refused before
  // anything changes. `done` comes in a later turn. Errors: those of the file and of pulling.
  void fetch_image(const WorldConfig& config, std::move_only_function<void(Status)> done);
  // Changes the configuration: saved first, then applied. Errors: those of the file, and of apply.
  Status deploy(WorldConfig changed);
  // A new certificate for the load balancer, in place of the present one.
  Status renew_certificate();
  // Saves a configuration that the cluster has already.
  Status keep(WorldConfig config);
  env::Env env_for(std::string_view name) const { return env_.fork(name); }
  void warn(std::string_view message) { log_.write(env::Level::kWarning, "local", message); }

  cluster::Cluster& cluster() { return *cluster_; }
  instance::Driver& instances() { return *instances_; }
  balancer::Driver& balancer() { return *balancer_; }
  // Of all registries, for Nodes of this world; gone with the control process.
  container::RegistryOutage& registry_outage() { return registry_outage_; }
  const WorldConfig& config() const { return config_; }
  const spec::Spec& spec() const { return spec_; }
  const std::string& cgroup_note() const { return cgroup_note_; }

 private:
  LocalWorld(host::Loop& loop, env::Log& log, WorldConfig config, spec::Spec spec,
             std::unique_ptr<cloud::Catalogue> catalogue);
  blueprint::Blueprint compile(const spec::Spec& spec, const blueprint::SecretValues& secrets) const;
  Status open_store();
  Status open_network();
  Status open_agent_link();
  Status open_balancer(const Listeners& listeners);
  Status open_images();
  Status open_api(int listening);
  Status make_cluster(const blueprint::Blueprint& blueprint, const Listeners& listeners);
  Result<cluster::ApiAccess> api_access();
  Result<balancer::Config> balancer_config(const blueprint::Blueprint& blueprint) const;
  std::unique_ptr<container::Runtime> make_runtime(const cloud::Instance& instance);
  cluster::Profile profile() const;
  void clear_node(const std::string& node);

  host::Loop& loop_;
  env::Log& log_;
  WorldConfig config_;
  spec::Spec spec_;
  std::unique_ptr<cloud::Catalogue> catalogue_;
  env::Env env_;
  std::string cgroup_note_;
  std::string oci_runtime_;
  std::string system_image_;  // Reference of the image of the cluster's own services.
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Flusher> flusher_;
  std::unique_ptr<host::Cgroups> cgroups_;
  std::unique_ptr<linux_net::Vpc> vpc_;
  std::unique_ptr<linux_net::Instances> instances_;
  std::unique_ptr<MetadataServers> metadata_;
  std::unique_ptr<control::Server> agent_server_;
  std::unique_ptr<linux_net::NftServiceRules> rules_;
  std::unique_ptr<linux_net::NftPolicyRules> policies_;
  std::unique_ptr<linux_net::HostsDirectory> dns_;
  std::unique_ptr<haproxy::HaproxyBalancer> balancer_;
  std::unique_ptr<linux_container::Images> images_;
  container::RegistryOutage registry_outage_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::unique_ptr<LogCare> log_care_;
  std::unique_ptr<ApiEndpoint> api_;
};

}  // namespace minato::local
