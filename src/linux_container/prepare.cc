#include "linux_container/prepare.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>

#include "base/strings.h"
#include "host/files.h"
#include "linux_container/bundle.h"

namespace minato::linux_container {
namespace {

using container::Mount;

constexpr std::int64_t kMaxOpenFiles = 1 << 20;  // As containerd's unit file.

// The directory of the Node that holds the volume. `dir` is the container's own.
Result<std::string> volume_dir(const ContainerInput& input, const Mount& mount,
                               const std::string& dir, StartRequest& request) {
  const PodPaths& paths = input.paths;
  if (mount.kind == Mount::Kind::kHostPath) {
    if (::access(mount.host_path.c_str(), F_OK) == 0) return mount.host_path;
    return fail(Reason::kInvalid, fmt::format("hostPath \"{}\" does not exist", mount.host_path));
  }
  RETURN_IF_ERROR(check_path_component("volume name", mount.name));
  if (mount.kind == Mount::Kind::kFiles) {
    // A part is bound by itself and stays what it is when the volume changes, so it is a copy.
    const bool whole = mount.sub_path.empty();
    const std::string files =
        whole ? paths.memory_volume(mount.name) : copied_files(dir, mount.name);
    RETURN_IF_ERROR(whole ? input.volumes->show(files, mount, input.version)
                          : write_files(files, mount));
    return files;
  }
  if (mount.memory_medium) {
    request.memory_volumes.push_back(
        {paths.memory_volume(mount.name), mount.size_limit_bytes, mount.group});
    return paths.memory_volume(mount.name);
  }
  const std::string scratch = paths.disk_volume(mount.name);
  RETURN_IF_ERROR(host::make_directories(scratch));
  RETURN_IF_ERROR(give_scratch(scratch, mount.group));
  return scratch;
}

Status add_volume(const ContainerInput& input, const Mount& mount, const std::string& dir,
                  StartRequest& request, SpecInput& spec) {
  if (!mount.container_path.starts_with('/')) {
    return fail(Reason::kInvalid, fmt::format("mountPath \"{}\" of volume \"{}\" must be absolute",
                                              mount.container_path, mount.name));
  }
  ASSIGN_OR_RETURN(std::string source, volume_dir(input, mount, dir, request));
  if (!mount.sub_path.empty()) {
    RETURN_IF_ERROR(check_relative_path("subPath", mount.sub_path));
    const std::string target = sub_path_target(dir, request.sub_paths.size());
    request.sub_paths.push_back({source, mount.sub_path, target});
    source = target;
  }
  // Like a kubelet: what the platform projects cannot be changed from inside.
  const bool read_only = mount.read_only || mount.kind == Mount::Kind::kFiles;
  spec.binds.push_back({source, mount.container_path,
                        read_only ? BindMount::Access::kReadOnly : BindMount::Access::kReadWrite});
  return {};
}

Status add_binds(const ContainerInput& input, const std::string& dir, StartRequest& request,
                 SpecInput& spec) {
  RETURN_IF_ERROR(host::write_file_atomic(termination_file(dir), "", 0666));
  RETURN_IF_ERROR(host::make_directories(cgroup_view_dir(dir)));
  const BindMount platform[] = {
      {cgroup_view_dir(dir), "/sys/fs/cgroup", BindMount::Access::kReadOnly},
      {input.paths.shm_dir(), "/dev/shm"},
      {termination_file(dir), "/dev/termination-log"},
      {input.paths.etc_dir() + "/hosts", "/etc/hosts"},
      {input.paths.etc_dir() + "/hostname", "/etc/hostname"},
      {input.paths.etc_dir() + "/resolv.conf", "/etc/resolv.conf"},
  };
  for (const BindMount& bind : platform) {
    // A volume at the same place was asked for by name and wins.
    const bool taken = std::ranges::any_of(input.config.mounts, [&](const Mount& mount) {
      return mount.container_path == bind.destination;
    });
    if (!taken) spec.binds.push_back(bind);
  }
  // Outer directories before what lies in them, whatever the order in the Pod.
  std::vector<const Mount*> mounts;
  for (const Mount& mount : input.config.mounts) mounts.push_back(&mount);
  std::ranges::stable_sort(mounts, {}, [](const Mount* mount) {
    return std::ranges::count(mount->container_path, '/');
  });
  for (const Mount* mount : mounts) {
    RETURN_IF_ERROR(add_volume(input, *mount, dir, request, spec));
  }
  return {};
}

Result<SpecInput> make_spec(Images& images, const ContainerInput& input,
                            const StoredImage& stored) {
  const container::ContainerConfig& config = input.config;
  const container::ImageConfig& image = stored.image.config;
  SpecInput spec;
  ASSIGN_OR_RETURN(spec.args, container_args(config, image));
  ASSIGN_OR_RETURN(spec.user, images.resolve_user(stored, container_user(config.security, image)));
  if (config.security.run_as_non_root && spec.user.uid == 0) {
    return fail(Reason::kInvalid,
                fmt::format("container \"{}\" has runAsNonRoot and image will run as root; set "
                            "runAsUser, or USER in the image",
                            config.name));
  }
  for (const std::int64_t group : config.security.supplemental_groups) {
    spec.user.groups.push_back(static_cast<std::uint32_t>(group));
  }
  ASSIGN_OR_RETURN(spec.capabilities,
                   container_capabilities(config.security, input.limits.capabilities));
  spec.terminal = config.terminal;
  spec.environment = container_environment(config, image, input.hostname);
  const auto set_default = [&spec](const std::string& name, const std::string& value) {
    const auto is_it = [&](const std::string& entry) { return entry.starts_with(name + "="); };
    if (std::ranges::none_of(spec.environment, is_it)) {
      spec.environment.push_back(name + "=" + value);
    }
  };
  set_default("HOME", spec.user.home);
  if (config.terminal) set_default("TERM", "xterm");
  spec.working_dir = !config.working_dir.empty() ? config.working_dir : image.working_dir;
  if (spec.working_dir.empty()) spec.working_dir = "/";
  if (!spec.working_dir.starts_with('/')) {
    return fail(Reason::kInvalid,
                fmt::format("working directory \"{}\" must be absolute", spec.working_dir));
  }
  spec.open_files = input.limits.open_files;
  if (config.security.read_only_root) spec.root = SpecInput::Root::kReadOnly;
  if (config.security.privileged) spec.confinement = SpecInput::Confinement::kPrivileged;
  using Seccomp = container::SecurityContext::Seccomp;
  if (config.security.seccomp == Seccomp::kUnconfined) spec.seccomp = SpecInput::Seccomp::kNone;
  if (config.security.seccomp == Seccomp::kLocalhost && !config.security.privileged) {
    return fail(Reason::kInvalid,
                fmt::format("container \"{}\": cannot load seccomp profile \"{}\": Nodes of the local world have no "
                            "files of profiles; use RuntimeDefault here",
                            config.name, config.security.seccomp_profile));
  }
  spec.no_new_privileges =
      !config.security.allow_privilege_escalation && !config.security.privileged;
  return spec;
}

}  // namespace

Status prepare_pod(const PodPaths& paths, const container::SandboxConfig& config,
                   const container::Sandbox& sandbox, const ShimConfig& shim) {
  RETURN_IF_ERROR(host::make_directories(paths.run, 0700));
  RETURN_IF_ERROR(host::make_directories(paths.state, 0700));
  RETURN_IF_ERROR(host::make_directories(paths.containers_dir(), 0700));
  RETURN_IF_ERROR(host::make_directories(paths.etc_dir()));
  const std::string etc = paths.etc_dir();
  RETURN_IF_ERROR(host::write_file_atomic(etc + "/hosts", hosts_file(sandbox.ip, config.hostname)));
  RETURN_IF_ERROR(host::write_file_atomic(etc + "/hostname", config.hostname + "\n"));
  RETURN_IF_ERROR(host::write_file_atomic(etc + "/resolv.conf", resolv_conf(config)));
  RETURN_IF_ERROR(host::write_file_atomic(paths.shim_config_file(),
                                          boost::json::serialize(to_json(shim)), 0600));
  // Last: a Pod directory without this file was never finished and is removed on adoption.
  return host::write_file_atomic(paths.sandbox_file(), boost::json::serialize(to_json(sandbox)),
                                 0600);
}

HostLimits host_limits() {
  HostLimits limits;
  constexpr std::string_view kLine = "CapBnd:\t";
  if (const auto status = host::read_file("/proc/self/status")) {
    const std::size_t at = status->find(kLine);
    if (at != std::string::npos) {
      const char* begin = status->data() + at + kLine.size();
      std::from_chars(begin, status->data() + status->size(), limits.capabilities, 16);
    }
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    limits.open_files = static_cast<std::int64_t>(std::min<rlim_t>(files.rlim_max, kMaxOpenFiles));
  }
  return limits;
}

Result<StartRequest> prepare_container(Images& images, const ContainerInput& input) {
  const container::ContainerConfig& config = input.config;
  RETURN_IF_ERROR(check_path_component("container name", config.name));
  ASSIGN_OR_RETURN(const StoredImage stored,
                   images.pull(config.image, container::PullPolicy::kNever));
  ASSIGN_OR_RETURN(SpecInput spec, make_spec(images, input, stored));
  const std::string key = container_key(config.name, config.attempt);
  const std::string dir = input.paths.container_dir(key);
  RETURN_IF_ERROR(host::make_directories(dir, 0700));
  StartRequest request;
  RETURN_IF_ERROR(add_binds(input, dir, request, spec));
  RETURN_IF_ERROR(host::write_file_atomic(spec_file(dir), oci_spec(spec), 0600));
  request.container = {.pod_uid = input.pod_uid,
                       .name = config.name,
                       .attempt = config.attempt,
                       .id = fmt::format("{}_{}", input.pod_uid, key),
                       .image = config.image,
                       .image_digest = stored.image.digest,
                       .annotations = config.annotations};
  request.layer_dirs = stored.layer_dirs;
  request.overlay_options = stored.overlay_options;
  request.writable_layer = input.paths.writable_layer(key);
  request.stop_signal =
      !config.stop_signal.empty() ? config.stop_signal : stored.image.config.stop_signal;
  request.log_file = input.log_file;
  request.terminal = config.terminal;
  request.input = config.input != container::ContainerConfig::Input::kNone;
  request.input_once = config.input == container::ContainerConfig::Input::kOnce;
  request.processes_of = config.processes_of;
  return request;
}

}  // namespace minato::linux_container
