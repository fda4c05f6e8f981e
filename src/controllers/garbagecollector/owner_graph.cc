#include "controllers/garbagecollector/owner_graph.h"

#include <algorithm>

#include "controllers/common/conditions.h"
#include "kube/names.h"

namespace minato::controllers {

void OwnerGraph::put(const kube::Object& object) {
  const kube::ObjectMeta& meta = object.metadata;
  if (const auto found = nodes_.find(meta.uid); found != nodes_.end()) {
    unlink(meta.uid, found->second);
  }
  const auto has = [&](std::string_view finalizer) {
    return std::ranges::find(meta.finalizers, finalizer) != meta.finalizers.end();
  };
  for (const kube::OwnerReference& owner : meta.owner_references) {
    dependents_[owner.uid].insert(meta.uid);
  }
  nodes_[meta.uid] = Node{.kind = &object.kind(),
                          .key = object.key(),
                          .owners = meta.owner_references,
                          .deleting = is_deleting(meta),
                          .foreground = has(kube::kFinalizerForeground),
                          .orphan = has(kube::kFinalizerOrphan)};
}

void OwnerGraph::erase(const std::string& uid) {
  const auto found = nodes_.find(uid);
  if (found == nodes_.end()) return;
  unlink(uid, found->second);
  nodes_.erase(found);
}

void OwnerGraph::unlink(const std::string& uid, const Node& node) {
  for (const kube::OwnerReference& owner : node.owners) {
    const auto found = dependents_.find(owner.uid);
    if (found == dependents_.end()) continue;
    found->second.erase(uid);
    if (found->second.empty()) dependents_.erase(found);
  }
}

const OwnerGraph::Node* OwnerGraph::find(const std::string& uid) const {
  const auto found = nodes_.find(uid);
  return found == nodes_.end() ? nullptr : &found->second;
}

const std::set<std::string>& OwnerGraph::dependents(const std::string& uid) const {
  static const std::set<std::string> kNone;
  const auto found = dependents_.find(uid);
  return found == dependents_.end() ? kNone : found->second;
}

OwnerState owner_state(const kube::Kinds& kinds, const OwnerGraph& graph, const OwnerGraph::Node& dependent,
                       const kube::OwnerReference& reference) {
  const kube::Kind* kind = kinds.find(reference.api_version, reference.kind);
  if (kind == nullptr) return OwnerState::kSolid;
  const bool cluster_dependent = dependent.key.namespace_.empty();
  if (cluster_dependent && kind->scope == kube::Scope::kNamespaced) {
    // In which namespace to look for it cannot be known: never a reason to delete.
    return OwnerState::kSolid;
  }
  const OwnerGraph::Node* owner = graph.find(reference.uid);
  if (owner == nullptr || owner->kind != &kind->in_store() || owner->key.name != reference.name) {
    return OwnerState::kAbsent;
  }
  if (!owner->key.namespace_.empty() && owner->key.namespace_ != dependent.key.namespace_) {
    return OwnerState::kAbsent;
  }
  return owner->is_deleting_dependents() ? OwnerState::kWaiting : OwnerState::kSolid;
}

}  // namespace minato::controllers
