// Caches of one kind each, kept current by a watch, and what hangs on them: change handlers and
// indexes. A controller reads caches, never the store, and is told of changes by key.
//
// Ownership: Informers owns one Informer per kind and outlives its readers. Loop thread only.
// A handler runs inside the write that caused it (kube::WatchSink): it may only note what to do
// later, which is what WorkQueue::add does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "informer/all_objects.h"
#include "kube/client.h"

namespace minato::informer {

enum class Change { kAdded, kModified, kDeleted };

// Both states of a change: `before` is null for kAdded, `after` is null for kDeleted.
template <class T>
struct Delta {
  Change change = Change::kAdded;
  std::shared_ptr<const T> before;
  std::shared_ptr<const T> after;
  const T& object() const { return after ? *after : *before; }
};

class InformerBase {
 public:
  virtual ~InformerBase() = default;
  virtual Status start(kube::Client& client) = 0;
};

template <class T>
class Informer final : public InformerBase {
 public:
  using Ptr = std::shared_ptr<const T>;
  using Handler = std::function<void(const Delta<T>&)>;
  using IndexFunction = std::function<std::vector<std::string>(const T&)>;

  // Handlers added after start() are first called with kAdded for what is there.
  void on_change(Handler handler) {
    for (const auto& [key, object] : objects_) handler({Change::kAdded, nullptr, object});
    handlers_.push_back(std::move(handler));
  }

  // Groups objects by the values that `function` gives. Adding the same name again is a no-op.
  void add_index(const std::string& name, IndexFunction function) {
    if (indexes_.contains(name)) return;
    Index& index = indexes_[name];
    index.function = std::move(function);
    for (const auto& [key, object] : objects_) index.insert(object);
  }

  Ptr get(const kube::ObjectKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  // Ordered by key.
  const std::map<kube::ObjectKey, Ptr>& all() const { return objects_; }
  std::vector<Ptr> in_namespace(const std::string& name) const {
    std::vector<Ptr> out;
    for (auto it = objects_.lower_bound({name, ""}); it != objects_.end(); ++it) {
      if (it->first.namespace_ != name) break;
      out.push_back(it->second);
    }
    return out;
  }
  // Ordered by key. Requires: the index was added.
  std::vector<Ptr> by_index(const std::string& name, const std::string& value) const {
    const auto index = indexes_.find(name);
    CHECK(index != indexes_.end(), "no index {}", name);
    std::vector<Ptr> out;
    const auto found = index->second.objects.find(value);
    if (found == index->second.objects.end()) return out;
    out.reserve(found->second.size());
    for (const auto& [key, object] : found->second) out.push_back(object);
    return out;
  }

  Status start(kube::Client& client) override {
    ASSIGN_OR_RETURN(const kube::ObjectList found, client.list(T::static_kind(), {}));
    for (const kube::ObjectPtr& object : found.items) {
      apply({kube::WatchEventType::kAdded, object, found.resource_version});
    }
    ASSIGN_OR_RETURN(watch_, client.watch(T::static_kind(), {}, found.resource_version,
                                          [this](const kube::WatchEvent& event) { apply(event); }));
    return {};
  }

 private:
  struct Index {
    IndexFunction function;
    // The objects themselves: to look up thousands of keys for one answer is slow.
    std::map<std::string, std::map<kube::ObjectKey, Ptr>> objects;
    void insert(const Ptr& object) {
      for (const std::string& value : function(*object)) objects[value][object->key()] = object;
    }
    void erase(const Ptr& object) {
      for (const std::string& value : function(*object)) {
        const auto found = objects.find(value);
        if (found == objects.end()) continue;
        found->second.erase(object->key());
        if (found->second.empty()) objects.erase(found);
      }
    }
    void replace(const Ptr& before, const Ptr& after) {
      if (function(*before) != function(*after)) erase(before);
      insert(after);
    }
  };

  void apply(const kube::WatchEvent& event) {
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
  void notify(const Delta<T>& delta) {
    for (const Handler& handler : handlers_) handler(delta);
  }

  std::map<kube::ObjectKey, Ptr> objects_;
  std::map<std::string, Index> indexes_;
  std::vector<Handler> handlers_;
  std::unique_ptr<kube::Watch> watch_;
};

// All informers of one process; kinds share one cache however many controllers read it.
class Informers {
 public:
  explicit Informers(kube::Client& client) : client_(client) {}

  template <class T>
  Informer<T>& of() {
    auto& slot = informers_[&T::static_kind()];
    if (!slot) {
      auto informer = std::make_unique<Informer<T>>();
      order_.push_back(informer.get());
      slot = std::move(informer);
    }
    return static_cast<Informer<T>&>(*slot);
  }

  AllObjects& all_objects() {
    if (!all_objects_) all_objects_ = std::make_unique<AllObjects>();
    return *all_objects_;
  }

  // Lists and watches every kind asked for so far; call once, when all controllers have
  // registered their handlers. Order of start is order of first use.
  Status start() {
    for (InformerBase* informer : order_) RETURN_IF_ERROR(informer->start(client_));
    if (all_objects_) RETURN_IF_ERROR(all_objects_->start(client_));
    return {};
  }

 private:
  kube::Client& client_;
  std::map<const kube::Kind*, std::unique_ptr<InformerBase>> informers_;  // Looked up, not iterated.
  std::vector<InformerBase*> order_;
  std::unique_ptr<AllObjects> all_objects_;
};

}  // namespace minato::informer
