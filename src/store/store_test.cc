#include "store/store.h"

#include "env/env.h"
#include "kube/types/pod.h"
#include "store/fixture.h"

namespace minato::store {
namespace {

using kube::ObjectKey;
using kube::ObjectPtr;
using kube::WatchEventType;

TEST(StoreTest, VersionsGrowAcrossKinds) {
  Store store;
  const auto first = store.create(make_config("a"));
  auto pod = std::make_unique<kube::Pod>();
  pod->metadata.name = "p";
  const auto second = store.create(std::move(pod));
  EXPECT_EQ((*first)->metadata.resource_version, "2");
  EXPECT_EQ((*second)->metadata.resource_version, "3");
  EXPECT_EQ(store.resource_version(), 3U);
}

TEST(StoreTest, WritesCompareAndSet) {
  Store store;
  const ObjectPtr first = *store.create(make_config("a", "1"));
  EXPECT_TRUE(failed_with(store.create(make_config("a")), Reason::kAlreadyExists));
  const ObjectPtr second = *store.update(first, make_config("a", "2"));
  EXPECT_TRUE(failed_with(store.update(first, make_config("a", "3")), Reason::kConflict));
  EXPECT_TRUE(failed_with(store.remove(first, first->clone()), Reason::kConflict));
  EXPECT_EQ(value_of(find_config(store, "a")), "2");
  ASSERT_TRUE(store.remove(second, second->clone()));
  EXPECT_FALSE(find_config(store, "a"));
  EXPECT_TRUE(failed_with(store.update(second, make_config("a")), Reason::kConflict));
}

TEST(StoreTest, DeletionHasItsOwnVersion) {
  Store store;
  const ObjectPtr object = *store.create(make_config("a"));
  Event seen;
  const auto watch = store.watch(config_map_kind(), store.resource_version(),
                                 [&](const Event& event) { seen = event; });
  ASSERT_TRUE(store.remove(object, object->clone()));
  EXPECT_EQ(seen.type, WatchEventType::kDeleted);
  EXPECT_EQ(seen.resource_version, 3U);
  EXPECT_EQ(seen.object->metadata.resource_version, "3");
  EXPECT_EQ(seen.previous, object);
}

TEST(StoreTest, SinksRunInsideTheWriteInOrderOfRegistration) {
  Store store;
  std::vector<int> order;
  const auto one = store.watch(config_map_kind(), 1, [&](const Event&) { order.push_back(1); });
  const auto two = store.watch(config_map_kind(), 1, [&](const Event& event) {
    order.push_back(2);
    EXPECT_EQ(store.get(config_map_kind(), event.object->key()), event.object);
  });
  ASSERT_TRUE(store.create(make_config("a")));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(StoreTest, AWatchFromThePastGetsWhatItMissed) {
  Store store;
  const ObjectPtr object = *store.create(make_config("a", "1"));
  ASSERT_TRUE(store.update(object, make_config("a", "2")));
  std::vector<std::uint64_t> versions;
  const auto watch = store.watch(config_map_kind(), 2, [&](const Event& event) {
    versions.push_back(event.resource_version);
  });
  ASSERT_TRUE(store.create(make_config("b")));
  EXPECT_EQ(versions, (std::vector<std::uint64_t>{3, 4}));
}

TEST(StoreTest, WatchesOutsideTheHistoryFail) {
  Store store({.history_limit = 2});
  for (const char* name : {"a", "b", "c", "d"}) ASSERT_TRUE(store.create(make_config(name)));
  const auto sink = [](const Event&) {};
  EXPECT_TRUE(failed_with(store.watch(config_map_kind(), 2, sink), Reason::kExpired));
  EXPECT_TRUE(store.watch(config_map_kind(), 3, sink));
  EXPECT_TRUE(failed_with(store.watch(config_map_kind(), 6, sink), Reason::kTimeout));
  EXPECT_TRUE(store.watch(kube::Pod::static_kind(), 1, sink));  // Nothing of that kind was lost.
}

TEST(StoreTest, SinksMayEndAndOpenWatches) {
  Store store;
  std::unique_ptr<kube::Watch> own, late;
  int ended = 0, opened = 0;
  own = *store.watch(config_map_kind(), 1, [&](const Event&) {
    ++ended;
    own.reset();
    late = *store.watch(config_map_kind(), 1, [&](const Event&) { ++opened; });
  });
  ASSERT_TRUE(store.create(make_config("a")));
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(opened, 1);
  ASSERT_TRUE(store.create(make_config("b")));
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(opened, 2);
}

TEST(StoreTest, AnEndedWatchIsSilentEvenInTheSameDelivery) {
  Store store;
  std::unique_ptr<kube::Watch> second;
  int calls = 0;
  const auto first = store.watch(config_map_kind(), 1, [&](const Event&) { second.reset(); });
  second = *store.watch(config_map_kind(), 1, [&](const Event&) { ++calls; });
  ASSERT_TRUE(store.create(make_config("a")));
  EXPECT_EQ(calls, 0);
}

TEST(StoreTest, WatchHandlesMayOutliveTheStore) {
  std::unique_ptr<kube::Watch> watch;
  {
    Store store;
    watch = *store.watch(config_map_kind(), 1, [](const Event&) {});
  }
  watch.reset();
}

TEST(StoreDeathTest, ASinkThatWritesBreaksAnInvariant) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Store store;
  const auto watch = store.watch(config_map_kind(), 1, [&](const Event&) {
    static_cast<void>(store.create(make_config("b")));
  });
  EXPECT_DEATH(static_cast<void>(store.create(make_config("a"))), "a watch sink wrote");
}

TEST(StoreTest, AFlushIsOneBatchWithTheLatestStates) {
  FakeJournal::Disk disk;
  auto store = *Store::open(std::make_unique<FakeJournal>(disk));
  const ObjectPtr a = *store->create(make_config("a", "1"));
  ASSERT_TRUE(store->update(a, make_config("a", "2")));
  const ObjectPtr b = *store->create(make_config("b"));
  ASSERT_TRUE(store->remove(b, b->clone()));
  ASSERT_TRUE(store->put_document("cloud", "{}"));
  EXPECT_TRUE(store->has_pending());
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(store->flush());
  ASSERT_EQ(disk.batches.size(), 1U);
  const Batch& batch = disk.batches[0];
  ASSERT_EQ(batch.objects.size(), 2U);
  EXPECT_EQ(value_of(batch.objects[0].object), "2");
  EXPECT_EQ(batch.objects[1].object, nullptr);
  EXPECT_EQ(batch.documents.at(0).name, "cloud");
  EXPECT_EQ(batch.resource_version, store->resource_version());
}

TEST(StoreTest, AFullDiskMakesTheStoreReadOnlyAndLosesNothing) {
  FakeJournal::Disk disk;
  auto store = *Store::open(std::make_unique<FakeJournal>(disk));
  ASSERT_TRUE(store->create(make_config("a")));
  disk.full = true;
  EXPECT_TRUE(failed_with(store->flush(), Reason::kUnavailable));
  const auto refused = store->create(make_config("b"));
  EXPECT_EQ(refused.error().message, "the store is read-only: the disk is full");
  EXPECT_TRUE(failed_with(store->put_document("d", "x"), Reason::kUnavailable));
  EXPECT_FALSE(find_config(*store, "b"));
  disk.full = false;
  ASSERT_TRUE(store->flush());
  EXPECT_TRUE(store->read_only_reason().empty());
  EXPECT_TRUE(store->create(make_config("b")));
  EXPECT_EQ(disk.batches.at(0).objects.at(0).key.name, "a");
}

TEST(StoreTest, PendingChangesAreBounded) {
  FakeJournal::Disk disk;
  auto store = *Store::open(std::make_unique<FakeJournal>(disk), {.pending_limit = 2});
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(store->create(make_config(name)));
  ASSERT_EQ(disk.batches.size(), 1U);
  EXPECT_EQ(disk.batches[0].objects.size(), 2U);
}

// A watcher's own picture of the store, checked against what it is told.
struct Mirror {
  std::map<std::string, std::string> values;
  std::uint64_t version = 0;

