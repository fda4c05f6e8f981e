#include "controllers/controllers.h"

namespace minato::controllers {

ControllerSet::ControllerSet(const env::Env& env, kube::Client& client,
                             informer::Informers& informers, Options options)
    : namespace_(env, client, informers),
      definition_(env, client, informers),
      service_account_(env, client, informers),
      garbage_collector_(env, client, informers),
      deployment_(env, client, informers),
      replica_set_(env, client, informers, options.replica_set),
      daemon_set_(env, client, informers, options.daemon_set),
      endpoint_slice_(env, client, informers, options.endpoint_slice),
      disruption_(env, client, informers, options.disruption),
      node_lifecycle_(env, client, informers, options.node_lifecycle),
      taint_eviction_(env, client, informers),
      cloud_node_(env, client, informers, std::move(options.cloud_node)),
      pod_autoscaler_(env, client, informers, options.pod_autoscaler),
      pod_gc_(env, client, informers, options.pod_gc) {
  if (!options.api_access) return;
  root_ca_.emplace(env, client, informers, std::move(options.api_access->authority_pem));
  api_service_.emplace(env, client, informers, std::move(options.api_access->service));
}

void ControllerSet::start() {
  namespace_.start();
  definition_.start();
  service_account_.start();
  garbage_collector_.start();
  deployment_.start();
  replica_set_.start();
  daemon_set_.start();
  endpoint_slice_.start();
  disruption_.start();
  node_lifecycle_.start();
  taint_eviction_.start();
  cloud_node_.start();
  pod_autoscaler_.start();
  pod_gc_.start();
  if (root_ca_) root_ca_->start();
  if (api_service_) api_service_->start();
}

}  // namespace minato::controllers
