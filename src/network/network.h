// Seam: Service addresses as a Node's kernel carries them out (kube-proxy's part) and Service DNS.
//
// Implementations: linux_net (nftables in the Node's network namespace; DNS server in the VPC),
// sim (a table that modelled requests consult). Owned by the world; called on the loop. apply() is
// idempotent: the whole desired state each time; an implementation writes only what differs, as one
// atomic transaction per Node.
//
// Shape: kube-proxy's nftables mode (k8s.io/kubernetes pkg/proxy/nftables/README.md).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::network {

enum class Protocol { kTcp, kUdp };

struct Endpoint {
  std::string ip;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

// An immutable list. Copies share it: thousands of Nodes have the same endpoints.
class Endpoints {
 public:
  Endpoints() = default;
  Endpoints(std::vector<Endpoint> list)
      : list_(list.empty() ? nullptr : std::make_shared<const std::vector<Endpoint>>(std::move(list))) {}
  Endpoints(std::initializer_list<Endpoint> list) : Endpoints(std::vector<Endpoint>(list)) {}

  const Endpoint* begin() const { return list_ ? list_->data() : nullptr; }
  const Endpoint* end() const { return begin() + size(); }
  std::size_t size() const { return list_ ? list_->size() : 0; }
  bool empty() const { return !list_; }
  const Endpoint& operator[](std::size_t i) const { return (*list_)[i]; }
  bool operator==(const Endpoints& other) const {
    return list_ == other.list_ || (list_ && other.list_ && *list_ == *other.list_);
  }

 private:
  std::shared_ptr<const std::vector<Endpoint>> list_;  // Null: none.
};

// One port of one Service, as one Node must see it.
struct ServicePort {
  std::string name_space;
  std::string service;
  std::string port_name;
  Protocol protocol = Protocol::kTcp;
  std::string cluster_ip;  // "" for none.
  std::uint16_t port = 0;
  std::uint16_t node_port = 0;  // 0 for none.
  // Where cluster-internal traffic and, with policy Cluster, NodePort traffic goes.
  Endpoints cluster_endpoints;
  // externalTrafficPolicy Local: only these get NodePort traffic; none means it is dropped.
  bool external_local = false;
  Endpoints local_endpoints;
  Duration client_ip_affinity{};  // sessionAffinity ClientIP with its timeout; 0 for none.
  bool operator==(const ServicePort&) const = default;
};

// Sorted by (namespace, service, port name) so that equal states compare equal.
struct NodeRules {
  std::vector<ServicePort> services;
  bool operator==(const NodeRules&) const = default;
};

class ServiceRules {
 public:
  virtual ~ServiceRules() = default;
  // Errors: NotFound (no such Node; it may just have died), Internal.
  virtual Status apply(const std::string& node, const NodeRules& rules) = 0;
};

struct DnsRecord {
  std::string name;  // Fully qualified, no final dot: "hello.default.svc.cluster.local".
  std::vector<std::string> addresses;
  auto operator<=>(const DnsRecord&) const = default;
};

class Dns {
 public:
  virtual ~Dns() = default;
  // The complete set; what is not in it no longer resolves.
  virtual Status apply(const std::vector<DnsRecord>& records) = 0;
  // Address that Pods put into resolv.conf.
  virtual std::string server_address() const = 0;
};

}  // namespace minato::network
