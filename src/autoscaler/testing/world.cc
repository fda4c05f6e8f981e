#include "autoscaler/testing/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/testing/scene.h"
#include "autoscaler/pools.h"
#include "kube/names.h"
#include "kube/types/apps.h"

namespace minato::autoscaler::testing {

// --- The cloud.

void FakeCloud::add(cloud::AutoScalingGroup group) { groups_[group.name] = std::move(group); }

std::int32_t FakeCloud::live(const std::string& group) const {
  return static_cast<std::int32_t>(std::ranges::count_if(
      instances_, [&](const auto& entry) { return entry.second.group == group; }));
}

std::int32_t FakeCloud::live(const std::string& group, cloud::Market market) const {
  return static_cast<std::int32_t>(std::ranges::count_if(instances_, [&](const auto& entry) {
    return entry.second.group == group && entry.second.market == market;
  }));
}

void FakeCloud::hold() {
  for (auto& [name, group] : groups_) {
    while (live(name) < group.desired_capacity) {
      const std::int32_t before = live(name);
      launch(group);
      if (live(name) == before) break;
    }
    highest_over_max = std::max(highest_over_max, live(name) - group.max_size);
  }
}

void FakeCloud::launch(cloud::AutoScalingGroup& group) {
  std::map<std::string, std::int32_t> counts;
  for (const std::string& zone : group.zones) counts[zone] = 0;
  for (const auto& [id, instance] : instances_) {
    if (instance.group == group.name) ++counts[instance.zone];
  }
  const std::int32_t on_demand = live(group.name, cloud::Market::kOnDemand);
  const cloud::Market market =
      on_demand < on_demand_share(group.distribution, live(group.name) + 1)
          ? cloud::Market::kOnDemand
          : cloud::Market::kSpot;
  std::vector<std::string> zones = group.zones;
  std::ranges::stable_sort(zones, {}, [&](const std::string& zone) { return counts.at(zone); });
  for (const std::string& zone : zones) {
    for (const std::string& type : group.types) {
      const bool works = !out_of_capacity.contains(pool_name(type, zone, market));
      activities_.push_back({.id = next_++, .start = world_.time.wall(),
                             .end = world_.time.wall(), .group = group.name,
                             .status = works ? "Successful" : "Failed",
                             .status_message = works ? "" : "InsufficientInstanceCapacity: none",
                             .type = type, .zone = zone, .market = market});
      if (activities_.size() > 200) activities_.erase(activities_.begin());
      if (!works) continue;
      cloud::Instance instance;
      instance.id = fmt::format("i-{:04}", next_);
      instance.hostname = fmt::format("ip-{:04}", next_++);
      instance.type = type;
      instance.zone = zone;
      instance.group = group.name;
      instance.market = market;
      instance.launch_time = world_.time.wall();
      world_.note("launch " + instance.id + pool_name(type, zone, market));
      ++launches;
      const std::string id = instance.id;
      instances_[id] = std::move(instance);
      boots_[id] = world_.env.executor.after(boot, [this, id] { join(id); });
      return;
    }
  }
}

void FakeCloud::join(const std::string& id) {
  const auto found = instances_.find(id);
  if (found == instances_.end() || !nodes_join) return;
  found->second.state = cloud::LifecycleState::kInService;
  kube::Node node = make_node(found->second.hostname, found->second.zone, 1900);
  node.metadata.creation_timestamp = {};
  node.spec.provider_id = found->second.provider_id();
  const kube::NodeStatus status = node.status;
  auto made = kube::create(*world_.client, std::move(node));
  CHECK(made.has_value(), "{}", made.error().message);
  kube::Node ready = **made;
  ready.status = status;
  ready.status.conditions[0].last_transition_time = world_.time.wall();
  std::erase_if(ready.spec.taints, [](const auto&) { return true; });
  (void)kube::update(*world_.client, ready);
  ready.metadata.resource_version.clear();
  (void)kube::update(*world_.client, std::move(ready), kube::Subresource::kStatus);
}

Status FakeCloud::terminate(const std::string& node, cloud::Decrement decrement) {
  const auto found = std::ranges::find_if(
      instances_, [&](const auto& entry) { return entry.second.hostname == node; });
  if (found == instances_.end()) return fail(Reason::kNotFound, "no such instance");
  world_.note("end " + found->first);
  if (decrement == cloud::Decrement::kYes) --groups_.at(found->second.group).desired_capacity;
  instances_.erase(found);
  return {};
}

void FakeCloud::answer(cloud::Done done, Status status) {
  world_.env.executor.post(
      [done = std::move(done), status = std::move(status)]() mutable { done(status); });
}

std::vector<cloud::AutoScalingGroup> FakeCloud::describe_auto_scaling_groups() const {
  std::vector<cloud::AutoScalingGroup> out;
  for (const auto& [name, group] : groups_) out.push_back(group);
  return out;
}

std::vector<cloud::Instance> FakeCloud::describe_auto_scaling_instances() const {
  std::vector<cloud::Instance> out;
  for (const auto& [id, instance] : instances_) out.push_back(instance);
  return out;
}

void FakeCloud::set_desired_capacity(const std::string& group, std::int32_t desired,
                                     cloud::Done done) {
  cloud::AutoScalingGroup& config = groups_.at(group);
  if (desired < config.min_size || desired > config.max_size) {
    answer(std::move(done), fail(Reason::kInvalid, "outside of its limits"));
    return;
  }
  ++changes;
  world_.note(fmt::format("size {} {}", group, desired));
  config.desired_capacity = desired;
  answer(std::move(done), {});
}

void FakeCloud::terminate_instance_in_auto_scaling_group(const std::string& id,
                                                         cloud::Decrement decrement,
                                                         cloud::Done done) {
  const auto found = instances_.find(id);
  answer(std::move(done), found == instances_.end()
                              ? Status(fail(Reason::kNotFound, "no such instance"))
                              : terminate(found->second.hostname, decrement));
}

void FakeCloud::update_instances_distribution(const std::string& group,
                                              const cloud::InstancesDistribution& distribution,
                                              cloud::Done done) {
  groups_.at(group).distribution = distribution;
  world_.note(fmt::format("base {} {}", group, distribution.on_demand_base_capacity));
  answer(std::move(done), {});
}

// --- Removals.

Status FakeRemovals::begin(removal::Request request) {
  ++begun;
  world_.note("remove " + request.node);
  const WallTime now = world_.time.wall();
  under_way_[request.node] = {.request = request, .phase = removal::Phase::kDraining,
                              .begun = now, .since = now};
  return {};
}

Status FakeRemovals::cancel(const std::string& node) {
  under_way_.at(node).phase = removal::Phase::kCancelled;
  return {};
}

std::vector<removal::Progress> FakeRemovals::progress() const {
  std::vector<removal::Progress> out;
  for (const auto& [node, progress] : under_way_) out.push_back(progress);
  return out;
}

void FakeRemovals::step() {
  const auto pods = kube::list<kube::Pod>(*world_.client);
  for (auto& [name, progress] : under_way_) {
    if (progress.phase != removal::Phase::kDraining ||
        world_.time.wall() - progress.since < 20s) {
      continue;
    }
    for (const auto& pod : *pods) {
      if (pod->spec.node_name != name) continue;
      (void)world_.client->remove(kube::Pod::static_kind(), pod->key(),
                                  {.grace_period_seconds = 0});
    }
    (void)world_.cloud.terminate(
        name, progress.request.after == removal::After::kTerminateAndShrink
                  ? cloud::Decrement::kYes
                  : cloud::Decrement::kNo);
    (void)world_.client->remove(kube::Node::static_kind(), {"", name}, {});
    progress.phase = removal::Phase::kDone;
    progress.since = world_.time.wall();
  }
  std::erase_if(under_way_, [&](const auto& entry) {
    const auto phase = entry.second.phase;
    return (phase == removal::Phase::kDone || phase == removal::Phase::kCancelled) &&
           world_.time.wall() - entry.second.since > 10min;
  });
}

// --- The world.

World::World(std::uint64_t seed, Options options)
    : env{time, time, log, env::Rng(seed)} {
  registry = std::move(*registry::Registry::make(env.fork("registry"), store, {}));
  CHECK(registry->bootstrap().has_value(), "bootstrap");
  client = std::make_unique<registry::InProcessClient>(*registry);
  informers = std::make_unique<informer::Informers>(*client);
  scheduler = std::make_unique<scheduler::Scheduler>(env.fork("scheduler"), *client, *informers);
  autoscaler = std::move(*Autoscaler::make(env.fork("autoscaler"), *client, *informers, cloud,
                                           removals, std::move(options)));
  CHECK(informers->start().has_value(), "informers");
  scheduler->start();
  autoscaler->start();
  autoscaler->set_active(true);
  tick();
}

void World::note(std::string_view what) {
  for (const char c : fmt::format("{} {}", time.monotonic().time_since_epoch().count(), what)) {
    trace_ = (trace_ ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  }
}

void World::tick() {
  cloud.hold();
  removals.step();
  for (const auto& [name, workload] : workloads_) reconcile(name, workload);
  timer_ = time.after(5s, [this] { tick(); });
}

void World::want(const std::string& workload, int pods, int milli_cpu) {
  workloads_[workload] = {pods, milli_cpu};
  kube::ReplicaSet set;
  set.metadata.name = workload;
  set.metadata.namespace_ = "default";
  set.spec.replicas = pods;
  set.spec.selector.emplace().match_labels = {{"app", workload}};
  set.spec.template_.metadata.labels = {{"app", workload}};
  set.spec.template_.spec = make_pod("x", milli_cpu).spec;
  if (const auto known = kube::get<kube::ReplicaSet>(*client, set.key())) {
    set.metadata = (*known)->metadata;
    CHECK(kube::update(*client, std::move(set)).has_value(), "replica set");
  } else {
    CHECK(kube::create(*client, std::move(set)).has_value(), "replica set");
  }
  reconcile(workload, workloads_[workload]);
}

void World::reconcile(const std::string& name, const Workload& workload) {
  std::vector<std::shared_ptr<const kube::Pod>> own;
  const auto all = kube::list<kube::Pod>(*client);
  for (const auto& pod : *all) {
    if (pod->metadata.labels.contains("app") && pod->metadata.labels.at("app") == name &&
        !is_set(pod->metadata.deletion_timestamp)) {
      own.push_back(pod);
    }
  }
  // As a ReplicaSet: those without a Node go first.
  std::ranges::stable_sort(own, {}, [](const auto& pod) { return pod->spec.node_name.empty(); });
  while (static_cast<int>(own.size()) > workload.pods) {
    (void)client->remove(kube::Pod::static_kind(), own.back()->key(),
                         {.grace_period_seconds = 0});
    own.pop_back();
  }
  for (auto missing = own.size(); static_cast<int>(missing) < workload.pods; ++missing) {
    kube::Pod pod = owned(make_pod(fmt::format("{}-{:05}", name, next_pod_++), workload.milli_cpu,
                                   0, {{"app", name}}),
                          "ReplicaSet", name);
    pod.metadata.uid.clear();
    pod.metadata.owner_references[0].api_version = "apps/v1";
    const auto made = kube::create(*client, std::move(pod));
    CHECK(made.has_value(), "{}", made.error().message);
  }
}

int World::waiting() const {
  const auto pods = kube::list<kube::Pod>(*client);
  return static_cast<int>(std::ranges::count_if(
      *pods, [](const auto& pod) { return pod->spec.node_name.empty(); }));
}

int World::nodes() const {
  return static_cast<int>(kube::list<kube::Node>(*client)->size());
}

bool World::has_event(const std::string& reason) const {
  return std::ranges::any_of(*kube::list<kube::Event>(*client),
                             [&](const auto& event) { return event->reason == reason; });
}

}  // namespace minato::autoscaler::testing
