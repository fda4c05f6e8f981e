// LinuxRuntime: sandboxes, their shims, and taking up what an earlier process left.
#include <fmt/format.h>

#include <csignal>
#include <filesystem>

#include "host/files.h"
#include "host/process.h"
#include "linux_container/runtime.h"
#include "linux_container/runtime_pod.h"
#include "linux_container/shim_process.h"
#include "linux_container/supervisor_state.h"

namespace minato::linux_container {
namespace {

constexpr Duration kShimStartTimeout = 30s;
constexpr const char* kComponent = "runtime";

Status check_config(const container::SandboxConfig& config) {
  RETURN_IF_ERROR(check_path_component("Pod UID", config.pod_uid));
  RETURN_IF_ERROR(check_path_component("Pod namespace", config.pod_namespace));
  RETURN_IF_ERROR(check_path_component("Pod name", config.pod_name));
  return check_path_component("host name", config.hostname);
}

Status remove_pod_trees(const PodPaths& paths) {
  RETURN_IF_ERROR(host::remove_tree(paths.state));
  return host::remove_tree(paths.run);
}

}  // namespace

void LinuxRuntime::adopt_all() {
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(options_.run_dir + "/pods", error)) {
    const std::string uid = item.path().filename().string();
    const Status adopted = adopt(uid);
    if (adopted) continue;
    log_.write(env::Level::kWarning, kComponent,
               fmt::format("removing the unfinished Pod {}: {}", uid, adopted.error().message));
    const PodPaths paths = paths_of(uid);
    if (const auto shim = find_shim(paths.shim_pid_file())) ::kill(shim->pid, SIGKILL);
    (void)cgroups_.kill(pod_cgroup(uid));
    (void)network_.detach_pod(options_.node, uid);
    (void)cgroups_.remove(pod_cgroup(uid));
    loop_.run_blocking([paths] { return remove_pod_trees(paths); }, [](const Status&) {});
  }
}

Status LinuxRuntime::adopt(const std::string& pod_uid) {
  const PodPaths paths = paths_of(pod_uid);
  ASSIGN_OR_RETURN(const std::string sandbox_text, host::read_file(paths.sandbox_file()));
  ASSIGN_OR_RETURN(const auto sandbox_json, parse_object(sandbox_text));
  ASSIGN_OR_RETURN(const std::string config_text, host::read_file(paths.shim_config_file()));
  ASSIGN_OR_RETURN(const auto config_json, parse_object(config_text));
  const auto pod = std::make_shared<Pod>();
  ASSIGN_OR_RETURN(pod->sandbox, sandbox_from_json(sandbox_json));
  ASSIGN_OR_RETURN(pod->shim_config, shim_config_from_json(config_json));
  pod->paths = paths;
  pod->phase = Pod::Phase::kReady;
  // What changes after the files were read comes as an event, as does what changes before the shim
  // gets round to this connection.
  const Status connected = connect(pod);
  load_containers(*pod);
  pods_[pod_uid] = pod;
  if (!connected) shim_ended(pod);
  return {};
}

void LinuxRuntime::load_containers(Pod& pod) {
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(pod.paths.containers_dir(), error)) {
    auto container = read_status(item.path().string());
    if (!container) continue;
    images_here_.insert(container->image);
    update(pod, std::move(container).value());
  }
}

Status LinuxRuntime::connect(const SharedPod& pod) {
  const std::weak_ptr<Pod> weak = pod;
  ASSIGN_OR_RETURN(pod->link,
                   ShimLink::connect(loop_, pod->paths,
                                     {.on_event =
                                          [this, weak](const container::Container& container) {
                                            if (const auto found = weak.lock())
                                              update(*found, container);
                                          },
                                      .on_end =
                                          [this, weak] {
                                            if (const auto found = weak.lock()) shim_ended(found);
                                          }}));
  return {};
}

