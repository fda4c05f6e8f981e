// Empties and then lets go of CustomResourceDefinitions that are being deleted, and has names looked
// at again that another definition has given up.
//
// A definition in deletion carries a finalizer until its last object is gone; objects may have
// finalizers of their own and take their time. Event-driven: every deletion of a custom object
// brings another look. Owned by ControllerSet; refers to Client and Informers, which outlive it.
// Loop thread only. Failed writes are tried again.
// Rules: k8s.io/apiextensions-apiserver pkg/controller/{finalizer,status}.
#pragma once

#include <string_view>

#include "informer/controller.h"
#include "informer/informer.h"
#include "kube/types/custom_resource.h"

namespace minato::controllers {

class DefinitionController final : public informer::Controller {
 public:
  DefinitionController(env::Env env, kube::Client& client, informer::Informers& informers);

  void start() { runner_.start(); }
  std::string_view name() const override { return "customresourcedefinition-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  // True when there is nothing left.
  Result<bool> remove_objects(const kube::Kind& kind);
  void wake_waiting(const kube::CustomResourceDefinition& gone);

  kube::Client& client_;
  informer::Informer<kube::CustomResourceDefinition>& definitions_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
