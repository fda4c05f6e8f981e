// For tests: passes everything on and writes down what was asked for, as RBAC names it.
#pragma once

#include <set>
#include <string>

#include "kube/client.h"

namespace minato::eks {

class RecordedClient final : public kube::Client {
 public:
  explicit RecordedClient(kube::Client& inner) : inner_(inner) {}
  std::set<std::string> asked;                 // "update nodes", "create pods/eviction"
  std::function<Status()> may_write;

  const kube::Kinds& kinds() const override { return inner_.kinds(); }
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) override {
    note("get", kind);
    return inner_.get(kind, key);
  }
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) override {
    note("list", kind);
    return inner_.list(kind, options);
  }
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind, const kube::ListOptions& options, std::uint64_t from,
                                             kube::WatchSink sink) override {
    note("watch", kind);
    return inner_.watch(kind, options, from, std::move(sink));
  }
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object) override {
    RETURN_IF_ERROR(write("create", object->kind()));
    return inner_.create(std::move(object));
  }
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object, kube::Subresource part) override {
    RETURN_IF_ERROR(write("update", object->kind(), part == kube::Subresource::kStatus ? "/status" : ""));
    return inner_.update(std::move(object), part);
  }
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key, kube::PatchType type, std::string_view body,
                                kube::Subresource part) override {
    RETURN_IF_ERROR(write("patch", kind, part == kube::Subresource::kStatus ? "/status" : ""));
    return inner_.patch(kind, key, type, body, part);
  }
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key, const kube::RemoveOptions& options) override {
    RETURN_IF_ERROR(write("delete", kind));
    return inner_.remove(kind, key, options);
  }
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) override {
    RETURN_IF_ERROR(write("create", kube::Pod::static_kind(), "/eviction"));
    return inner_.evict(pod, options);
  }
  Status bind(const kube::ObjectKey& pod, const std::string& uid, const std::string& node) override {
    RETURN_IF_ERROR(write("create", kube::Pod::static_kind(), "/binding"));
    return inner_.bind(pod, uid, node);
  }

 private:
  void note(const std::string& verb, const kube::Kind& kind, const std::string& part = {}) {
    asked.insert(verb + " " + std::string(kind.resource) + part + (kind.group.empty() ? "" : "." + std::string(kind.group)));
  }
  Status write(const std::string& verb, const kube::Kind& kind, const std::string& part = {}) {
    note(verb, kind, part);
    return may_write ? may_write() : Status{};
  }
  kube::Client& inner_;
};

}  // namespace minato::eks