void LinuxRuntime::run_sandbox(container::SandboxConfig config,
                               container::Done<container::Sandbox> done) {
  if (const Status valid = check_config(config); !valid) {
    return fail_later(std::move(done), valid.error());
  }
  SharedPod pod = find_pod(config.pod_uid);
  if (pod && pod->phase == Pod::Phase::kRemoving) {
    return fail_later(std::move(done), {Reason::kConflict, "the Pod is being removed"});
  }
  if (pod && pod->link) {
    return later([done = std::move(done), sandbox = pod->sandbox]() mutable { done(sandbox); });
  }
  if (pod) {
    pod->waiting.push_back(std::move(done));
    if (pod->phase == Pod::Phase::kStarting) return;
    pod->phase = Pod::Phase::kStarting;  // Its shim has died.
    return launch_shim(pod);
  }
  auto made = make_pod(config);
  if (!made) return fail_later(std::move(done), made.error());
  pod = std::move(made).value();
  pod->waiting.push_back(std::move(done));
  pods_[config.pod_uid] = pod;
  loop_.run_blocking(
      [paths = pod->paths, config = std::move(config), sandbox = pod->sandbox,
       shim = pod->shim_config] { return prepare_pod(paths, config, sandbox, shim); },
      guarded([this, pod](const Status& prepared) {
        if (!prepared) return sandbox_ready(pod, prepared);
        launch_shim(pod);
      }));
}

Result<LinuxRuntime::SharedPod> LinuxRuntime::make_pod(const container::SandboxConfig& config) {
  ASSIGN_OR_RETURN(const linux_net::PodLink link,
                   config.host_network ? network_.node_link(options_.node)
                                       : network_.attach_pod(options_.node, config.pod_uid));
  Status grouped = cgroups_.create(system_cgroup(), {});
  if (grouped) {
    grouped = cgroups_.create(pod_cgroup(config.pod_uid),
                              {.cpu_milli = config.resources.cpu_limit_milli,
                               .cpu_weight_milli = config.resources.cpu_request_milli,
                               .memory_bytes = config.resources.memory_limit_bytes,
                               .pids = options_.pod_pids_limit});
  }
  if (!grouped) {
    if (!config.host_network) (void)network_.detach_pod(options_.node, config.pod_uid);
    return std::unexpected(grouped.error());
  }
  const auto pod = std::make_shared<Pod>();
  pod->paths = paths_of(config.pod_uid);
  pod->sandbox = {.pod_uid = config.pod_uid,
                  .pod_namespace = config.pod_namespace,
                  .pod_name = config.pod_name,
                  .ip = link.ip,
                  .created_at = loop_.wall(),
                  .annotations = config.annotations};
  pod->shim_config = {
      .run_dir = pod->paths.run,
      .state_dir = pod->paths.state,
      .netns_path = link.netns_path,
      .hostname = config.hostname,
      .oci_runtime = options_.oci_runtime,
      .cgroup_join_files = cgroups_.join_files(system_cgroup()),
      .log_max_bytes = options_.log_max_bytes,
      .log_files = options_.log_files,
      .network = config.host_network ? ShimConfig::Network::kHost : ShimConfig::Network::kPod};
  return pod;
}

void LinuxRuntime::launch_shim(const SharedPod& pod) {
  host::SpawnOptions spawn;
  spawn.argv = options_.shim_argv;
  spawn.argv.push_back(pod->paths.run);
  spawn.new_session = true;
  host::run_command_async(
      loop_, std::move(spawn), kShimStartTimeout,
      guarded([this, pod](Result<host::CommandResult> result) {
        if (!result) return sandbox_ready(pod, std::unexpected(result.error()));
        if (result->status.code != 0) {
          return sandbox_ready(
              pod, fail(Reason::kUnavailable,
                        fmt::format("starting the Pod's supervisor: it ended with status {}: {}",
                                    result->status.code, result->output)));
        }
        sandbox_ready(pod, connect(pod));
      }));
}

