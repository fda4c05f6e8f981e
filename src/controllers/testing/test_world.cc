#include "controllers/testing/test_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "controllers/common/pods.h"
#include "controllers/common/taints.h"
#include "kube/json.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr Duration kTick = 1s;

kube::NodeCondition node_ready(kube::Time now) {
  kube::NodeCondition out;
  out.type = kube::kReady;
  out.status = kube::kTrue;
  out.reason = "KubeletReady";
  out.last_heartbeat_time = now;
  out.last_transition_time = now;
  return out;
}

}  // namespace

Result<kube::ObjectPtr> PickyClient::create(std::unique_ptr<kube::Object> object) {
  ++creations;
  if (refuse) RETURN_IF_ERROR(refuse(*object));
  return inner_.create(std::move(object));
}

TestWorld::TestWorld(std::uint64_t seed, ControllerSet::Options options)
    : env_{time, time, log_, env::Rng(seed)},
      rng_(env_.rng.fork("world")),
      options_(std::move(options)),
      store_(std::make_unique<store::Store>()) {
  time.set_step_limit(5'000'000);
  is_broken = [](const kube::Pod& pod) { return pod.spec.containers.front().image == "bad"; };
  registry_ = registry::Registry::make(env_.fork("registry"), *store_).value();
  direct_ = std::make_unique<registry::InProcessClient>(*registry_);
  picky_ = std::make_unique<PickyClient>(*direct_);
  client_ = picky_.get();
  const Status bootstrapped = registry_->bootstrap();
  CHECK(bootstrapped.has_value(), "{}", bootstrapped.error().message);
  watch_all();
  make_controllers();
}

