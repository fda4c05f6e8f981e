// What a container runtime needs from a Node's network: a namespace and an address for each Pod.
// Implemented by linux_net::Vpc; tests of the runtime use a fake with a bare namespace.
//
// Loop thread only; calls take about a millisecond (rtnetlink). Links survive the process.
#pragma once

#include <string>

#include "base/result.h"

namespace minato::linux_net {

struct PodLink {
  std::string netns_path;  // Bind-mounted namespace file; stays until detach_pod().
  std::string ip;          // VPC address, "10.77.1.101".
};

class PodNetwork {
 public:
  virtual ~PodNetwork() = default;
  // Idempotent per (node, pod_uid). Errors: NotFound (node), Unavailable (addresses used up).
  virtual Result<PodLink> attach_pod(const std::string& node, const std::string& pod_uid) = 0;
  virtual Status detach_pod(const std::string& node, const std::string& pod_uid) = 0;
  // The Node's own namespace and address (host-network Pods, probes).
  virtual Result<PodLink> node_link(const std::string& node) = 0;
};

}  // namespace minato::linux_net
