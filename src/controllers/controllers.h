// All controllers of kube-controller-manager that minato has, as one thing to construct and start.
//
// Used unchanged in the real and the simulated world. Order of use: construct (registers handlers
// and indexes), Informers::start() (fills the caches), start(). Env, Client and Informers outlive
// the set, and after it is destroyed the Informers must deliver nothing more: whoever restarts the
// control plane makes new ones of both. Nothing is lost by that but back-offs and the grace periods
// that begin anew. Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "controllers/apiaccess/api_service_controller.h"
#include "controllers/apiaccess/root_ca_publisher.h"
#include "controllers/daemonset/daemon_set_controller.h"
#include "controllers/definition/definition_controller.h"
#include "controllers/deployment/deployment_controller.h"
#include "controllers/disruption/disruption_controller.h"
#include "controllers/endpointslice/endpoint_slice_controller.h"
#include "controllers/garbagecollector/garbage_collector.h"
#include "controllers/namespace/namespace_controller.h"
#include "controllers/nodelifecycle/cloud_node_controller.h"
#include "controllers/nodelifecycle/node_lifecycle_controller.h"
#include "controllers/nodelifecycle/taint_eviction_controller.h"
#include "controllers/podautoscaler/pod_autoscaler_controller.h"
#include "controllers/podgc/pod_gc_controller.h"
#include "controllers/replicaset/replica_set_controller.h"
#include "controllers/serviceaccount/service_account_controller.h"

namespace minato::controllers {

// How Pods reach the API and know that it is the right one.
struct ApiAccess {
  ApiServiceController::Options service;
  std::string authority_pem;
};

class ControllerSet {
 public:
  struct Options {
    std::optional<ApiAccess> api_access;  // Nothing: Pods do not reach it.
    ReplicaSetController::Options replica_set;
    DaemonSetController::Options daemon_set;
    EndpointSliceController::Options endpoint_slice;
    NodeLifecycleController::Options node_lifecycle;
    CloudNodeController::Options cloud_node;
    DisruptionController::Options disruption;
    PodAutoscalerController::Options pod_autoscaler;
    PodGcController::Options pod_gc;
  };
  ControllerSet(const env::Env& env, kube::Client& client, informer::Informers& informers,
                Options options);

  void start();
  // The cloud has ended an instance: its Node goes at once.
  void instance_gone(const std::string& provider_id) { cloud_node_.instance_gone(provider_id); }
  // Why a HorizontalPodAutoscaler did what it did last. Null: no decision yet.
  const ScalingExplanation* explain_autoscaler(const kube::ObjectKey& autoscaler) const {
    return pod_autoscaler_.explain(autoscaler);
  }

 private:
  NamespaceController namespace_;
  DefinitionController definition_;
  ServiceAccountController service_account_;
  GarbageCollector garbage_collector_;
  DeploymentController deployment_;
  ReplicaSetController replica_set_;
  DaemonSetController daemon_set_;
  EndpointSliceController endpoint_slice_;
  DisruptionController disruption_;
  NodeLifecycleController node_lifecycle_;
  TaintEvictionController taint_eviction_;
  CloudNodeController cloud_node_;
  PodAutoscalerController pod_autoscaler_;
  PodGcController pod_gc_;
  std::optional<RootCaPublisher> root_ca_;
  std::optional<ApiServiceController> api_service_;
};

}  // namespace minato::controllers
