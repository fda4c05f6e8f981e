// Deletes what has lost its owners: background, foreground (dependents first) and orphaning.
//
// Its keys are uids (ObjectKey{"", uid}): a name may be taken again, a uid never. Owned by
// ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. Writes carry
// uid and resourceVersion; failed ones are tried again.
// Rules: k8s.io/kubernetes pkg/controller/garbagecollector. References to kinds that minato does
// not serve count as present, since nobody here can know better.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/garbagecollector/owner_graph.h"
#include "informer/controller.h"
#include "informer/informer.h"
#include "kube/client.h"

namespace minato::controllers {

class GarbageCollector final : public informer::Controller {
 public:
  GarbageCollector(env::Env env, kube::Client& client, informer::Informers& informers);

  void start() { runner_.start(); }
  std::string_view name() const override { return "garbage-collector-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  using References = std::vector<kube::OwnerReference>;

  void changed(const kube::Object& after);
  void gone(const kube::Object& before);
  void enqueue(const std::string& uid) { runner_.queue().add({"", uid}); }
  void enqueue_dependents(const std::string& uid);
  void enqueue_owners(const OwnerGraph::Node& node);

  Status finish_foreground(const std::string& uid, const OwnerGraph::Node& node);
  Status finish_orphaning(const std::string& uid, const OwnerGraph::Node& node);
  Status collect(const std::string& uid, const OwnerGraph::Node& node);
  Status remove(const std::string& uid, const OwnerGraph::Node& node,
                kube::Propagation propagation);
  bool is_blocking(const std::string& dependent, const std::string& owner) const;
  // A dependent that itself is being deleted in the foreground closes a circle.
  Status break_circle(const std::string& uid, const OwnerGraph::Node& node);
  // Reads the object, applies `edit` and writes it back, unless it is another one by now.
  Status edit(const std::string& uid, const OwnerGraph::Node& node,
              const std::function<void(kube::ObjectMeta&)>& edit);

  env::Env env_;
  kube::Client& client_;
  OwnerGraph graph_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
