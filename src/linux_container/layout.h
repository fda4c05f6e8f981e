// Where a Pod's things are, agreed between the Runtime and its shims.
//
// `run` is private memory (tmpfs, 0700): sockets, bundles, secrets; it ends with the local world.
// `state` is on disk: writable layers and emptyDir volumes; it ends with the Pod. Logs are on disk
// and outlive the Pod, in the directories that a kubelet uses (/var/log/pods/<ns>_<name>_<uid>).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "container/runtime.h"

namespace minato::linux_container {

// "<name>-<attempt>": the last '-' separates, so no two containers of a Pod share a key.
std::string container_key(const std::string& name, std::uint32_t attempt);
// Names that become path components must not climb or hide: letters, digits, '.', '_', '-'.
Status check_path_component(std::string_view what, std::string_view name);

struct PodPaths {
  std::string run;
  std::string state;

  std::string sandbox_file() const { return run + "/sandbox.json"; }
  std::string shim_config_file() const { return run + "/shim.json"; }
  std::string shim_pid_file() const { return run + "/shim.pid"; }
  std::string oci_root() const { return run + "/oci"; }
  std::string etc_dir() const { return run + "/etc"; }
  std::string shm_dir() const { return run + "/shm"; }
  std::string memory_volume(const std::string& name) const { return run + "/volumes/" + name; }
  std::string disk_volume(const std::string& name) const { return state + "/volumes/" + name; }
  std::string containers_dir() const { return run + "/containers"; }
  std::string container_dir(const std::string& key) const { return containers_dir() + "/" + key; }
  std::string writable_layer(const std::string& key) const { return state + "/layers/" + key; }
};

// Inside a container's directory.
inline std::string spec_file(const std::string& dir) { return dir + "/config.json"; }
inline std::string status_file(const std::string& dir) { return dir + "/status.json"; }
inline std::string pid_file(const std::string& dir) { return dir + "/pid"; }
inline std::string rootfs_dir(const std::string& dir) { return dir + "/rootfs"; }
inline std::string termination_file(const std::string& dir) { return dir + "/termination-log"; }
inline std::string cgroup_view_dir(const std::string& dir) { return dir + "/cgroup"; }
inline std::string sub_path_target(const std::string& dir, std::size_t index) {
  return dir + "/sub-paths/" + std::to_string(index);
}
inline std::string copied_files(const std::string& dir, const std::string& volume) {
  return dir + "/files/" + volume;
}
// Relative to the Pod's run directory, because socket addresses hold only 107 bytes.
inline constexpr const char* kSocketName = "shim.sock";

std::string pod_log_dir(const std::string& logs_dir, const std::string& pod_namespace,
                        const std::string& pod_name, const std::string& pod_uid);
// The directory of a Pod of which only the UID is known any more; "" if there is none.
std::string find_pod_log_dir(const std::string& logs_dir, const std::string& pod_uid);
std::string log_file(const std::string& pod_log_dir, const std::string& container,
                     std::uint32_t attempt);
// The n-th older file of a rotated log; 0 is the present one.
std::string rotated_log_file(const std::string& log_file, int age);

}  // namespace minato::linux_container
