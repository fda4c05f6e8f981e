// container::Runtime on this machine: crun (or runc) containers on overlayfs in the Node's network,
// a shim process behind each Pod.
//
// One per Node, inside the local world's namespaces. The object holds no truth of its own: what
// runs is in the shims and their status files, so a new object over the same directories takes up
// where the last one, or the process that held it, was when it ended (also by SIGKILL). Pods whose
// shim has died meanwhile are found with their containers ended as Error; a Pod directory that was
// never finished is removed.
//
// Everything runs in the Node's cgroup: each Pod in "pod-<uid>", its containers below that, and the
// shims in "system". Killing or freezing that group kills or freezes the Node, as with a machine.
//
// Threading, errors and callbacks as container/runtime.h says. Image work and file work is done on
// the Loop's workers, everything else on the loop; no call takes longer than some milliseconds.
// `images` must outlive the Loop, whose workers may still be using it; the other references must
// outlive the Runtime.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "container/runtime.h"
#include "env/env.h"
#include "host/cgroup.h"
#include "host/loop.h"
#include "linux_container/images.h"
#include "linux_container/layout.h"
#include "linux_container/limiter.h"
#include "linux_container/prepare.h"
#include "linux_container/protocol.h"
#include "linux_container/sessions.h"
#include "linux_container/shim_link.h"
#include "linux_container/volume_files.h"
#include "linux_net/pod_network.h"

namespace minato::linux_container {

struct Options {
  std::string node;       // Names the Node for PodNetwork.
  std::string cgroup;     // Of the Node, e.g. its instance ID; whoever kills it kills all in here.
  std::string run_dir;    // On tmpfs, 0700, this Node's alone.
  std::string state_dir;  // On disk, this Node's alone; must be fit for overlayfs' upper directory.
  std::string logs_dir;   // On disk; logs stay when Pods and Nodes go.
  std::vector<std::string> shim_argv;     // {"/proc/self/exe", "shim"}; the Pod directory is added.
  std::string oci_runtime;                // From detect_oci_runtime().
  std::int64_t log_max_bytes = 10 << 20;  // containerLogMaxSize
  int log_files = 5;                      // containerLogMaxFiles
  std::int64_t pod_pids_limit = 4096;     // podPidsLimit
  std::size_t parallel_pulls = 4;         // maxParallelImagePulls
  std::size_t parallel_starts = 8;
  Duration start_timeout = 150s;  // Above the shim's own, which gives the better message.
  Duration call_timeout = 30s;
  // Asked before this Node gets an image that it does not have; an error is the pull's. Layers may
  // be on the machine already, since all Nodes share them. Empty: every registry can be reached.
  std::function<Status(const std::string& reference)> reach_registry;
};

class LinuxRuntime final : public container::Runtime {
 public:
  // Adopts what is there.
  LinuxRuntime(host::Loop& loop, env::Log& log, Images& images, host::Cgroups& cgroups,
               linux_net::PodNetwork& network, Options options);
  ~LinuxRuntime() override;

  void set_sink(Sink sink) override;
  void list(container::Done<Inventory> done) override;
  void pull_image(const std::string& reference, container::PullPolicy policy,
                  container::Done<container::Image> done) override;
  void run_sandbox(container::SandboxConfig config,
                   container::Done<container::Sandbox> done) override;
  void remove_sandbox(const std::string& pod_uid, container::DoneStatus done) override;
  void start_container(const std::string& pod_uid, container::ContainerConfig config,
                       container::Done<container::Container> done) override;
  void update_files(const std::string& pod_uid, container::Mount volume,
                    container::DoneStatus done) override;
  void stop_container(const container::ContainerRef& ref, Duration grace,
                      container::DoneStatus done) override;
  void remove_container(const container::ContainerRef& ref, container::DoneStatus done) override;
  void exec(const container::ContainerRef& ref, std::vector<std::string> command, Duration timeout,
            container::Done<container::ExecResult> done) override;
  [[nodiscard]] Result<std::unique_ptr<container::Streams>> open_command(
      const container::ContainerRef& ref, container::CommandOptions options,
      container::Streams::Events events) override;
  [[nodiscard]] Result<std::unique_ptr<container::Streams>> open_attach(
      const container::ContainerRef& ref, container::AttachOptions options,
      container::Streams::Events events) override;
  [[nodiscard]] Result<std::unique_ptr<container::Streams>> open_port(
      const std::string& pod_uid, std::uint16_t port, container::Streams::Events events) override;
  void http_get(container::HttpRequest request, Duration timeout,
                container::Done<container::HttpResponse> done) override;
  void tcp_connect(const std::string& host, std::uint16_t port, Duration timeout,
                   container::DoneStatus done) override;
  void check_health(container::HealthCheck request, Duration timeout,
                    container::Done<container::HealthAnswer> done) override;
  void stats(container::Done<container::NodeStats> done) override;
  [[nodiscard]] std::unique_ptr<LogStream> read_log(const container::ContainerRef& ref,
                                                    container::LogOptions options,
                                                    std::function<void(std::string_view)> chunk,
                                                    container::DoneStatus done) override;

