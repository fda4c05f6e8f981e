// A Node to test LinuxRuntime on: real shims and containers, with directories for images and bare
// network namespaces instead of a VPC.
//
// The test program runs inside namespaces of its own (run_isolated()), so that whatever a test
// leaves behind ends with it. Needs root.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linux_container/runtime.h"

namespace minato::linux_container {

class DirectoryImages final : public Images {
 public:
  explicit DirectoryImages(std::vector<std::string> layers) : layer_dirs(std::move(layers)) {}
  Result<StoredImage> pull(const std::string& reference, container::PullPolicy policy) override;
  Result<ResolvedUser> resolve_user(const StoredImage& image, const std::string& user) override;

  container::ImageConfig config;
  std::vector<std::string> layer_dirs;
  std::atomic<int> pulls = 0;
};

class BareNetwork final : public linux_net::PodNetwork {
 public:
  explicit BareNetwork(std::string dir) : dir_(std::move(dir)) {}
  Result<linux_net::PodLink> attach_pod(const std::string& node,
                                        const std::string& pod_uid) override;
  Status detach_pod(const std::string& node, const std::string& pod_uid) override;
  Result<linux_net::PodLink> node_link(const std::string& node) override;

 private:
  std::string dir_;
};

class QuietLog final : public env::Log {
 public:
  void write(env::Level, std::string_view, std::string_view) override {}
};

class World {
 public:
  // Null without root or a container runtime.
  static std::unique_ptr<World> create();
  ~World();

  LinuxRuntime& runtime() { return *runtime_; }
  void restart();
  bool run_until(const std::function<bool()>& condition);
  // Runs the loop until the container's log file holds the text.
  bool wait_for_output(const container::ContainerRef& ref, std::string_view text);
  void stop_runtime() { runtime_.reset(); }
  void start_runtime();
  // A container that runs the payload with these arguments.
  container::ContainerConfig payload(std::vector<std::string> args);
  const std::string& dir() const { return dir_; }
  std::string pod_run_dir(const std::string& uid) const { return options.run_dir + "/pods/" + uid; }

  host::Cgroups& cgroups() { return cgroups_; }

  host::Loop loop;
  Options options;  // Take effect at the next restart().
  std::unique_ptr<DirectoryImages> images;

 private:
  explicit World(std::string dir);

  std::string dir_;
  // Without it the loop stops for good whenever there is nothing to wait for.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  QuietLog log_;
  host::Cgroups cgroups_;
  std::unique_ptr<BareNetwork> network_;
  std::unique_ptr<LinuxRuntime> runtime_;
};

// Runs `body` as process 1 of new PID, mount and network namespaces with a private /run, and cleans
// up cgroups after it. Without root it runs in place: every test then skips.
int run_isolated(const std::function<int()>& body);

}  // namespace minato::linux_container
