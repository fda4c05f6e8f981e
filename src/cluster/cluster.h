// The composition: one function that puts store, registry, controllers, scheduler, cloud model and
// kubelets together on an Env and the seams. The local and the simulated world call it unchanged;
// they differ in what stands behind the seams.
//
// Ownership: the world owns Store and seams, which outlive the Cluster. Destroying the Cluster
// leaves machines and containers running, as a crash of the control process does; a new one over
// the same store and seams adopts them. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/removal_sink.h"
#include "autoscaler/autoscaler.h"
#include "balancer/balancer.h"
#include "blueprint/blueprint.h"
#include "cloudmodel/cloud.h"
#include "cluster/housekeeping.h"
#include "cluster/profile.h"
#include "cluster/roles.h"
#include "container/runtime.h"
#include "controllers/controllers.h"
#include "descheduler/descheduler.h"
#include "imds/sim_metadata.h"
#include "informer/informer.h"
#include "kube/types/autoscaling.h"
#include "kubelet/kubelet.h"
#include "kubelet/pod_feed.h"
#include "metrics/server.h"
#include "network/network.h"
#include "network/policy.h"
#include "network_policy/enforcer.h"
#include "proxy/proxy.h"
#include "proxy/service_dns.h"
#include "registry/in_process_client.h"
#include "registry/registry.h"
#include "removal/remover.h"
#include "scheduler/scheduler.h"
#include "store/store.h"

namespace minato::cluster {

struct Seams {
  instance::Driver& instances;
  balancer::Driver& balancer;
  network::ServiceRules& rules;
  network::Dns& dns;
  // The runtime of a machine, by its Node's name. Must not return null.
  std::function<std::unique_ptr<container::Runtime>(const cloud::Instance&)> make_runtime;
  // An instance is up with its metadata service, or is no more: for a world that serves it over a
  // network. The Service lives until instance_down. May be empty.
  std::function<void(const cloud::Instance&, imds::Service&)> instance_up;
  std::function<void(const cloud::Instance&)> instance_down;
  network::PolicyRules* policies = nullptr;  // Null: NetworkPolicies are kept and do nothing.
};

// Where the spot agents run: in here, or as processes of their Pods, which tell agent_sink().
enum class Agents { kInProcess, kAsProcesses };

// How Pods reach the API of this cluster.
struct ApiAccess {
  std::string address;  // Of the server, from Pods; the Service "kubernetes" leads there.
  std::uint16_t port = 443;
  std::string authority_pem;
  kubelet::TokenIssuer issue_token;
};

struct Options {
  Profile profile = kFast;
  std::string region;
  std::int64_t cpu_scale_percent = 100;  // What a vCPU of a Node is worth, as Nodes report it.
  std::vector<blueprint::NodeGroup> groups;
  const cloud::Catalogue* catalogue = &cloud::Catalogue::built_in();  // Outlives the Cluster.
  Duration deregistration_delay = 300s;
  kubelet::EventDetail events = kubelet::EventDetail::kAll;
  // Whether the cluster's own roles run as Pods here, or are taken for granted.
  Roles::Presence roles = Roles::Presence::kAssumed;
  Agents agents = Agents::kInProcess;
  std::optional<ApiAccess> api_access;  // Nothing: Pods get no tokens, and nobody answers them.
};

class Cluster {
 public:
  static Result<std::unique_ptr<Cluster>> make(env::Env env, store::Store& store, Seams seams,
                                               Options options);
  ~Cluster();

  // Fills the caches, adopts what runs, and lets everything go to work.
  Status start();
  // Creates or changes what the Blueprint says; objects it does not name are left alone.
  Status apply(const blueprint::Blueprint& blueprint);

  kube::Client& client() { return client_; }
  registry::Registry& registry() { return *registry_; }
  informer::Informers& informers() { return informers_; }
  cloudmodel::Cloud& cloud() const { return *cloud_; }
  removal::Remover& remover() { return *remover_; }
  autoscaler::Autoscaler& autoscaler() { return *autoscaler_; }
  controllers::ControllerSet& controllers() { return *controllers_; }
  const metrics::Server& metrics() const { return *metrics_; }
  const Roles& roles() const { return roles_; }
  scheduler::Scheduler& scheduler() { return *scheduler_; }
  const Options& options() const { return options_; }
  // Null when the Node has none (it is not there, or it is dead).
  container::Runtime* runtime_of(const std::string& node);
  kubelet::Kubelet* kubelet_of(const std::string& node);
  // Whom the agent of an instance tells. Null: there is no such instance (any more).
  agent::Sink* agent_sink(const std::string& instance_id);

 private:
  struct NodeAgent {
    std::unique_ptr<container::Runtime> runtime;
    std::unique_ptr<kubelet::Kubelet> kubelet;
    std::unique_ptr<imds::Service> metadata;
    std::unique_ptr<agent::RemovalSink> sink;
    // Agents::kInProcess, while the agent's Pod is Ready.
    std::unique_ptr<imds::SimMetadata> metadata_client;
    std::unique_ptr<agent::Agent> agent;
  };
  Cluster(env::Env env, store::Store& store, std::unique_ptr<registry::Registry> registry,
          Seams seams, Options options);
  void make_cloud();
  void make_controllers();
  Status make_scaling();
  Result<metrics::NodeUsage> scrape(const std::string& node) const;
  kubelet::Options kubelet_options(const cloud::Instance& instance) const;
  void node_up(const cloud::Instance& instance);
  void node_lost(const cloud::Instance& instance);
  void add_agent(NodeAgent& node, const cloud::Instance& instance);
  void follow_agents();
  Status apply_object(const kube::Object& object);
  bool is_autoscaled(const kube::ObjectKey& deployment);

  env::Env env_;
  store::Store& store_;
  Seams seams_;
  Options options_;
  std::unique_ptr<registry::Registry> registry_;
  registry::InProcessClient client_;
  informer::Informers informers_;
  kubelet::PodFeed pod_feed_;
  Housekeeping housekeeping_;
  Roles roles_;
  std::unique_ptr<metrics::Server> metrics_;
  std::unique_ptr<controllers::ControllerSet> controllers_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<proxy::Proxy> proxy_;
  std::unique_ptr<proxy::ServiceDns> dns_;
  std::unique_ptr<network_policy::Enforcer> policies_;  // Null without Seams::policies.
  std::unique_ptr<cloudmodel::Cloud> cloud_;
  std::unique_ptr<removal::Remover> remover_;
  std::unique_ptr<autoscaler::Autoscaler> autoscaler_;
  std::unique_ptr<descheduler::Descheduler> descheduler_;
  std::map<std::string, NodeAgent> agents_;  // By Node name.
};

}  // namespace minato::cluster
