// Which of the cluster's own roles are in place: a role acts exactly while one of its Pods is Ready,
// so that bad placement (a controller on a spot instance, DNS on one Node) is seen to hurt here as
// it would on EKS.
//
// Owned by Cluster. Loop thread only. Construct before Informers::start(). A world that runs no
// Pods for its roles says so with Presence::kAssumed: then all are always in place.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "env/env.h"
#include "informer/informer.h"
#include "kube/types/pod.h"

namespace minato::cluster {

class Roles {
 public:
  enum class Presence { kByPods, kAssumed };
  Roles(env::Env env, informer::Informers& informers, Presence presence);

  // `changed` is called in a turn of its own when the role comes or goes, and once at start().
  void watch(const std::string& role, std::function<void(bool active)> changed);
  // The same for every change of the Nodes on which the role is in place.
  void watch_nodes(const std::string& role, std::function<void()> changed);
  void start();

  bool is_active(const std::string& role) const;
  // Nodes on which a Pod of the role is Ready; of no meaning with kAssumed.
  const std::set<std::string>& nodes_of(const std::string& role) const;

 private:
  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void schedule();
  void tell();
  void tell_nodes();

  env::Env env_;
  Presence presence_;
  std::map<std::string, std::map<kube::ObjectKey, std::string>> ready_;  // Role, Pod, Node.
  std::map<std::string, std::set<std::string>> nodes_;                   // Role, Nodes; derived.
  std::map<std::string, std::function<void(bool)>> watchers_;
  std::map<std::string, bool> told_;
  std::map<std::string, std::function<void()>> node_watchers_;
  std::map<std::string, std::set<std::string>> told_nodes_;
  bool started_ = false;
  bool scheduled_ = false;
  std::shared_ptr<Roles*> self_;  // The informer's handler, which stays, looks here.
};

}  // namespace minato::cluster
