#include "linux_container/bundle.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "base/strings.h"
#include "linux_container/seccomp.h"

namespace minato::linux_container {
namespace json = boost::json;
namespace {

// In the kernel's order: the index is the bit (linux/capability.h).
constexpr std::array<std::string_view, 41> kCapabilities = {"CHOWN",
                                                            "DAC_OVERRIDE",
                                                            "DAC_READ_SEARCH",
                                                            "FOWNER",
                                                            "FSETID",
                                                            "KILL",
                                                            "SETGID",
                                                            "SETUID",
                                                            "SETPCAP",
                                                            "LINUX_IMMUTABLE",
                                                            "NET_BIND_SERVICE",
                                                            "NET_BROADCAST",
                                                            "NET_ADMIN",
                                                            "NET_RAW",
                                                            "IPC_LOCK",
                                                            "IPC_OWNER",
                                                            "SYS_MODULE",
                                                            "SYS_RAWIO",
                                                            "SYS_CHROOT",
                                                            "SYS_PTRACE",
                                                            "SYS_PACCT",
                                                            "SYS_ADMIN",
                                                            "SYS_BOOT",
                                                            "SYS_NICE",
                                                            "SYS_RESOURCE",
                                                            "SYS_TIME",
                                                            "SYS_TTY_CONFIG",
                                                            "MKNOD",
                                                            "LEASE",
                                                            "AUDIT_WRITE",
                                                            "AUDIT_CONTROL",
                                                            "SETFCAP",
                                                            "MAC_OVERRIDE",
                                                            "MAC_ADMIN",
                                                            "SYSLOG",
                                                            "WAKE_ALARM",
                                                            "BLOCK_SUSPEND",
                                                            "AUDIT_READ",
                                                            "PERFMON",
                                                            "BPF",
                                                            "CHECKPOINT_RESTORE"};

constexpr std::array<std::string_view, 13> kDefaultCapabilities = {
    "CHOWN",   "DAC_OVERRIDE", "FSETID",           "FOWNER",     "NET_RAW", "SETGID",     "SETUID",
    "SETFCAP", "SETPCAP",      "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",    "AUDIT_WRITE"};

constexpr const char* kMaskedPaths[] = {"/proc/acpi",        "/proc/asound",
                                        "/proc/interrupts",  "/proc/kcore",
                                        "/proc/keys",        "/proc/latency_stats",
                                        "/proc/timer_list",  "/proc/timer_stats",
                                        "/proc/sched_debug", "/proc/scsi",
                                        "/sys/firmware",     "/sys/fs/selinux",
                                        "/sys/dev/block",    "/sys/devices/virtual/powercap"};
constexpr const char* kReadonlyPaths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};

json::array array_of(const auto& items) {
  json::array array;
  for (const auto& item : items) array.emplace_back(item);
  return array;
}

json::object mount(std::string_view destination, std::string_view type, std::string_view source,
                   std::initializer_list<std::string_view> options) {
  return {{"destination", destination},
          {"type", type},
          {"source", source},
          {"options", array_of(options)}};
}

json::array mounts(const SpecInput& input) {
  const bool privileged = input.confinement == SpecInput::Confinement::kPrivileged;
  json::array result;
  result.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  result.push_back(
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  // Without "gid=5": in a user namespace with a single mapping there is no group "tty".
  result.push_back(mount("/dev/pts", "devpts", "devpts",
                         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}));
  result.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  result.push_back(
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", privileged ? "rw" : "ro"}));
  for (const BindMount& bind : input.binds) {
    const bool read_only = bind.access == BindMount::Access::kReadOnly;
    result.push_back(mount(bind.destination, "bind", bind.source,
                           {"rbind", "rprivate", read_only ? "ro" : "rw"}));
  }
  return result;
}

json::object process(const SpecInput& input) {
  json::object capabilities;
  // Inheritable and ambient stay empty: they would survive a change of user.
  for (const char* set : {"bounding", "effective", "permitted"}) {
    capabilities[set] = array_of(input.capabilities);
  }
  json::array rlimits{json::object{{"type", "RLIMIT_CORE"}, {"soft", 0}, {"hard", 0}}};
  if (input.open_files > 0) {
    rlimits.push_back(json::object{
        {"type", "RLIMIT_NOFILE"}, {"soft", input.open_files}, {"hard", input.open_files}});
  }
  return {{"terminal", input.terminal},
          {"user",
           {{"uid", input.user.uid},
            {"gid", input.user.gid},
            {"additionalGids", array_of(input.user.groups)}}},
          {"args", array_of(input.args)},
          {"env", array_of(input.environment)},
          {"cwd", input.working_dir},
          {"capabilities", std::move(capabilities)},
          {"rlimits", std::move(rlimits)},
          {"noNewPrivileges", input.no_new_privileges}};
}

}  // namespace

std::string oci_spec(const SpecInput& input) {
  json::object linux_part{
      {"namespaces", json::array{json::object{{"type", "pid"}}, json::object{{"type", "mount"}}}}};
  if (input.confinement == SpecInput::Confinement::kDefault) {
    linux_part["maskedPaths"] = array_of(kMaskedPaths);
    linux_part["readonlyPaths"] = array_of(kReadonlyPaths);
    if (input.seccomp == SpecInput::Seccomp::kDefault) {
      linux_part["seccomp"] = default_seccomp_profile(input.capabilities);
    }
  }
  return json::serialize(json::object{
      {"ociVersion", "1.0.2"},
      {"process", process(input)},
      {"root", {{"path", "rootfs"}, {"readonly", input.root == SpecInput::Root::kReadOnly}}},
      {"mounts", mounts(input)},
      {"linux", std::move(linux_part)}});
}

Result<std::vector<std::string>> container_args(const container::ContainerConfig& config,
                                                const container::ImageConfig& image) {
  std::vector<std::string> args = config.command.empty() ? image.entrypoint : config.command;
  const bool image_cmd = config.command.empty() && config.args.empty();
  const std::vector<std::string>& rest = image_cmd ? image.cmd : config.args;
  args.insert(args.end(), rest.begin(), rest.end());
  if (args.empty() || args.front().empty()) {
    return fail(Reason::kInvalid,
                fmt::format("container \"{}\": no command specified, and the image {} has none",
                            config.name, config.image));
  }
  return args;
}

std::vector<std::string> container_environment(const container::ContainerConfig& config,
                                               const container::ImageConfig& image,
                                               const std::string& hostname) {
  std::vector<std::pair<std::string, std::string>> entries{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOSTNAME", hostname}};
  const auto set = [&](const std::string& name, const std::string& value) {
    const auto it = std::ranges::find(entries, name, [](const auto& entry) { return entry.first; });
    if (it != entries.end()) {
      it->second = value;
    } else {
      entries.emplace_back(name, value);
    }
  };
  for (const std::string& entry : image.env) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos && equals > 0) {
      set(entry.substr(0, equals), entry.substr(equals + 1));
    }
  }
  for (const auto& [name, value] : config.env) set(name, value);
  std::vector<std::string> environment;
  for (const auto& [name, value] : entries) environment.push_back(name + "=" + value);
  return environment;
}

