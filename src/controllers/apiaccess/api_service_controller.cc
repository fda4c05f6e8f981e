#include "controllers/apiaccess/api_service_controller.h"

#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::int32_t kPublicPort = 443;
constexpr const char* kPortName = "https";

kube::ObjectKey service_key() {
  return {std::string(kube::kNamespaceDefault), std::string(kube::kApiService)};
}

bool same_ports(const kube::Service& a, const kube::Service& b) {
  return a.spec.ports.size() == b.spec.ports.size() &&
         std::ranges::equal(a.spec.ports, b.spec.ports, [](const auto& x, const auto& y) {
           return x.name == y.name && x.port == y.port && x.protocol == y.protocol &&
                  kube::equal(x.target_port, y.target_port);
         });
}

}  // namespace

ApiServiceController::ApiServiceController(const env::Env& env, kube::Client& client,
                                           informer::Informers& informers, Options options)
    : client_(client),
      options_(std::move(options)),
      services_(informers.of<kube::Service>()),
      slices_(informers.of<kube::EndpointSlice>()),
      runner_(env.fork("kubernetes-service"), *this) {
  services_.on_change([this](const informer::Delta<kube::Service>& delta) {
    if (delta.object().key() == service_key()) runner_.queue().add(service_key());
  });
  slices_.on_change([this](const informer::Delta<kube::EndpointSlice>& delta) {
    if (delta.object().key() == service_key()) runner_.queue().add(service_key());
  });
}

void ApiServiceController::start() {
  runner_.queue().add(service_key());
  runner_.start();
}

Result<informer::Requeue> ApiServiceController::reconcile(const kube::ObjectKey& key) {
  RETURN_IF_ERROR(keep_service(key));
  RETURN_IF_ERROR(keep_slice(key));
  return informer::Requeue::done();
}

Status ApiServiceController::keep_service(const kube::ObjectKey& key) {
  kube::Service wanted;
  wanted.metadata.namespace_ = key.namespace_;
  wanted.metadata.name = key.name;
  wanted.metadata.labels = {{"component", "apiserver"}, {"provider", "kubernetes"}};
  wanted.spec.type = "ClusterIP";
  wanted.spec.cluster_ip = options_.cluster_ip;
  kube::ServicePort& port = wanted.spec.ports.emplace_back();
  port.name = kPortName;
  port.protocol = "TCP";
  port.port = kPublicPort;
  port.target_port = options_.port;
  const auto present = services_.get(key);
  if (!present) {
    RETURN_IF_ERROR(kube::create(client_, std::move(wanted)));
    return {};
  }
  if (same_ports(*present, wanted) && present->spec.selector.empty() &&
      present->spec.type == wanted.spec.type) {
    return {};
  }
  kube::Service changed = *present;
  changed.spec.type = wanted.spec.type;
  changed.spec.selector.clear();
  changed.spec.ports = wanted.spec.ports;
  RETURN_IF_ERROR(kube::update(client_, std::move(changed)));
  return {};
}

Status ApiServiceController::keep_slice(const kube::ObjectKey& key) {
  kube::EndpointSlice wanted;
  wanted.metadata.namespace_ = key.namespace_;
  wanted.metadata.name = key.name;
  wanted.address_type = "IPv4";
  kube::Endpoint& endpoint = wanted.endpoints.emplace_back();
  endpoint.addresses = {options_.address};
  endpoint.conditions.ready = true;
  kube::EndpointPort& port = wanted.ports.emplace_back();
  port.name = kPortName;
  port.protocol = "TCP";
  port.port = options_.port;
  const std::string label(kube::kLabelServiceName);
  const auto present = slices_.get(key);
  if (!present) {
    wanted.metadata.labels[label] = key.name;
    RETURN_IF_ERROR(kube::create(client_, std::move(wanted)));
    return {};
  }
  const auto labelled = present->metadata.labels.find(label);
  if (kube::equal(present->endpoints, wanted.endpoints) &&
      kube::equal(present->ports, wanted.ports) && labelled != present->metadata.labels.end() &&
      labelled->second == key.name) {
    return {};
  }
  kube::EndpointSlice changed = *present;
  changed.metadata.labels[label] = key.name;
  changed.endpoints = wanted.endpoints;
  changed.ports = wanted.ports;
  RETURN_IF_ERROR(kube::update(client_, std::move(changed)));
  return {};
}

}  // namespace minato::controllers
