// Keeps the DNS names of Services current.
//
// Rules: github.com/kubernetes/dns docs/specification.md: a Service with a ClusterIP resolves to
// it; a headless one to the addresses of its ready endpoints (all with
// publishNotReadyAddresses), and each endpoint with a host name to itself under the Service.
// Construct before the informers are started. Changes are gathered into one apply() per turn;
// a failed one is tried again after `retry`. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/env.h"
#include "informer/informer.h"
#include "network/network.h"
#include "proxy/rules.h"

namespace minato::proxy {

// Pure; sorted by name, addresses sorted and without repeats.
std::vector<network::DnsRecord> build_records(const Services& services, const Slices& slices,
                                              const std::string& cluster_domain);

class ServiceDns {
 public:
  struct Options {
    std::string cluster_domain = "cluster.local";
    Duration retry = 1s;
  };
  ServiceDns(env::Env env, informer::Informers& informers, network::Dns& dns, Options options);
  ServiceDns(const ServiceDns&) = delete;
  ServiceDns& operator=(const ServiceDns&) = delete;

 private:
  void schedule(Duration delay);
  void sync();

  env::Env env_;
  network::Dns& dns_;
  Options options_;
  informer::Informer<kube::Service>& services_;
  informer::Informer<kube::EndpointSlice>& slices_;
  std::vector<network::DnsRecord> applied_;
  bool scheduled_ = false;
  env::TimerHandle timer_;
  std::shared_ptr<ServiceDns*> self_;  // The informers' handlers, which stay, look here.
};

}  // namespace minato::proxy
