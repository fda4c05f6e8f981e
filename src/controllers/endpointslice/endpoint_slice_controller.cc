#include "controllers/endpointslice/endpoint_slice_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/common/pods.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kSlicesByService = "service-name";

std::string service_index_key(const kube::ObjectKey& service) { return service.to_string(); }

std::string label(const kube::ObjectMeta& meta, std::string_view name) {
  const auto found = meta.labels.find(std::string(name));
  return found == meta.labels.end() ? std::string() : found->second;
}

// What of a Pod an endpoint shows; everything else may change without a look at the Services.
bool shows_same(const kube::Pod& a, const kube::Pod& b) {
  return is_pod_ready(a) == is_pod_ready(b) && is_pod_terminal(a) == is_pod_terminal(b) &&
         is_deleting(a.metadata) == is_deleting(b.metadata) &&
         a.spec.node_name == b.spec.node_name && a.status.pod_ip == b.status.pod_ip &&
         kube::equal(a.status.pod_ips, b.status.pod_ips) &&
         a.metadata.labels == b.metadata.labels && a.metadata.uid == b.metadata.uid;
}

}  // namespace

EndpointSliceController::EndpointSliceController(env::Env env, kube::Client& client,
                                                 informer::Informers& informers, Options options)
    : env_(env.fork("endpointslice-controller")),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, "endpoint-slice-controller"),
      services_(informers.of<kube::Service>()),
      pods_(informers.of<kube::Pod>()),
      nodes_(informers.of<kube::Node>()),
      slices_(informers.of<kube::EndpointSlice>()),
      namespaces_(informers.of<kube::Namespace>()),
      runner_(env_.fork("runner"), *this) {
  index_pods_by_node(pods_);
  slices_.add_index(std::string(kSlicesByService), [](const kube::EndpointSlice& slice) {
    const std::string service = label(slice.metadata, kube::kLabelServiceName);
    return service.empty()
               ? std::vector<std::string>{}
               : std::vector<std::string>{service_index_key({slice.metadata.namespace_, service})};
  });
  services_.on_change([this](const auto& delta) { runner_.queue().add(delta.object().key()); });
  pods_.on_change([this](const auto& delta) { pod_changed(delta); });
  slices_.on_change([this](const auto& delta) { slice_changed(delta); });
  nodes_.on_change([this](const auto& delta) { node_changed(delta); });
}

void EndpointSliceController::pod_changed(const informer::Delta<kube::Pod>& delta) {
  if (delta.before && delta.after && shows_same(*delta.before, *delta.after)) return;
  if (delta.before) enqueue_selecting(*delta.before);
  if (delta.after) enqueue_selecting(*delta.after);
}

void EndpointSliceController::enqueue_selecting(const kube::Pod& pod) {
  for (const auto& service : services_.in_namespace(pod.metadata.namespace_)) {
    if (service->spec.selector.empty()) continue;
    if (kube::Selector::from_labels(service->spec.selector).matches(pod.metadata.labels)) {
      runner_.queue().add(service->key());
    }
  }
}

// Someone else's change to a slice is put right.
void EndpointSliceController::slice_changed(const informer::Delta<kube::EndpointSlice>& delta) {
  for (const SlicePtr& state : {delta.before, delta.after}) {
    if (!state || label(state->metadata, kube::kLabelManagedBy) != kEndpointSliceManager) continue;
    const std::string service = label(state->metadata, kube::kLabelServiceName);
    if (!service.empty()) runner_.queue().add({state->metadata.namespace_, service});
  }
}

void EndpointSliceController::node_changed(const informer::Delta<kube::Node>& delta) {
  if (delta.before && delta.after &&
      label(delta.before->metadata, kube::kLabelZone) ==
          label(delta.after->metadata, kube::kLabelZone)) {
    return;
  }
  for (const auto& pod : pods_on_node(pods_, delta.object().metadata.name)) {
    enqueue_selecting(*pod);
  }
}

std::vector<SlicePtr> EndpointSliceController::own_slices(const kube::ObjectKey& service) const {
  std::vector<SlicePtr> out =
      slices_.by_index(std::string(kSlicesByService), service_index_key(service));
  std::erase_if(out, [](const SlicePtr& slice) {
    return is_deleting(slice->metadata) ||
           label(slice->metadata, kube::kLabelManagedBy) != kEndpointSliceManager;
  });
  return out;
}

Result<informer::Requeue> EndpointSliceController::reconcile(const kube::ObjectKey& key) {
  const auto service = services_.get(key);
  // The slices of a deleted Service go with it: they have it as owner.
  if (!service || is_deleting(service->metadata)) return informer::Requeue::done();
  if (service->spec.selector.empty()) return informer::Requeue::done();
  const auto home = namespaces_.get({"", key.namespace_});
  if (home && is_deleting(home->metadata)) return informer::Requeue::done();

  SlicePlan plan;
  std::size_t looked_at = 0;
  if (service->spec.type == "ExternalName") {
    plan.remove = own_slices(key);
  } else {
    std::vector<std::shared_ptr<const kube::Pod>> pods = pods_.in_namespace(key.namespace_);
    looked_at = pods.size();
    const auto selector = kube::Selector::from_labels(service->spec.selector);
    std::erase_if(pods, [&](const auto& pod) { return !selector.matches(pod->metadata.labels); });
    plan = plan_slices(
        *service, own_slices(key),
        desired_endpoints(*service, pods,
                          [this](const std::string& node) { return nodes_.get({"", node}); }),
        options_.max_endpoints_per_slice);
  }
  if (Status applied = apply(std::move(plan)); !applied) {
    events_.warning(*service, "FailedToUpdateEndpointSlices",
                    fmt::format("Error updating Endpoint Slices for Service {}: {}",
                                key.to_string(), applied.error().message));
    return std::unexpected(std::move(applied).error());
  }
  return informer::Requeue::done().resting(informer::rest_after(looked_at));
}

// Creations first: an endpoint that moves to another slice is never in none.
Status EndpointSliceController::apply(SlicePlan plan) {
  for (kube::EndpointSlice& slice : plan.create) {
    RETURN_IF_ERROR(kube::create(client_, std::move(slice)));
  }
  for (kube::EndpointSlice& slice : plan.update) {
    RETURN_IF_ERROR(kube::update(client_, std::move(slice)));
  }
  for (const SlicePtr& slice : plan.remove) {
    RETURN_IF_ERROR(
        ignore_not_found(client_.remove(kube::EndpointSlice::static_kind(), slice->key())));
  }
  return {};
}

}  // namespace minato::controllers
