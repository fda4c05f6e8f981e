#include "kube_http/feed.h"

#include "kube_http/wire.h"

namespace minato::kube_http {
namespace {

std::uint64_t version(const kube::ObjectPtr& object) { return version_of(object->metadata.resource_version); }

}  // namespace

Feed::Feed(const kube::Kind& kind, kube::ListOptions options, kube::WatchSink sink,
           const std::vector<kube::ObjectPtr>& present)
    : kind_(kind), options_(std::move(options)), sink_(std::move(sink)) {
  for (const kube::ObjectPtr& object : present) known_.emplace(object->key(), object);
}

void Feed::put(const kube::ObjectPtr& object, std::uint64_t at) {
  const auto found = known_.find(object->key());
  if (found == known_.end()) {
    known_.emplace(object->key(), object);
    return sink_({kube::WatchEventType::kAdded, object, at});
  }
  if (version(found->second) >= version(object)) return;
  const kube::ObjectPtr before = std::exchange(found->second, object);
  if (before->metadata.uid == object->metadata.uid) return sink_({kube::WatchEventType::kModified, object, at});
  // Another one of the same name: whoever keeps something of the first is to let it go.
  sink_({kube::WatchEventType::kDeleted, before, at});
  sink_({kube::WatchEventType::kAdded, object, at});
}

void Feed::erase(const kube::ObjectPtr& last, std::uint64_t at) {
  const auto found = known_.find(last->key());
  if (found == known_.end() || version(found->second) > version(last)) return;
  known_.erase(found);
  sink_({kube::WatchEventType::kDeleted, last, at});
}

void Feed::apply(const kube::WatchEvent& event) {
  if (event.type == kube::WatchEventType::kDeleted) {
    erase(event.object, event.resource_version);
  } else {
    put(event.object, event.resource_version);
  }
}

void Feed::replace(const kube::ObjectList& list) {
  std::map<kube::ObjectKey, kube::ObjectPtr> present;
  for (const kube::ObjectPtr& object : list.items) present.emplace(object->key(), object);
  std::vector<kube::ObjectPtr> gone;
  for (const auto& [key, object] : known_) {
    // What we wrote after the list was made is not in it.
    if (!present.contains(key) && version(object) <= list.resource_version) gone.push_back(object);
  }
  for (const kube::ObjectPtr& object : gone) erase(object, list.resource_version);
  for (const auto& [key, object] : present) put(object, version(object));
}

void Feed::wrote(const kube::ObjectPtr& object) {
  const std::string& name_space = object->metadata.namespace_;
  if (!options_.namespace_.empty() && options_.namespace_ != name_space) return;
  // Which objects a field selector chooses is the server's to say.
  const bool is_chosen = options_.fields.empty() && options_.excluded_fields.empty() &&
                         options_.labels.matches(object->metadata.labels);
  if (is_chosen || known_.contains(object->key())) put(object, version(object));
}

}  // namespace minato::kube_http
