// The Node's own presence in the API: registration, status, Lease.
//
// Rules: k8s.io/kubernetes pkg/kubelet/kubelet_node_status.go and k8s.io/component-helpers
// apimachinery/lease: the status is written when it changes and every status_interval, the Lease
// every lease_interval; a Node that was deleted is not registered again. Failed writes are retried
// after api_retry. Owned by the Kubelet; loop thread only.
#pragma once

#include <memory>
#include <optional>

#include "kube/types/coordination.h"
#include "kubelet/node_context.h"
#include "kubelet/node_status.h"

namespace minato::kubelet {

class NodeAgent {
 public:
  explicit NodeAgent(NodeContext& node) : node_(node) {}
  void start();
  void stop();
  void set_memory_pressure(bool pressure);
  const NodeHealth& health() const { return health_; }

 private:
  void register_node();
  Status try_register();
  void registered();
  void become_ready();
  void write_status();
  Status try_write_status();
  void renew_lease();
  Status try_renew_lease();
  void log_failure(std::string_view what, const Error& error) const;

  NodeContext& node_;
  NodeHealth health_;
  std::string node_uid_;
  std::shared_ptr<const kube::Lease> lease_;  // As last written.
  env::TimerHandle register_timer_;
  env::TimerHandle ready_timer_;
  env::TimerHandle status_timer_;
  env::TimerHandle lease_timer_;
};

}  // namespace minato::kubelet
