#include "kubelet/pod_feed.h"

#include "base/check.h"

namespace minato::kubelet {
namespace {

constexpr char kByNode[] = "spec.nodeName";

}  // namespace

PodFeed::PodFeed(informer::Informers& informers)
    : informers_(informers), sinks_(std::make_shared<Sinks>()) {
  informers_.of<kube::ConfigMap>();
  informers_.of<kube::Secret>();
  informers_.of<kube::Service>();
  auto& pods = informers_.of<kube::Pod>();
  pods.add_index(kByNode, [](const kube::Pod& pod) {
    return pod.spec.node_name.empty() ? std::vector<std::string>{}
                                      : std::vector<std::string>{pod.spec.node_name};
  });
  pods.on_change([sinks = std::weak_ptr(sinks_)](const informer::Delta<kube::Pod>& delta) {
    const auto alive = sinks.lock();
    if (!alive || delta.object().spec.node_name.empty()) return;
    const auto found = alive->find(delta.object().spec.node_name);
    if (found != alive->end()) found->second(delta);
  });
}

PodFeed::Subscription PodFeed::subscribe(const std::string& node, Sink sink) {
  CHECK(!sinks_->contains(node), "two kubelets for node {}", node);
  sinks_->emplace(node, std::move(sink));
  return Subscription([sinks = std::weak_ptr(sinks_), node] {
    if (const auto alive = sinks.lock()) alive->erase(node);
  });
}

std::vector<std::shared_ptr<const kube::Pod>> PodFeed::pods_on(const std::string& node) const {
  return informers_.of<kube::Pod>().by_index(kByNode, node);
}

ConfigSources PodFeed::sources() const {
  informer::Informers& informers = informers_;
  return {
      .config_map = [&informers](const kube::ObjectKey& key) {
        return informers.of<kube::ConfigMap>().get(key);
      },
      .secret = [&informers](const kube::ObjectKey& key) {
        return informers.of<kube::Secret>().get(key);
      },
      .services = [&informers](const std::string& name_space) {
        return informers.of<kube::Service>().in_namespace(name_space);
      }};
}

}  // namespace minato::kubelet
