// Empties a Namespace that is being deleted, then lets it go by clearing its "kubernetes"
// finalizer.
//
// Pods keep their grace period; what remains, and whose finalizers hold it, is said in conditions.
// Event-driven: every deletion in a terminating namespace brings another look. Owned by
// ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. Failed writes
// are tried again.
// Rules: k8s.io/kubernetes pkg/controller/namespace/deletion.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "informer/controller.h"
#include "informer/informer.h"
#include "kube/client.h"
#include "kube/types/config.h"

namespace minato::controllers {

class NamespaceController final : public informer::Controller {
 public:
  NamespaceController(env::Env env, kube::Client& client, informer::Informers& informers);

  void start() { runner_.start(); }
  std::string_view name() const override { return "namespace-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  // What is still there: objects per resource, and objects per finalizer that holds them.
  struct Remaining {
    std::map<std::string, int> by_resource;
    std::map<std::string, int> by_finalizer;
  };
  Status remove_content(const std::string& name);
  Result<Remaining> remaining(const std::string& name);
  Status write_conditions(const kube::Namespace& namespace_, const Remaining& left);
  Status finalize(const kube::ObjectKey& key);

  env::Env env_;
  kube::Client& client_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
