// Keeps the NetworkPolicies of every Node of this world current: what decide() says, to those Nodes
// whose rules came out different (on EKS: the network policy controller and its agent on each Node).
//
// Changes of Pods, policies and namespaces are gathered and carried out in one later turn, less often
// with many Pods (informer::rest_after). A new Pod is restricted as soon as its address is known,
// moments after its start, as upstream. A Node whose write failed is tried again after `retry`, until
// remove_node(). Construct before the informers are started; these and `rules` outlive it. Loop thread
// only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "env/env.h"
#include "informer/informer.h"
#include "kube/types/config.h"
#include "network_policy/decide.h"

namespace minato::network_policy {

class Enforcer {
 public:
  struct Options {
    Duration retry = 1s;
  };
  Enforcer(env::Env env, informer::Informers& informers, network::PolicyRules& rules, const Options& options);
  Enforcer(const Enforcer&) = delete;
  Enforcer& operator=(const Enforcer&) = delete;

  // From when the Node's network exists until it is gone.
  void add_node(const std::string& name);
  void remove_node(const std::string& name);

 private:
  struct Node {
    std::optional<network::NodePolicies> applied;  // Nothing: not known.
    env::TimerHandle retry;
  };

  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void schedule();
  void sync();
  Objects objects() const;
  void apply(const std::string& name, Node& node, network::NodePolicies wanted);

  env::Env env_;
  network::PolicyRules& rules_;
  Options options_;
  informer::Informer<kube::NetworkPolicy>& policies_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Namespace>& namespaces_;
  std::map<std::string, Node> nodes_;
  bool scheduled_ = false;
  MonoTime not_before_ = MonoTime::min();
  env::TimerHandle timer_;
  std::shared_ptr<Enforcer*> self_;  // Handlers of informers cannot be taken back; they look here.
};

}  // namespace minato::network_policy
