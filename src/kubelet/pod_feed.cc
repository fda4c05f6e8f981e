#include "kubelet/pod_feed.h"

#include <fmt/format.h>

#include "base/check.h"

namespace minato::kubelet {
namespace {

constexpr char kByNode[] = "spec.nodeName";
constexpr char kByConfig[] = "spec.volumes";

std::string config_key(std::string_view kind, const kube::ObjectKey& key) {
  return fmt::format("{}/{}/{}", kind, key.namespace_, key.name);
}

// What a Pod's volumes name, for kByConfig.
std::vector<std::string> config_keys(const kube::Pod& pod) {
  std::vector<std::string> out;
  const auto config_map = [&](const std::string& name) {
    out.push_back(config_key(kube::ConfigMap::static_kind().kind, {pod.metadata.namespace_, name}));
  };
  const auto secret = [&](const std::string& name) {
    out.push_back(config_key(kube::Secret::static_kind().kind, {pod.metadata.namespace_, name}));
  };
  for (const kube::Volume& volume : pod.spec.volumes) {
    const kube::VolumeSource& source = volume.volume_source;
    if (source.config_map) config_map(source.config_map->local_object_reference.name);
    if (source.secret) secret(source.secret->secret_name);
    if (!source.projected) continue;
    for (const kube::VolumeProjection& part : source.projected->sources) {
      if (part.config_map) config_map(part.config_map->local_object_reference.name);
      if (part.secret) secret(part.secret->local_object_reference.name);
    }
  }
  return out;
}

}  // namespace

PodFeed::PodFeed(informer::Informers& informers, TokenIssuer issue_token)
    : informers_(informers), issue_token_(std::move(issue_token)), sinks_(std::make_shared<Sinks>()) {
  follow_config<kube::ConfigMap>();
  follow_config<kube::Secret>();
  informers_.of<kube::Service>();
  auto& pods = informers_.of<kube::Pod>();
  pods.add_index(kByNode, [](const kube::Pod& pod) {
    return pod.spec.node_name.empty() ? std::vector<std::string>{}
                                      : std::vector<std::string>{pod.spec.node_name};
  });
  pods.add_index(kByConfig, config_keys);
  pods.on_change([sinks = std::weak_ptr(sinks_)](const informer::Delta<kube::Pod>& delta) {
    const auto alive = sinks.lock();
    if (!alive || delta.object().spec.node_name.empty()) return;
    const auto found = alive->find(delta.object().spec.node_name);
    if (found != alive->end()) found->second.pod(delta);
  });
}

template <class T>
void PodFeed::follow_config() {
  informers_.of<T>().on_change(
      [&informers = informers_, sinks = std::weak_ptr(sinks_)](const informer::Delta<T>& delta) {
        const auto alive = sinks.lock();
        if (!alive) return;
        const std::string key = config_key(T::static_kind().kind, delta.object().key());
        for (const auto& pod : informers.of<kube::Pod>().by_index(kByConfig, key)) {
          const auto found = alive->find(pod->spec.node_name);
          if (found != alive->end()) found->second.config(pod->metadata.uid);
        }
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
      },
      .issue_token = issue_token_};
}

}  // namespace minato::kubelet
