// Keeps the Service rules of every Node of this world current: kube-proxy, once for all Nodes.
//
// Changes of Services and EndpointSlices are gathered and carried out in one later turn, at most
// once per min_sync_period, less often with many endpoints (informer::rest_after). Only Services
// that changed are computed again, and only Nodes whose rules came out different are written. A
// Node whose write failed is tried again after `retry`, until remove_node().
// Construct before the informers are started. The informers and `rules` outlive it. Loop thread
// only. Rules: k8s.io/kubernetes pkg/proxy/nftables (syncProxyRules, bounded frequency runner).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "env/env.h"
#include "informer/informer.h"
#include "network/network.h"
#include "proxy/rules.h"

namespace minato::proxy {

class Proxy {
 public:
  struct Options {
    Duration min_sync_period{};  // Upstream: 1 s. 0: in the next turn.
    Duration retry = 1s;
  };
  Proxy(env::Env env, informer::Informers& informers, network::ServiceRules& rules,
        const Options& options);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // From when the Node's network exists until it is gone. Adding again renews zone and rules.
  void add_node(const NodeView& node);
  void remove_node(const std::string& name);

  std::uint64_t applies() const { return applies_; }

 private:
  using Ports = std::vector<network::ServicePort>;
  struct Node {
    NodeView view;
    std::map<kube::ObjectKey, Ports> ports;  // By Service.
    bool stale = true;                       // Its rules differ from what was applied last.
    env::TimerHandle retry;
  };

  void service_changed(const kube::ObjectKey& service);
  void schedule();
  void sync();
  void compute(const kube::ObjectKey& service);
  void update(Node& node, const kube::ObjectKey& service);
  Duration pause() const;
  void apply(Node& node);

  env::Env env_;
  network::ServiceRules& rules_;
  Options options_;
  informer::Informer<kube::Service>& services_;
  informer::Informer<kube::EndpointSlice>& slices_;
  std::map<std::string, Node> nodes_;
  std::map<kube::ObjectKey, ServicePorts> ports_;  // Of every Service.
  std::set<kube::ObjectKey> changed_;
  bool scheduled_ = false;
  MonoTime last_sync_ = MonoTime::min();
  std::uint64_t applies_ = 0;
  env::TimerHandle timer_;
  std::shared_ptr<Proxy*> self_;  // Handlers of informers cannot be taken back; they look here.
};

}  // namespace minato::proxy
