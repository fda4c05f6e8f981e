#include "host/cgroup.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/strings.h"
#include "base/time.h"
#include "host/files.h"

namespace minato::host {
namespace {

namespace fs = std::filesystem;

// The order of Cgroups::controllers_ with v1; an absent controller has an empty directory.
enum V1Controller { kCpu, kCpuacct, kMemory, kPids, kFreezer, kV1ControllerCount };
constexpr std::array<std::string_view, kV1ControllerCount> kV1Names = {"cpu", "cpuacct", "memory",
                                                                       "pids", "freezer"};

constexpr std::int64_t kCpuPeriodUs = 100'000;  // The kernel's default, and the kubelet's.
constexpr std::int64_t kMinCpuQuotaUs = 1'000;  // The kernel refuses less.
constexpr Duration kKillTimeout = 5s;
constexpr Duration kKillPoll = 1ms;
constexpr int kSearchDepth = 8;  // How deep remove_root() looks for what an earlier process made.

template <class Range, class Value>
bool contains(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

struct Hierarchy {
  bool unified = false;
  std::vector<std::string> controllers;  // v1 only.
  std::string mount_point;
  std::string directory;  // Where this process sits, as a path that we can open.
};

// "/a/b" below "/a" is "/b"; a path outside of the mounted part is shown as its top.
std::string below(std::string_view path, std::string_view mount_root) {
  if (mount_root == "/") return path == "/" ? "" : std::string(path);
  if (path.starts_with(mount_root)) return std::string(path.substr(mount_root.size()));
  return "";
}

// This process's path per hierarchy from /proc/self/cgroup: "4:memory:/a" or "0::/a".
std::optional<std::string> own_path(const std::string& table, std::string_view controller) {
  for (const std::string& line : split(table, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto names = split(line.substr(first + 1, second - first - 1), ',');
    if (contains(names, controller)) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The mounted hierarchies in /proc/self/mountinfo (man 5 proc: optional fields end with " - ").
std::vector<Hierarchy> find_hierarchies() {
  const auto mounts = read_file("/proc/self/mountinfo");
  const auto own = read_file("/proc/self/cgroup");
  std::vector<Hierarchy> found;
  if (!mounts || !own) return found;
  for (const std::string& line : split(*mounts, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto left = split(line.substr(0, dash), ' ');
    const auto right = split(line.substr(dash + 3), ' ');
    if (left.size() < 6 || right.size() < 3 || !right[0].starts_with("cgroup")) continue;
    Hierarchy hierarchy{.unified = right[0] == "cgroup2", .mount_point = left[4]};
    if (!hierarchy.unified) hierarchy.controllers = split(right[2], ',');
    std::optional<std::string> path;
    if (hierarchy.unified) path = own_path(*own, "");
    for (const std::string_view name : kV1Names) {
      if (!hierarchy.unified && !path && contains(hierarchy.controllers, name)) {
        path = own_path(*own, name);
      }
    }
    if (!path) continue;
    hierarchy.directory = hierarchy.mount_point + below(*path, left[3]);
    if (::access(hierarchy.directory.c_str(), F_OK) != 0) hierarchy.directory = left[4];
    found.push_back(std::move(hierarchy));
  }
  return found;
}

bool writable(const std::string& directory) { return ::access(directory.c_str(), W_OK) == 0; }

std::vector<std::string> words_of(const std::string& path) {
  const auto content = read_file(path);
  if (!content) return {};
  auto words = split(trim(*content), ' ');
  std::erase(words, "");
  return words;
}

bool has_cpu_and_memory(const std::vector<std::string>& controllers) {
  return contains(controllers, std::string("cpu")) && contains(controllers, std::string("memory"));
}

// v2: the nearest group at or above ours whose children get the cpu and memory controllers and
// where we may make some. Processes may not sit beside child groups, so our own group itself
// rarely qualifies; its parent does under systemd (slices) and with delegation.
std::optional<std::string> find_v2_parent(const Hierarchy& unified) {
  std::string directory = unified.directory;
  while (true) {
    const std::string control = directory + "/cgroup.subtree_control";
    if (writable(directory) && writable(directory + "/cgroup.procs")) {
      if (has_cpu_and_memory(words_of(control))) return directory;
      // Only at the top (which is exempt) or in an empty group may controllers be handed down.
      if (has_cpu_and_memory(words_of(directory + "/cgroup.controllers")) &&
          write_kernel_file(control, "+cpu +memory +pids")) {
        return directory;
      }
    }
    if (directory.size() <= unified.mount_point.size()) return std::nullopt;
    directory = directory.substr(0, directory.rfind('/'));
  }
}

std::optional<std::int64_t> read_number(const std::string& path) {
  const auto content = read_file(path, 256);
  if (!content) return std::nullopt;
  const auto number = parse_int(trim(*content));
  return number ? std::optional(*number) : std::nullopt;
}

// "key value" lines, as in memory.stat and cpu.stat.
std::uint64_t read_key(const std::string& path, std::string_view key) {
  const auto content = read_file(path);
  if (!content) return 0;
  for (const std::string& line : split(*content, '\n')) {
    if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ' ') continue;
    return static_cast<std::uint64_t>(parse_int(line.substr(key.size() + 1)).value_or(0));
  }
  return 0;
}

std::vector<std::string> child_groups(const std::string& directory) {
  std::vector<std::string> children;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_directory(error)) children.push_back(entry.path().string());
  }
  std::ranges::sort(children);
  return children;
}

void gather_processes(const std::string& directory, std::vector<pid_t>& pids) {
  const auto content = read_file(directory + "/cgroup.procs");
  if (!content) return;
  for (const std::string& line : split(*content, '\n')) {
    // Processes of an outer PID namespace read as 0: not ours to touch.
    if (const auto pid = parse_int(line); pid && *pid > 0) {
      pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  for (const std::string& child : child_groups(directory)) gather_processes(child, pids);
}

std::vector<pid_t> processes_below(const std::vector<std::string>& directories) {
  std::vector<pid_t> pids;
  for (const std::string& directory : directories) gather_processes(directory, pids);
  std::ranges::sort(pids);
  const auto repeated = std::ranges::unique(pids);
  pids.erase(repeated.begin(), repeated.end());
  return pids;
}

// SIGKILL until nothing is left. cgroup.kill (Linux 5.14) is atomic against forks; without it the
// rounds repeat, since a process may fork between our listing and our signal.
Status kill_below(const std::vector<std::string>& directories, const std::string& shown) {
  for (const std::string& directory : directories) {
    // A frozen v1 group would keep its signals pending for ever.
    if (::access((directory + "/freezer.state").c_str(), W_OK) == 0) {
      RETURN_IF_ERROR(ignore_not_found(write_kernel_file(directory + "/freezer.state", "THAWED")));
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + kKillTimeout;
  while (true) {
    const std::vector<pid_t> pids = processes_below(directories);
    if (pids.empty()) return {};
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(Reason::kTimeout,
                  fmt::format("{} processes in cgroup {} did not end {} after SIGKILL", pids.size(),
                              shown, format_duration(kKillTimeout)));
    }
    for (const std::string& directory : directories) {
      const std::string kill_file = directory + "/cgroup.kill";
      if (::access(kill_file.c_str(), W_OK) == 0) (void)write_kernel_file(kill_file, "1");
    }
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(kKillPoll);
  }
}

Status remove_group(const std::string& directory) {
  for (const std::string& child : child_groups(directory)) RETURN_IF_ERROR(remove_group(child));
  const auto deadline = std::chrono::steady_clock::now() + kKillTimeout;
  while (::rmdir(directory.c_str()) != 0) {
    if (errno == ENOENT) return {};
    // A killed process leaves its group a moment after it left cgroup.procs.
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline ||
        !processes_below({directory}).empty()) {
      return fail_errno("removing cgroup " + directory, errno);
    }
    std::this_thread::sleep_for(kKillPoll);
  }
  return {};
}

void find_named(const std::string& directory, const std::string& name, int depth,
                std::vector<std::string>& found) {
  for (const std::string& child : child_groups(directory)) {
    if (fs::path(child).filename() == name) {
      found.push_back(child);
    } else if (depth > 1) {
      find_named(child, name, depth - 1, found);
    }
  }
}

// Kubernetes' conversions (pkg/kubelet/cm/helpers_linux.go MilliCPUToShares, MilliCPUToQuota;
// runc's ConvertCPUSharesToCgroupV2Value).
std::int64_t to_shares(std::int64_t milli) {
  return std::clamp<std::int64_t>(milli * 1024 / 1000, 2, 262'144);
}
std::int64_t to_weight(std::int64_t milli) { return 1 + (to_shares(milli) - 2) * 9999 / 262'142; }
std::int64_t to_quota_us(std::int64_t milli) {
  return std::max(milli * kCpuPeriodUs / 1000, kMinCpuQuotaUs);
}

// v1 refuses a quota above an ancestor's, where v2 simply lets the smaller one win: cut it here so
// that both behave alike.
std::int64_t cut_to_ancestors_us(std::string group, const std::string& root, std::int64_t quota) {
  while (group.size() > root.size()) {
    group = group.substr(0, group.rfind('/'));
    const auto above = read_number(group + "/cpu.cfs_quota_us");
    const auto period = read_number(group + "/cpu.cfs_period_us");
    if (above && *above > 0 && period && *period > 0) {
      quota = std::min(quota, *above * kCpuPeriodUs / *period);
    }
  }
  return quota;
}

Status limit_v1(const std::vector<std::string>& roots, const std::string& path,
                const CgroupLimits& limits) {
  const auto group = [&](V1Controller controller) { return roots[controller] + "/" + path; };
  if (!roots[kCpu].empty()) {
    const std::int64_t quota =
        limits.cpu_milli == 0
            ? -1
            : cut_to_ancestors_us(group(kCpu), roots[kCpu], to_quota_us(limits.cpu_milli));
    RETURN_IF_ERROR(write_kernel_file(group(kCpu) + "/cpu.cfs_quota_us", std::to_string(quota)));
    const std::int64_t weight = limits.cpu_weight_milli == 0 ? 1000 : limits.cpu_weight_milli;
    RETURN_IF_ERROR(
        write_kernel_file(group(kCpu) + "/cpu.shares", std::to_string(to_shares(weight))));
  }
  if (!roots[kMemory].empty()) {
    const std::int64_t bytes = limits.memory_bytes == 0 ? -1 : limits.memory_bytes;
    RETURN_IF_ERROR(
        write_kernel_file(group(kMemory) + "/memory.limit_in_bytes", std::to_string(bytes)));
  }
  if (!roots[kPids].empty()) {
    RETURN_IF_ERROR(write_kernel_file(group(kPids) + "/pids.max",
                                      limits.pids == 0 ? "max" : std::to_string(limits.pids)));
  }
  return {};
}

Status limit_v2(const std::string& group, const CgroupLimits& limits) {
  const std::string cpu =
      limits.cpu_milli == 0 ? "max" : std::to_string(to_quota_us(limits.cpu_milli));
  RETURN_IF_ERROR(write_kernel_file(group + "/cpu.max", fmt::format("{} {}", cpu, kCpuPeriodUs)));
  const std::int64_t weight = limits.cpu_weight_milli == 0 ? 0 : to_weight(limits.cpu_weight_milli);
  RETURN_IF_ERROR(
      write_kernel_file(group + "/cpu.weight", std::to_string(weight == 0 ? 100 : weight)));
  RETURN_IF_ERROR(
      write_kernel_file(group + "/memory.max",
                        limits.memory_bytes == 0 ? "max" : std::to_string(limits.memory_bytes)));
  const std::string swap = group + "/memory.swap.max";
  if (limits.memory_bytes != 0 && writable(swap)) RETURN_IF_ERROR(write_kernel_file(swap, "0"));
  if (writable(group + "/pids.max")) {
    RETURN_IF_ERROR(write_kernel_file(group + "/pids.max",
                                      limits.pids == 0 ? "max" : std::to_string(limits.pids)));
  }
  return {};
}

// v1 counts kills per group only.
std::uint64_t oom_kills_below(const std::string& group) {
  std::uint64_t kills = read_key(group + "/memory.oom_control", "oom_kill");
  for (const std::string& child : child_groups(group)) kills += oom_kills_below(child);
  return kills;
}

Status check_path(const std::string& path) {
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return fail(Reason::kInvalid, fmt::format("\"{}\" is not a cgroup path", path));
    }
  }
  return {};
}

Status limits_of(const std::string& path, Status status) {
  if (status) return status;
  return wrap("limiting cgroup " + path, std::move(status).error());
}

// Every directory of the group, one per hierarchy; joint hierarchies ("cpu,cpuacct") once.
std::vector<std::string> group_directories(const std::vector<std::string>& controllers,
                                           const std::string& unified, const std::string& path) {
  std::vector<std::string> directories;
  for (const std::string& root : controllers) {
    const std::string directory = root + (path.empty() ? "" : "/" + path);
    if (!root.empty() && !contains(directories, directory)) {
      directories.push_back(directory);
    }
  }
  if (!unified.empty()) directories.push_back(unified + (path.empty() ? "" : "/" + path));
  return directories;
}

}  // namespace

Cgroups Cgroups::detect(const std::string& root_name) {
  Cgroups result;
  result.root_name_ = root_name;
  const std::vector<Hierarchy> hierarchies = find_hierarchies();
  std::vector<std::string> v1(kV1ControllerCount);
  for (const Hierarchy& hierarchy : hierarchies) {
    if (hierarchy.unified) {
      if (const auto parent = find_v2_parent(hierarchy)) {
        result.mode_ = Mode::kV2;
        result.unified_ = *parent + "/" + root_name;
        result.description_ = fmt::format("cgroup v2 below {}", *parent);
        return result;
      }
      if (writable(hierarchy.directory)) result.unified_ = hierarchy.directory + "/" + root_name;
      continue;
    }
    for (std::size_t i = 0; i < kV1ControllerCount; ++i) {
      if (!contains(hierarchy.controllers, kV1Names[i])) continue;
      if (writable(hierarchy.directory)) v1[i] = hierarchy.directory + "/" + root_name;
    }
  }
  if (!v1[kCpu].empty() && !v1[kMemory].empty()) {
    result.mode_ = Mode::kV1;
    result.description_ =
        fmt::format("cgroup v1{}", result.unified_.empty() ? "" : " with a v2 tree beside it");
    result.controllers_ = std::move(v1);
    return result;
  }
  result.unified_.clear();
  result.description_ =
      hierarchies.empty()
          ? "no cgroup file system is mounted: CPU and memory are not bounded"
          : "control groups are not writable here: CPU and memory are not bounded; run as root, or "
            "on cgroup v2 under `systemd-run --user --scope -p Delegate=yes`";
  return result;
}

Status Cgroups::create(const std::string& path, const CgroupLimits& limits) {
  RETURN_IF_ERROR(check_path(path));
  if (mode_ == Mode::kNone) return {};
  for (const std::string& directory : group_directories(controllers_, unified_, path)) {
    RETURN_IF_ERROR(make_directories(directory));
  }
  if (mode_ == Mode::kV1) return limits_of(path, limit_v1(controllers_, path, limits));
  // Every parent hands its controllers down, from the root on.
  std::string parent = unified_;
  for (const std::string& part : split(path, '/')) {
    RETURN_IF_ERROR(write_kernel_file(parent + "/cgroup.subtree_control", "+cpu +memory"));
    (void)write_kernel_file(parent + "/cgroup.subtree_control", "+pids");
    parent += "/" + part;
  }
  return limits_of(path, limit_v2(parent, limits));
}

std::vector<std::string> Cgroups::join_files(const std::string& path) const {
  std::vector<std::string> files = group_directories(controllers_, unified_, path);
  for (std::string& file : files) file += "/cgroup.procs";
  return files;
}

Status Cgroups::add_process(const std::string& path, pid_t pid) {
  for (const std::string& file : join_files(path)) {
    RETURN_IF_ERROR(write_kernel_file(file, std::to_string(pid)));
  }
  return {};
}

Result<CgroupUsage> Cgroups::usage(const std::string& path) const {
  if (mode_ == Mode::kNone) return fail(Reason::kUnavailable, description_);
  const std::vector<std::string> directories = group_directories(controllers_, unified_, path);
  if (::access(directories.front().c_str(), F_OK) != 0) {
    return fail(Reason::kNotFound, fmt::format("cgroup {} does not exist", path));
  }
  CgroupUsage usage;
  const bool has_unified = !unified_.empty();
  const std::string unified = unified_ + "/" + path;
  if (has_unified) {
    usage.cpu_ns = read_key(unified + "/cpu.stat", "usage_usec") * 1000;
  } else if (!controllers_[kCpuacct].empty()) {
    const auto spent = read_number(controllers_[kCpuacct] + "/" + path + "/cpuacct.usage");
    usage.cpu_ns = static_cast<std::uint64_t>(spent.value_or(0));
  }
  const bool v2 = mode_ == Mode::kV2;
  const std::string memory = v2 ? unified : controllers_[kMemory] + "/" + path;
  const auto bytes = read_number(memory + (v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  usage.memory_bytes = static_cast<std::uint64_t>(bytes.value_or(0));
  const std::uint64_t inactive =
      read_key(memory + "/memory.stat", v2 ? "inactive_file" : "total_inactive_file");
  usage.memory_working_set_bytes = usage.memory_bytes - std::min(inactive, usage.memory_bytes);
  usage.oom_kills = v2 ? read_key(memory + "/memory.events", "oom_kill") : oom_kills_below(memory);
  return usage;
}

std::vector<pid_t> Cgroups::processes(const std::string& path) const {
  return processes_below(group_directories(controllers_, unified_, path));
}

Status Cgroups::kill(const std::string& path) {
  return kill_below(group_directories(controllers_, unified_, path), path);
}

Status Cgroups::freeze(const std::string& path, bool frozen) {
  if (mode_ == Mode::kNone) return fail(Reason::kUnavailable, description_);
  if (!unified_.empty()) {
    const std::string file = fmt::format("{}/{}/cgroup.freeze", unified_, path);
    return write_kernel_file(file, frozen ? "1" : "0");
  }
  if (controllers_[kFreezer].empty()) {
    return fail(Reason::kUnavailable, "the freezer cgroup controller is not mounted");
  }
  return write_kernel_file(fmt::format("{}/{}/freezer.state", controllers_[kFreezer], path),
                           frozen ? "FROZEN" : "THAWED");
}

Status Cgroups::remove(const std::string& path) {
  RETURN_IF_ERROR(check_path(path));
  for (const std::string& directory : group_directories(controllers_, unified_, path)) {
    RETURN_IF_ERROR(remove_group(directory));
  }
  return {};
}

Status Cgroups::remove_root() {
  if (mode_ == Mode::kNone) return {};
  // An earlier process may have sat in another group than we do, and made the root below it.
  std::vector<std::string> roots;
  for (const Hierarchy& hierarchy : find_hierarchies()) {
    find_named(hierarchy.mount_point, root_name_, kSearchDepth, roots);
  }
  std::erase_if(roots, [](const std::string& root) { return !writable(root); });
  RETURN_IF_ERROR(kill_below(roots, root_name_));
  for (const std::string& root : roots) RETURN_IF_ERROR(remove_group(root));
  return {};
}

}  // namespace minato::host
