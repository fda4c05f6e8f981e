#include "controllers/nodelifecycle/cloud_node_controller.h"

#include <fmt/format.h>

#include "controllers/nodelifecycle/node_taints.h"

namespace minato::controllers {

CloudNodeController::CloudNodeController(env::Env env, kube::Client& client,
                                         informer::Informers& informers, Options options)
    : env_(env.fork("cloud-node-lifecycle-controller")),
      client_(client),
      options_(std::move(options)),
      events_(env_.fork("events"), client, "cloud-node-lifecycle-controller"),
      nodes_(informers.of<kube::Node>()),
      runner_(env_.fork("runner"), *this) {
  nodes_.add_index("provider-id", [](const kube::Node& node) {
    return std::vector<std::string>{node.spec.provider_id};
  });
  nodes_.on_change([this](const auto& delta) {
    if (delta.after && readiness(*delta.after) != Readiness::kReady) {
      runner_.queue().add(delta.after->key());
    }
  });
}

void CloudNodeController::instance_gone(const std::string& provider_id) {
  for (const auto& node : nodes_.by_index("provider-id", provider_id)) {
    runner_.queue().add(node->key());
  }
}

Result<informer::Requeue> CloudNodeController::reconcile(const kube::ObjectKey& key) {
  const auto node = nodes_.get(key);
  // Without a provider id it is not the cloud's.
  if (!node || node->spec.provider_id.empty() || !options_.instance_exists) {
    return informer::Requeue::done();
  }
  ASSIGN_OR_RETURN(const bool exists, options_.instance_exists(node->spec.provider_id));
  if (exists) {
    return readiness(*node) == Readiness::kReady ? informer::Requeue::done()
                                                 : informer::Requeue::in(options_.check_period);
  }
  events_.normal(*node, "DeletingNode",
                 fmt::format("Deleting node {} because it does not exist in the cloud provider",
                             node->metadata.name));
  kube::RemoveOptions options;
  options.precondition_uid = node->metadata.uid;
  RETURN_IF_ERROR(ignore_not_found(client_.remove(kube::Node::static_kind(), key, options)));
  return informer::Requeue::done();
}

}  // namespace minato::controllers
