// Watches a Cluster and tells what changes, as observations: the same code in every world.
//
// Objects are looked at in the turn in which they change, the cloud every `interval`. Owned by
// whoever watches; the Cluster outlives it. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cluster/cluster.h"
#include "drill/observation.h"

namespace minato::drill {

class Observer {
 public:
  struct Options {
    std::string service;  // Also its namespace.
    Duration interval = 20ms;
  };
  using Sink = std::function<void(const Observation&)>;
  // Everything there is comes in the first turn, then what changes.
  Observer(env::Env env, cluster::Cluster& cluster, Options options, Sink sink);
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  ~Observer();

 private:
  using Key = std::pair<Subject, std::string>;
  using Seen = std::map<Key, Observation>;
  void wake();
  void look();
  void see_pods(Seen& out) const;
  void see_nodes(Seen& out) const;
  void see_cloud(Seen& out) const;
  void see_service(Seen& out) const;

  env::Env env_;
  cluster::Cluster& cluster_;
  Options options_;
  Sink sink_;
  Seen seen_;
  bool woken_ = false;
  env::TimerHandle timer_;
  std::shared_ptr<Observer*> self_;  // The informers' handlers, which stay, look here.
};

}  // namespace minato::drill
