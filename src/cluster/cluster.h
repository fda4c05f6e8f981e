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
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "blueprint/blueprint.h"
#include "cloudmodel/cloud.h"
#include "cluster/housekeeping.h"
#include "cluster/profile.h"
#include "container/runtime.h"
#include "controllers/controllers.h"
#include "informer/informer.h"
#include "kubelet/kubelet.h"
#include "kubelet/pod_feed.h"
#include "network/network.h"
#include "proxy/proxy.h"
#include "proxy/service_dns.h"
#include "registry/in_process_client.h"
#include "registry/registry.h"
#include "scheduler/scheduler.h"
#include "store/store.h"

namespace minato::cluster {

struct Seams {
  instance::Driver& instances;
  balancer::Driver& balancer;
  network::ServiceRules& rules;
  network::Dns& dns;
  // The runtime of a machine, by its Node's name. Must not return null.
  std::function<std::unique_ptr<container::Runtime>(const cloudmodel::Instance&)> make_runtime;
};

struct Options {
  Profile profile = kFast;
  std::string region;
  std::int64_t cpu_scale_percent = 100;  // What a vCPU of a Node is worth, as Nodes report it.
  std::vector<blueprint::NodeGroup> groups;
  Duration deregistration_delay = 300s;
  kubelet::EventDetail events = kubelet::EventDetail::kAll;
  Duration metrics_interval = 15s;
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
  informer::Informers& informers() { return informers_; }
  cloudmodel::Cloud& cloud() { return *cloud_; }
  scheduler::Scheduler& scheduler() { return *scheduler_; }
  const Options& options() const { return options_; }
  // Null when the Node has none (it is not there, or it is dead).
  container::Runtime* runtime_of(const std::string& node);
  kubelet::Kubelet* kubelet_of(const std::string& node);

 private:
  struct NodeAgent {
    std::unique_ptr<container::Runtime> runtime;
    std::unique_ptr<kubelet::Kubelet> kubelet;
  };
  Cluster(env::Env env, store::Store& store, std::unique_ptr<registry::Registry> registry,
          Seams seams, Options options);
  void make_cloud();
  void make_controllers();
  kubelet::Options kubelet_options(const cloudmodel::Instance& instance) const;
  void node_up(const cloudmodel::Instance& instance);
  void node_lost(const cloudmodel::Instance& instance);
  Status apply_object(const kube::Object& object);

  env::Env env_;
  store::Store& store_;
  Seams seams_;
  Options options_;
  std::unique_ptr<registry::Registry> registry_;
  registry::InProcessClient client_;
  informer::Informers informers_;
  kubelet::PodFeed pod_feed_;
  Housekeeping housekeeping_;
  std::unique_ptr<controllers::ControllerSet> controllers_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<proxy::Proxy> proxy_;
  std::unique_ptr<proxy::ServiceDns> dns_;
  std::unique_ptr<cloudmodel::Cloud> cloud_;
  std::map<std::string, NodeAgent> agents_;  // By Node name.
};

}  // namespace minato::cluster
