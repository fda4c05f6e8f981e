#include "kubelet/kubelet.h"

#include <fmt/format.h>

#include <algorithm>

#include "kubelet/admission.h"
#include "kubelet/eviction.h"

namespace minato::kubelet {

Kubelet::Kubelet(env::Env env, kube::Client& client, PodFeed& feed, container::Runtime& runtime,
                 Options options)
    : options_(std::move(options)),
      feed_(feed),
      events_(env.fork("kubelet/events/" + options_.node_name), client, "kubelet",
              options_.node_name),
      node_{.env = env.fork("kubelet/" + options_.node_name),
            .client = client,
            .runtime = runtime,
            .events = events_,
            .options = options_,
            .sources = feed.sources(),
            .started = env.clock.monotonic()},
      agent_(node_) {}

Kubelet::~Kubelet() { stop(); }

void Kubelet::start() {
  node_.started = node_.now();
  node_.runtime.set_sink(guard_.wrap([this](const container::Container& container) {
    const auto found = workers_.find(container.pod_uid);
    if (found != workers_.end()) found->second->on_container(container);
  }));
  subscription_ = feed_.subscribe(
      options_.node_name, {.pod = [this](const informer::Delta<kube::Pod>& delta) { note(delta); },
                           .config =
                               [this](const std::string& uid) {
                                 const auto found = workers_.find(uid);
                                 if (found != workers_.end()) found->second->on_config();
                               }});
  agent_.start();
  list_runtime();
}

void Kubelet::stop() {
  guard_.reset();
  subscription_ = {};
  list_timer_.cancel();
  sample_timer_.cancel();
  workers_.clear();
  agent_.stop();
}

void Kubelet::note(const informer::Delta<kube::Pod>& delta) {
  const std::string& uid = delta.object().metadata.uid;
  news_[uid] = delta.after;
  wake(uid);
}

void Kubelet::list_runtime() {
  node_.runtime.list(guard_.wrap([this](const Result<container::Runtime::Inventory>& inventory) {
    if (inventory) return on_inventory(*inventory);
    node_.env.log.write(env::Level::kWarning, "kubelet",
                        fmt::format("{}: listing containers: {}", options_.node_name,
                                    inventory.error().message));
    list_timer_ = node_.env.executor.after(options_.api_retry, [this] { list_runtime(); });
  }));
}

void Kubelet::on_inventory(const container::Runtime::Inventory& inventory) {
  std::map<std::string, const container::Sandbox*> sandboxes;
  for (const container::Sandbox& sandbox : inventory.sandboxes) {
    sandboxes[sandbox.pod_uid] = &sandbox;
  }
  std::map<std::string, std::vector<container::Container>> records;
  for (const container::Container& container : inventory.containers) {
    records[container.pod_uid].push_back(container);
  }
  std::vector<News> pods = feed_.pods_on(options_.node_name);
  // Running Pods keep their places; the rest is admitted oldest first.
  std::stable_sort(pods.begin(), pods.end(), [&](const News& a, const News& b) {
    const bool a_runs = sandboxes.contains(a->metadata.uid);
    const bool b_runs = sandboxes.contains(b->metadata.uid);
    if (a_runs != b_runs) return a_runs;
    return a->metadata.creation_timestamp < b->metadata.creation_timestamp;
  });
  adopted_ = true;
  for (const News& pod : pods) {
    const auto found = sandboxes.find(pod->metadata.uid);
    add_worker(pod, found == sandboxes.end() ? nullptr : found->second,
               records[pod->metadata.uid]);
    wake(pod->metadata.uid);
    sandboxes.erase(pod->metadata.uid);
  }
  // Deleted by force while no kubelet was here: nobody may be told any more.
  for (const auto& [uid, sandbox] : sandboxes) {
    node_.runtime.remove_sandbox(uid, [](const Status&) {});
  }
  schedule();
}

void Kubelet::wake(const std::string& uid) {
  if (awake_.insert(uid).second) order_.push_back(uid);
  schedule();
}

void Kubelet::schedule() {
  if (scheduled_ || !adopted_ || order_.empty()) return;
  scheduled_ = true;
  node_.env.executor.post(guard_.wrap([this] { run_turn(); }));
}

void Kubelet::run_turn() {
  scheduled_ = false;
  awake_.clear();
  for (const std::string& uid : std::exchange(order_, {})) sync_pod(uid);
  schedule_sample();
}

void Kubelet::sync_pod(const std::string& uid) {
  auto found = workers_.find(uid);
  if (auto news = news_.extract(uid)) {
    News& pod = news.mapped();
    if (found == workers_.end()) {
      if (!pod) return;
      add_worker(pod, nullptr, {});
      found = workers_.find(uid);
    } else {
      found->second->update(std::move(pod));
    }
  }
  if (found == workers_.end()) return;
  found->second->sync();
  if (found->second->is_finished()) workers_.erase(found);
}

PodWorker& Kubelet::add_worker(News pod, const container::Sandbox* sandbox,
                               const std::vector<container::Container>& records) {
  const std::string uid = pod->metadata.uid;
  const bool is_new = sandbox == nullptr && !is_terminal(*pod) &&
                      !is_set(pod->metadata.deletion_timestamp);
  const auto rejection = is_new ? admit(*pod, active_pods(), options_) : std::nullopt;
  auto worker = std::make_unique<PodWorker>(node_, std::move(pod), [this, uid] { wake(uid); });
  worker->adopt(sandbox, records);
  if (rejection) worker->reject(rejection->reason, rejection->message);
  return *(workers_[uid] = std::move(worker));
}

std::vector<const kube::Pod*> Kubelet::active_pods() const {
  std::vector<const kube::Pod*> out;
  for (const auto& [uid, worker] : workers_) {
    if (worker->is_active()) out.push_back(&worker->pod());
  }
  return out;
}

std::optional<container::ContainerRef> Kubelet::container_ref(const kube::ObjectKey& pod,
                                                              const std::string& container) const {
  for (const auto& [uid, worker] : workers_) {
    if (worker->pod().key() == pod) return worker->container_ref(container);
  }
  return std::nullopt;
}

// Samples are taken only while Pods run here: an empty Node has no timer.
void Kubelet::schedule_sample() {
  if (sampling_ || options_.metrics_interval == Duration{}) return;
  const bool busy = std::any_of(workers_.begin(), workers_.end(),
                                [](const auto& entry) { return entry.second->is_running(); });
  if (!busy) {
    last_stats_.reset();
    metrics_.reset();
    return;
  }
  sampling_ = true;
  sample_timer_ = node_.env.executor.after(options_.metrics_interval, [this] { sample(); });
}

void Kubelet::sample() {
  node_.runtime.stats(guard_.wrap([this](const Result<container::NodeStats>& stats) {
    sampling_ = false;
    if (stats) on_stats(*stats);
    schedule_sample();
  }));
}

void Kubelet::on_stats(const container::NodeStats& stats) {
  if (last_stats_) metrics_ = usage_between(*last_stats_, stats);
  last_stats_ = stats;
  if (metrics_) relieve_memory(*metrics_);
}

void Kubelet::relieve_memory(const NodeMetrics& metrics) {
  if (options_.eviction_memory_available_bytes <= 0) return;
  const std::int64_t available =
      options_.capacity.memory_bytes - metrics.memory_working_set_bytes;
  if (available >= options_.eviction_memory_available_bytes) {
    const bool over = !pressure_seen_ ||
                      node_.now() - *pressure_seen_ >= options_.pressure_transition;
    if (over) agent_.set_memory_pressure(false);
    return;
  }
  pressure_seen_ = node_.now();
  agent_.set_memory_pressure(true);
  std::map<std::string, std::int64_t> used;
  for (const ContainerUsage& usage : metrics.containers) {
    used[usage.ref.pod_uid] += usage.memory_working_set_bytes;
  }
  std::vector<const kube::Pod*> running;
  for (const auto& [uid, worker] : workers_) {
    if (worker->is_running()) running.push_back(&worker->pod());
  }
  const auto victim = choose_victim(running, used, available, options_);
  // Hard eviction thresholds grant no grace beyond the least there is.
  if (victim) workers_.at(victim->pod_uid)->evict(victim->message, 1s);
}

}  // namespace minato::kubelet
