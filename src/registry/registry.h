// The API semantics of the served kinds over a store::Store: what kube-apiserver does between a
// decoded request and etcd, without sockets.
//
// A write is: look up, apply metadata rules, keep spec and status apart, default, admit, validate,
// allocate, then one compare-and-set in the store. What differs between kinds is a table
// (registry/strategy.h). Nothing here runs in the background: owner references are the garbage
// collector's work, emptying a namespace the namespace controller's, emptying a definition of a
// custom kind the definition controller's, counting healthy Pods the disruption controller's.
//
// Ownership: the Store and what the Env refers to outlive the Registry. Loop thread only. A sink
// is called from inside the write that caused its event and must not write.
// Errors: reasons and wording follow k8s.io/apimachinery pkg/api/errors. A write that fails changed
// nothing. Unavailable: the store is read-only (its disk is full or broken).
// Rules: k8s.io/apiserver pkg/registry/rest and pkg/registry/generic/registry/store.go.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "env/env.h"
#include "kube/client.h"
#include "registry/service_allocator.h"
#include "store/store.h"

namespace minato::registry {

struct Strategy;

inline constexpr std::string_view kNamespacePublic = "kube-public";

// What create() and update() fill in first of all, for whoever has to know it before. Idempotent;
// thread-safe for built-in kinds.
void fill_defaults(kube::Object& object);

// A dry run goes the whole way and ends before the store: same answer, same errors, no change.
enum class Persist { kYes, kDryRun };

// Whether Pods get what they need to ask the API themselves: for clusters that serve it to Pods.
enum class ApiAccess { kNone, kForPods };

struct RegistryOptions {
  std::string service_cidr = "10.100.0.0/16";  // EKS's default.
  PortRange node_ports;
  ApiAccess api_access = ApiAccess::kNone;
};

class Registry {
 public:
  // Takes over the Services that the store holds. Errors: Invalid (options).
  static Result<std::unique_ptr<Registry>> make(env::Env env, store::Store& store,
                                                const RegistryOptions& options = {});
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The namespaces and PriorityClasses that every cluster has. Idempotent.
  Status bootstrap();

  // The verbs of kube::Client, with its contracts.
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) const;
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) const;
  // Whether list() and watch() would take these selectors. Errors: BadRequest.
  Status check_options(const kube::Kind& kind, const kube::ListOptions& options) const;
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind,
                                             const kube::ListOptions& options,
                                             std::uint64_t from_version, kube::WatchSink sink);
  // `known_bytes`: kube::text_bytes() of it, where somebody has counted them; 0: not yet.
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object,
                                 Persist persist = Persist::kYes, std::size_t known_bytes = 0);
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object,
                                 kube::Subresource subresource, Persist persist = Persist::kYes);
  // What the patch makes of the object as it is now, not written.
  Result<std::unique_ptr<kube::Object>> patched(const kube::Kind& kind, const kube::ObjectKey& key,
                                                kube::PatchType type, std::string_view body) const;
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                kube::PatchType type, std::string_view body,
                                kube::Subresource subresource, Persist persist = Persist::kYes);
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key,
                const kube::RemoveOptions& options, Persist persist = Persist::kYes);
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options,
               Persist persist = Persist::kYes);
  Status bind(const kube::ObjectKey& pod, const std::string& uid, const std::string& node);

  store::Store& store() { return store_; }

 private:
  Registry(env::Env env, store::Store& store, ServiceAllocator allocator, ApiAccess api_access);

  kube::Time now() const;
  Result<const Strategy*> strategy_for(const kube::Kind& kind) const;
  Status check_namespace(const kube::Kind& kind, const kube::ObjectMeta& metadata) const;
  // Of a custom kind: is it still to be filled?
  Status check_definition(const kube::Kind& kind) const;
  Status admit(kube::Object& object);
  Result<kube::ObjectPtr> create_prepared(const Strategy& strategy,
                                          std::unique_ptr<kube::Object> object, Persist persist,
                                          std::size_t known_bytes);
  // Versions and uid have been compared; `object` takes the place of `current`.
  Result<kube::ObjectPtr> replace(const Strategy& strategy, const kube::ObjectPtr& current,
                                  std::unique_ptr<kube::Object> object,
                                  kube::Subresource subresource, Persist persist);
  Result<kube::ObjectPtr> replace_object(const Strategy& strategy, const kube::ObjectPtr& current,
                                         std::unique_ptr<kube::Object> object, Persist persist);
  Result<kube::ObjectPtr> replace_status(const Strategy& strategy, const kube::ObjectPtr& current,
                                         const kube::Object& object, Persist persist);
  Result<kube::ObjectPtr> replace_finalizers(const kube::ObjectPtr& current,
                                             const kube::Object& object, Persist persist);
  Result<kube::ObjectPtr> replace_ephemeral_containers(const Strategy& strategy,
                                                       const kube::ObjectPtr& current,
                                                       const kube::Object& object,
                                                       Persist persist);
  // A terminating object that nothing holds back any more goes instead.
  Result<kube::ObjectPtr> write(const kube::ObjectPtr& current,
                                std::unique_ptr<kube::Object> object, Persist persist);
  Result<kube::ObjectPtr> erase(const kube::ObjectPtr& current, std::unique_ptr<kube::Object> last);
  Status remove_namespace(const kube::ObjectPtr& current, Persist persist);
  Status remove_definition(const kube::ObjectPtr& current, Persist persist);
  Status remove_object(const kube::ObjectPtr& current, const kube::RemoveOptions& options,
                       Persist persist);
  void copy_topology_labels(const std::string& node, kube::Pod& pod) const;
  Status take_disruption(const kube::Pod& pod, Persist persist);

  env::Env env_;
  store::Store& store_;
  ServiceAllocator allocator_;
  ApiAccess api_access_;
};

}  // namespace minato::registry
