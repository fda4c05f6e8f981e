// EndpointSlices of every Service that has a selector. Services without one keep the slices that
// someone else makes for them.
//
// Decisions are pure (endpoints.h). Owned by ControllerSet; refers to Client and Informers, which
// outlive it. Loop thread only. Failed writes are errors of the reconcile and tried again.
// Rules: k8s.io/kubernetes pkg/controller/endpointslice. Not there: topology hints, and the
// annotation endpoints.kubernetes.io/last-change-trigger-time.
#pragma once

#include <string>
#include <string_view>

#include "controllers/endpointslice/endpoints.h"
#include "informer/controller.h"
#include "informer/event_recorder.h"
#include "informer/informer.h"
#include "kube/types/config.h"

namespace minato::controllers {

class EndpointSliceController final : public informer::Controller {
 public:
  struct Options {
    std::size_t max_endpoints_per_slice = 100;
  };
  EndpointSliceController(env::Env env, kube::Client& client, informer::Informers& informers,
                          Options options);

  void start() { runner_.start(); }
  std::string_view name() const override { return "endpointslice-controller"; }
  Result<informer::Requeue> reconcile(const kube::ObjectKey& key) override;

 private:
  void pod_changed(const informer::Delta<kube::Pod>& delta);
  void slice_changed(const informer::Delta<kube::EndpointSlice>& delta);
  void node_changed(const informer::Delta<kube::Node>& delta);
  void enqueue_selecting(const kube::Pod& pod);
  std::vector<SlicePtr> own_slices(const kube::ObjectKey& service) const;
  Status apply(SlicePlan plan);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::EventRecorder events_;
  informer::Informer<kube::Service>& services_;
  informer::Informer<kube::Pod>& pods_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::EndpointSlice>& slices_;
  informer::Informer<kube::Namespace>& namespaces_;
  informer::Runner runner_;
};

}  // namespace minato::controllers
