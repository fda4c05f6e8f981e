// Deletes a Node whose cloud instance is gone, so that its Pods are replaced at once instead of
// after grace period and tolerations.
//
// Only Nodes that are not ready are asked about, every check_period and whenever one of them
// changes; the world may tell of an ended instance sooner with instance_gone(). Owned by
// ControllerSet; refers to Client and Informers, which outlive it. Loop thread only.
// Rules: k8s.io/cloud-provider controllers/nodelifecycle.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/node.h"

namespace minato::controllers {

// Seam: whether the cloud still has the instance (running, or ending and not yet ended). An error
// leaves the Node as it is.
using InstanceExists = std::function<Result<bool>(const std::string& provider_id)>;

class CloudNodeController final : public informer::Controller {
 public:
  struct Options {
    Duration check_period = 5s;
    InstanceExists instance_exists;  // Empty: every instance exists.
  };
  CloudNodeController(env::Env env, kube::Client& client, informer::Informers& informers,
                      Options options);

  void start() { runner_.start(); }
  // Has the Node of that instance looked at, ready or not.
  void instance_gone(const std::string& provider_id);
  std::string_view name() const override { return "cloud-node-lifecycle-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Node>& nodes_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
