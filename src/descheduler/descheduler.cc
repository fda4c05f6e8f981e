#include "descheduler/descheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"

namespace minato::descheduler {
namespace {

constexpr std::string_view kComponent = "descheduler";

}  // namespace

Descheduler::Descheduler(env::Env env, kube::Client& client, informer::Informers& informers, Options options)
    : env_(std::move(env)),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, std::string(kComponent)),
      pods_(informers.of<kube::Pod>()),
      nodes_(informers.of<kube::Node>()),
      namespaces_(informers.of<kube::Namespace>()),
      replica_sets_(informers.of<kube::ReplicaSet>()) {
  controllers::index_by_controller(pods_);
  controllers::index_by_controller(replica_sets_);
}

void Descheduler::start() {
  started_ = true;
  arm();
}

void Descheduler::set_active(bool active) {
  if (active_ == active) return;
  active_ = active;
  watched_.clear();
  arm();
}

void Descheduler::arm() {
  timer_.cancel();
  if (!started_ || !active_) return;
  timer_ = env_.executor.after(options_.scan_interval, [this] {
    scan();
    arm();
  });
}

void Descheduler::scan() {
  Nodes nodes;
  for (const auto& [key, node] : nodes_.all()) nodes.push_back(node);
  std::map<std::string, Watched> before;
  watched_.swap(before);
  for (const Workload& workload : workloads()) {
    const std::string& uid = workload.replica_set->metadata.uid;
    if (const auto known = before.find(uid); known != before.end()) watched_.insert(before.extract(known));
    consider(workload, nodes);
  }
}

// Those that ask to be spread.
std::vector<Workload> Descheduler::workloads() const {
  std::vector<Workload> out;
  for (const auto& [key, replica_set] : replica_sets_.all()) {
    const kube::ReplicaSetSpec& spec = replica_set->spec;
    if (spec.replicas.value_or(1) < 2 || spec.template_.spec.topology_spread_constraints.empty()) continue;
    Workload workload{.replica_set = replica_set, .pods = controllers::controlled_by(pods_, replica_set->metadata.uid)};
    std::erase_if(workload.pods, [](const auto& pod) { return controllers::is_pod_terminal(*pod); });
    out.push_back(std::move(workload));
  }
  return out;
}

bool Descheduler::is_rolling_out(const kube::ReplicaSet& replica_set) const {
  const kube::OwnerReference* deployment = controllers::controller_of(replica_set.metadata);
  return deployment != nullptr && std::ranges::any_of(controllers::controlled_by(replica_sets_, deployment->uid), [&](const auto& other) {
           return other->metadata.uid != replica_set.metadata.uid && (other->spec.replicas.value_or(1) > 0 || other->status.replicas > 0);
         });
}

void Descheduler::consider(const Workload& workload, const Nodes& nodes) {
  const std::string& uid = workload.replica_set->metadata.uid;
  const MonoTime now = env_.clock.monotonic();
  const auto known = watched_.find(uid);
  if (!is_at_rest(workload) || is_rolling_out(*workload.replica_set)) {
    if (known != watched_.end()) known->second.was_at_rest = false;
    return;
  }
  if (!is_crowded(workload, nodes)) {
    if (known != watched_.end()) watched_.erase(known);
    return;
  }
  Watched& watched = watched_.try_emplace(uid, Watched{.since = now, .settle = options_.settle}).first->second;
  if (!std::exchange(watched.was_at_rest, true) || now - watched.since < watched.settle) return;
  const std::int64_t uneven = unevenness(workload, nodes);
  if (watched.unevenness && uneven >= *watched.unevenness) {  // The last move was in vain.
    watched = {.since = now, .settle = std::min(watched.settle * 2, options_.settle_max), .was_at_rest = true};
    return;
  }
  if (const std::optional<Move> found = find(workload, nodes)) {
    if (move(workload, *found)) watched.unevenness = uneven;
  } else {
    watched.since = now;
  }
}

std::optional<Move> Descheduler::find(const Workload& workload, const Nodes& nodes) {
  scheduling::Snapshot snapshot;
  for (const auto& [key, space] : namespaces_.all()) snapshot.set_namespace(space->metadata.name, space->metadata.labels);
  for (const auto& node : nodes) snapshot.set_node(node);
  for (const auto& [key, pod] : pods_.all()) {
    if (!pod->spec.node_name.empty() && !controllers::is_pod_terminal(*pod)) snapshot.add_pod(templates_.parse(pod), pod->spec.node_name);
  }
  scheduling::Placer placer(snapshot, env_.rng.fork("placer"));
  return find_move(workload, nodes, placer, templates_);
}

bool Descheduler::move(const Workload& workload, const Move& move) {
  const std::string text = fmt::format("{} of {} Pods of {} are in {} ({}), {} in {}: one moves", move.pods_from, workload.pods.size(),
                                       workload.replica_set->metadata.name, move.from, move.topology_key, move.pods_to, move.to);
  if (const Status evicted = client_.evict(move.pod->key()); !evicted) {
    env_.log.write(env::Level::kInfo, kComponent, fmt::format("{}; not yet: {}", text, evicted.error().message));
    return false;
  }
  events_.normal(*move.pod, "Descheduled", text);
  env_.log.write(env::Level::kInfo, kComponent, text);
  return true;
}

}  // namespace minato::descheduler
