#include "cluster/housekeeping.h"

#include <set>

#include "kube/types/apps.h"
#include "kube/types/networking.h"

namespace minato::cluster {
namespace {

void collect_names(const kube::PodSpec& pod, std::set<std::string>& names) {
  for (const kube::Container& container : pod.containers) {
    for (const kube::EnvFromSource& source : container.env_from) {
      if (source.config_map_ref) names.insert(source.config_map_ref->local_object_reference.name);
      if (source.secret_ref) names.insert(source.secret_ref->local_object_reference.name);
    }
  }
}

template <class T>
void prune(kube::Client& client, informer::Informer<T>& informer, const std::string& name_space,
           const std::set<std::string>& used) {
  for (const auto& object : informer.in_namespace(name_space)) {
    const auto owner = object->metadata.labels.find("app.kubernetes.io/managed-by");
    const bool ours = owner != object->metadata.labels.end() && owner->second == "minato";
    if (!ours || used.contains(object->metadata.name)) continue;
    // One that is gone already, or that cannot go now, is no reason to stop.
    (void)client.remove(T::static_kind(), object->key());
  }
}

}  // namespace

Housekeeping::Housekeeping(env::Env env, kube::Client& client, informer::Informers& informers)
    : env_(std::move(env)), client_(client), informers_(informers) {
  // Asked for before the caches are filled, or they would stay empty.
  informers_.of<kube::Event>();
  informers_.of<kube::ConfigMap>();
  informers_.of<kube::Secret>();
  informers_.of<kube::Deployment>();
  informers_.of<kube::ReplicaSet>();
  informers_.of<kube::NetworkPolicy>();
}

void Housekeeping::start() {
  timer_ = env_.executor.after(kInterval, [this] {
    expire_events();
    start();
  });
}

void Housekeeping::expire_events() {
  std::vector<kube::ObjectKey> old;
  for (const auto& [key, event] : informers_.of<kube::Event>().all()) {
    if (env_.clock.wall() - event->last_timestamp > kEventLifetime) old.push_back(key);
  }
  for (const kube::ObjectKey& key : old) (void)client_.remove(kube::Event::static_kind(), key);
}

void Housekeeping::prune_generated(const std::string& name_space) {
  std::set<std::string> used;
  for (const auto& deployment : informers_.of<kube::Deployment>().in_namespace(name_space)) {
    collect_names(deployment->spec.template_.spec, used);
  }
  for (const auto& set : informers_.of<kube::ReplicaSet>().in_namespace(name_space)) {
    collect_names(set->spec.template_.spec, used);
  }
  prune(client_, informers_.of<kube::ConfigMap>(), name_space, used);
  prune(client_, informers_.of<kube::Secret>(), name_space, used);
}

void Housekeeping::prune_policies(const std::string& name_space, const std::vector<kube::ObjectPtr>& wanted) {
  std::set<std::string> names;
  for (const kube::ObjectPtr& object : wanted) {
    if (&object->kind() == &kube::NetworkPolicy::static_kind()) names.insert(object->key().name);
  }
  prune(client_, informers_.of<kube::NetworkPolicy>(), name_space, names);
}

}  // namespace minato::cluster
