#include "linux_net/doctor.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "base/result.h"
#include "base/strings.h"
#include "host/cgroup.h"
#include "host/files.h"
#include "host/process.h"
#include "linux_net/netlink.h"
#include "linux_net/netns.h"
#include "linux_net/user_namespace.h"

namespace minato::linux_net {
namespace {

using Level = Finding::Level;

constexpr rlim_t kEnoughFiles = 4096;
constexpr int kFirstOrdinaryPort = 1024;

Status enter_namespaces() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) return fail_errno("creating a user namespace", errno);
  // The single id that anyone may map is enough for a probe.
  (void)host::write_kernel_file("/proc/self/setgroups", "deny");
  RETURN_IF_ERROR(host::write_kernel_file("/proc/self/uid_map", fmt::format("0 {} 1", user)));
  RETURN_IF_ERROR(host::write_kernel_file("/proc/self/gid_map", fmt::format("0 {} 1", group)));
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) != 0) {
    return fail_errno("creating mount, network and PID namespaces", errno);
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("making mounts private", errno);
  }
  return {};
}

// Runs `probe` in a child that is inside namespaces of its own; what it did ends with it.
Status try_inside(const std::function<Status()>& probe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  host::Fd reader(ends[0]), writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork", errno);
  if (child == 0) {
    Status status = enter_namespaces();
    if (status) status = probe();
    if (!status) {
      const std::string& text = status.error().message;
      [[maybe_unused]] const ssize_t n = ::write(writer.get(), text.data(), text.size());
    }
    ::_exit(status ? 0 : 1);
  }
  writer.reset();
  const auto message = host::read_file(fmt::format("/proc/self/fd/{}", reader.get()));
  int wait_status = 0;
  while (::waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return {};
  return fail(Reason::kUnavailable, message ? *message : "the probe ended unexpectedly");
}

Finding examine(const std::string& name, const Status& status, const std::string& fix) {
  if (status) return {Level::kOk, name, "works", ""};
  return {Level::kMissing, name, status.error().message, fix};
}

Finding examine_namespaces() {
  const std::string hint = namespace_hint();
  return examine("namespaces", try_inside([] { return Status{}; }),
                 hint.empty() ? "run as root, or allow user namespaces to ordinary users" : hint);
}

Status probe_named_namespace() {
  if (::mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) != 0)
    return fail_errno("mounting tmpfs", errno);
  RETURN_IF_ERROR(create_netns("/tmp/netns"));
  return delete_netns("/tmp/netns");
}

Status probe_overlay() {
  if (::mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) != 0)
    return fail_errno("mounting tmpfs", errno);
  for (const char* part : {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged"}) {
    RETURN_IF_ERROR(host::make_directories(part));
  }
  constexpr const char* kLayers = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work";
  if (::mount("overlay", "/tmp/merged", "overlay", 0, kLayers) == 0) return {};
  return fail_errno("mounting overlayfs", errno);
}

Status probe_bridge() {
  ASSIGN_OR_RETURN(Netlink netlink, Netlink::open());
  return netlink.add_bridge("probe", MacAddress::of(Ipv4{1}));
}

Status probe_veth() {
  ASSIGN_OR_RETURN(Netlink netlink, Netlink::open());
  return netlink.add_veth({"probe0", MacAddress::of(Ipv4{1}), ""},
                          {"probe1", MacAddress::of(Ipv4{2}), ""});
}

Status probe_nftables(const char* rule) {
  const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                                  nft_ctx_free);
  if (!context) return fail(Reason::kUnavailable, "libnftables gave no context");
  nft_ctx_buffer_error(context.get());
  const std::string script = fmt::format(
      "add table ip t\nadd chain ip t c {{ type nat hook prerouting priority dstnat; }}\n"
      "add rule ip t c {}\n",
      rule);
  if (nft_run_cmd_from_buffer(context.get(), script.c_str()) == 0) return {};
  const std::string_view error = nft_ctx_get_error_buffer(context.get());
  return fail(Reason::kUnavailable, std::string(error.substr(0, error.find('\n'))));
}

