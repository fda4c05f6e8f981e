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

// Compiled in informer.cc, once for each kind named at its end; one that is not does not link.
template <class T>
class Informer final : public InformerBase {
 public:
  using Ptr = std::shared_ptr<const T>;
  using Handler = std::function<void(const Delta<T>&)>;
  using IndexFunction = std::function<std::vector<std::string>(const T&)>;

  // Handlers added after start() are first called with kAdded for what is there.
  void on_change(Handler handler);
  // Groups objects by the values that `function` gives. Adding the same name again is a no-op.
  void add_index(const std::string& name, IndexFunction function);

  Ptr get(const kube::ObjectKey& key) const;
  // Ordered by key.
  const std::map<kube::ObjectKey, Ptr>& all() const { return objects_; }
  std::vector<Ptr> in_namespace(const std::string& name) const;
  // Ordered by key. Requires: the index was added.
  std::vector<Ptr> by_index(const std::string& name, const std::string& value) const;

  Status start(kube::Client& client) override;

 private:
  struct Index {
    IndexFunction function;
    // The objects themselves: to look up thousands of keys for one answer is slow.
    std::map<std::string, std::map<kube::ObjectKey, Ptr>> objects;
    void insert(const Ptr& object);
    void erase(const Ptr& object);
    void replace(const Ptr& before, const Ptr& after);
  };

  void apply(const kube::WatchEvent& event);
  void notify(const Delta<T>& delta);

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