std::string container_user(const container::SecurityContext& security,
                           const container::ImageConfig& image) {
  const std::size_t colon = image.user.find(':');
  std::string user = image.user.substr(0, colon);
  std::string group = colon == std::string::npos ? "" : image.user.substr(colon + 1);
  if (security.run_as_user >= 0) {
    // The image's group belongs to the image's user.
    user = std::to_string(security.run_as_user);
    group.clear();
  }
  if (security.run_as_group >= 0) group = std::to_string(security.run_as_group);
  if (group.empty()) return user;
  return (user.empty() ? "0" : user) + ":" + group;
}

std::vector<std::string> default_capabilities() {
  std::vector<std::string> names;
  for (const std::string_view name : kDefaultCapabilities)
    names.push_back(fmt::format("CAP_{}", name));
  return names;
}

namespace {

std::uint64_t bit_of(std::string_view name) {
  const auto it = std::ranges::find(kCapabilities, name);
  return it == kCapabilities.end() ? 0 : std::uint64_t{1} << (it - kCapabilities.begin());
}

Result<std::uint64_t> capability_set(const std::vector<std::string>& names) {
  std::uint64_t set = 0;
  for (const std::string& given : names) {
    std::string_view name = given;
    if (name == "ALL") return ~std::uint64_t{0};
    if (name.starts_with("CAP_")) name.remove_prefix(4);
    const std::uint64_t bit = bit_of(name);
    if (bit == 0) return fail(Reason::kInvalid, fmt::format("unknown capability \"{}\"", given));
    set |= bit;
  }
  return set;
}

}  // namespace

