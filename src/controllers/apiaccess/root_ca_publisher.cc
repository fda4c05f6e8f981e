#include "controllers/apiaccess/root_ca_publisher.h"

#include "controllers/common/conditions.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr const char* kDescription = "kubernetes.io/description";
constexpr const char* kDescriptionText =
    "The certificate authority of this cluster's API as Pods reach it: kubernetes.default.svc and "
    "its address. It says nothing about other servers.";

}  // namespace

RootCaPublisher::RootCaPublisher(const env::Env& env, kube::Client& client,
                                 informer::Informers& informers, std::string certificate_pem)
    : client_(client),
      certificate_pem_(std::move(certificate_pem)),
      namespaces_(informers.of<kube::Namespace>()),
      config_maps_(informers.of<kube::ConfigMap>()),
      runner_(env.fork("root-ca-publisher"), *this) {
  namespaces_.on_change([this](const informer::Delta<kube::Namespace>& delta) {
    if (delta.after) runner_.queue().add(delta.after->key());
  });
  config_maps_.on_change([this](const informer::Delta<kube::ConfigMap>& delta) {
    const kube::ObjectMeta& metadata = delta.object().metadata;
    if (metadata.name == kube::kRootCaConfigMap) runner_.queue().add({"", metadata.namespace_});
  });
}

Result<informer::Requeue> RootCaPublisher::reconcile(const kube::ObjectKey& key) {
  const auto home = namespaces_.get(key);
  if (!home || is_deleting(home->metadata)) return informer::Requeue::done();
  const std::map<std::string, std::string> data{{std::string(kube::kRootCaKey), certificate_pem_}};
  const auto present = config_maps_.get({key.name, std::string(kube::kRootCaConfigMap)});
  if (present && present->data == data && present->metadata.annotations.contains(kDescription)) {
    return informer::Requeue::done();
  }
  kube::ConfigMap wanted = present ? *present : kube::ConfigMap();
  wanted.metadata.namespace_ = key.name;
  wanted.metadata.name = kube::kRootCaConfigMap;
  wanted.metadata.annotations.try_emplace(kDescription, kDescriptionText);
  wanted.data = data;
  const auto written = present ? kube::update(client_, std::move(wanted))
                               : kube::create(client_, std::move(wanted));
  if (!written) return std::unexpected(written.error());
  return informer::Requeue::done();
}

}  // namespace minato::controllers