void TestWorld::watch_all() {
  for (const kube::Kind* kind : kube::all_kinds()) {
    auto watch = direct_->watch(*kind, {}, store_->resource_version(), [this](const auto& event) {
      const std::string text =
          fmt::format("{} {}", static_cast<int>(event.type), kube::to_json(*event.object));
      for (const char c : text) {
        trace_ = (trace_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
      }
    });
    trace_watches_.push_back(std::move(watch).value());
  }
}

void TestWorld::make_controllers() {
  informers_ = std::make_unique<informer::Informers>(*client_);
  // Another process draws other numbers.
  const env::Env env = env_.fork(fmt::format("life {}", ++lives_));
  controllers_ = std::make_unique<ControllerSet>(env, *client_, *informers_, options_);
}

void TestWorld::start() {
  const Status started = informers_->start();
  CHECK(started.has_value(), "{}", started.error().message);
  controllers_->start();
  tick_timer_ = time.after(kTick, [this] { tick(); });
}

void TestWorld::restart_controllers() {
  controllers_.reset();
  informers_.reset();
  make_controllers();
  const Status started = informers_->start();
  CHECK(started.has_value(), "{}", started.error().message);
  controllers_->start();
}

void TestWorld::add_node(const std::string& name, const std::string& zone) {
  kube::Node node;
  node.metadata.name = name;
  node.metadata.labels[std::string(kube::kLabelHostname)] = name;
  node.metadata.labels[std::string(kube::kLabelZone)] = zone;
  node.spec.provider_id = "aws:///" + zone + "/i-" + name;
  node.status.conditions.push_back(node_ready(api_now(time)));
  create(std::move(node));
  renew_lease(name);
}

void TestWorld::revive_node(const std::string& name) {
  dead_.erase(name);
  renew_lease(name);
  const auto present = get<kube::Node>("", name);
  if (!present) return add_node(name);
  kube::Node changed = *present;
  remove_condition(changed.status.conditions, kube::kReady);
  changed.status.conditions.push_back(node_ready(api_now(time)));
  CHECK(kube::update(*direct_, std::move(changed), kube::Subresource::kStatus).has_value());
}

void TestWorld::renew_lease(const std::string& node) {
  const std::string home(kube::kNamespaceNodeLease);
  kube::Lease lease;
  const auto present = get<kube::Lease>(home, node);
  if (present) lease = *present;
  lease.metadata.namespace_ = home;
  lease.metadata.name = node;
  lease.spec.holder_identity = node;
  lease.spec.lease_duration_seconds = 40;
  lease.spec.renew_time = time.wall();
  const auto written =
      present ? kube::update(*direct_, std::move(lease)) : kube::create(*direct_, std::move(lease));
  CHECK(written.has_value(), "{}", written ? "" : written.error().message);
}

void TestWorld::tick() {
  const bool renews = time.monotonic().time_since_epoch() % Duration(10s) == Duration{0};
  for (const auto& node : all<kube::Node>()) {
    if (renews && !dead_.contains(node->metadata.name)) renew_lease(node->metadata.name);
  }
  for (const auto& pod : all<kube::Pod>()) {
    if (pod->spec.node_name.empty()) {
      schedule(*pod);
    } else if (!dead_.contains(pod->spec.node_name) &&
               get<kube::Node>("", pod->spec.node_name) != nullptr) {
      run_pod(*pod);
    }
  }
  tick_timer_ = time.after(kTick, [this] { tick(); });
}

bool TestWorld::may_run_on(const kube::Pod& pod, const kube::Node& node) const {
  const bool untolerated = std::ranges::any_of(node.spec.taints, [&](const kube::Taint& taint) {
    return taint.effect != kube::kPreferNoSchedule && !tolerated(pod.spec.tolerations, taint);
  });
  return !untolerated && matches_required_affinity(pod.spec, node);
}

// The node with the fewest Pods, by name among equals.
void TestWorld::schedule(const kube::Pod& pod) {
  if (is_deleting(pod.metadata)) return;
  std::map<std::string, int> load;
  for (const auto& node : all<kube::Node>()) {
    if (may_run_on(pod, *node)) load[node->metadata.name] = 0;
  }
  for (const auto& other : all<kube::Pod>()) {
    const auto found = load.find(other->spec.node_name);
    if (found != load.end()) ++found->second;
  }
  const auto best = std::ranges::min_element(
      load, {}, [](const auto& each) { return std::pair(each.second, each.first); });
  if (best == load.end()) return;
  CHECK(direct_->bind(pod.key(), pod.metadata.uid, best->first).has_value());
}

void TestWorld::run_pod(const kube::Pod& pod) {
  const MonoTime now = time.monotonic();
  if (is_deleting(pod.metadata)) {
    const auto [due, is_new] =
        due_.try_emplace(pod.metadata.uid + "/end", now + rng_.between(0s, 4s));
    if (now < due->second) return;
    CHECK(direct_->remove(kube::Pod::static_kind(), pod.key(), {.grace_period_seconds = 0})
              .has_value());
    return;
  }
  if (is_pod_ready(pod) || is_pod_terminal(pod) || is_broken(pod)) return;
  const auto [due, is_new] = due_.try_emplace(pod.metadata.uid, now + rng_.between(1s, 6s));
  if (now >= due->second) set_ready(pod);
}

void TestWorld::set_ready(const kube::Pod& pod) {
  kube::Pod changed = pod;
  changed.status.phase = kube::kPodRunning;
  if (!is_set(changed.status.start_time)) changed.status.start_time = api_now(time);
  if (changed.status.pod_ip.empty()) {
    changed.status.pod_ip = fmt::format("10.1.{}.{}", next_address_ / 250, next_address_ % 250 + 1);
    ++next_address_;
  }
  kube::PodCondition ready;
  ready.type = kube::kReady;
  ready.status = kube::kTrue;
  ready.last_transition_time = api_now(time);
  set_pod_condition(changed.status, std::move(ready));
  const auto written = kube::update(*direct_, std::move(changed), kube::Subresource::kStatus);
  CHECK(written.has_value(), "{}", written ? "" : written.error().message);
}

std::vector<std::shared_ptr<const kube::Pod>> TestWorld::active_pods(
    const std::string& namespace_) {
  auto pods = kube::list<kube::Pod>(*direct_, {.namespace_ = namespace_}).value();
  std::erase_if(pods, [](const auto& pod) { return !is_pod_active(*pod); });
  return pods;
}

bool TestWorld::has_event(const std::string& reason, const std::string& message_part) {
  return std::ranges::any_of(all<kube::Event>(), [&](const auto& event) {
    return event->reason == reason && event->message.find(message_part) != std::string::npos;
  });
}

kube::PodTemplateSpec pod_template(const std::string& app, const std::string& image) {
  kube::PodTemplateSpec out;
  out.metadata.labels["app"] = app;
  kube::Container& container = out.spec.containers.emplace_back();
  container.name = "web";
  container.image = image;
  return out;
}

kube::Deployment deployment(const std::string& name, std::int32_t replicas,
                            const std::string& image) {
  kube::Deployment out;
  out.metadata.namespace_ = "default";
  out.metadata.name = name;
  out.spec.replicas = replicas;
  out.spec.selector.ensure().match_labels["app"] = name;
  out.spec.template_ = pod_template(name, image);
  return out;
}

kube::ReplicaSet replica_set(const std::string& name, std::int32_t replicas) {
  kube::ReplicaSet out;
  out.metadata.namespace_ = "default";
  out.metadata.name = name;
  out.spec.replicas = replicas;
  out.spec.selector.ensure().match_labels["app"] = name;
  out.spec.template_ = pod_template(name, "v1");
  return out;
}

}  // namespace minato::controllers
