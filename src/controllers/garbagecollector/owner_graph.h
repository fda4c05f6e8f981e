// Who owns whom, over all kinds: the in-memory graph that the garbage collector decides on.
//
// Holds what owner references and finalizers need, not the objects. Fed by watches of all kinds, so it
// is never behind. Owned by GarbageCollector; loop thread only; ordered by uid throughout. Rules:
// k8s.io/kubernetes pkg/controller/garbagecollector/graph.go, graph_builder.go.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/kinds.h"

namespace minato::controllers {

class OwnerGraph {
 public:
  struct Node {
    const kube::Kind* kind = nullptr;
    kube::ObjectKey key;
    std::vector<kube::OwnerReference> owners;
    bool deleting = false;
    bool foreground = false;  // Has the foregroundDeletion finalizer.
    bool orphan = false;      // Has the orphan finalizer.
    // Deletion waits for its blocking dependents.
    bool is_deleting_dependents() const { return deleting && foreground; }
  };

  void put(const kube::Object& object);
  void erase(const std::string& uid);
  const Node* find(const std::string& uid) const;
  // uids of objects that name `uid` as owner, whether or not that object exists.
  const std::set<std::string>& dependents(const std::string& uid) const;

 private:
  void unlink(const std::string& uid, const Node& node);

  std::map<std::string, Node> nodes_;
  std::map<std::string, std::set<std::string>> dependents_;
};

// What a reference comes to.
enum class OwnerState {
  kSolid,    // There, and staying (or its kind is not ours to judge).
  kWaiting,  // There, but being deleted in the foreground: it waits for us.
  kAbsent,
};
OwnerState owner_state(const kube::Kinds& kinds, const OwnerGraph& graph, const OwnerGraph::Node& dependent,
                       const kube::OwnerReference& reference);

}  // namespace minato::controllers
