// Keeps what a world writes about itself from filling the disk: the logs of the load balancer and of
// minato are cut when they grow large, and the logs of Pods that are no more are removed, the oldest
// first, once there are many.
//
// Owned by LocalWorld. Loop thread only; looks once a minute, milliseconds each. What cannot be
// removed now is tried again.
#pragma once

#include <string>

#include "env/env.h"
#include "host/loop.h"
#include "informer/informer.h"
#include "kube/types/pod.h"

namespace minato::local {

class LogCare {
 public:
  static constexpr Duration kInterval = 1min;
  static constexpr std::int64_t kLargestLogBytes = 64 << 20;  // One older part of that size is kept.
  static constexpr std::size_t kPodLogsKept = 200;            // Of Pods that are no more.

  LogCare(host::Loop& loop, env::Log& log, informer::Informers& informers, std::string state_dir);
  void start();
  // One look; start() does it again and again.
  void look();

 private:
  void cut(const std::string& name);
  void remove_old_pod_logs();

  host::Loop& loop_;
  env::Log& log_;
  informer::Informer<kube::Pod>& pods_;
  std::string state_dir_;
  env::TimerHandle timer_;
};

}  // namespace minato::local