  void apply(const Event& event) {
    EXPECT_GT(event.resource_version, version);
    EXPECT_EQ(event.object->metadata.resource_version, std::to_string(event.resource_version));
    version = event.resource_version;
    const std::string& name = event.object->metadata.name;
    EXPECT_EQ(values.contains(name), event.type != WatchEventType::kAdded);
    EXPECT_EQ(event.previous == nullptr, event.type == WatchEventType::kAdded);
    if (event.previous) {
      EXPECT_EQ(value_of(event.previous), values[name]);
    }
    if (event.type == WatchEventType::kDeleted) {
      values.erase(name);
    } else {
      values[name] = value_of(event.object);
    }
  }
};

std::map<std::string, std::string> contents(const Store& store) {
  std::map<std::string, std::string> out;
  for (const auto& [key, object] : store.all(config_map_kind())) out[key.name] = value_of(object);
  return out;
}

class StoreModelTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  void write_something() {
    const std::string name = std::to_string(rng_.below(8));
    const std::string value = std::to_string(rng_.next());
    const ObjectPtr current = find_config(store_, name);
    if (!current) {
      ASSERT_TRUE(store_.create(make_config(name, value)));
      model_[name] = value;
    } else if (rng_.chance(1, 3)) {
      ASSERT_TRUE(store_.remove(current, current->clone()));
      model_.erase(name);
    } else {
      ASSERT_TRUE(store_.update(current, make_config(name, value)));
      model_[name] = value;
    }
    versions_[store_.resource_version()] = model_;
  }
  // From a random past version: either Expired, or exactly the state of now, without a gap.
  void watch_from_the_past() {
    const auto from = std::next(versions_.begin(),
                                static_cast<std::ptrdiff_t>(rng_.below(versions_.size())));
    Mirror mirror{from->second, from->first};
    const auto watch = store_.watch(config_map_kind(), from->first,
                                    [&](const Event& event) { mirror.apply(event); });
    if (!watch) {
      EXPECT_EQ(watch.error().reason, Reason::kExpired);
      EXPECT_GT(store_.resource_version() - from->first, kHistory);
      return;
    }
    EXPECT_EQ(mirror.values, model_);
  }

  static constexpr std::size_t kHistory = 30;
  env::Rng rng_{GetParam()};
  Store store_{StoreOptions{.history_limit = kHistory}};
  std::map<std::string, std::string> model_;
  std::map<std::uint64_t, std::map<std::string, std::string>> versions_{{1, {}}};
};

TEST_P(StoreModelTest, AgreesWithAMapAndWatchersMissNothing) {
  Mirror mirror;
  const auto watch = store_.watch(config_map_kind(), store_.resource_version(),
                                  [&](const Event& event) { mirror.apply(event); });
  for (int step = 0; step < 500; ++step) {
    write_something();
    ASSERT_EQ(contents(store_), model_);
    ASSERT_EQ(mirror.values, model_);
    if (rng_.chance(1, 5)) watch_from_the_past();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModelTest, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace minato::store
