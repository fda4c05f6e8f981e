// Versioned objects: one monotonically growing resourceVersion for all kinds, compare-and-set
// writes, snapshots, and watches with a bounded history. The etcd of the embedded cluster, without
// API semantics: those are registry's. Objects of custom kinds are stored under their definition's
// kind (kube::Kind::in_store), whichever version they are asked for in.
//
// Delivery: a write calls every sink of its kind, in order of registration, before it returns.
// Sinks may read the store, open watches and end watches (also their own); a sink that writes
// breaks an invariant (CHECK).
//
// Durability: with a Journal, writes gather in memory and flush() commits them together. A write is
// *acknowledged* when the flush() after it has succeeded; only then may anything outside the
// process be told of it or be done because of it. Acknowledged writes survive kill -9 (and, with
// SqliteOptions::Sync::kFull, power loss); others may be lost, always from the newest on and never
// half a batch. store::Flusher calls flush() at the end of each loop turn. When a commit fails
// (disk full) nothing is dropped: the store turns read-only with a reason, writes fail with
// Unavailable, and the pending batch is offered again at the next flush(). Without a Journal,
// flush() always succeeds.
//
// Ownership: the Store owns its Journal; Watch handles may outlive the Store. Objects are shared
// and immutable, with metadata.resourceVersion set. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kube/client.h"
#include "kube/kinds.h"
#include "store/journal.h"

namespace minato::store {

struct StoreOptions {
  std::size_t history_limit = 2'000;   // Events remembered per kind for watches from the past.
  std::size_t pending_limit = 10'000;  // Unflushed changes; one more flushes within the write.
};

struct Event {
  kube::WatchEventType type = kube::WatchEventType::kAdded;
  kube::ObjectPtr object;    // kDeleted: the last state, at the version of the deletion.
  kube::ObjectPtr previous;  // The state before; null for kAdded.
  std::uint64_t resource_version = 0;
};

using Sink = std::function<void(const Event&)>;
using Objects = std::map<kube::ObjectKey, kube::ObjectPtr>;

class Store {
 public:
  // In memory only.
  explicit Store(const StoreOptions& options = {});
  // Loads everything `journal` holds. Errors: those of Journal::load.
  static Result<std::unique_ptr<Store>> open(std::unique_ptr<Journal> journal,
                                             const StoreOptions& options = {});
  // Flushes; what cannot be committed was not acknowledged and is lost, as at a kill.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // In step with the CustomResourceDefinitions that it holds, before anyone is told of a change.
  const kube::Kinds& kinds() const { return kinds_; }

  // Of any version of a kind. Null: not there.
  kube::ObjectPtr get(const kube::Kind& kind, const kube::ObjectKey& key) const;
  // kube::to_json of what get() or a write gave. Until it is committed it is made once, for the
  // journal and for everybody who asks.
  std::shared_ptr<const std::string> text_of(const kube::ObjectPtr& object) const;
  // Ordered by key; valid until the next write.
  const Objects& all(const kube::Kind& kind) const;
  std::uint64_t resource_version() const { return resource_version_; }

  // Errors: AlreadyExists, Unavailable (read-only).
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object);
  // Replaces `expected`, which the caller read before; identity decides. Errors: Conflict (changed
  // or gone since), Unavailable.
  Result<kube::ObjectPtr> update(kube::ObjectPtr expected, std::unique_ptr<kube::Object> object);
  // Removes `expected`; `last` is the state that watchers see. Returns it. Errors: as update().
  Result<kube::ObjectPtr> remove(kube::ObjectPtr expected, std::unique_ptr<kube::Object> last);

  // Events after `from_version`, past ones before this returns. Errors: Expired (older than the
  // history), Timeout (newer than the store).
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind, std::uint64_t from_version,
                                             Sink sink);

  // Named texts kept beside the objects, without versions or watches. get: "" when not there.
  Status put_document(const std::string& name, std::string text);
  const std::string& get_document(const std::string& name) const;

  // Commits what is pending. Errors: Unavailable; see above.
  Status flush();
  bool has_pending() const { return pending_ > 0; }
  // Why writes fail; "" when they do not.
  const std::string& read_only_reason() const { return read_only_reason_; }
  // Called when the first change since the last flush() becomes pending.
  void on_pending(std::function<void()> callback) { on_pending_ = std::move(callback); }

 private:
  struct Watcher {
    std::uint64_t id = 0;
    Sink sink;
    bool ended = false;
  };
  // Refers to a key in Shelf::objects, whose places are stable.
  struct KeyView {
    std::string_view namespace_, name;
    bool operator==(const KeyView&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const KeyView& key) const;
  };
  struct Pending {
    kube::ObjectPtr object;                   // Null: removed.
    std::shared_ptr<const std::string> text;  // Once somebody has asked for it.
  };
  struct Shelf {  // All of one kind.
    Objects objects;
    // The way to one object: with many, comparing its way down the ordered map costs more than
    // all the rest of a write. Never iterated.
    std::unordered_map<KeyView, Objects::iterator, KeyHash> places;
    std::deque<Event> history;
    std::uint64_t forgotten_version = 0;  // Events up to here are not in `history`.
    std::vector<std::unique_ptr<Watcher>> watchers;
    bool has_ended_watchers = false;
    std::map<kube::ObjectKey, Pending> pending;  // Changes since the last flush.
  };
  // Shared with watch handles, which may outlive the store.
  struct Shelves {
    std::map<const kube::Kind*, Shelf> by_kind;  // Iterated only where order is of no matter.
    int delivering = 0;
    void end_watch(const kube::Kind* kind, std::uint64_t id);
    void sweep(Shelf& shelf) const;
  };
  class WatchHandle;

  static KeyView view(const kube::ObjectKey& key) { return {key.namespace_, key.name}; }
  // Where the store holds exactly `expected`. Errors: Conflict.
  static Result<Objects::iterator> find_expected(Shelf& shelf, const kube::ObjectPtr& expected);
  // Before every change: no sink is running, there is room, and the journal works.
  Status prepare_write();
  kube::ObjectPtr stamp(std::unique_ptr<kube::Object> object);
  void commit_later(Shelf& shelf, const kube::ObjectKey& key, kube::ObjectPtr object);
  void note_pending();
  void publish(Shelf& shelf, const Event& event);
  void deliver_past(Shelf& shelf, std::uint64_t from_version, Watcher& watcher);
  Shelf& shelf_of(const kube::Kind& kind) const;
  void restore(Batch batch);
  void follow_definition(const Event& event);
  Batch pending_batch() const;

  StoreOptions options_;
  kube::Kinds kinds_;
  std::unique_ptr<Journal> journal_;
  std::shared_ptr<Shelves> shelves_;
  std::uint64_t resource_version_ = 1;
  std::uint64_t loaded_version_ = 0;
  std::uint64_t next_watch_ = 1;
  std::map<std::string, std::string> documents_;
  std::size_t pending_ = 0;  // Changes in all shelves and documents since the last flush.
  std::set<std::string> pending_documents_;
  std::string read_only_reason_;
  std::function<void()> on_pending_;
};

}  // namespace minato::store