  // For a Node that has died: kills and removes every Pod, but not the logs.
  void destroy_all(container::DoneStatus done);

 private:
  struct Pod;
  using SharedPod = std::shared_ptr<Pod>;

  // Wraps a callback so that it does nothing once this object is gone.
  template <class F>
  auto guarded(F function) {
    return [alive = std::weak_ptr(alive_), function = std::move(function)](auto&&... args) mutable {
      if (alive.lock()) function(std::forward<decltype(args)>(args)...);
    };
  }
  void later(std::move_only_function<void()> task);
  template <class Done>
  void fail_later(Done done, Error error) {
    later([done = std::move(done), error = std::move(error)]() mutable {
      done(std::unexpected(std::move(error)));
    });
  }

  void adopt_all();
  Status adopt(const std::string& pod_uid);
  void load_containers(Pod& pod);
  Status connect(const SharedPod& pod);
  Status may_pull(const std::string& reference, container::PullPolicy policy) const;
  Result<SharedPod> make_pod(const container::SandboxConfig& config);
  void launch_shim(const SharedPod& pod);
  void sandbox_ready(const SharedPod& pod, const Status& status);
  void shim_ended(const SharedPod& pod);
  void finish_removal(const SharedPod& pod);
  void complete_removal(const SharedPod& pod, Status status);

  void update(Pod& pod, container::Container container);
  void send_start(const SharedPod& pod, const std::string& key,
                  const container::Resources& resources, StartRequest request,
                  std::shared_ptr<Limiter::Slot> slot);
  void finish_start(const SharedPod& pod, const std::string& key,
                    Result<container::Container> result);
  void remove_remains(const SharedPod& pod, const std::string& key, container::DoneStatus done);
  struct Lookup {
    SharedPod pod;
    const container::Container* container = nullptr;
  };
  Lookup find_container(const container::ContainerRef& ref) const;
  // With a shim to talk to. Errors: NotFound.
  Result<Lookup> find_running(const container::ContainerRef& ref) const;
  SharedPod find_pod(const std::string& pod_uid) const;
  PodPaths paths_of(const std::string& pod_uid) const;
  std::string system_cgroup() const { return options_.cgroup + "/system"; }
  std::string pod_cgroup(const std::string& pod_uid) const;
  std::string container_cgroup(const std::string& pod_uid, const std::string& key) const;
  Result<std::string> node_netns() const;
  SessionPlace session_in(const Lookup& running, const container::ContainerRef& ref);

  host::Loop& loop_;
  env::Log& log_;
  Images& images_;
  host::Cgroups& cgroups_;
  linux_net::PodNetwork& network_;
  Options options_;
  HostLimits limits_;
  Sink sink_;
  std::map<std::string, SharedPod> pods_;
  std::set<std::string> images_here_;  // References that were pulled, or that containers were made of.
  std::map<std::pair<std::string, container::PullPolicy>,
           std::vector<container::Done<container::Image>>>
      pulls_;
  Limiter pull_limiter_;
  Limiter start_limiter_;
  std::shared_ptr<VolumeFiles> volumes_;
  std::uint64_t next_session_ = 1;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::linux_container
