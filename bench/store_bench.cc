// The store against its budgets (at least 500k writes/s in memory, 50k durable writes/s by group
// commit, 5 million watch deliveries/s), and what the rules of the registry cost on top.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>

#include "env/virtual_time.h"
#include "kube/types/coordination.h"
#include "kube/types/pod.h"
#include "registry/in_process_client.h"
#include "store/sqlite_journal.h"

namespace minato {
namespace {

constexpr std::size_t kObjects = 10'000;

// The size of a real one: two containers, resources, probes, conditions.
std::unique_ptr<kube::Pod> make_pod(std::size_t number) {
  auto pod = std::make_unique<kube::Pod>();
  pod->metadata.name = fmt::format("web-5d8f7c9b6-{:05}", number);
  pod->metadata.namespace_ = "default";
  pod->metadata.labels = {{"app", "web"}, {"pod-template-hash", "5d8f7c9b6"}};
  for (const char* name : {"web", "log-agent"}) {
    kube::Container& container = pod->spec.containers.emplace_back();
    container.name = name;
    container.image = "registry.local/web:1.2.3";
    container.ports.push_back({.name = "http", .container_port = 8080});
    container.env.push_back({.name = "MODE", .value = "production"});
    container.resources.requests = {{"cpu", kube::Quantity::milli(250)},
                                    {"memory", kube::Quantity::bytes(256 << 20)}};
    kube::Probe& probe = container.readiness_probe.emplace();
    probe.probe_handler.http_get.emplace().port = 8080;
    probe.period_seconds = 5;
  }
  for (const char* type : {"PodScheduled", "Initialized", "ContainersReady", "Ready"}) {
    pod->status.conditions.push_back({.type = type, .status = "True"});
  }
  return pod;
}

void fill(store::Store& store) {
  for (std::size_t i = 0; i < kObjects; ++i) {
    benchmark::DoNotOptimize(store.create(make_pod(i)));
  }
}

// Spreads writes over the objects without the cost of a random generator.
class Keys {
 public:
  Keys() {
    for (std::size_t i = 0; i < kObjects; ++i) keys_.push_back(make_pod(i)->key());
  }
  const kube::ObjectKey& next() { return keys_[position_ = (position_ + 7919) % kObjects]; }

