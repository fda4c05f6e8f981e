// metrics-server's part: asks every Node's kubelet every so often, keeps the newest answer of each,
// and says what Pods and Nodes use.
//
// Ownership: the composition owns it; Informers and what `scrape` uses outlive it. Construct before
// Informers::start(). Threading: loop thread only.
// Active only while its Pod runs (set_active): otherwise it asks nobody and every answer is the one
// that an API server gives for a backend that is away. So it is until the first round is complete.
// Errors: a kubelet that does not answer loses what was known of its Node, as upstream; one that
// keeps repeating an old sample is believed for `max_age`.
// Rules: kubernetes-sigs/metrics-server pkg/storage (the newest batch alone; a Pod is answered with
// all its running containers or not at all), pkg/api (running Pods only, labels of the object,
// ordered by key).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "env/env.h"
#include "informer/informer.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "metrics/source.h"

namespace minato::metrics {

// What one kubelet says; container CPU is a rate over the window.
struct ContainerUsage {
  std::string pod_uid;
  std::string container;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};
struct NodeUsage {
  WallTime at{};  // End of the window; tells samples apart.
  Duration window{};
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::vector<ContainerUsage> containers;
};

class Server final : public Source {
 public:
  struct Options {
    Duration resolution = 15s;
    Duration max_age = 1min;  // Of a sample that its kubelet did not renew.
    // What a vCPU of an instance is worth on this machine. Reported is the share of the nominal
    // CPU: a container that uses the whole of its scaled CPU uses the whole of its limit.
    std::int64_t cpu_scale_percent = 100;
    // The newest window of a Node's kubelet. Called in a turn of its own, once per Node and round.
    std::function<Result<NodeUsage>(const std::string& node)> scrape;
  };
  // Inactive until told otherwise. Requires: scrape is set, cpu_scale_percent and resolution > 0.
  Server(env::Env env, informer::Informers& informers, Options options);

  void set_active(bool active);
  bool active() const { return active_; }

  Result<std::vector<PodMetrics>> pod_metrics(const std::string& namespace_,
                                              const kube::Selector& selector) const override;
  Result<std::vector<NodeMetrics>> node_metrics(const kube::Selector& selector) const override;

 private:
  struct Sample {
    WallTime at{};
    MonoTime first_seen{};  // By our own steady clock: ages do not jump.
    Duration window{};
    NodeMetrics node;
    std::map<std::string, std::vector<ContainerMetrics>> pods;  // By Pod uid; ordered by name.
  };
  void scrape_all();
  Sample sample_from(const std::string& node, const NodeUsage& usage) const;
  std::int64_t nominal(std::int64_t cpu_milli) const;
  Status available(std::string_view resource) const;
  // Null: nothing is known, or it is too old.
  const Sample* sample_of(const std::string& node) const;
  // Adds what is known of one Pod, if that is enough.
  void add(const kube::Pod& pod, std::vector<PodMetrics>& out) const;

  env::Env env_;
  Options options_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Pod>& pods_;
  bool active_ = false;
  bool ready_ = false;  // A round is complete since it became active.
  std::map<std::string, Sample> samples_;  // By Node; at most the Nodes there are.
  env::TimerHandle timer_;
};

}  // namespace minato::metrics
