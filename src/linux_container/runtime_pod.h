// What a LinuxRuntime knows of one Pod; seen by its own sources only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linux_container/runtime.h"

namespace minato::linux_container {

struct LinuxRuntime::Pod {
  enum class Phase { kStarting, kReady, kRemoving };
  Phase phase = Phase::kStarting;
  PodPaths paths;
  container::Sandbox sandbox;
  ShimConfig shim_config;
  std::shared_ptr<ShimLink> link;  // Null when no shim lives.
  std::map<std::string, container::Container> containers;
  // Between start_container() and the shim's answer. A stop that comes meanwhile is kept.
  struct Start {
    container::Done<container::Container> done;
    std::optional<Duration> stop_grace;
  };
  std::map<std::string, Start> starting;
  std::size_t updates = 0;  // Of volumes, which workers are busy with.
  std::vector<container::Done<container::Sandbox>> waiting;
  std::vector<container::DoneStatus> removing;
};

// For messages.
std::string describe(const container::ContainerRef& ref);
Error not_found(const container::ContainerRef& ref);

}  // namespace minato::linux_container