void LinuxRuntime::sandbox_ready(const SharedPod& pod, const Status& status) {
  const bool remove_now = pod->phase == Pod::Phase::kRemoving;
  auto waiting = std::exchange(pod->waiting, {});
  if (status && !remove_now) {
    pod->phase = Pod::Phase::kReady;
    for (auto& done : waiting) done(pod->sandbox);
    return;
  }
  const Error error = status ? Error{Reason::kAborted, "the Pod was removed"} : status.error();
  pod->phase = Pod::Phase::kRemoving;
  for (auto& done : waiting) done(std::unexpected(error));
  if (pod->link) {
    pod->link->kill();
  } else {
    finish_removal(pod);
  }
}

void LinuxRuntime::shim_ended(const SharedPod& pod) {
  pod->link.reset();
  (void)cgroups_.kill(pod_cgroup(pod->sandbox.pod_uid));
  for (const auto& [key, known] : std::map(pod->containers)) {
    if (known.state == container::ContainerState::kExited) continue;
    // Its last word may be on disk although nobody was told any more.
    const std::string dir = pod->paths.container_dir(key);
    auto last = read_status(dir);
    if (!last || last->state != container::ContainerState::kExited) {
      last = known;
      last->state = container::ContainerState::kExited;
      last->finished_at = loop_.wall();
      last->signal = SIGKILL;
      last->exit_code = 128 + SIGKILL;
      last->reason = "Error";
      last->message = "the container ended with the process that supervised it";
      write_status(dir, *last);
    }
    update(*pod, std::move(last).value());
  }
  if (pod->phase == Pod::Phase::kRemoving) finish_removal(pod);
}

void LinuxRuntime::remove_sandbox(const std::string& pod_uid, container::DoneStatus done) {
  const SharedPod pod = find_pod(pod_uid);
  if (!pod) {
    return later([done = std::move(done)]() mutable { done({}); });
  }
  pod->removing.push_back(std::move(done));
  if (pod->phase == Pod::Phase::kRemoving) return;
  const bool starting = pod->phase == Pod::Phase::kStarting;
  pod->phase = Pod::Phase::kRemoving;
  if (starting) return;                     // Goes on in sandbox_ready().
  if (pod->link) return pod->link->kill();  // Goes on in shim_ended().
  later([this, pod] { finish_removal(pod); });
}

void LinuxRuntime::finish_removal(const SharedPod& pod) {
  // A worker may still be writing the Pod's files; finish_start() and update_files() come back
  // here.
  if (!pod->starting.empty() || pod->updates > 0) return;
  const std::string& uid = pod->sandbox.pod_uid;
  Status status = cgroups_.kill(pod_cgroup(uid));
  if (pod->shim_config.network == ShimConfig::Network::kPod) {
    const Status detached = network_.detach_pod(options_.node, uid);
    if (!detached) status = detached;
  }
  if (const Status removed = cgroups_.remove(pod_cgroup(uid)); !removed) status = removed;
  loop_.run_blocking([paths = pod->paths] { return remove_pod_trees(paths); },
                     guarded([this, pod, status](Status removed) {
                       complete_removal(pod, removed ? status : removed);
                     }));
}

void LinuxRuntime::complete_removal(const SharedPod& pod, Status status) {
  // After a failure the Pod stays known, without a shim, so that removing it can be tried again.
  if (status) {
    volumes_->forget(pod->paths.run + "/");
    pods_.erase(pod->sandbox.pod_uid);
  } else {
    pod->phase = Pod::Phase::kReady;
  }
  for (auto& done : std::exchange(pod->removing, {})) done(status);
}

void LinuxRuntime::destroy_all(container::DoneStatus done) {
  struct Gathering {
    std::size_t outstanding = 1;
    Status status;
    container::DoneStatus done;
  };
  const auto gathering = std::make_shared<Gathering>();
  gathering->done = std::move(done);
  const auto arrived = [gathering](const Status& status) {
    if (!status) gathering->status = status;
    if (--gathering->outstanding == 0) gathering->done(gathering->status);
  };
  for (const auto& [uid, pod] : std::map(pods_)) {
    ++gathering->outstanding;
    remove_sandbox(uid, arrived);
  }
  later([arrived] { arrived({}); });
}

}  // namespace minato::linux_container
