// kube::Client over a Registry in the same process: the local and simulated worlds' way to the API.
//
// The Registry outlives the client. Loop thread only; calls return at once, and events reach sinks
// before the write that caused them returns.
#pragma once

#include "kube/client.h"
#include "registry/registry.h"

namespace minato::registry {

class InProcessClient final : public kube::Client {
 public:
  explicit InProcessClient(Registry& registry) : registry_(registry) {}

  const kube::Kinds& kinds() const override { return registry_.store().kinds(); }
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) override {
    return registry_.get(kind, key);
  }
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) override {
    return registry_.list(kind, options);
  }
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind,
                                             const kube::ListOptions& options,
                                             std::uint64_t from_version,
                                             kube::WatchSink sink) override {
    return registry_.watch(kind, options, from_version, std::move(sink));
  }
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object) override {
    return registry_.create(std::move(object));
  }
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object,
                                 kube::Subresource subresource) override {
    return registry_.update(std::move(object), subresource);
  }
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                kube::PatchType type, std::string_view body,
                                kube::Subresource subresource) override {
    return registry_.patch(kind, key, type, body, subresource);
  }
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key,
                const kube::RemoveOptions& options) override {
    return registry_.remove(kind, key, options);
  }
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) override {
    return registry_.evict(pod, options);
  }
  Status bind(const kube::ObjectKey& pod, const std::string& uid,
              const std::string& node) override {
    return registry_.bind(pod, uid, node);
  }

 private:
  Registry& registry_;
};

}  // namespace minato::registry
