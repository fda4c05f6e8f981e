#include "metrics/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/int128.h"
#include "kube/names.h"

namespace minato::metrics {
namespace {

constexpr std::string_view kName = "metrics-server";

const kube::ContainerStatus* status_of(const std::vector<kube::ContainerStatus>& statuses,
                                       const std::string& name) {
  const auto found = std::ranges::find(statuses, name, &kube::ContainerStatus::name);
  return found == statuses.end() ? nullptr : &*found;
}

// Every container that runs now is among `known`. One that has just been started again is not: its
// rate is not known before the second sample, and a Pod without it would look idle.
bool has_all_running(const kube::Pod& pod, const std::vector<ContainerMetrics>& known) {
  const auto is_covered = [&](const std::vector<kube::Container>& containers,
                              const std::vector<kube::ContainerStatus>& statuses) {
    return std::ranges::all_of(containers, [&](const kube::Container& container) {
      const kube::ContainerStatus* status = status_of(statuses, container.name);
      if (status == nullptr || !status->state.running) return true;
      return std::ranges::find(known, container.name, &ContainerMetrics::name) != known.end();
    });
  };
  return is_covered(pod.spec.containers, pod.status.container_statuses) &&
         is_covered(pod.spec.init_containers, pod.status.init_container_statuses);
}

}  // namespace

Server::Server(env::Env env, informer::Informers& informers, Options options)
    : env_(std::move(env)),
      options_(std::move(options)),
      nodes_(informers.of<kube::Node>()),
      pods_(informers.of<kube::Pod>()) {
  CHECK(options_.scrape != nullptr, "metrics server without a way to ask kubelets");
  CHECK(options_.cpu_scale_percent > 0 && options_.resolution > Duration{});
}

void Server::set_active(bool active) {
  if (active == active_) return;
  active_ = active;
  ready_ = false;
  samples_.clear();
  timer_.cancel();
  if (active_) timer_ = env_.executor.after(Duration{}, [this] { scrape_all(); });
}

void Server::scrape_all() {
  std::map<std::string, Sample> fresh;
  for (const auto& [key, node] : nodes_.all()) {
    Result<NodeUsage> usage = options_.scrape(key.name);
    if (!usage) {
      env_.log.write(env::Level::kDebug, kName,
                     fmt::format("node {}: {}", key.name, usage.error().message));
      continue;
    }
    Sample sample = sample_from(key.name, *usage);
    const auto known = samples_.find(key.name);
    if (known != samples_.end() && known->second.at == sample.at) {
      sample.first_seen = known->second.first_seen;
    }
    fresh.emplace(key.name, std::move(sample));
  }
  samples_ = std::move(fresh);
  ready_ = true;
  timer_ = env_.executor.after(options_.resolution, [this] { scrape_all(); });
}

std::int64_t Server::nominal(std::int64_t cpu_milli) const {
  return static_cast<std::int64_t>(static_cast<Int128>(cpu_milli) * 100 /
                                   options_.cpu_scale_percent);
}

Server::Sample Server::sample_from(const std::string& node, const NodeUsage& usage) const {
  Sample out;
  out.at = usage.at;
  out.first_seen = env_.clock.monotonic();
  out.window = usage.window;
  out.node.name = node;
  out.node.timestamp = usage.at;
  out.node.window = usage.window;
  out.node.cpu_milli = nominal(usage.cpu_milli);
  out.node.memory_bytes = usage.memory_bytes;
  for (const ContainerUsage& each : usage.containers) {
    out.pods[each.pod_uid].push_back(
        {each.container, nominal(each.cpu_milli), each.memory_bytes});
  }
  for (auto& [uid, containers] : out.pods) {
    std::ranges::sort(containers, {}, &ContainerMetrics::name);
  }
  return out;
}

Status Server::available(std::string_view resource) const {
  if (active_ && ready_) return {};
  return fail(Reason::kUnavailable,
              fmt::format("the server is currently unable to handle the request "
                          "(get {}.metrics.k8s.io)", resource));
}

const Server::Sample* Server::sample_of(const std::string& node) const {
  const auto found = samples_.find(node);
  if (found == samples_.end()) return nullptr;
  const Duration age = env_.clock.monotonic() - found->second.first_seen;
  return age > options_.max_age ? nullptr : &found->second;
}

void Server::add(const kube::Pod& pod, std::vector<PodMetrics>& out) const {
  if (pod.status.phase != kube::kPodRunning) return;
  const Sample* sample = sample_of(pod.spec.node_name);
  if (sample == nullptr) return;
  const auto found = sample->pods.find(pod.metadata.uid);
  if (found == sample->pods.end() || !has_all_running(pod, found->second)) return;
  PodMetrics& metrics = out.emplace_back();
  metrics.namespace_ = pod.metadata.namespace_;
  metrics.name = pod.metadata.name;
  metrics.labels = pod.metadata.labels;
  metrics.timestamp = sample->at;
  metrics.window = sample->window;
  metrics.containers = found->second;
}

Result<std::vector<PodMetrics>> Server::pod_metrics(const std::string& namespace_,
                                                    const kube::Selector& selector) const {
  RETURN_IF_ERROR(available("pods"));
  std::vector<PodMetrics> out;
  const auto& all = pods_.all();
  for (auto it = namespace_.empty() ? all.begin() : all.lower_bound({namespace_, ""});
       it != all.end(); ++it) {
    if (!namespace_.empty() && it->first.namespace_ != namespace_) break;
    if (selector.matches(it->second->metadata.labels)) add(*it->second, out);
  }
  return out;
}

Result<std::vector<NodeMetrics>> Server::node_metrics(const kube::Selector& selector) const {
  RETURN_IF_ERROR(available("nodes"));
  std::vector<NodeMetrics> out;
  for (const auto& [key, node] : nodes_.all()) {
    if (!selector.matches(node->metadata.labels)) continue;
    const Sample* sample = sample_of(key.name);
    if (sample == nullptr) continue;
    out.push_back(sample->node);
    out.back().labels = node->metadata.labels;
  }
  return out;
}

}  // namespace minato::metrics
