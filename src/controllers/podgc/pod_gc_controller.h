// Removes Pods that no kubelet will: on Nodes that are gone, being deleted but never bound, on
// Nodes out of service, and the oldest finished ones above a threshold.
//
// A Node must have been missing for `quarantine` before its Pods go, so that one that is just being
// re-registered keeps them. Runs every check_period; keeps only when a Node was first missed. Owned
// by ControllerSet; refers to Client and Informers, which outlive it. Loop thread only. Failed
// deletions are logged and tried again at the next run.
// Rules: k8s.io/kubernetes pkg/controller/podgc.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "env/env.h"
#include "informer/informer.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::controllers {

class PodGcController {
 public:
  struct Options {
    Duration check_period = 20s;
    Duration quarantine = 40s;
    std::size_t terminated_threshold = 12'500;  // Finished Pods kept; 0 keeps all.
  };
  PodGcController(env::Env env, kube::Client& client, informer::Informers& informers,
                  Options options);

  void start();

 private:
  using PodPtr = std::shared_ptr<const kube::Pod>;
  void run();
  void collect_terminated(const std::vector<PodPtr>& pods);
  void collect_orphaned(const std::vector<PodPtr>& pods);
  void collect_unscheduled_terminating(const std::vector<PodPtr>& pods);
  void collect_out_of_service(const std::vector<PodPtr>& pods);
  // Marks it Failed with a DisruptionTarget condition first unless `reason` is empty.
  void remove(const kube::Pod& pod, std::string_view reason, std::string_view message);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  informer::Informer<kube::Node>& nodes_;
  informer::Informer<kube::Pod>& pods_;
  std::map<std::string, MonoTime> missed_since_;  // By Node name.
  env::TimerHandle timer_;
};

}  // namespace minato::controllers
