// Gives every active Namespace its ServiceAccount "default", also when someone deletes it.
//
// Owned by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only.
// Rules: k8s.io/kubernetes pkg/controller/serviceaccount/serviceaccounts_controller.go.
#pragma once

#include <string_view>

#include "informer/controller.h"
#include "informer/informer.h"
#include "kube/types/config.h"

namespace minato::controllers {

class ServiceAccountController final : public informer::Controller {
 public:
  ServiceAccountController(env::Env env, kube::Client& client, informer::Informers& informers);

  void start() { runner_.start(); }
  std::string_view name() const override { return "serviceaccount-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  kube::Client& client_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Informer<kube::ServiceAccount>& accounts_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
