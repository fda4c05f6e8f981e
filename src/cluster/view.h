// What people are shown of a running service, gathered from the caches and the cloud in one go.
// Pure reading; JSON because the command line, and later the dashboard, read it from a socket.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "cluster/cluster.h"
#include "kube/types/config.h"

namespace minato::cluster {

struct ViewOptions {
  std::string namespace_;
  std::string service;
  std::string url;
  std::size_t warnings = 10;  // The newest ones.
};

// {"service":{…},"nodes":[…],"pods":[…],"targets":[…],"warnings":[…]}; ages in whole seconds.
boost::json::value view(Cluster& cluster, const ViewOptions& options, WallTime now);
boost::json::value view_event(const kube::Event& event);

// How far a rollout is, in kubectl's words, and whether it is over.
struct Rollout {
  bool done = false;
  bool failed = false;
  std::string message;
};
Rollout rollout_of(const kube::Deployment& deployment);

}  // namespace minato::cluster
