#include "removal/testing/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "kube/json.h"
#include "kube/names.h"
#include "kube/types/config.h"

namespace minato::removal {
namespace {

constexpr Duration kTick = 100ms;
constexpr Duration kPreStop = 2s;

template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), "{}", result ? "" : result.error().message);
  return std::move(result).value();
}

}  // namespace

Status WatchedClient::check() {
  const bool fails = is_down || (fail_one_in > 0 && rng_.chance(1, fail_one_in));
  return fails ? fail(Reason::kUnavailable, "the API server is down") : Status();
}
Result<kube::ObjectPtr> WatchedClient::get(const kube::Kind& kind, const kube::ObjectKey& key) {
  RETURN_IF_ERROR(check());
  return inner_.get(kind, key);
}
Result<kube::ObjectList> WatchedClient::list(const kube::Kind& kind,
                                             const kube::ListOptions& options) {
  return inner_.list(kind, options);
}
Result<std::unique_ptr<kube::Watch>> WatchedClient::watch(const kube::Kind& kind,
                                                          const kube::ListOptions& options,
                                                          std::uint64_t from,
                                                          kube::WatchSink sink) {
  return inner_.watch(kind, options, from, std::move(sink));
}
Result<kube::ObjectPtr> WatchedClient::create(std::unique_ptr<kube::Object> object) {
  RETURN_IF_ERROR(check());
  return inner_.create(std::move(object));
}
Result<kube::ObjectPtr> WatchedClient::update(std::unique_ptr<kube::Object> object,
                                              kube::Subresource subresource) {
  RETURN_IF_ERROR(check());
  return inner_.update(std::move(object), subresource);
}
Result<kube::ObjectPtr> WatchedClient::patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                             kube::PatchType type, std::string_view body,
                                             kube::Subresource subresource) {
  RETURN_IF_ERROR(check());
  return inner_.patch(kind, key, type, body, subresource);
}
Status WatchedClient::remove(const kube::Kind& kind, const kube::ObjectKey& key,
                             const kube::RemoveOptions& options) {
  RETURN_IF_ERROR(check());
  if (kind == kube::Pod::static_kind()) ++forced;
  return inner_.remove(kind, key, options);
}
Status WatchedClient::evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) {
  RETURN_IF_ERROR(check());
  RETURN_IF_ERROR(inner_.evict(pod, options));
  evicted.push_back(pod.name);
  return {};
}
Status WatchedClient::bind(const kube::ObjectKey& pod, const std::string& uid,
                           const std::string& node) {
  return inner_.bind(pod, uid, node);
}

World::World(std::uint64_t seed, std::int32_t nodes, Options options)
    : cloud(time, env::Rng(seed).fork("cloud")),
      env_{time, time, log_, env::Rng(seed)},
      rng_(env_.rng.fork("world")),
      options_(options) {
  time.set_step_limit(20'000'000);
  registry_ = registry::Registry::make(env_.fork("registry"), store_).value();
  direct_ = std::make_unique<registry::InProcessClient>(*registry_);
  watched_ = std::make_unique<WatchedClient>(*direct_, env_.rng.fork("client"));
  CHECK(registry_->bootstrap().has_value(), "bootstrap");
  watch_all();
  informers_ = std::make_unique<informer::Informers>(*direct_);
  replica_sets_ = std::make_unique<controllers::ReplicaSetController>(
      env_.fork("rs"), *direct_, *informers_, controllers::ReplicaSetController::Options{});
  disruption_ = std::make_unique<controllers::DisruptionController>(
      env_.fork("pdb"), *direct_, *informers_, controllers::DisruptionController::Options{});
  CHECK(informers_->start().has_value(), "informers");
  replica_sets_->start();
  disruption_->start();
  cloud.came = [this](const auto& instance) { machine_came(instance); };
  cloud.died = [this](const auto& instance) { machine_died(instance); };
  cloud.fill(nodes);
  restart();
  tick_ = time.after(kTick, [this] { tick(); });
}

