// Seam: how everything reads and writes Kubernetes objects.
//
// Implementations: registry::InProcessClient (local and simulated worlds); an HTTP client for real
// clusters. Loop thread only. Calls are synchronous; the in-process one returns at once.
//
// Writes use optimistic concurrency: update() with metadata.resourceVersion set fails with Conflict
// when the object has changed since; without it, it overwrites. Semantics of every verb follow
// https://kubernetes.io/docs/reference/using-api/api-concepts/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/kinds.h"
#include "kube/object.h"
#include "kube/selector.h"
#include "kube/types/pod.h"

namespace minato::kube {

struct ListOptions {
  std::string namespace_;  // "": all.
  Selector labels;
  // Field selector terms, all must hold: ("spec.nodeName", "ip-10-77-1-11"). Which fields a kind
  // offers is the registry's list; others fail with BadRequest.
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::pair<std::string, std::string>> excluded_fields;  // The same with "!=".
};

struct ObjectList {
  std::vector<ObjectPtr> items;  // Ordered by key.
  std::uint64_t resource_version = 0;
};

enum class WatchEventType { kAdded, kModified, kDeleted };

struct WatchEvent {
  WatchEventType type = WatchEventType::kAdded;
  ObjectPtr object;  // kDeleted: the last state.
  std::uint64_t resource_version = 0;
};

// Ends its watch when destroyed; afterwards the sink is never called.
class Watch {
 public:
  virtual ~Watch() = default;
};

// Called in order of resource versions. The in-process client calls it from inside the write that
// caused the event, so caches are never behind their own writes; a sink must not write itself.
using WatchSink = std::function<void(const WatchEvent&)>;

// kFinalize: namespaces only; writes spec.finalizers, which no other update can.
// kEphemeralContainers: Pods only; adds to spec.ephemeralContainers, which no other update can.
enum class Subresource { kNone, kStatus, kFinalize, kEphemeralContainers };
enum class PatchType { kJson, kMerge, kStrategicMerge };

enum class Propagation { kDefault, kBackground, kForeground, kOrphan };

struct RemoveOptions {
  std::optional<std::int64_t> grace_period_seconds;  // Pods; 0 removes at once.
  Propagation propagation = Propagation::kDefault;
  std::string precondition_uid;               // "" for none.
  std::string precondition_resource_version;  // "" for none.
};

class Client {
 public:
  virtual ~Client() = default;

  // What the cluster serves, custom kinds among them. Outlives the client.
  virtual const Kinds& kinds() const = 0;

  // Errors: NotFound.
  virtual Result<ObjectPtr> get(const Kind& kind, const ObjectKey& key) = 0;
  virtual Result<ObjectList> list(const Kind& kind, const ListOptions& options) = 0;
  // Events after `from_version` (a list's resource_version). Errors: Expired when history no longer
  // reaches back that far.
  virtual Result<std::unique_ptr<Watch>> watch(const Kind& kind, const ListOptions& options,
                                               std::uint64_t from_version, WatchSink sink) = 0;

  // generateName is completed. Errors: AlreadyExists, Invalid (causes name the fields), Forbidden
  // (namespace is terminating), NotFound (namespace).
  virtual Result<ObjectPtr> create(std::unique_ptr<Object> object) = 0;
  // Errors: NotFound, Conflict, Invalid. kStatus writes status only; kNone everything but status.
  virtual Result<ObjectPtr> update(std::unique_ptr<Object> object,
                                   Subresource subresource = Subresource::kNone) = 0;
  virtual Result<ObjectPtr> patch(const Kind& kind, const ObjectKey& key, PatchType type,
                                  std::string_view body,
                                  Subresource subresource = Subresource::kNone) = 0;
  // Graceful and finalizer-aware: the object may still be there afterwards with
  // deletionTimestamp. Errors: NotFound, Conflict (preconditions).
  virtual Status remove(const Kind& kind, const ObjectKey& key, const RemoveOptions& options = {}) = 0;

  // policy/v1 Eviction. Errors: TooManyRequests when a PodDisruptionBudget forbids it (the message
  // names it), NotFound.
  virtual Status evict(const ObjectKey& pod, const RemoveOptions& options = {}) = 0;
  // Sets spec.nodeName. Errors: NotFound, Conflict when bound or changed.
  virtual Status bind(const ObjectKey& pod, const std::string& uid, const std::string& node) = 0;
};

// Typed forms.
template <class T>
Result<std::shared_ptr<const T>> get(Client& client, const ObjectKey& key) {
  ASSIGN_OR_RETURN(ObjectPtr object, client.get(T::static_kind(), key));
  return as<T>(object);
}

template <class T>
Result<std::vector<std::shared_ptr<const T>>> list(Client& client, const ListOptions& options = {}) {
  ASSIGN_OR_RETURN(ObjectList found, client.list(T::static_kind(), options));
  std::vector<std::shared_ptr<const T>> out;
  out.reserve(found.items.size());
  for (const ObjectPtr& item : found.items) out.push_back(as<T>(item));
  return out;
}

template <class T>
Result<std::shared_ptr<const T>> create(Client& client, T object) {
  ASSIGN_OR_RETURN(ObjectPtr created, client.create(std::make_unique<T>(std::move(object))));
  return as<T>(created);
}

template <class T>
Result<std::shared_ptr<const T>> update(Client& client, T object,
                                        Subresource subresource = Subresource::kNone) {
  ASSIGN_OR_RETURN(ObjectPtr updated,
                   client.update(std::make_unique<T>(std::move(object)), subresource));
  return as<T>(updated);
}

}  // namespace minato::kube