Result<std::vector<std::string>> container_capabilities(const container::SecurityContext& security,
                                                        std::uint64_t available) {
  ASSIGN_OR_RETURN(const std::uint64_t added, capability_set(security.capabilities_add));
  ASSIGN_OR_RETURN(const std::uint64_t dropped, capability_set(security.capabilities_drop));
  ASSIGN_OR_RETURN(std::uint64_t set, capability_set(default_capabilities()));
  // As upstream: "drop ALL, add X" leaves X, so additions come after a drop of everything.
  set = dropped == ~std::uint64_t{0} ? added : (set | added) & ~dropped;
  if (security.privileged) set = ~std::uint64_t{0};
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < kCapabilities.size(); ++bit) {
    const bool given = (set & available) >> bit & 1;
    if (given) names.push_back(fmt::format("CAP_{}", kCapabilities[bit]));
  }
  return names;
}

Result<int> parse_signal(std::string_view name) {
  static constexpr std::pair<std::string_view, int> kSignals[] = {
      {"HUP", SIGHUP},   {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ABRT", SIGABRT},
      {"KILL", SIGKILL}, {"USR1", SIGUSR1},   {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},
      {"ALRM", SIGALRM}, {"TERM", SIGTERM},   {"CONT", SIGCONT}, {"STOP", SIGSTOP},
      {"TSTP", SIGTSTP}, {"WINCH", SIGWINCH}, {"PWR", SIGPWR}};
  constexpr int kHighest = 64;
  if (name.empty()) return SIGTERM;
  std::string_view bare = name;
  if (bare.starts_with("SIG")) bare.remove_prefix(3);
  for (const auto& [known, number] : kSignals) {
    if (bare == known) return number;
  }
  // The kernel's numbers, not the C library's SIGRTMIN, which keeps two for itself.
  constexpr int kRealTimeMin = 34;
  const bool real_time = bare.starts_with("RTMIN");
  if (bare == "RTMIN") return kRealTimeMin;
  const auto number = parse_int(real_time && bare.size() > 6 ? bare.substr(6) : bare);
  const std::int64_t value = number ? *number + (real_time ? kRealTimeMin : 0) : 0;
  if (value >= 1 && value <= kHighest) return static_cast<int>(value);
  return fail(Reason::kInvalid, fmt::format("unknown stop signal \"{}\"", name));
}

std::string hosts_file(const std::string& ip, const std::string& hostname) {
  return fmt::format(
      "# Kubernetes-managed hosts file.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "{}\t{}\n",
      ip, hostname);
}

std::string resolv_conf(const container::SandboxConfig& config) {
  std::string text;
  if (!config.dns_searches.empty()) text += "search " + join(config.dns_searches, " ") + "\n";
  for (const std::string& server : config.dns_servers) text += "nameserver " + server + "\n";
  if (!config.dns_options.empty()) text += "options " + join(config.dns_options, " ") + "\n";
  return text;
}

}  // namespace minato::linux_container