 private:
  std::vector<kube::ObjectKey> keys_;
  std::size_t position_ = 0;
};

void update_one(store::Store& store, const kube::ObjectKey& key) {
  kube::ObjectPtr current = store.get(kube::Pod::static_kind(), key);
  auto object = current->clone();
  benchmark::DoNotOptimize(store.update(std::move(current), std::move(object)));
}

void BM_StoreUpdateInMemory(benchmark::State& state) {
  store::Store store;
  fill(store);
  Keys keys;
  for (auto _ : state) update_one(store, keys.next());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StoreUpdateInMemory);

// What of the above is the copy that every change of an object starts with.
void BM_ClonePod(benchmark::State& state) {
  store::Store store;
  fill(store);
  Keys keys;
  std::vector<std::unique_ptr<kube::Object>> copies(kObjects);
  std::size_t next = 0;
  for (auto _ : state) {
    copies[next++ % kObjects] = store.get(kube::Pod::static_kind(), keys.next())->clone();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ClonePod);

std::vector<kube::ObjectPtr> make_leases(store::Store& store) {
  std::vector<kube::ObjectPtr> leases;
  for (std::size_t i = 0; i < kObjects; ++i) {
    auto lease = std::make_unique<kube::Lease>();
    lease->metadata.namespace_ = "kube-node-lease";
    lease->metadata.name = fmt::format("ip-10-77-{}-{}.internal", i / 256, i % 256);
    lease->spec.holder_identity = lease->metadata.name;
    leases.push_back(*store.create(std::move(lease)));
  }
  return leases;
}

void renew(store::Store& store, kube::ObjectPtr& lease) {
  auto renewed = lease->clone();
  lease = *store.update(std::move(lease), std::move(renewed));
}

// A heartbeat: the smallest write, and the most frequent one.
void BM_StoreUpdateLease(benchmark::State& state) {
  store::Store store;
  std::vector<kube::ObjectPtr> leases = make_leases(store);
  std::size_t position = 0;
  for (auto _ : state) renew(store, leases[position = (position + 7919) % kObjects]);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StoreUpdateLease);

void BM_StoreCreateAndRemoveInMemory(benchmark::State& state) {
  store::Store store;
  fill(store);
  const auto pod = make_pod(kObjects);
  for (auto _ : state) {
    auto created = store.create(pod->clone());
    benchmark::DoNotOptimize(store.remove(*created, (*created)->clone()));
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(BM_StoreCreateAndRemoveInMemory);

// With as many sinks as there are controllers on Pods, and with very many.
void BM_WatchDelivery(benchmark::State& state) {
  store::Store store;
  std::vector<std::unique_ptr<kube::Watch>> watches;
  std::uint64_t seen = 0;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    watches.push_back(*store.watch(kube::Pod::static_kind(), store.resource_version(),
                                   [&seen](const store::Event& event) {
                                     seen += event.resource_version;
                                   }));
  }
  fill(store);
  Keys keys;
  for (auto _ : state) update_one(store, keys.next());
  benchmark::DoNotOptimize(seen);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_WatchDelivery)->Arg(10)->Arg(100)->Arg(1000);

void BM_WatchDeliveryByLabel(benchmark::State& state) {
  env::VirtualTime time;
  env::NullLog log;
  store::Store store;
  auto registry = *registry::Registry::make(env::Env{time, time, log, env::Rng(1)}, store);
  registry::InProcessClient client(*registry);
  std::vector<std::unique_ptr<kube::Watch>> watches;
  std::uint64_t seen = 0;
  const kube::ListOptions options{.labels = *kube::Selector::parse("app=web")};
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    watches.push_back(*client.watch(
        kube::Pod::static_kind(), options, store.resource_version(),
        [&seen](const kube::WatchEvent& event) { seen += event.resource_version; }));
  }
  fill(store);
  Keys keys;
  for (auto _ : state) update_one(store, keys.next());
  benchmark::DoNotOptimize(seen);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_WatchDeliveryByLabel)->Arg(100);

class TempFile {
 public:
  TempFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "store-bench-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TempFile() { std::filesystem::remove_all(directory_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  std::string path() const { return (directory_ / "state.db").string(); }

 private:
  std::filesystem::path directory_;
};

// Groups of range(0) writes, each group acknowledged before the next.
void BM_StoreUpdateLeaseDurable(benchmark::State& state) {
  const TempFile file;
  auto store = *store::Store::open(*store::SqliteJournal::open(file.path()));
  std::vector<kube::ObjectPtr> leases = make_leases(*store);
  static_cast<void>(store->flush());
  std::size_t position = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      renew(*store, leases[position = (position + 7919) % kObjects]);
    }
    if (!store->flush()) state.SkipWithError("flush failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_StoreUpdateLeaseDurable)->Arg(1)->Arg(100)->Arg(1000)->Arg(5000);

void BM_StoreUpdateDurable(benchmark::State& state) {
  const TempFile file;
  auto store = *store::Store::open(*store::SqliteJournal::open(file.path()));
  fill(*store);
  static_cast<void>(store->flush());
  Keys keys;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) update_one(*store, keys.next());
    if (!store->flush()) state.SkipWithError("flush failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_StoreUpdateDurable)->Arg(1)->Arg(100)->Arg(1000);

void BM_StoreLoad(benchmark::State& state) {
  const TempFile file;
  {
    auto store = *store::Store::open(*store::SqliteJournal::open(file.path()));
    fill(*store);
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(store::Store::open(*store::SqliteJournal::open(file.path())));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kObjects));
}
BENCHMARK(BM_StoreLoad)->Unit(benchmark::kMillisecond)->UseRealTime();

// All the rules: defaults, admission, validation, then the store.
class RegistryBench {
 public:
  RegistryBench() { static_cast<void>(registry->bootstrap()); }
  env::VirtualTime time;
  env::NullLog log;
  store::Store store;
  std::unique_ptr<registry::Registry> registry =
      *registry::Registry::make(env::Env{time, time, log, env::Rng(1)}, store);
  registry::InProcessClient client{*registry};
};

void BM_RegistryCreatePod(benchmark::State& state) {
  RegistryBench world;
  std::size_t number = 0;
  for (auto _ : state) {
    auto created = world.client.create(make_pod(number++));
    if (!created) state.SkipWithError(created.error().message.c_str());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RegistryCreatePod);

void BM_RegistryUpdatePodStatus(benchmark::State& state) {
  RegistryBench world;
  for (std::size_t i = 0; i < kObjects; ++i) {
    benchmark::DoNotOptimize(world.client.create(make_pod(i)));
  }
  Keys keys;
  std::int32_t number = 0;
  for (auto _ : state) {
    auto pod = std::make_unique<kube::Pod>(
        kube::as<kube::Pod>(*world.store.get(kube::Pod::static_kind(), keys.next())));
    pod->status.message = std::to_string(++number);
    auto updated = world.client.update(std::move(pod), kube::Subresource::kStatus);
    if (!updated) state.SkipWithError(updated.error().message.c_str());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RegistryUpdatePodStatus);

}  // namespace
}  // namespace minato

BENCHMARK_MAIN();
