// What `minato agent` is on EKS: the spot agent of one Node. It asks the metadata of its own instance
// and writes what is to become of the Node on the Node, where the controller takes it up
// (removal/handover.h): agents have no access to the cloud.
//
// Ownership: Env, client and metadata outlive it. Loop thread only. The client is to list and watch
// this one Node only. Errors of start(): the API's.
#pragma once

#include "agent/agent.h"
#include "agent/removal_sink.h"
#include "eks/metrics_text.h"
#include "removal/handover.h"

namespace minato::eks {

class NodeAgent {
 public:
  struct Options {
    std::string node;
    Duration poll = 2s;
    Duration hook_timeout = 60s;  // For how long the group's hook holds an instance that is to end.
  };
  NodeAgent(env::Env env, kube::Client& client, cloud::InstanceMetadata& metadata, Options options);

  Status start();
  void add_metrics(MetricsText& out) const;

 private:
  env::Env env_;
  informer::Informers informers_;
  removal::Handover handover_;
  agent::RemovalSink sink_;
  agent::Agent agent_;
};

}  // namespace minato::eks
