#include "informer/informer.h"

#include "base/check.h"
#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/coordination.h"
#include "kube/types/custom_resource.h"
#include "kube/types/discovery.h"
#include "kube/types/networking.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "kube/types/policy.h"
#include "kube/types/scheduling.h"
#include "kube/types/service.h"

namespace minato::informer {

template <class T>
void Informer<T>::on_change(Handler handler) {
  for (const auto& [key, object] : objects_) handler({Change::kAdded, nullptr, object});
  handlers_.push_back(std::move(handler));
}

template <class T>
void Informer<T>::add_index(const std::string& name, IndexFunction function) {
  if (indexes_.contains(name)) return;
  Index& index = indexes_[name];
  index.function = std::move(function);
  for (const auto& [key, object] : objects_) index.insert(object);
}

template <class T>
std::shared_ptr<const T> Informer<T>::get(const kube::ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

template <class T>
std::vector<std::shared_ptr<const T>> Informer<T>::in_namespace(const std::string& name) const {
  std::vector<Ptr> out;
  for (auto it = objects_.lower_bound({name, ""}); it != objects_.end(); ++it) {
    if (it->first.namespace_ != name) break;
    out.push_back(it->second);
  }
  return out;
}

template <class T>
std::vector<std::shared_ptr<const T>> Informer<T>::by_index(const std::string& name,
                                                            const std::string& value) const {
  const auto index = indexes_.find(name);
  CHECK(index != indexes_.end(), "no index {}", name);
  std::vector<Ptr> out;
  const auto found = index->second.objects.find(value);
  if (found == index->second.objects.end()) return out;
  out.reserve(found->second.size());
  for (const auto& [key, object] : found->second) out.push_back(object);
  return out;
}

template <class T>
Status Informer<T>::start(kube::Client& client) {
  ASSIGN_OR_RETURN(const kube::ObjectList found, client.list(T::static_kind(), {}));
  for (const kube::ObjectPtr& object : found.items) {
    apply({kube::WatchEventType::kAdded, object, found.resource_version});
  }
  ASSIGN_OR_RETURN(watch_, client.watch(T::static_kind(), {}, found.resource_version,
                                        [this](const kube::WatchEvent& event) { apply(event); }));
  return {};
}

template <class T>
void Informer<T>::apply(const kube::WatchEvent& event) {
  Ptr object = kube::as<T>(event.object);
  const auto existing = objects_.find(object->key());
  Ptr before = existing == objects_.end() ? nullptr : existing->second;
  if (event.type == kube::WatchEventType::kDeleted) {
    for (auto& [name, index] : indexes_) index.erase(before ? before : object);
    if (before) objects_.erase(existing);
    notify({Change::kDeleted, before ? before : object, nullptr});
    return;
  }
  for (auto& [name, index] : indexes_) {
    before ? index.replace(before, object) : index.insert(object);
  }
  if (before) {
    existing->second = object;
  } else {
    objects_.emplace(object->key(), object);
  }
  notify({before ? Change::kModified : Change::kAdded, before, object});
}

template <class T>
void Informer<T>::notify(const Delta<T>& delta) {
  for (const Handler& handler : handlers_) handler(delta);
}

template <class T>
void Informer<T>::Index::insert(const Ptr& object) {
  for (const std::string& value : function(*object)) objects[value][object->key()] = object;
}

template <class T>
void Informer<T>::Index::erase(const Ptr& object) {
  for (const std::string& value : function(*object)) {
    const auto found = objects.find(value);
    if (found == objects.end()) continue;
    found->second.erase(object->key());
    if (found->second.empty()) objects.erase(found);
  }
}

template <class T>
void Informer<T>::Index::replace(const Ptr& before, const Ptr& after) {
  if (function(*before) != function(*after)) erase(before);
  insert(after);
}

template class Informer<kube::ConfigMap>;
template class Informer<kube::CustomResourceDefinition>;
template class Informer<kube::DaemonSet>;
template class Informer<kube::Deployment>;
template class Informer<kube::EndpointSlice>;
template class Informer<kube::Event>;
template class Informer<kube::HorizontalPodAutoscaler>;
template class Informer<kube::Lease>;
template class Informer<kube::Namespace>;
template class Informer<kube::NetworkPolicy>;
template class Informer<kube::Node>;
template class Informer<kube::Pod>;
template class Informer<kube::PodDisruptionBudget>;
template class Informer<kube::PriorityClass>;
template class Informer<kube::ReplicaSet>;
template class Informer<kube::Secret>;
template class Informer<kube::Service>;
template class Informer<kube::ServiceAccount>;

}  // namespace minato::informer
