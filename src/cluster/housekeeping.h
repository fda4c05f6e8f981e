// What must not stay for ever: Events older than an hour, generated ConfigMaps and Secrets that no
// revision refers to any more, and NetworkPolicies that the file no longer asks for.
//
// Owned by Cluster. Loop thread only. What cannot be removed now is tried again next time.
// Rule: kube-apiserver --event-ttl (1 h).
#pragma once

#include <string>
#include <vector>

#include "env/env.h"
#include "informer/informer.h"
#include "kube/client.h"
#include "kube/types/config.h"

namespace minato::cluster {

class Housekeeping {
 public:
  static constexpr Duration kEventLifetime = 1h;
  static constexpr Duration kInterval = 1min;

  Housekeeping(env::Env env, kube::Client& client, informer::Informers& informers);
  void start();
  // Generated objects of a namespace whose names neither its Deployments nor their ReplicaSets say.
  void prune_generated(const std::string& name_space);
  // NetworkPolicies of ours that are not among `wanted`: what nobody asks for must restrict nobody.
  void prune_policies(const std::string& name_space, const std::vector<kube::ObjectPtr>& wanted);

 private:
  void expire_events();

  env::Env env_;
  kube::Client& client_;
  informer::Informers& informers_;
  env::TimerHandle timer_;
};

}  // namespace minato::cluster