void World::watch_all() {
  for (const kube::Kind* kind : kube::all_kinds()) {
    auto watch = direct_->watch(*kind, {}, store_.resource_version(), [this](const auto& event) {
      const std::string text =
          fmt::format("{} {}", static_cast<int>(event.type), kube::to_json(*event.object));
      for (const char c : text) {
        trace_ = (trace_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
      }
    });
    watches_.push_back(std::move(watch).value());
  }
}

void World::stop_remover() {
  remover_.reset();
  remover_informers_.reset();
}

void World::restart(bool active) {
  stop_remover();
  remover_informers_ = std::make_unique<informer::Informers>(*watched_);
  remover_ = std::make_unique<Remover>(env_.fork(fmt::format("life {}", ++lives_)), *watched_,
                                       *remover_informers_, cloud, cloud, options_);
  CHECK(remover_informers_->start().has_value(), "informers");
  remover_->start();
  remover_->set_active(active);
}

Remover& World::agent() {
  if (agent_) return *agent_;
  agent_informers_ = std::make_unique<informer::Informers>(*watched_);
  agent_ = std::make_unique<Remover>(env_.fork("agent"), *watched_, *agent_informers_, cloud, cloud,
                                     options_);
  CHECK(agent_informers_->start().has_value(), "informers");
  agent_->start();
  return *agent_;
}

void World::machine_came(const cloud::Instance& instance) {
  kube::Node node;
  node.metadata.name = instance.hostname;
  node.metadata.labels[std::string(kube::kLabelHostname)] = instance.hostname;
  node.spec.provider_id = instance.provider_id();
  kube::NodeCondition& ready = node.status.conditions.emplace_back();
  ready.type = kube::kReady;
  ready.status = kube::kTrue;
  must(kube::create(static_cast<kube::Client&>(*direct_), std::move(node)));
  running_.insert(instance.hostname);
}

void World::machine_died(const cloud::Instance& instance) {
  const std::string node = instance.hostname;
  running_.erase(node);
  lose("instance " + instance.id + " died", [&](const Request_& each) {
    return each.target == instance.id || each.node == node;
  });
  // The cloud node controller and the Pod garbage collector.
  const auto removed = direct_->remove(kube::Node::static_kind(), {"", node}, {});
  CHECK(removed.has_value(), "removing {}", node);
  for (const auto& pod : must(kube::list<kube::Pod>(*direct_))) {
    if (pod->spec.node_name != node) continue;
    (void)direct_->remove(kube::Pod::static_kind(), pod->key(), {.grace_period_seconds = 0});
  }
}

void World::tick() {
  for (const auto& pod : must(kube::list<kube::Pod>(*direct_))) {
    if (pod->spec.node_name.empty()) {
      schedule(*pod);
    } else if (running_.contains(pod->spec.node_name)) {
      run_pod(*pod);
    }
  }
  const MonoTime now = time.monotonic();
  for (const Request_& each : in_flight_) {
    if (each.ends <= now) --cloud.in_flight[each.target];
  }
  std::erase_if(in_flight_, [&](const Request_& each) { return each.ends <= now; });
  if (rng_.chance(1, 2)) send_request();
  tick_ = time.after(kTick, [this] { tick(); });
}

void World::schedule(const kube::Pod& pod) {
  if (controllers::is_deleting(pod.metadata)) return;
  std::map<std::string, int> load;
  for (const auto& node : must(kube::list<kube::Node>(*direct_))) {
    const bool repels = std::ranges::any_of(node->spec.taints, [&](const kube::Taint& taint) {
      return !controllers::tolerated(pod.spec.tolerations, taint);
    });
    if (!repels && !node->spec.unschedulable && running_.contains(node->metadata.name)) {
      load[node->metadata.name] = 0;
    }
  }
  for (const auto& other : must(kube::list<kube::Pod>(*direct_))) {
    const auto found = load.find(other->spec.node_name);
    if (found != load.end()) ++found->second;
  }
  const auto best = std::ranges::min_element(
      load, {}, [](const auto& each) { return std::pair(each.second, each.first); });
  if (best == load.end()) return;
  CHECK(direct_->bind(pod.key(), pod.metadata.uid, best->first).has_value(), "bind");
}

void World::run_pod(const kube::Pod& pod) {
  const MonoTime now = time.monotonic();
  const std::string& uid = pod.metadata.uid;
  if (controllers::is_deleting(pod.metadata)) {
    const auto [due, is_new] = due_.try_emplace(uid + "/end", now + kPreStop);
    const bool is_idle = std::ranges::none_of(
        in_flight_, [&](const Request_& each) { return each.pod == uid; });
    const bool is_over = time.wall() >= pod.metadata.deletion_timestamp;
    if (!is_over && (now < due->second || !is_idle)) return;
    lose("pod " + pod.metadata.name + " ended", [&](const Request_& each) {
      return each.pod == uid;
    });
    (void)direct_->remove(kube::Pod::static_kind(), pod.key(), {.grace_period_seconds = 0});
    return;
  }
  if (controllers::is_pod_ready(pod)) return;
  const auto [due, is_new] = due_.try_emplace(uid, now + rng_.between(2s, 6s));
  if (now >= due->second) set_ready(pod);
}

void World::set_ready(const kube::Pod& pod) {
  kube::Pod changed = pod;
  changed.status.phase = kube::kPodRunning;
  kube::PodCondition ready;
  ready.type = kube::kReady;
  ready.status = kube::kTrue;
  ready.last_transition_time = controllers::api_now(time);
  controllers::set_pod_condition(changed.status, std::move(ready));
  must(kube::update(static_cast<kube::Client&>(*direct_), std::move(changed),
                    kube::Subresource::kStatus));
}

void World::send_request() {
  std::vector<std::string> healthy;
  std::vector<std::string> registered;
  for (const auto& [id, target] : cloud.targets) {
    if (target.state == cloud::TargetState::kHealthy) healthy.push_back(id);
    if (is_registered(target)) registered.push_back(id);
  }
  const auto& choice = healthy.empty() ? registered : healthy;
  std::vector<kube::Pod> serving;
  for (const auto& pod : must(kube::list<kube::Pod>(*direct_))) {
    const bool serves = controllers::is_pod_ready(*pod) && controllers::is_pod_active(*pod) &&
                        pod->metadata.labels.contains("app") &&
                        running_.contains(pod->spec.node_name);
    if (serves) serving.push_back(*pod);
  }
  if (serving.empty() && requests == 0) return;  // The service has not begun.
  ++requests;
  const bool is_dead = choice.empty() || serving.empty();
  if (is_dead) {
    ++lost;
    losses.push_back(fmt::format("{}: nothing to send to ({} targets, {} pods)",
                                 format_rfc3339(time.wall()), choice.size(), serving.size()));
    return;
  }
  const std::string& target = choice[rng_.below(choice.size())];
  const kube::Pod& pod = serving[rng_.below(serving.size())];
  if (cloud.dead.contains(target)) {
    ++lost;
    losses.push_back(format_rfc3339(time.wall()) + ": sent to dead " + target);
    return;
  }
  ++cloud.in_flight[target];
  in_flight_.push_back({target, pod.metadata.uid, pod.spec.node_name,
                        time.monotonic() + (rng_.chance(1, 6) ? rng_.between(3s, 12s)
                                                              : rng_.between(50ms, 2s))});
}

void World::lose(const std::string& why, const std::function<bool(const Request_&)>& which) {
  std::erase_if(in_flight_, [&](const Request_& each) {
    if (!which(each)) return false;
    --cloud.in_flight[each.target];
    ++lost;
    losses.push_back(format_rfc3339(time.wall()) + ": " + why);
    return true;
  });
}

void World::serve(const std::string& name, std::int32_t replicas, std::int32_t min_available,
                  std::int64_t grace_seconds) {
  kube::ReplicaSet set;
  set.metadata.namespace_ = "default";
  set.metadata.name = name;
  set.spec.replicas = replicas;
  set.spec.selector.ensure().match_labels["app"] = name;
  set.spec.template_.metadata.labels["app"] = name;
  set.spec.template_.spec.termination_grace_period_seconds = grace_seconds;
  kube::Container& container = set.spec.template_.spec.containers.emplace_back();
  container.name = "web";
  container.image = "web:1";
  must(kube::create(static_cast<kube::Client&>(*direct_), std::move(set)));
  if (min_available > 0) {
    kube::PodDisruptionBudget budget;
    budget.metadata.namespace_ = "default";
    budget.metadata.name = name;
    kube::LabelSelector selector;
    selector.match_labels["app"] = name;
    budget.spec.selector = selector;
    budget.spec.min_available = kube::IntOrString(min_available);
    must(kube::create(static_cast<kube::Client&>(*direct_), std::move(budget)));
  }
  CHECK(wait_until([&] { return ready_pods(name) == replicas; }), "{} does not run", name);
}

void World::add_pod(const std::string& name, const std::string& node,
                    const std::string& controller_kind) {
  kube::Pod pod;
  pod.metadata.namespace_ = "default";
  pod.metadata.name = name;
  kube::Container& container = pod.spec.containers.emplace_back();
  container.name = "main";
  container.image = "main:1";
  pod.spec.node_name = node;
  if (!controller_kind.empty()) {
    kube::OwnerReference& owner = pod.metadata.owner_references.emplace_back();
    owner.api_version = "apps/v1";
    owner.kind = controller_kind;
    owner.name = owner.uid = "owner-of-" + name;
    owner.controller = true;
  }
  must(kube::create(static_cast<kube::Client&>(*direct_), std::move(pod)));
}

bool World::wait_until(const std::function<bool()>& holds, Duration limit) {
  const MonoTime until = time.monotonic() + limit;
  while (!holds()) {
    if (time.monotonic() >= until) return false;
    advance(kTick);
  }
  return true;
}

Status World::begin(const std::string& node, Cause cause, After after,
                    std::optional<Duration> deadline) {
  Request request{node, cause, after, {}, "a test"};
  if (deadline) request.deadline = time.wall() + *deadline;
  return remover_->begin(std::move(request));
}

Status World::interrupt(int number) {
  cloud.kill_at(fmt::format("i-{:02}", number), time.wall() + 120s);
  return begin(fmt::format("node-{:02}", number), Cause::kSpotInterruption,
               After::kTerminateAndReplace, 120s);
}

Progress World::progress(const std::string& node) {
  for (Progress& each : remover_->progress()) {
    if (each.request.node == node) return each;
  }
  return {};
}

std::shared_ptr<const kube::Node> World::node(const std::string& name) {
  return kube::get<kube::Node>(*direct_, {"", name}).value_or(nullptr);
}

int World::ready_pods(const std::string& app) {
  return static_cast<int>(std::ranges::count_if(
      must(kube::list<kube::Pod>(*direct_, {.namespace_ = "default"})), [&](const auto& pod) {
        const auto label = pod->metadata.labels.find("app");
        return label != pod->metadata.labels.end() && label->second == app &&
               controllers::is_pod_active(*pod) && controllers::is_pod_ready(*pod) &&
               running_.contains(pod->spec.node_name);
      }));
}

bool World::is_bound(const std::string& node) {
  return std::ranges::any_of(must(kube::list<kube::Pod>(*direct_)),
                             [&](const auto& pod) { return pod->spec.node_name == node; });
}

bool World::has_event(const std::string& reason, const std::string& part) {
  return std::ranges::any_of(must(kube::list<kube::Event>(*direct_)), [&](const auto& event) {
    return event->reason == reason && event->message.find(part) != std::string::npos;
  });
}

}  // namespace minato::removal
