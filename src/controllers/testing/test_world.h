// A cluster for tests: virtual time, a store, the registry, all controllers, and stand-ins for the
// scheduler and the kubelets that bind Pods, run them after a short while, renew Leases and let
// Pods end. Everything follows from the seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "controllers/controllers.h"
#include "env/virtual_time.h"
#include "kube/types/apps.h"
#include "kube/types/service.h"
#include "registry/in_process_client.h"
#include "registry/registry.h"
#include "store/store.h"

namespace minato::controllers {

// Passes everything on; `refuse` may turn a creation down, `refuse_update` an update. Counts the
// creations asked for.
class PickyClient final : public kube::Client {
 public:
  explicit PickyClient(kube::Client& inner) : inner_(inner) {}
  std::function<Status(const kube::Object&)> refuse;
  std::function<Status(const kube::Object&)> refuse_update;
  int creations = 0;

  const kube::Kinds& kinds() const override { return inner_.kinds(); }
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) override {
    return inner_.get(kind, key);
  }
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) override {
    return inner_.list(kind, options);
  }
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind,
                                             const kube::ListOptions& options, std::uint64_t from,
                                             kube::WatchSink sink) override {
    return inner_.watch(kind, options, from, std::move(sink));
  }
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object) override;
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object,
                                 kube::Subresource subresource) override {
    if (refuse_update) RETURN_IF_ERROR(refuse_update(*object));
    return inner_.update(std::move(object), subresource);
  }
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                kube::PatchType type, std::string_view body,
                                kube::Subresource subresource) override {
    return inner_.patch(kind, key, type, body, subresource);
  }
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key,
                const kube::RemoveOptions& options) override {
    return inner_.remove(kind, key, options);
  }
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) override {
    return inner_.evict(pod, options);
  }
  Status bind(const kube::ObjectKey& pod, const std::string& uid,
              const std::string& node) override {
    return inner_.bind(pod, uid, node);
  }

 private:
  kube::Client& inner_;
};

class TestWorld {
 public:
  explicit TestWorld(std::uint64_t seed = 1, ControllerSet::Options options = {});

  env::VirtualTime time;
  kube::Client& client() { return *client_; }
  PickyClient& picky() { return *picky_; }
  informer::Informers& informers() { return *informers_; }
  ControllerSet& controllers() { return *controllers_; }

  // Fills the caches and starts everything. Add handlers of the test before.
  void start();
  // As after a crash of the control plane: new caches, new controllers, same store.
  void restart_controllers();
  void advance(Duration duration) { time.advance(duration); }

  void add_node(const std::string& name, const std::string& zone = "a");
  // A dead node's kubelet does nothing at all; revived, it reports and looks after its Pods again.
  void kill_node(const std::string& name) { dead_.insert(name); }
  void revive_node(const std::string& name);

  template <class T>
  std::shared_ptr<const T> get(const std::string& namespace_, const std::string& name) {
    return kube::get<T>(client(), {namespace_, name}).value_or(nullptr);
  }
  template <class T>
  std::vector<std::shared_ptr<const T>> all() {
    return kube::list<T>(client()).value();
  }
  template <class T>
  std::shared_ptr<const T> create(T object);
  // Applies `change` to the stored object and writes it back.
  template <class T>
  void edit(const std::string& namespace_, const std::string& name,
            const std::function<void(T&)>& change);
  // Pods of the namespace that are neither finished nor being deleted.
  std::vector<std::shared_ptr<const kube::Pod>> active_pods(const std::string& namespace_);
  bool has_event(const std::string& reason, const std::string& message_part = {});
  // Over every write so far, in order.
  std::uint64_t trace() const { return trace_; }

  // Pods for which this holds never become ready. Default: those whose image is "bad".
  std::function<bool(const kube::Pod&)> is_broken;

 private:
  void watch_all();
  void make_controllers();
  void tick();
  void schedule(const kube::Pod& pod);
  void run_pod(const kube::Pod& pod);
  void set_ready(const kube::Pod& pod);
  void renew_lease(const std::string& node);
  bool may_run_on(const kube::Pod& pod, const kube::Node& node) const;

  env::NullLog log_;
  env::Env env_;
  env::Rng rng_;
  ControllerSet::Options options_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::InProcessClient> direct_;
  std::unique_ptr<PickyClient> picky_;
  kube::Client* client_ = nullptr;
  std::unique_ptr<informer::Informers> informers_;
  std::unique_ptr<ControllerSet> controllers_;
  std::vector<std::unique_ptr<kube::Watch>> trace_watches_;
  std::uint64_t trace_ = 1469598103934665603u;
  std::set<std::string> dead_;
  std::map<std::string, MonoTime> due_;  // By Pod uid: when its next change happens.
  int next_address_ = 1;
  int lives_ = 0;
  env::TimerHandle tick_timer_;
};

// Makers of the usual objects, in namespace "default".
kube::PodTemplateSpec pod_template(const std::string& app, const std::string& image);
kube::Deployment deployment(const std::string& name, std::int32_t replicas,
                            const std::string& image = "v1");
kube::ReplicaSet replica_set(const std::string& name, std::int32_t replicas);

template <class T>
std::shared_ptr<const T> TestWorld::create(T object) {
  auto created = kube::create(*direct_, std::move(object));
  CHECK(created.has_value(), "{}", created ? "" : created.error().message);
  return *created;
}

template <class T>
void TestWorld::edit(const std::string& namespace_, const std::string& name,
                     const std::function<void(T&)>& change) {
  const auto present = get<T>(namespace_, name);
  CHECK(present != nullptr, "no {}/{}", namespace_, name);
  T changed = *present;
  change(changed);
  const auto written = kube::update(*direct_, std::move(changed));
  CHECK(written.has_value(), "{}", written ? "" : written.error().message);
}

}  // namespace minato::controllers
