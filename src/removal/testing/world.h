// A cluster for tests of removals: registry, ReplicaSets and PodDisruptionBudgets by the real
// controllers; stand-ins for scheduler and kubelets; a FakeCloud; and traffic, each request of
// which goes through a target's Node to a Pod and is lost if either goes before it ends.
//
// Pods serve until nothing is in flight to them and preStop is over, or their grace period is.
// Everything follows from the seed.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controllers/disruption/disruption_controller.h"
#include "controllers/replicaset/replica_set_controller.h"
#include "env/virtual_time.h"
#include "registry/in_process_client.h"
#include "registry/registry.h"
#include "removal/remover.h"
#include "removal/testing/fake_cloud.h"
#include "store/store.h"

namespace minato::removal {

// Passes everything on, unless it is down; counts the deletions of Pods that were no evictions.
class WatchedClient final : public kube::Client {
 public:
  explicit WatchedClient(kube::Client& inner, env::Rng rng) : inner_(inner), rng_(rng) {}
  bool is_down = false;  // For writes; caches stay as they are.
  std::uint64_t fail_one_in = 0;
  int forced = 0;
  std::vector<std::string> evicted;

  const kube::Kinds& kinds() const override { return inner_.kinds(); }
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) override;
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) override;
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind,
                                             const kube::ListOptions& options, std::uint64_t from,
                                             kube::WatchSink sink) override;
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object) override;
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object,
                                 kube::Subresource subresource) override;
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                kube::PatchType type, std::string_view body,
                                kube::Subresource subresource) override;
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key,
                const kube::RemoveOptions& options) override;
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) override;
  Status bind(const kube::ObjectKey& pod, const std::string& uid,
              const std::string& node) override;

 private:
  Status check();
  kube::Client& inner_;
  env::Rng rng_;
};

class World {
 public:
  // Nodes "node-01" … of instances "i-01" …, each with its target healthy.
  explicit World(std::uint64_t seed = 1, std::int32_t nodes = 3, Options options = {});

  env::VirtualTime time;
  FakeCloud cloud;
  WatchedClient& client() { return *watched_; }
  Remover& remover() { return *remover_; }

  // The Remover's process ends and another begins.
  void restart(bool active = true);
  void stop_remover();
  // A second, which is no leader: an agent's.
  Remover& agent();

  // A ReplicaSet of ready Pods, after a while; with a budget if `min_available` > 0.
  void serve(const std::string& name, std::int32_t replicas, std::int32_t min_available = 0,
             std::int64_t grace_seconds = 30);
  void add_pod(const std::string& name, const std::string& node,
               const std::string& controller_kind = {});
  void advance(Duration duration) { time.advance(duration); }
  // Until it holds; false: not within `limit`.
  bool wait_until(const std::function<bool()>& holds, Duration limit = 10min);

  Status begin(const std::string& node, Cause cause, After after,
               std::optional<Duration> deadline = {});
  // As EC2 does: the notice now, the end 120 s later whatever happens.
  Status interrupt(int number);
  Progress progress(const std::string& node);
  std::shared_ptr<const kube::Node> node(const std::string& name);
  bool is_gone(const std::string& node) { return this->node(node) == nullptr; }
  int ready_pods(const std::string& app);
  bool has_event(const std::string& reason, const std::string& part = {});

  int requests = 0;
  int lost = 0;
  std::vector<std::string> losses;  // Why and when.
  std::uint64_t trace() const { return trace_; }
  bool is_bound(const std::string& node);  // It carries Pods that run.

 private:
  struct Request_ {
    std::string target;
    std::string pod;  // Uid.
    std::string node;
    MonoTime ends{};
  };
  void tick();
  void schedule(const kube::Pod& pod);
  void run_pod(const kube::Pod& pod);
  void set_ready(const kube::Pod& pod);
  void machine_came(const cloud::Instance& instance);
  void machine_died(const cloud::Instance& instance);
  void send_request();
  void lose(const std::string& why, const std::function<bool(const Request_&)>& which);
  void watch_all();

  env::NullLog log_;
  env::Env env_;
  env::Rng rng_;
  Options options_;
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::InProcessClient> direct_;
  std::unique_ptr<WatchedClient> watched_;
  std::unique_ptr<informer::Informers> informers_;
  std::unique_ptr<controllers::ReplicaSetController> replica_sets_;
  std::unique_ptr<controllers::DisruptionController> disruption_;
  std::unique_ptr<informer::Informers> remover_informers_;
  std::unique_ptr<Remover> remover_;
  std::unique_ptr<informer::Informers> agent_informers_;
  std::unique_ptr<Remover> agent_;
  std::vector<std::unique_ptr<kube::Watch>> watches_;
  std::set<std::string> running_;  // Nodes whose machine runs.
  std::map<std::string, MonoTime> due_;
  std::vector<Request_> in_flight_;
  std::uint64_t trace_ = 1469598103934665603u;
  int lives_ = 0;
  env::TimerHandle tick_;
};

}  // namespace minato::removal
