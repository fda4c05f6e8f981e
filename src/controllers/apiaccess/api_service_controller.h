// Keeps the Service "kubernetes" in "default" and its EndpointSlice: the API's address for Pods.
// Others' changes to where they lead are put right, and so is their deletion.
//
// Owned by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only.
// Rules: k8s.io/kubernetes pkg/controlplane/controller/kubernetesservice/controller.go,
// pkg/controlplane/reconcilers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "informer/controller.h"
#include "informer/informer.h"
#include "kube/types/discovery.h"
#include "kube/types/service.h"

namespace minato::controllers {

class ApiServiceController final : public informer::Controller {
 public:
  struct Options {
    std::string cluster_ip;
    std::string address;  // Of the server itself.
    std::uint16_t port = 443;
  };
  ApiServiceController(const env::Env& env, kube::Client& client, informer::Informers& informers,
                       Options options);

  void start();
  std::string_view name() const override { return "kubernetes-service-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  Status keep_service(const kube::ObjectKey& key);
  Status keep_slice(const kube::ObjectKey& key);

  kube::Client& client_;
  Options options_;
  informer::Informer<kube::Service>& services_;
  informer::Informer<kube::EndpointSlice>& slices_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
