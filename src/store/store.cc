#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "kube/json.h"

namespace minato::store {

using kube::Object;
using kube::ObjectKey;
using kube::ObjectPtr;
using kube::WatchEventType;

class Store::WatchHandle final : public kube::Watch {
 public:
  WatchHandle(std::weak_ptr<Shelves> shelves, const kube::Kind* kind, std::uint64_t id)
      : shelves_(std::move(shelves)), kind_(kind), id_(id) {}
  ~WatchHandle() override {
    if (const auto shelves = shelves_.lock()) shelves->end_watch(kind_, id_);
  }
  WatchHandle(const WatchHandle&) = delete;
  WatchHandle& operator=(const WatchHandle&) = delete;

 private:
  std::weak_ptr<Shelves> shelves_;
  const kube::Kind* kind_;
  std::uint64_t id_;
};

// A sink may end its own watch while it runs, so its storage stays until no delivery is under way.
void Store::Shelves::end_watch(const kube::Kind* kind, std::uint64_t id) {
  Shelf& shelf = by_kind[kind];
  for (const auto& watcher : shelf.watchers) {
    if (watcher->id == id) watcher->ended = true;
  }
  shelf.has_ended_watchers = true;
  sweep(shelf);
}

void Store::Shelves::sweep(Shelf& shelf) const {
  if (delivering > 0 || !shelf.has_ended_watchers) return;
  std::erase_if(shelf.watchers, [](const auto& watcher) { return watcher->ended; });
  shelf.has_ended_watchers = false;
}

Store::Store(const StoreOptions& options)
    : options_(options), shelves_(std::make_shared<Shelves>()) {}

Store::~Store() { static_cast<void>(flush()); }

Result<std::unique_ptr<Store>> Store::open(std::unique_ptr<Journal> journal,
                                           const StoreOptions& options) {
  auto store = std::make_unique<Store>(options);
  ASSIGN_OR_RETURN(Batch batch, journal->load(store->kinds_));
  store->restore(std::move(batch));
  store->journal_ = std::move(journal);
  return store;
}

void Store::restore(Batch batch) {
  for (Batch::ObjectChange& change : batch.objects) {
    Shelf& shelf = shelf_of(*change.kind);
    const auto place =
        shelf.objects.insert_or_assign(std::move(change.key), std::move(change.object)).first;
    shelf.places.insert_or_assign(view(place->first), place);
  }
  for (Batch::DocumentChange& change : batch.documents) {
    documents_.insert_or_assign(change.name, std::move(change.text));
  }
  // The history is not kept, so watches from before this start are told to list again.
  loaded_version_ = batch.resource_version;
  resource_version_ = std::max(resource_version_, batch.resource_version);
  for (auto& [kind, shelf] : shelves_->by_kind) shelf.forgotten_version = loaded_version_;
}

Store::Shelf& Store::shelf_of(const kube::Kind& kind) const {
  const auto [found, is_new] = shelves_->by_kind.try_emplace(&kind.in_store());
  if (is_new) found->second.forgotten_version = kind.custom ? resource_version_ : loaded_version_;
  return found->second;
}

ObjectPtr Store::get(const kube::Kind& kind, const ObjectKey& key) const {
  const auto& places = shelf_of(kind).places;
  const auto found = places.find(view(key));
  return found == places.end() ? nullptr : found->second->second;
}

std::shared_ptr<const std::string> Store::text_of(const ObjectPtr& object) const {
  auto& pending = shelf_of(object->kind()).pending;
  const auto found = pending.find(object->key());
  if (found == pending.end() || found->second.object != object)
    return std::make_shared<const std::string>(kube::to_json(*object));
  std::shared_ptr<const std::string>& text = found->second.text;
  if (!text) text = std::make_shared<const std::string>(kube::to_json(*object));
  return text;
}

const Objects& Store::all(const kube::Kind& kind) const { return shelf_of(kind).objects; }

Status Store::prepare_write() {
  CHECK(shelves_->delivering == 0, "a watch sink wrote to the store");
  if (!read_only_reason_.empty()) {
    return fail(Reason::kUnavailable, "the store is read-only: " + read_only_reason_);
  }
  if (journal_ && pending_ >= options_.pending_limit) return flush();
  return {};
}

void Store::note_pending() {
  if (++pending_ == 1 && on_pending_) on_pending_();
}

std::size_t Store::KeyHash::operator()(const KeyView& key) const {
  const std::hash<std::string_view> hash;
  return hash(key.namespace_) * 31 + hash(key.name);
}

Result<Objects::iterator> Store::find_expected(Shelf& shelf, const ObjectPtr& expected) {
  const kube::ObjectMeta& metadata = expected->metadata;
  const auto found = shelf.places.find({metadata.namespace_, metadata.name});
  if (found == shelf.places.end() || found->second->second != expected) {
    return fail(Reason::kConflict, expected->key().to_string() + " has been modified");
  }
  return found->second;
}

// The shelf already holds (or no longer holds) the object when sinks are called: what they read
// agrees with what they are told.
Result<ObjectPtr> Store::create(std::unique_ptr<Object> object) {
  RETURN_IF_ERROR(prepare_write());
  Shelf& shelf = shelf_of(object->kind());
  const auto [place, is_new] = shelf.objects.try_emplace(object->key());
  if (!is_new) return fail(Reason::kAlreadyExists, place->first.to_string() + " already exists");
  shelf.places.emplace(view(place->first), place);
  const ObjectPtr stored = stamp(std::move(object));
  place->second = stored;
  commit_later(shelf, place->first, stored);
  publish(shelf, {WatchEventType::kAdded, stored, nullptr, resource_version_});
  return stored;
}

Result<ObjectPtr> Store::update(ObjectPtr expected, std::unique_ptr<Object> object) {
  RETURN_IF_ERROR(prepare_write());
  Shelf& shelf = shelf_of(expected->kind());
  ASSIGN_OR_RETURN(const auto place, find_expected(shelf, expected));
  CHECK(object->kind() == expected->kind() &&
            object->metadata.name == place->first.name &&
            object->metadata.namespace_ == place->first.namespace_,
        "an update keeps kind and key");
  const ObjectPtr stored = stamp(std::move(object));
  place->second = stored;
  commit_later(shelf, place->first, stored);
  publish(shelf, {WatchEventType::kModified, stored, std::move(expected), resource_version_});
  return stored;
}

Result<ObjectPtr> Store::remove(ObjectPtr expected, std::unique_ptr<Object> last) {
  RETURN_IF_ERROR(prepare_write());
  Shelf& shelf = shelf_of(expected->kind());
  ASSIGN_OR_RETURN(const auto place, find_expected(shelf, expected));
  const ObjectPtr stored = stamp(std::move(last));
  commit_later(shelf, place->first, nullptr);
  shelf.places.erase(view(place->first));  // Before the key that it refers to.
  shelf.objects.erase(place);
  publish(shelf, {WatchEventType::kDeleted, stored, std::move(expected), resource_version_});
  return stored;
}

ObjectPtr Store::stamp(std::unique_ptr<Object> object) {
  object->metadata.resource_version = std::to_string(++resource_version_);
  return object;
}

void Store::commit_later(Shelf& shelf, const ObjectKey& key, ObjectPtr object) {
  if (!journal_) return;
  const bool is_new = shelf.pending.insert_or_assign(key, Pending{std::move(object), nullptr}).second;
  if (is_new) note_pending();
}

void Store::follow_definition(const Event& event) {
  if (event.object->kind() != kube::CustomResourceDefinition::static_kind()) return;
  const auto& definition = kube::as<kube::CustomResourceDefinition>(*event.object);
  if (event.type == WatchEventType::kDeleted) {
    kinds_.forget(definition);
  } else {
    kinds_.follow(definition);
    // Its history begins here.
    if (const kube::Kind* kind = kinds_.find_stored(definition.metadata.name)) shelf_of(*kind);
  }
}

void Store::publish(Shelf& shelf, const Event& event) {
  follow_definition(event);
  shelf.history.push_back(event);
  while (shelf.history.size() > options_.history_limit) {
    shelf.forgotten_version = shelf.history.front().resource_version;
    shelf.history.pop_front();
  }
  ++shelves_->delivering;
  // By index and up to the present end: sinks may open watches, which get this event as history.
  const std::size_t count = shelf.watchers.size();
  for (std::size_t i = 0; i < count; ++i) {
    Watcher& watcher = *shelf.watchers[i];
    if (!watcher.ended) watcher.sink(event);
  }
  --shelves_->delivering;
  shelves_->sweep(shelf);
}

Result<std::unique_ptr<kube::Watch>> Store::watch(const kube::Kind& kind,
                                                  std::uint64_t from_version, Sink sink) {
  Shelf& shelf = shelf_of(kind);
  if (from_version < shelf.forgotten_version) {
    return fail(Reason::kExpired, fmt::format("too old resource version: {} ({})", from_version,
                                              shelf.forgotten_version));
  }
  if (from_version > resource_version_) {
    return fail(Reason::kTimeout, fmt::format("Too large resource version: {}, current: {}",
                                              from_version, resource_version_));
  }
  auto watcher = std::make_unique<Watcher>(Watcher{next_watch_++, std::move(sink), false});
  Watcher& entry = *watcher;
  shelf.watchers.push_back(std::move(watcher));
  auto handle = std::make_unique<WatchHandle>(shelves_, &kind.in_store(), entry.id);
  deliver_past(shelf, from_version, entry);
  return handle;
}

void Store::deliver_past(Shelf& shelf, std::uint64_t from_version, Watcher& watcher) {
  const auto begin = std::ranges::upper_bound(shelf.history, from_version, {},
                                              &Event::resource_version);
  ++shelves_->delivering;
  for (auto it = begin; it != shelf.history.end(); ++it) watcher.sink(*it);
  --shelves_->delivering;
  shelves_->sweep(shelf);
}

Status Store::put_document(const std::string& name, std::string text) {
  RETURN_IF_ERROR(prepare_write());
  documents_.insert_or_assign(name, std::move(text));
  if (journal_ && pending_documents_.insert(name).second) note_pending();
  return {};
}

const std::string& Store::get_document(const std::string& name) const {
  static const std::string kNone;
  const auto found = documents_.find(name);
  return found == documents_.end() ? kNone : found->second;
}

Status Store::flush() {
  if (!journal_ || pending_ == 0) return {};
  if (Status committed = journal_->commit(pending_batch()); !committed) {
    read_only_reason_ = committed.error().message;
    return committed;
  }
  read_only_reason_.clear();
  for (auto& [kind, shelf] : shelves_->by_kind) shelf.pending.clear();
  pending_documents_.clear();
  pending_ = 0;
  return {};
}

Batch Store::pending_batch() const {
  Batch batch;
  batch.resource_version = resource_version_;
  batch.objects.reserve(pending_);
  for (const kube::Kind* kind : kinds_.ever()) {
    for (const auto& [key, change] : shelf_of(*kind).pending) {
      batch.objects.push_back({kind, key, change.object, change.text});
    }
  }
  for (const std::string& name : pending_documents_) {
    batch.documents.push_back({name, documents_.at(name)});
  }
  return batch;
}

}  // namespace minato::store