Finding examine_cgroups() {
  const host::Cgroups cgroups = host::Cgroups::detect(fmt::format("minato-doctor-{}", ::getpid()));
  if (cgroups.mode() != host::Cgroups::Mode::kNone) {
    return {Level::kOk, "control groups", cgroups.describe(), ""};
  }
  return {Level::kLimited, "control groups", cgroups.describe(),
          "run as root, or on cgroup v2 under `systemd-run --user --scope -p Delegate=yes`"};
}

Finding examine_user_ids() {
  if (::geteuid() == 0) return {Level::kOk, "user ids", "root maps every id", ""};
  const auto users = subordinate_range("/etc/subuid");
  const auto mapper = host::find_program("newuidmap");
  if (users && mapper) {
    return {Level::kOk, "user ids", fmt::format("{} subordinate ids", users->count), ""};
  }
  return {Level::kLimited, "user ids",
          fmt::format("containers can run as root only: {}",
                      users ? mapper.error().message : users.error().message),
          "install uidmap and give the user a range: `usermod --add-subuids 100000-165535 "
          "--add-subgids 100000-165535 USER`"};
}

Finding examine_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::string why = fmt::format("up to {} open files", limit.rlim_max);
  if (limit.rlim_max >= kEnoughFiles) return {Level::kOk, "open files", why, ""};
  return {Level::kLimited, "open files", why, "raise the hard limit: `ulimit -Hn`"};
}

Finding examine_low_ports() {
  const auto start = host::read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  const std::int64_t first =
      start ? parse_int(trim(*start)).value_or(kFirstOrdinaryPort) : kFirstOrdinaryPort;
  if (::geteuid() == 0 || first <= 80) return {Level::kOk, "ports 80 and 443", "may be used", ""};
  return {Level::kLimited, "ports 80 and 443", fmt::format("ports below {} need root", first),
          "use 8080 and 8443, or `sysctl net.ipv4.ip_unprivileged_port_start=80`"};
}

Finding examine_programs(const std::vector<std::string>& any_of, const std::string& package) {
  const std::string name = join(any_of, " or ");
  for (const std::string& program : any_of) {
    if (const auto path = host::find_program(program)) return {Level::kOk, name, *path, ""};
  }
  return {Level::kMissing, name, "not installed", fmt::format("install the package {}", package)};
}

}  // namespace

std::vector<Finding> examine_host() {
  const std::string module_hint = "load the kernel module, or use a kernel that has it: ";
  return {
      examine_namespaces(),
      examine("named network namespaces", try_inside(probe_named_namespace),
              "allow bind mounts inside of user namespaces"),
      examine("overlayfs", try_inside(probe_overlay),
              "use Linux 5.11 or newer: overlayfs in user namespaces"),
      examine("bridge", try_inside(probe_bridge), module_hint + "bridge"),
      examine("veth", try_inside(probe_veth), module_hint + "veth"),
      examine("nftables nat", try_inside([] { return probe_nftables("dnat to 10.0.0.1"); }),
              module_hint + "nf_tables, nft_chain_nat, nft_nat"),
      examine("nftables numgen",
              try_inside([] { return probe_nftables("numgen random mod 2 vmap { 0 : accept }"); }),
              module_hint + "nft_numgen"),
      examine("nftables fib",
              try_inside([] { return probe_nftables("fib daddr type local accept"); }),
              module_hint + "nft_fib_ipv4"),
      examine_cgroups(),
      examine_user_ids(),
      examine_open_files(),
      examine_low_ports(),
      examine_programs({"crun", "runc"}, "crun"),
      examine_programs({"haproxy"}, "haproxy"),
      examine_programs({"dnsmasq"}, "dnsmasq-base"),
  };
}

}  // namespace minato::linux_net
