#include "proxy/service_dns.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace minato::proxy {
namespace {

using Names = std::map<std::string, std::set<std::string>>;

void add_headless(const kube::Service& service, const kube::EndpointSlice& slice,
                  const std::string& service_name, Names& names) {
  for (const kube::Endpoint& endpoint : slice.endpoints) {
    const bool ready = endpoint.conditions.ready.value_or(true);
    if (!ready && !service.spec.publish_not_ready_addresses) continue;
    for (const std::string& address : endpoint.addresses) {
      names[service_name].insert(address);
      if (endpoint.hostname && !endpoint.hostname->empty()) {
        names[*endpoint.hostname + "." + service_name].insert(address);
      }
    }
  }
}

template <class T>
std::vector<std::shared_ptr<const T>> all_of(const informer::Informer<T>& informer) {
  std::vector<std::shared_ptr<const T>> out;
  for (const auto& [key, object] : informer.all()) out.push_back(object);
  return out;
}

}  // namespace

std::vector<network::DnsRecord> build_records(const Services& services, const Slices& slices,
                                              const std::string& cluster_domain) {
  std::map<kube::ObjectKey, Slices> by_service;
  for (const auto& slice : slices) by_service[service_of(*slice)].push_back(slice);
  Names names;
  for (const auto& service : services) {
    const kube::ObjectMeta& metadata = service->metadata;
    const std::string name =
        fmt::format("{}.{}.svc.{}", metadata.name, metadata.namespace_, cluster_domain);
    if (service->spec.type == "ExternalName") continue;
    if (service->spec.cluster_ip == "None") {
      for (const auto& slice : by_service[service->key()]) {
        add_headless(*service, *slice, name, names);
      }
    } else if (!service->spec.cluster_ip.empty()) {
      names[name].insert(service->spec.cluster_ip);
    }
  }
  std::vector<network::DnsRecord> out;
  for (const auto& [name, addresses] : names) {
    out.push_back({name, {addresses.begin(), addresses.end()}});
  }
  return out;
}

ServiceDns::ServiceDns(env::Env env, informer::Informers& informers, network::Dns& dns,
                       Options options)
    : env_(std::move(env)),
      dns_(dns),
      options_(std::move(options)),
      services_(informers.of<kube::Service>()),
      slices_(informers.of<kube::EndpointSlice>()),
      self_(std::make_shared<ServiceDns*>(this)) {
  services_.on_change([self = std::weak_ptr(self_)](const informer::Delta<kube::Service>&) {
    if (const auto alive = self.lock()) (*alive)->schedule({});
  });
  slices_.on_change([self = std::weak_ptr(self_)](const informer::Delta<kube::EndpointSlice>&) {
    if (const auto alive = self.lock()) (*alive)->schedule({});
  });
}

void ServiceDns::schedule(Duration delay) {
  if (scheduled_) return;
  scheduled_ = true;
  timer_ = env_.executor.after(delay, [this] { sync(); });
}

void ServiceDns::sync() {
  scheduled_ = false;
  std::vector<network::DnsRecord> records =
      build_records(all_of(services_), all_of(slices_), options_.cluster_domain);
  if (records == applied_) return;
  if (const Status status = dns_.apply(records); !status) {
    env_.log.write(env::Level::kWarning, "proxy", "DNS: " + status.error().message);
    return schedule(options_.retry);
  }
  applied_ = std::move(records);
}

}  // namespace minato::proxy
