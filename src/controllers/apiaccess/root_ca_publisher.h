// Gives every active Namespace the ConfigMap "kube-root-ca.crt": the authority by which its Pods
// know the API. What others change in it or take away is put right.
//
// Owned by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only.
// Rules: k8s.io/kubernetes pkg/controller/certificates/rootcacertpublisher/publisher.go.
#pragma once

#include <string>
#include <string_view>

#include "informer/controller.h"
#include "informer/informer.h"
#include "kube/types/config.h"

namespace minato::controllers {

class RootCaPublisher final : public informer::Controller {
 public:
  RootCaPublisher(const env::Env& env, kube::Client& client, informer::Informers& informers,
                  std::string certificate_pem);

  void start() { runner_.start(); }
  std::string_view name() const override { return "root-ca-certificate-publisher-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  kube::Client& client_;
  std::string certificate_pem_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Informer<kube::ConfigMap>& config_maps_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
