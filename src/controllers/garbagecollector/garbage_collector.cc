#include "controllers/garbagecollector/garbage_collector.h"

#include <algorithm>

#include "controllers/common/conditions.h"
#include "kube/names.h"

namespace minato::controllers {

GarbageCollector::GarbageCollector(env::Env env, kube::Client& client,
                                   informer::Informers& informers)
    : env_(env.fork("garbage-collector-controller")),
      client_(client),
      runner_(env_.fork("runner"), *this) {
  informers.all_objects().on_change([this](const kube::WatchEvent& event) {
    if (event.type == kube::WatchEventType::kDeleted) {
      gone(*event.object);
    } else {
      changed(*event.object);
    }
  });
}

void GarbageCollector::changed(const kube::Object& after) {
  const std::string& uid = after.metadata.uid;
  const OwnerGraph::Node* known = graph_.find(uid);
  const OwnerGraph::Node before = known == nullptr ? OwnerGraph::Node{} : *known;
  graph_.put(after);
  const OwnerGraph::Node& now = *graph_.find(uid);
  const bool same_state = known != nullptr && before.deleting == now.deleting &&
                          before.foreground == now.foreground && before.orphan == now.orphan;
  const bool same_owners = known != nullptr && kube::equal(before.owners, now.owners);
  if (same_state && same_owners) return;
  if (!now.owners.empty() || now.deleting) enqueue(uid);
  // Those who wait for this one, or for whom it now waits, have to look again.
  if (!same_owners) {
    enqueue_owners(before);
    enqueue_owners(now);
  }
  if (now.is_deleting_dependents()) enqueue_dependents(uid);
}

void GarbageCollector::gone(const kube::Object& before) {
  const std::string& uid = before.metadata.uid;
  if (const OwnerGraph::Node* node = graph_.find(uid)) enqueue_owners(*node);
  graph_.erase(uid);
  enqueue_dependents(uid);
}

void GarbageCollector::enqueue_dependents(const std::string& uid) {
  for (const std::string& dependent : graph_.dependents(uid)) enqueue(dependent);
}

void GarbageCollector::enqueue_owners(const OwnerGraph::Node& node) {
  for (const kube::OwnerReference& reference : node.owners) {
    const OwnerGraph::Node* owner = graph_.find(reference.uid);
    if (owner != nullptr && owner->is_deleting_dependents()) enqueue(reference.uid);
  }
}

Result<informer::Requeue> GarbageCollector::reconcile(const kube::ObjectKey& key) {
  const std::string& uid = key.name;
  const OwnerGraph::Node* found = graph_.find(uid);
  if (found == nullptr) return informer::Requeue::done();
  const OwnerGraph::Node node = *found;  // Writes below change the graph.
  if (node.deleting) {
    if (node.orphan) RETURN_IF_ERROR(finish_orphaning(uid, node));
    if (node.foreground) RETURN_IF_ERROR(finish_foreground(uid, node));
    return informer::Requeue::done();
  }
  RETURN_IF_ERROR(collect(uid, node));
  return informer::Requeue::done();
}

bool GarbageCollector::is_blocking(const std::string& dependent, const std::string& owner) const {
  const OwnerGraph::Node* node = graph_.find(dependent);
  return node != nullptr &&
         std::ranges::any_of(node->owners, [&](const kube::OwnerReference& reference) {
           return reference.uid == owner && reference.block_owner_deletion == true;
         });
}

Status GarbageCollector::finish_foreground(const std::string& uid, const OwnerGraph::Node& node) {
  const std::set<std::string>& dependents = graph_.dependents(uid);
  const bool blocked = std::ranges::any_of(
      dependents, [&](const std::string& each) { return is_blocking(each, uid); });
  if (blocked) return {};  // Its dependents were queued when it began; each brings it back.
  return edit(uid, node, [](kube::ObjectMeta& meta) {
    std::erase(meta.finalizers, kube::kFinalizerForeground);
  });
}

Status GarbageCollector::finish_orphaning(const std::string& uid, const OwnerGraph::Node& node) {
  const std::set<std::string> dependents = graph_.dependents(uid);
  for (const std::string& each : dependents) {
    const OwnerGraph::Node* dependent = graph_.find(each);
    if (dependent == nullptr) continue;
    RETURN_IF_ERROR(edit(each, OwnerGraph::Node(*dependent), [&](kube::ObjectMeta& meta) {
      std::erase_if(meta.owner_references, [&](const auto& ref) { return ref.uid == uid; });
    }));
  }
  return edit(uid, node,
              [](kube::ObjectMeta& meta) { std::erase(meta.finalizers, kube::kFinalizerOrphan); });
}

Status GarbageCollector::collect(const std::string& uid, const OwnerGraph::Node& node) {
  if (node.owners.empty()) return {};
  bool solid = false;
  bool waiting = false;
  std::set<std::string> leaving;
  for (const kube::OwnerReference& reference : node.owners) {
    const OwnerState state = owner_state(client_.kinds(), graph_, node, reference);
    solid = solid || state == OwnerState::kSolid;
    waiting = waiting || state == OwnerState::kWaiting;
    if (state != OwnerState::kSolid) leaving.insert(reference.uid);
  }
  if (solid) {
    if (leaving.empty()) return {};
    return edit(uid, node, [&](kube::ObjectMeta& meta) {
      std::erase_if(meta.owner_references,
                    [&](const auto& reference) { return leaving.contains(reference.uid); });
    });
  }
  if (waiting && !graph_.dependents(uid).empty()) {
    RETURN_IF_ERROR(break_circle(uid, node));
    return remove(uid, node, kube::Propagation::kForeground);
  }
  if (node.orphan) return remove(uid, node, kube::Propagation::kOrphan);
  if (node.foreground) return remove(uid, node, kube::Propagation::kForeground);
  return remove(uid, node, kube::Propagation::kBackground);
}

Status GarbageCollector::break_circle(const std::string& uid, const OwnerGraph::Node& node) {
  const std::set<std::string> dependents = graph_.dependents(uid);
  const bool circular = std::ranges::any_of(dependents, [&](const std::string& each) {
    const OwnerGraph::Node* dependent = graph_.find(each);
    return dependent != nullptr && dependent->is_deleting_dependents();
  });
  if (!circular) return {};
  return edit(uid, node, [](kube::ObjectMeta& meta) {
    for (auto& reference : meta.owner_references) reference.block_owner_deletion = false;
  });
}

Status GarbageCollector::remove(const std::string& uid, const OwnerGraph::Node& node,
                                kube::Propagation propagation) {
  kube::RemoveOptions options;
  options.precondition_uid = uid;
  options.propagation = propagation;
  const Status removed = ignore_not_found(client_.remove(*node.kind, node.key, options));
  // Another object of that name by now: this one is gone.
  if (!removed && is(removed.error(), Reason::kConflict) && graph_.find(uid) == nullptr) return {};
  return removed;
}

Status GarbageCollector::edit(const std::string& uid, const OwnerGraph::Node& node,
                              const std::function<void(kube::ObjectMeta&)>& edit) {
  const Result<kube::ObjectPtr> current = client_.get(*node.kind, node.key);
  if (failed_with(current, Reason::kNotFound)) return {};
  if (!current) return std::unexpected(current.error());
  if ((*current)->metadata.uid != uid) return {};
  std::unique_ptr<kube::Object> changed = (*current)->clone();
  edit(changed->metadata);
  const auto written = client_.update(std::move(changed), kube::Subresource::kNone);
  if (!written && !is(written.error(), Reason::kNotFound)) {
    return std::unexpected(written.error());
  }
  return {};
}

}  // namespace minato::controllers
